"""Create in a real Chromium, over the real studio that draws with Pocket: what is written, reasoned, drawn, cancelled and found again.

Every visit ends with the same two questions: did the browser's console stay silent, and was no other host asked for anything.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from gradio_client import Client
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WISH = "three rabbits on a purple background"
NASTY = '<img src=x onerror="window.hacked=1"> ${window.hacked=1} {{constructor}} </script><b>bold</b>'
WAIT_MS = 90_000  # for a slow machine; nothing here measures speed

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM.exists() and os.environ.get("CI") != "true",
        reason="Chromium is not at /usr/bin/chromium: apt-get install chromium",
    ),
]


@dataclass
class Visit:
    """A page in a browser of its own, and what went wrong in it."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> Page:
        """Load the page, until it has heard how the studio stands."""
        self.page.goto(self.url + path)
        self.page.wait_for_function("window.studio?.state && document.querySelector('#draw[data-keys]')")
        return self.page

    def reload(self) -> Page:
        """Load it again. Gradio complains of its own streams that end with the page; that is no fault."""
        before = list(self.complaints)
        self.page.goto("about:blank")
        self.page.wait_for_timeout(200)
        self.complaints[:] = before
        return self.open()


@contextmanager
def visiting(chromium: Browser, url: str, **options: Any) -> Iterator[Visit]:
    """A visit of `url`; it fails at its end where the console complained or another host was asked."""
    context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, "locale": "en-US", **options})
    context.set_default_timeout(WAIT_MS)
    visit = Visit(context.new_page(), url)
    host = urlsplit(url).netloc

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            visit.complaints.append(f"console: {message.text}")

    def asked(request: Request) -> None:
        where = urlsplit(request.url)
        if where.scheme not in ("data", "blob", "about") and where.netloc != host:
            visit.complaints.append(f"outside: {request.url}")

    visit.page.on("console", heard)
    visit.page.on("pageerror", lambda error: visit.complaints.append(f"error: {error}"))
    context.on("request", asked)
    try:
        yield visit
        assert visit.complaints == []
    finally:
        context.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, server: Any) -> Iterator[Visit]:
    with visiting(chromium, server.url) as made:
        yield made


def fill(page: Page, prompt: str, *, reason: bool = False, seed: int | None = None, count: int = 1) -> None:
    """Write a wish into the form."""
    page.fill("#prompt textarea", prompt)
    page.locator("#reason input").set_checked(reason)
    page.fill("#seed input", "" if seed is None else str(seed))
    page.fill("#count input", str(count))


def newest(client: Client) -> dict[str, Any]:
    """The newest picture that is kept."""
    found: dict[str, Any] = client.predict(limit=1, api_name="/history")["items"][0]
    return found


def drawn(page: Page, seed: int) -> Locator:
    """The picture on the stage, once it is there and its facts say the seed."""
    digits = re.compile(r"\D*".join(str(seed)))
    expect(page.locator(".facts .seed")).to_have_text(digits, timeout=WAIT_MS)
    image = page.locator(".frame img.shown:not(.preview)")
    expect(image).to_be_visible()
    return image


def rest(client: Client) -> None:
    """Cancel what is left, so that the next test begins with an empty queue."""
    for job in client.predict(api_name="/jobs"):
        client.predict(job=job["id"], api_name="/cancel")


def test_a_wish_is_reasoned_about_and_drawn(visit: Visit, client: Client) -> None:
    page = visit.open()
    fill(page, WISH, reason=True, seed=4017733)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".thread li.done")).to_have_count(4, timeout=WAIT_MS)
    image = drawn(page, 4017733)
    expect(page.locator(".facts")).to_contain_text("8 steps")
    assert image.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [128, 128]
    picture = newest(client)
    assert image.get_attribute("src") == picture["url"]
    assert page.locator(".drawn-text").inner_text() == picture["prompt"]
    said = page.locator(".thread li p").all_inner_texts()
    kept = [step["text"] or "none" for step in picture["enhancement"]["steps"]]
    assert [" ".join(text.split()) for text in said] == [" ".join(text.split()) for text in kept]
    marked = "".join(page.locator(".drawn-text mark").all_inner_texts())
    assert (marked == "") == (picture["prompt"].lower() == WISH)
    assert page.locator("#prompt textarea").input_value() == WISH


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
    expect(draw_this).to_be_visible(timeout=WAIT_MS)
    assert newest(client)["id"] == first["id"], "reasoning alone draws nothing"
    page.fill("#seed input", "22")
    draw_this.click()
    drawn(page, 22)
    second = newest(client)
    assert second["enhancement"]["id"] != first["enhancement"]["id"]
    assert second["original_prompt"] == "one fish on a blue background"


