"""Create in a real Chromium, over the real studio that draws with Pocket: what is written, reasoned, drawn, cancelled and found again."""

from __future__ import annotations

import importlib
import io
import os
import re
from typing import Any

import pytest
from gradio_client import Client
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import IN_CHROMIUM, NASTY, Visit, drawn, drop_on_stage, fill, newest, visiting
from tests.conftest import App, StartApp

WISH = "three rabbits on a purple background"

pytestmark = IN_CHROMIUM


def test_a_wish_is_reasoned_about_and_drawn(visit: Visit, client: Client) -> None:
    page = visit.open()
    fill(page, WISH, reason=True, seed=4017733)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".thread li.done")).to_have_count(4)
    image = drawn(page, 4017733)
    expect(page.locator(".facts")).to_contain_text("8 steps")
    assert image.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [128, 128]
    picture = newest(client)
    assert image.get_attribute("src") == picture["url"]
    assert page.locator(".drawn-text").inner_text() == picture["prompt"]
    said = page.locator(".thread li p").all_inner_texts()
    kept = [step["text"] or "none" for step in picture["enhancement"]["steps"]]
    assert [" ".join(text.split()) for text in said] == [" ".join(text.split()) for text in kept]
    step = page.locator(".thread li .step").nth(2)
    expect(step).to_have_attribute("aria-expanded", "false")
    step.click()
    expect(step).to_have_attribute("aria-expanded", "true")
    assert page.locator(".thread li.open").count() == 1
    marked = "".join(page.locator(".drawn-text mark").all_inner_texts())
    assert (marked == "") == (picture["prompt"].lower() == WISH)
    assert page.locator("#prompt textarea").input_value() == WISH
    lost = [one for one in picture["enhancement"]["checks"] if not one["held"]]
    told = f"Checked and kept: {', '.join(one['wanted'] for one in picture['enhancement']['checks'])}."
    expect(page.locator(".thread .kept")).to_have_text(re.compile("^Lost from your prompt: ") if lost else told)


LATE = """(() => {
  const until = performance.now() + 2500;
  const late = (text) => performance.now() < until && /^#?seed\\b/.test(text);
  for (const name of ["getElementById", "querySelector"]) {
    const found = Document.prototype[name];
    Document.prototype[name] = function (text) { return late(text) ? null : found.call(this, text); };
  }
})()"""


def test_a_field_that_comes_late_is_waited_for(visit: Visit) -> None:
    visit.page.add_init_script(LATE)
    page = visit.open()
    expect(page.locator("#seed .unlock")).to_have_count(1)


def test_what_the_reasoning_lost_is_named(visit: Visit, client: Client) -> None:
    """Pocket draws nine of a thing at most, and says so; the page says what that does to the wish."""
    page = visit.open()
    fill(page, "15 mushrooms on a red background", reason=True, seed=4017991)
    page.keyboard.press("Control+Enter")
    drawn(page, 4017991)
    checks = newest(client)["enhancement"]["checks"]
    assert {one["wanted"]: one["held"] for one in checks} == {"15 mushrooms": False, "red": True}
    expect(page.locator(".thread .kept.lost")).to_have_text(
        "Lost from your prompt: 15 mushrooms. Edit it, or try another."
    )


def test_a_wish_is_steered_and_each_picture_has_its_own_rewrite(visit: Visit, client: Client) -> None:
    page = visit.open()
    fill(page, "two {foxes|owls} on a blue background", reason=True, seed=4019001, count=2)
    page.click("#fold-steering button")
    page.locator("#style label", has_text="Pencil drawing").click()
    page.fill("#locks input, #locks textarea", "blue")
    page.click("#spread input")
    expect(page.locator("#fold-steering output")).to_have_text("Pencil drawing · blue · own rewrites")
    page.click("#draw")
    drawn(page, 4019002)
    second = newest(client)
    first = next(one for one in client.predict(api_name="/history")["items"] if one["seed"] == 4019001)
    for one in (first, second):
        kept = one["enhancement"]
        assert one["original_prompt"] in ("two foxes on a blue background", "two owls on a blue background")
        assert kept["seed"] == one["seed"] and kept["style"] == "pencil" and kept["locks"] == ["blue"]
        assert {"kind": "lock", "wanted": "blue", "held": True} in kept["checks"]
    assert first["enhancement"]["id"] != second["enhancement"]["id"]
    expect(page.locator(".thread .told")).to_have_text("Pencil drawing · must stay: blue")
    expect(page.locator(".thread .fits")).to_have_text(re.compile(r"^\d+ / 512 tokens$"))
    keep_a_rewrite(page, client, first)
    page.fill("#locks input, #locks textarea", "")
    page.locator(".deeds button", has_text="Reuse").click()
    expect(page.locator("#locks input, #locks textarea")).to_have_value("blue")
    expect(page.locator("#style input:checked")).to_have_value("pencil")
    page.fill("#locks input, #locks textarea", "a dog")
    page.click("#draw")
    expect(page.get_by_role("alert")).to_contain_text("locks must be words of the prompt")