def test_a_reload_finds_the_job_and_escape_cancels_it(visit: Visit, client: Client) -> None:
    page = visit.open()
    fill(page, "a rocket on a black background", seed=31, count=64)
    page.click("#draw")
    expect(page.locator(".facts")).to_contain_text("of 64", timeout=WAIT_MS)
    page = visit.reload()
    expect(page.locator(".facts")).to_contain_text("of 64", timeout=WAIT_MS)
    expect(page.locator(".deeds .cancel")).to_be_visible()
    assert page.locator("#prompt textarea").input_value() == "a rocket on a black background"
    page.locator("#prompt textarea").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".deeds .cancel")).to_have_count(0, timeout=WAIT_MS)
    assert client.predict(api_name="/jobs") == []


def test_wishes_wait_their_turn(visit: Visit, client: Client) -> None:
    page = visit.open()
    fill(page, "a tree on a white background", seed=41, count=64)
    page.click("#draw")
    expect(page.locator(".deeds .cancel")).to_be_visible(timeout=WAIT_MS)
    fill(page, "a moon on a black background", seed=45)
    page.click("#draw")
    expect(page.locator(".facts")).to_contain_text("1 more waiting", timeout=WAIT_MS)
    assert [job["prompt"] for job in client.predict(api_name="/jobs")] == [
        "a tree on a white background",
        "a moon on a black background",
    ]
    page.keyboard.press("Escape")
    drawn(page, 45)
    rest(client)


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
    expect(page.locator(".facts .same")).to_have_text("Identical, pixel for pixel", timeout=WAIT_MS)
    again = newest(client)
    assert again["parent_id"] == first["id"] and again["pixel_sha256"] == first["pixel_sha256"]
    page.locator(".deeds button", has_text="Vary").click()
    expect(page.locator(".facts .seed")).not_to_have_text(re.compile("61$"), timeout=WAIT_MS)
    expect(page.locator(".deeds .more")).to_be_visible(timeout=WAIT_MS)
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
    expect(page.locator(".notice")).to_contain_text("seed must be a whole number", timeout=WAIT_MS)
    assert page.locator("#prompt textarea").input_value() == WISH
    page.fill("#seed input", "")
    page.fill("#prompt textarea", "   ")
    page.click("#draw")
    expect(page.locator(".notice")).to_contain_text("prompt must not be empty", timeout=WAIT_MS)
    assert client.predict(limit=1, api_name="/history")["total"] == before


def test_tokens_are_counted_as_the_encoder_does(visit: Visit) -> None:
    page = visit.open()
    page.fill("#prompt textarea", "two cats")
    expect(page.locator("#ask-foot .tokens")).to_have_text(re.compile(r"^\d+ / 512 tokens$"), timeout=WAIT_MS)
    page.fill("#prompt textarea", "two cats and a dog " * 200)
    over = re.compile(r"^\d+ of 512 tokens: the end will not be seen$")
    expect(page.locator("#ask-foot .tokens")).to_have_text(over, timeout=WAIT_MS)


def test_the_strip_is_walked_with_the_arrows(visit: Visit, client: Client) -> None:
    page = visit.open()
    fill(page, "one sun on a blue background", seed=91, count=3)
    page.click("#draw")
    expect(page.locator(".deeds .more")).to_be_visible(timeout=WAIT_MS)
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
def test_everybody_can_use_it(chromium: Browser, server: Any, scheme: str) -> None:
    if os.environ.get("CI") != "true":
        pytest.importorskip("axe_playwright_python", reason="pip install axe-playwright-python")
    axe = importlib.import_module("axe_playwright_python.sync_playwright")
    with visiting(chromium, server.url, color_scheme=scheme) as visit:
        page = visit.open()
        for fold in ("size", "steps_model", "model"):
            page.click(f"#fold-{fold} button")
        found = axe.Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
        assert found.response["violations"] == []


def test_a_phone_has_what_matters_within_reach(chromium: Browser, server: Any) -> None:
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


def test_a_first_visit_is_welcomed(chromium: Browser, start_app: Callable[..., Any]) -> None:
    app = start_app(ready=False)
    with visiting(chromium, app.url) as visit:
        page = visit.open()
        examples = page.locator(".welcome button")
        expect(examples).to_have_count(4)
        examples.first.click()
        image = page.locator(".frame img.shown:not(.preview)")
        expect(image).to_be_visible(timeout=WAIT_MS)
        expect(page.locator(".deeds .more")).to_be_visible(timeout=WAIT_MS)
        assert page.locator("#prompt textarea").input_value() == WISH
        assert newest(app.client())["original_prompt"] == WISH


def test_a_failed_reasoning_is_told_and_the_prompt_is_drawn_by_one_click(chromium: Browser, start_app: Any) -> None:
    app = start_app(enhancer="remote", enhancer_url="http://127.0.0.1:9/v1", enhancer_model="nobody")
    with visiting(chromium, app.url) as visit:
        page = visit.open()
        fill(page, WISH, reason=True, seed=77)
        page.keyboard.press("Control+Enter")
        plain = page.get_by_role("button", name="Draw without reasoning")
        expect(plain).to_be_visible(timeout=WAIT_MS)
        expect(page.locator("#prompt textarea")).to_have_value(WISH)
        plain.click()
        drawn(page, 77)
        kept = newest(app.client())
        assert (kept["prompt"], kept["enhancement"], kept["seed"]) == (WISH, None, 77)