def keep_a_rewrite(page: Page, client: Client, first: dict[str, Any]) -> None:
    """Pictures from rewrites of their own stand together; the one that is kept is drawn from until it is let go."""
    cards = page.locator(".rewrites .rewrite")
    expect(cards).to_have_count(2)
    cards.first.click()
    expect(page.locator(".drawn-text")).to_have_text(first["prompt"])
    expect(cards.first).to_have_attribute("aria-pressed", "true")
    page.locator(".result button", has_text="Keep this rewrite").click()
    expect(page.locator("#prompt textarea")).to_have_value(first["prompt"])
    page.fill("#seed input", "4019003")
    page.fill("#count input", "1")
    page.click("#draw")
    drawn(page, 4019003)
    third = newest(client)
    assert third["prompt"] == first["prompt"] and third["enhancement"]["id"] == first["enhancement"]["id"]
    assert third["original_prompt"] == first["original_prompt"]
    page.locator("#ask-foot button", has_text="From a kept rewrite").click()
    expect(page.locator("#prompt textarea")).to_have_value(first["original_prompt"])
    expect(page.locator("#ask-foot button", has_text="From a kept rewrite")).to_be_hidden()


def test_an_edited_prompt_keeps_its_reasoning(visit: Visit, client: Client) -> None:
    page = visit.open()
    fill(page, "two cats on a red background", reason=True, seed=11)
    page.click("#draw")
    drawn(page, 11)
    first = newest(client)
    page.fill("#seed input", "12")
    page.locator(".result button", has_text="Edit").click()
    page.fill(".result textarea", "two cats and a dog on a red background")
    page.locator(".result button", has_text="Draw this").click()
    drawn(page, 12)
    second = newest(client)
    assert second["prompt"] == "two cats and a dog on a red background"
    assert second["original_prompt"] == "two cats on a red background"
    assert second["enhancement"] == first["enhancement"]
    expect(page.locator(".drawn-text")).to_have_text(second["prompt"])


def test_another_reasoning_is_drawn_when_it_is_wanted(visit: Visit, client: Client) -> None:
    page = visit.open()
    fill(page, "one fish on a blue background", reason=True, seed=21)
    page.click("#draw")
    drawn(page, 21)
    first = newest(client)
    page.locator(".result button", has_text="Another").click()
    draw_this = page.locator(".result button", has_text="Draw this")
    expect(draw_this).to_be_visible()
    assert newest(client)["id"] == first["id"], "reasoning alone draws nothing"
    page.fill("#seed input", "22")
    draw_this.click()
    drawn(page, 22)
    second = newest(client)
    assert second["enhancement"]["id"] != first["enhancement"]["id"]
    assert second["original_prompt"] == "one fish on a blue background"


@pytest.mark.usefixtures("emptied")
def test_a_reload_finds_the_job_and_escape_cancels_it(visit: Visit, client: Client) -> None:
    page = visit.open()
    fill(page, "a rocket on a black background", seed=31, count=64)
    page.click("#draw")
    expect(page.locator(".facts")).to_contain_text("of 64")
    page = visit.reload()
    expect(page.locator(".facts")).to_contain_text("of 64")
    expect(page.locator(".deeds .cancel")).to_be_visible()
    assert page.locator("#prompt textarea").input_value() == "a rocket on a black background"
    page.locator("#prompt textarea").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".deeds .cancel")).to_have_count(0)
    assert client.predict(api_name="/jobs") == []


@pytest.mark.usefixtures("emptied")
def test_wishes_wait_their_turn(visit: Visit, client: Client) -> None:
    page = visit.open()
    fill(page, "a tree on a white background", seed=41, count=64)
    page.click("#draw")
    expect(page.locator(".deeds .cancel")).to_be_visible()
    fill(page, "a moon on a black background", seed=45)
    page.click("#draw")
    expect(page.locator(".facts")).to_contain_text("1 more waiting")
    assert [job["prompt"] for job in client.predict(api_name="/jobs")] == [
        "a tree on a white background",
        "a moon on a black background",
    ]
    page.keyboard.press("Escape")
    drawn(page, 45)


def test_text_stays_text(visit: Visit, client: Client) -> None:
    page = visit.open()
    fill(page, NASTY, seed=51)
    page.keyboard.press("Control+Enter")
    image = drawn(page, 51)
    assert page.locator(".drawn-text").inner_text() == NASTY
    assert NASTY in (image.get_attribute("alt") or "")
    page.locator("#rooms [role=tab]:visible", has_text="Queue").click()
    page.locator("#rooms [role=tab]:visible", has_text="Create").click()
    page = visit.reload()
    drawn(page, 51)
    assert page.evaluate("window.hacked") is None
    assert page.locator(".canvas b:text('bold')").count() == 0
    assert newest(client)["prompt"] == NASTY


def test_again_is_identical_and_vary_is_not(visit: Visit, client: Client) -> None:
    page = visit.open()
    fill(page, "four stars on a black background", seed=61)
    page.click("#draw")
    drawn(page, 61)
    first = newest(client)
    page.locator(".deeds button", has_text="Again").click()
    expect(page.locator(".facts .same")).to_have_text("Identical, pixel for pixel")
    again = newest(client)
    assert again["parent_id"] == first["id"] and again["pixel_sha256"] == first["pixel_sha256"]
    page.locator(".deeds").get_by_role("button", name="Vary", exact=True).click()
    expect(page.locator(".facts .seed")).not_to_have_text(re.compile("61$"))
    expect(page.locator(".deeds .more")).to_be_visible()
    assert newest(client)["seed"] != 61


def test_star_share_delete_and_undo(visit: Visit, client: Client) -> None:
    page = visit.open()
    fill(page, "a house on a green background", seed=71)
    page.click("#draw")
    drawn(page, 71)
    picture = newest(client)
    page.locator(".deeds .star").click()
    expect(page.locator(".deeds .star")).to_have_attribute("aria-pressed", "true")
    assert client.predict(id=picture["id"], api_name="/picture")["favourite"] is True
    page.locator(".deeds button", has_text="Share").click()
    link = page.locator(".sharing input").input_value()
    assert page.request.get(link).ok
    page.locator(".sharing button", has_text="Take the link back").click()
    expect(page.locator(".sharing")).to_be_hidden()
    assert page.request.get(link).status == 404
    page.locator(".deeds .more").click()
    page.locator(".menu .delete").click()
    undo = page.locator(".studio-toast button")
    expect(undo).to_be_visible()
    assert client.predict(id=picture["id"], api_name="/picture")["deleted_at"]
    undo.click()
    drawn(page, 71)
    assert client.predict(id=picture["id"], api_name="/picture")["deleted_at"] is None


def test_reuse_fills_the_form(visit: Visit, client: Client) -> None:
    page = visit.open()
    page.locator("#shape label", has_text="16:9").click()
    expect(page.locator("#fold-size output")).not_to_have_text("128 × 128")
    fill(page, "two apples on a yellow background", seed=81)
    page.click("#draw")
    drawn(page, 81)
    picture = newest(client)
    fill(page, "something else", reason=True, count=3)
    page.locator("#shape label", has_text="1:1").click()
    page.locator(".deeds button", has_text="Reuse").click()
    expect(page.locator("#prompt textarea")).to_have_value(picture["original_prompt"])
    expect(page.locator("#seed input")).to_have_value("81")
    expect(page.locator("#count input")).to_have_value("1")
    expect(page.locator("#reason input")).not_to_be_checked()
    expect(page.locator("#fold-size output")).to_have_text(f"{picture['width']} × {picture['height']}")
    expect(page.locator("#shape label", has_text="16:9").locator("input")).to_be_checked()


def test_a_refusal_is_a_sentence_and_the_prompt_stays(visit: Visit, client: Client) -> None:
    page = visit.open()
    before = client.predict(limit=1, api_name="/history")["total"]
    fill(page, WISH)
    page.fill("#seed input", "a number")
    page.click("#draw")
    expect(page.locator(".notice")).to_contain_text("seed must be a whole number")
    assert page.locator("#prompt textarea").input_value() == WISH
    page.fill("#seed input", "")
    page.fill("#prompt textarea", "   ")
    page.click("#draw")
    expect(page.locator(".notice")).to_contain_text("prompt must not be empty")
    assert client.predict(limit=1, api_name="/history")["total"] == before


def test_tokens_are_counted_as_the_encoder_does(visit: Visit) -> None:
    page = visit.open()
    page.fill("#prompt textarea", "two cats")
    expect(page.locator("#ask-foot .tokens")).to_have_text(re.compile(r"^\d+ / 512 tokens$"))
    page.fill("#prompt textarea", "two cats and a dog " * 200)
    over = re.compile(r"^\d+ of 512 tokens: the end will not be seen$")
    expect(page.locator("#ask-foot .tokens")).to_have_text(over)


def test_the_strip_is_walked_with_the_arrows(visit: Visit, client: Client) -> None:
    page = visit.open()
    fill(page, "one sun on a blue background", seed=91, count=3)
    page.click("#draw")
    expect(page.locator(".deeds .more")).to_be_visible()
    drawn(page, 93)
    page.locator(".strip .tile.on").focus()
    page.keyboard.press("ArrowRight")
    drawn(page, 92)
    page.keyboard.press("ArrowRight")
    drawn(page, 91)
    page.keyboard.press("Home")
    drawn(page, 93)


def test_language_and_light_are_chosen_and_remembered(visit: Visit) -> None:
    page = visit.open()
    page.click("#bar .language")
    expect(page.locator("#draw")).to_contain_text("绘制")
    expect(page.locator("#rooms [role=tab]:visible").first).to_have_text("创作")
    was = page.evaluate("document.body.classList.contains('dark')")
    page.click("#bar .light")
    assert page.evaluate("document.body.classList.contains('dark')") is not was
    page = visit.reload()
    expect(page.locator("#draw")).to_contain_text("绘制")
    expect(page.locator("#rooms [role=tab]:visible").nth(1)).to_have_text("图库")
    assert page.evaluate("document.body.classList.contains('dark')") is not was
    assert page.evaluate("document.documentElement.lang") == "zh-CN"


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_everybody_can_use_it(chromium: Browser, server: App, scheme: str) -> None:
    if os.environ.get("CI") != "true":
        pytest.importorskip("axe_playwright_python", reason="pip install axe-playwright-python")
    axe = importlib.import_module("axe_playwright_python.sync_playwright")
    with visiting(chromium, server.url, color_scheme=scheme) as visit:
        page = visit.open()
        for fold in ("size", "steps_model", "model"):
            page.click(f"#fold-{fold} button")
        found = axe.Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
        assert found.response["violations"] == []


def test_a_phone_has_what_matters_within_reach(chromium: Browser, server: App) -> None:
    phone = {"width": 390, "height": 844}
    with visiting(chromium, server.url, viewport=phone, is_mobile=True, has_touch=True) as visit:
        page = visit.open()
        fill_here = page.locator("#prompt textarea")
        fill_here.fill("a car on a pink background")
        page.locator("#ask-foot .more-settings").click()
        page.locator("#reason input").set_checked(False)
        page.fill("#seed input", "101")
        page.locator("#draw").click()
        drawn(page, 101)
        assert page.evaluate("document.documentElement.scrollWidth") <= phone["width"]
        for where in ("#draw", "#prompt textarea"):
            box = page.locator(where).bounding_box()
            assert box is not None and box["y"] > phone["height"] / 2 and box["y"] + box["height"] <= phone["height"]
        picture = page.locator(".frame").bounding_box()
        assert picture is not None and picture["y"] < 100 and picture["width"] > phone["width"] * 0.8
        expect(page.locator("#shape")).to_be_hidden()
        assert page.locator("details.thread").get_attribute("open") is None


def test_a_first_visit_is_welcomed(chromium: Browser, start_app: StartApp) -> None:
    app = start_app(ready=False)
    with visiting(chromium, app.url) as visit:
        page = visit.open()
        examples = page.locator(".welcome button")
        expect(examples).to_have_count(4)
        examples.first.click()
        expect(page.locator(".frame img.shown:not(.preview)")).to_be_visible()
        expect(page.locator(".deeds .more")).to_be_visible()
        assert page.locator("#prompt textarea").input_value() == WISH
        assert newest(app.client())["original_prompt"] == WISH


def test_a_failed_reasoning_is_told_and_the_prompt_is_drawn_by_one_click(
    chromium: Browser, start_app: StartApp
) -> None:
    app = start_app(enhancer="remote", enhancer_url="http://127.0.0.1:9/v1", enhancer_model="nobody")
    with visiting(chromium, app.url) as visit:
        page = visit.open()
        fill(page, WISH, reason=True, seed=77)
        page.keyboard.press("Control+Enter")
        plain = page.get_by_role("button", name="Draw without reasoning")
        expect(plain).to_be_visible()
        expect(page.locator("#prompt textarea")).to_have_value(WISH)
        plain.click()
        drawn(page, 77)
        kept = newest(app.client())
        assert (kept["prompt"], kept["enhancement"], kept["seed"]) == (WISH, None, 77)


def test_the_same_refusal_is_said_each_time_and_in_the_language_of_the_page(
    chromium: Browser, server: App, client: Client
) -> None:
    client.predict(prompt=WISH, enhance=False, steps=1, api_name="/generate")
    with visiting(chromium, server.url, locale="zh-CN") as visit:
        page = visit.open()
        fill(page, "  ")
        for _ in range(2):
            page.locator("#draw").click()
            expect(page.locator(".notice p")).to_have_text("提示词不能为空。")
            page.locator(".strip .tile").first.click()
            expect(page.locator(".notice p")).to_have_count(0)


def test_a_long_prompt_leaves_the_picture_and_what_can_be_done_in_sight(visit: Visit, client: Client) -> None:
    prompt = "three rabbits on a purple background, " * 100
    client.predict(prompt=prompt, enhance=False, steps=1, api_name="/generate")
    page = visit.open()
    expect(page.locator(".drawn-text")).to_have_text(prompt)
    for where in (".frame img.shown", ".deeds .more", ".result .row button >> nth=0"):
        expect(page.locator(where)).to_be_in_viewport(ratio=1)


def test_a_low_window_is_not_scrolled_to_the_strip(chromium: Browser, server: App, client: Client) -> None:
    client.predict(prompt=WISH, enhance=False, steps=1, api_name="/generate")
    with visiting(chromium, server.url, viewport={"width": 720, "height": 450}) as visit:
        page = visit.open()
        expect(page.locator(".strip .tile.on")).to_have_count(1)
        page.wait_for_timeout(200)  # a scroll comes with the next frame
        assert page.evaluate("window.scrollY") == 0


def test_the_key_that_draws_turns_no_switch(visit: Visit, client: Client) -> None:
    page = visit.open()
    fill(page, WISH, seed=31)
    page.locator("#reason input").focus()
    page.keyboard.press("Control+Enter")
    drawn(page, 31)
    assert not page.locator("#reason input").is_checked()
    assert newest(client)["enhancement"] is None


def test_an_open_fold_is_as_high_as_what_it_holds(visit: Visit) -> None:
    page = visit.open()
    page.click("#fold-steps_model button")
    expect(page.locator("#steps input")).to_be_visible()
    fields, after = (
        page.locator(where).first.bounding_box()
        for where in ("#variation input", "#folded-steps_model ~ .fold:visible")
    )
    assert fields is not None and after is not None
    assert 0 < after["y"] - fields["y"] - fields["height"] < 32


def test_a_picture_that_is_dropped_fills_all_settings(visit: Visit, client: Client, server: App) -> None:
    asked = {
        "checkpoint": "pocket-base", "seed": 6620077, "steps": 6, "guidance": 3.0, "negative_prompt": "a moon", "shift": 4.0,
        "cfg_truncation": 0.5, "cfg_normalization": True, "width": 96, "height": 128, "variation_of": [[41, 0.5]],
    }  # fmt: skip
    made = client.predict("a fox on a green background", False, **asked, api_name="/generate")["pictures"][0]
    page = visit.open()
    data = page.request.get(f"{server.url}{made['url']}").body()
    drop_on_stage(page, data)
    expect(page.locator(".studio-toast")).to_contain_text("in the form")
    expect(page.locator("#negative textarea")).to_have_value("a moon")
    page.locator("#reason input").set_checked(False)
    page.locator("#draw").click()
    page.wait_for_function("id => !document.querySelector('.frame img.shown')?.src.includes(id)", arg=made["id"])
    drawn(page, 6620077)
    again = newest(client)
    assert {name: again[name] for name in asked} == asked
    assert again["id"] != made["id"] and again["pixel_sha256"] == made["pixel_sha256"]


def test_what_is_missing_of_a_foreign_picture_is_said(visit: Visit) -> None:
    info, file = PngInfo(), io.BytesIO()
    told = "an ink fox <lora:ink:0.8>\nSteps: 30, Sampler: Euler, CFG scale: 7, Seed: 5, Size: 32x32, Model: dreams"
    info.add_text("parameters", told)
    Image.new("RGB", (32, 32), "teal").save(file, "PNG", pnginfo=info)
    page = visit.open()
    drop_on_stage(page, file.getvalue())
    toast = page.locator(".studio-toast")
    expect(toast).to_contain_text("Its model dreams is not here: steps and guidance stay as they were.")
    expect(toast).to_contain_text("Adapters that are missing here: ink (0.8).")
    expect(page.locator("#seed input")).to_have_value("5")
    expect(page.locator("#steps input")).to_have_value("8")


@pytest.mark.parametrize(
    ("model", "says"),
    [(", Model: dreams", "Its model dreams is not here: steps"), ("", "It does not tell its model: steps")],
)
def test_of_a_picture_from_elsewhere_is_reused_what_any_model_understands(
    visit: Visit, client: Client, model: str, says: str
) -> None:
    info, file = PngInfo(), io.BytesIO()
    prompt = f"a reused fox{model}"
    info.add_text("parameters", f"{prompt}\nSteps: 30, Sampler: Euler, CFG scale: 7, Seed: 512, Size: 160x96{model}")
    Image.new("RGB", (160, 96), "teal").save(file, "PNG", pnginfo=info)
    page = visit.open()
    made = page.request.post(f"{visit.url}/media/import?name=fox.png", data=file.getvalue()).json()["picture"]
    fill(page, "a prompt that goes", count=3)
    page.evaluate("id => studio.emit('reuse', { id })", made["id"])
    expect(page.locator(".studio-toast")).to_contain_text(f"Its prompt and settings are in the form. {says}")
    expect(page.locator("#prompt textarea")).to_have_value(prompt)
    expect(page.locator("#seed input")).to_have_value("512")
    expect(page.locator("#fold-size output")).to_have_text("160 × 96")
    expect(page.locator("#count input")).to_have_value("3")
    expect(page.locator("#steps input")).to_have_value("8")
    expect(page.locator("#checkpoint input:checked")).to_have_count(1)
    page.locator(".deeds button", has_text="Again").click()
    expect(page.locator(".notice")).to_contain_text("This picture was imported, and")
    client.predict(id=made["id"], api_name="/delete")


def test_a_picture_is_varied_by_strength_and_its_settings_are_used_again(visit: Visit, client: Client) -> None:
    page = visit.open()
    fill(page, "an owl on a green background", reason=False, seed=6620041)
    page.locator("#draw").click()
    drawn(page, 6620041)
    page.locator(".deeds .more").click()
    page.locator(".deeds").get_by_role("button", name="Vary a little").click()
    expect(page.locator(".facts .seed")).not_to_contain_text("6 620 041".replace(" ", "\u202f"))
    expect(page.locator(".deeds .more")).to_be_visible()
    near = newest(client)
    assert near["variation_of"] == [[6620041, 0.25]]
    page.locator(".deeds").get_by_role("button", name="Reuse").click()
    expect(page.locator("#variation input, #variation textarea")).to_have_value("6620041 0.25")
    expect(page.locator("#fold-steps_model output")).to_contain_text("variation")
    page.locator("#draw").click()
    page.wait_for_function("id => !document.querySelector('.frame img.shown')?.src.includes(id)", arg=near["id"])
    drawn(page, near["seed"])
    again = newest(client)
    assert again["id"] != near["id"] and again["pixel_sha256"] == near["pixel_sha256"], "all settings are filled in"

    page.locator(".deeds .more").click()
    page.locator(".deeds").get_by_role("button", name="Details").click()
    view = page.locator("dialog.picture-view[open]")
    expect(view.locator(".pv-facts").first).to_contain_text("6620041 (25 %)")
    view.get_by_role("button", name="Vary a little").click()
    view.get_by_role("slider").fill("60")
    view.get_by_role("button", name="Draw", exact=True).click()
    expect(view.locator(".pv-strip img")).to_have_count(2)
    assert newest(client)["variation_of"] == [[6620041, 0.25], [near["seed"], 0.6]]
