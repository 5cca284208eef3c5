"""Gallery, picture view and queue in a real Chromium, over the real studio that draws with Pocket."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from gradio_client import Client
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

import storage
from storage.repositories.trash import DAYS
from studio.ui.scripts import files
from tests.browser.conftest import IN_CHROMIUM, NASTY, WAIT_MS, Visit, newest, visiting
from tests.conftest import App, StartApp

pytestmark = IN_CHROMIUM


def draw(client: Client, prompt: str, **options: object) -> dict[str, Any]:
    """One picture through the API, with few steps where nothing else is asked."""
    last = client.predict(prompt=prompt, **{"enhance": False, "steps": 1, **options}, api_name="/generate")
    assert last["status"] == "done", last
    picture: dict[str, Any] = last["pictures"][0]
    return picture


def cards(page: Page) -> Locator:
    return page.locator(".gallery .card")


def card(page: Page, picture: dict[str, Any]) -> Locator:
    return page.locator(f'.gallery .card[data-id="{picture["id"]}"] a')


def search(page: Page, query: str, found: int) -> None:
    """Type as people do, and wait until the honest count says so many."""
    page.locator("#gallery-search").fill(query)
    expect(page.locator(".gallery .tally")).to_contain_text(f"{found} of ")
    expect(cards(page)).to_have_count(found)


def test_search_finds_the_beginning_of_a_word_and_a_chinese_word_of_two_characters(
    visit: Visit, client: Client
) -> None:
    english = draw(client, "a wombat beside the lighthouse")
    chinese = draw(client, "灯塔旁边的袋熊，紫色背景")
    page = visit.open(room="gallery")
    search(page, "womb", 1)
    expect(card(page, english)).to_be_visible()
    search(page, "袋熊", 1)
    expect(card(page, chinese)).to_be_visible()
    page.locator("#gallery-search").fill("womb nothing like this")
    expect(page.locator(".gallery .nothing")).to_have_text("Nothing matches these words.")


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])  # one of them has another day than UTC
def test_today_is_the_day_of_whoever_looks(chromium: Browser, server: App, client: Client, zone: str) -> None:
    made = draw(client, f"a potto of {zone}")
    day = datetime.fromisoformat(made["created_at"]).astimezone(ZoneInfo(zone)).date()
    with visiting(chromium, server.url, timezone_id=zone) as visit:
        page = visit.open(room="gallery")
        search(page, f'on:{day} "potto of {zone}"', 1)
        search(page, f'on:{day - timedelta(days=1)} "potto of {zone}"', 0)
    program = client.predict(query=f'on:{day} "potto of {zone}"', zone=zone, api_name="/history")
    assert [one["id"] for one in program["items"]] == [made["id"]]


def test_the_last_search_wins_however_fast_one_types(visit: Visit, client: Client) -> None:
    draw(client, "an echidna under an umbrella")
    page = visit.open(room="gallery")
    expect(cards(page).first).to_be_visible()
    page.locator("#gallery-search").press_sequentially("echidnas", delay=5)
    page.locator("#gallery-search").press("Backspace")
    expect(page.locator(".gallery .tally")).to_contain_text("1 of ")
    expect(cards(page)).to_have_count(1)
    expect(page.locator("#gallery-search")).to_have_value("echidna")


def test_an_opened_picture_tells_what_was_asked_how_it_was_reasoned_and_with_what(visit: Visit, client: Client) -> None:
    picture = draw(client, "two cats on a green background", enhance=True, steps=2)
    page = visit.open(room="gallery")
    card(page, picture).click()
    view = page.locator(".picture-view")
    expect(view.locator("h2")).to_have_text("two cats on a green background")
    expect(view.locator(".pv-thread li b")).to_have_text(["Keep", "Solve", "Compose", "Text"])
    for step in picture["enhancement"]["steps"]:
        expect(view.locator(".pv-thread")).to_contain_text(step["text"] or "none")
    side = view.locator(".pv-side")
    expect(side).to_contain_text(str(picture["seed"]))
    expect(side).to_contain_text(f"{picture['width']} × {picture['height']}")
    expect(side).to_contain_text(picture["pixel_sha256"][:12])
    if picture["prompt"] != picture["original_prompt"]:
        expect(view.locator(".pv-drawn")).to_have_text(picture["prompt"])
    assert view.locator(".pv-stage img").get_attribute("src") == picture["url"]
    assert urlsplit(page.url).query == f"picture={picture['id']}"


def test_a_change_of_many_reaches_an_open_picture_that_was_reasoned_about(visit: Visit, client: Client) -> None:
    picture = draw(client, "a dibbler on a blue background", enhance=True, steps=2)
    page = visit.open(room="gallery")
    search(page, "dibbler", 1)
    card(page, picture).focus()
    page.keyboard.press("x")
    bar, view = page.locator(".chosen-bar"), page.locator("dialog.picture-view[open]")
    expect(bar.locator("b")).to_have_text("1 selected")
    page.evaluate("id => studio.emit('open', { id })", picture["id"])
    expect(view.locator(".pv-thread li")).to_have_count(4)
    bar.get_by_text("Star", exact=True).evaluate("button => button.click()")  # as if it had been pressed just before
    expect(view.locator(".pv-star")).to_have_attribute("aria-pressed", "true")
    expect(view.locator(".pv-thread li")).to_have_count(4)
    expect(view.locator(".pv-asked h2")).to_have_text("a dibbler on a blue background")


def test_again_is_identical_and_the_new_picture_knows_its_parent(visit: Visit, client: Client) -> None:
    picture = draw(client, "a house on a yellow background", steps=2)
    page = visit.open(f"/?picture={picture['id']}")
    page.locator(".picture-view .pv-first").click()
    expect(page.locator(".pv-news")).to_contain_text("Identical, pixel for pixel")
    expect(page.locator(".pv-news code")).to_contain_text(picture["pixel_sha256"][:12])
    kept = newest(client)
    assert kept["parent_id"] == picture["id"]
    assert kept["pixel_sha256"] == picture["pixel_sha256"]


def test_an_edited_prompt_is_drawn_with_the_same_settings_and_keeps_its_reasoning(visit: Visit, client: Client) -> None:
    picture = draw(client, "one moon on a black background", enhance=True, steps=2, seed=77)
    page = visit.open(f"/?picture={picture['id']}")
    page.locator(".pv-acts").get_by_text("Edit prompt", exact=True).click()
    page.locator(".pv-sheet textarea").fill("two moons on a black background")
    page.keyboard.press("Control+Enter")
    page.locator(".pv-strip a").click()
    expect(page.locator(".pv-drawn")).to_have_text("two moons on a black background")
    expect(page.locator(".picture-view h2")).to_have_text("one moon on a black background")
    expect(page.locator(".pv-thread li")).to_have_count(4)
    kept = newest(client)
    assert (kept["seed"], kept["steps"]) == (77, 2)


def test_a_deleted_picture_comes_back_with_undo_and_by_the_keyboard_alone(visit: Visit, client: Client) -> None:
    picture = draw(client, "a numbat in the morning")
    client.predict(id=picture["id"], favourite=True, tags=["kept"], api_name="/edit")
    page = visit.open(room="gallery")
    search(page, "numbat", 1)
    page.keyboard.press("ArrowDown")
    expect(card(page, picture)).to_be_focused()
    page.keyboard.press("Delete")
    expect(cards(page)).to_have_count(0)
    assert client.predict(id=picture["id"], api_name="/picture")["deleted_at"] is not None
    page.locator(".studio-toast button").press("Enter")
    expect(card(page, picture)).to_be_focused()
    back = client.predict(id=picture["id"], api_name="/picture")
    assert (back["deleted_at"], back["favourite"], back["tags"]) == (None, True, ["kept"])


def test_the_trash_holds_what_was_deleted_and_gives_it_back(visit: Visit, client: Client) -> None:
    picture = draw(client, "a bandicoot in the trash")
    client.predict(id=picture["id"], api_name="/delete")
    page = visit.open(room="gallery")
    search(page, "bandicoot", 0)
    page.locator("#gallery-trash").click()
    card(page, picture).click()
    page.locator(".pv-note button").click()
    expect(page.locator(".pv-note")).to_have_count(0)
    assert client.predict(id=picture["id"], api_name="/picture")["deleted_at"] is None
    page.keyboard.press("Escape")
    expect(cards(page)).to_have_count(0)


def test_before_the_trash_is_emptied_the_page_tells_what_goes_and_what_that_takes_along(
    visit: Visit, client: Client
) -> None:
    begun = draw(client, "a dunnart that others begin with")
    stays = draw(client, "a kowari drawn from it", source=begun["id"], strength=0.9, steps=2)
    other = draw(client, "a dunnart alone")
    for one in (begun, other):
        client.predict(id=one["id"], api_name="/delete")
    page = visit.open(room="gallery")
    line, bar = page.locator(".trash-line"), page.locator(".chosen-bar")
    expect(line).to_be_hidden()
    search(page, "dunnart", 0)
    page.locator("#gallery-trash").click()
    expect(cards(page)).to_have_count(2)
    expect(line).to_contain_text(f"{DAYS} days")
    card(page, other).focus()
    page.keyboard.press("x")
    bar.get_by_text("Delete for ever", exact=True).click()
    expect(bar.get_by_role("alert")).to_have_text(
        re.compile(r"^1 picture, [\d.]+ kB, goes for ever: this cannot be undone\.$")
    )
    bar.get_by_text("Yes, for ever", exact=True).click()
    expect(cards(page)).to_have_count(1)
    line.get_by_text("Empty the trash", exact=True).click()
    expect(line).to_contain_text(
        "this cannot be undone. 1 picture that stays was drawn from what goes and could not be drawn again."
    )
    expect(line.get_by_text("Not now", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(cards(page)).to_have_count(1)
    line.get_by_text("Empty the trash", exact=True).click()
    line.get_by_text("Delete for ever", exact=True).click()
    expect(page.locator(".studio-toast")).to_contain_text("gone for ever.")
    expect(cards(page)).to_have_count(0)
    expect(line).to_be_hidden()
    assert client.predict(trash=True, api_name="/history")["total"] == 0
    page.locator("#gallery-trash").click()
    search(page, "kowari", 1)
    expect(card(page, stays)).to_be_visible()


def test_the_star_is_set_by_a_key_and_the_filter_shows_only_starred_pictures(visit: Visit, client: Client) -> None:
    starred, plain = draw(client, "a potoroo with a star"), draw(client, "a potoroo without")
    page = visit.open(room="gallery")
    search(page, "potoroo", 2)
    card(page, starred).focus()
    page.keyboard.press("f")
    expect(page.locator(f'.card[data-id="{starred["id"]}"] .star')).to_have_attribute("aria-pressed", "true")
    page.locator("#gallery-favourite").click()
    expect(cards(page)).to_have_count(1)
    expect(card(page, starred)).to_be_visible()
    assert client.predict(id=starred["id"], api_name="/picture")["favourite"] is True
    assert client.predict(id=plain["id"], api_name="/picture")["favourite"] is False


def test_arrows_move_among_cards_and_in_the_view_to_neighbours_and_escape_returns(visit: Visit, client: Client) -> None:
    older, newer = draw(client, "a quoll and the first wave"), draw(client, "a quoll and the second wave")
    page = visit.open(room="gallery")
    search(page, "quoll", 2)
    card(page, newer).focus()
    page.keyboard.press("ArrowRight")
    expect(card(page, older)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".picture-view h2")).to_have_text("a quoll and the first wave")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".picture-view h2")).to_have_text("a quoll and the second wave")
    assert urlsplit(page.url).query == f"picture={newer['id']}"
    page.keyboard.press("Escape")
    expect(page.locator(".picture-view")).to_be_hidden()
    expect(card(page, newer)).to_be_focused()
    assert urlsplit(page.url).query == ""


def test_deleting_in_the_view_goes_on_to_the_neighbour_and_undo_comes_back(visit: Visit, client: Client) -> None:
    draw(client, "a dunnart in the first place")
    gone = draw(client, "a dunnart in the second place")
    page = visit.open(room="gallery")
    search(page, "dunnart", 2)
    card(page, gone).click()
    expect(page.locator(".picture-view h2")).to_have_text("a dunnart in the second place")
    page.keyboard.press("Delete")
    expect(page.locator(".picture-view h2")).to_have_text("a dunnart in the first place")
    page.locator(".picture-view .studio-toast button").click()
    expect(page.locator(".picture-view h2")).to_have_text("a dunnart in the second place")
    assert client.predict(id=gone["id"], api_name="/picture")["deleted_at"] is None


def test_what_is_drawn_elsewhere_is_there_when_the_gallery_is_opened_again(visit: Visit, client: Client) -> None:
    page = visit.open(room="gallery")
    expect(page.locator(".gallery .tally")).to_contain_text(" ms")
    visit.go("create")
    picture = draw(client, "a pademelon from elsewhere")
    visit.go("gallery")
    expect(card(page, picture)).to_be_visible()


def test_a_variation_has_another_seed_and_opens_from_its_thumbnail(visit: Visit, client: Client) -> None:
    picture = draw(client, "a glider at dusk", seed=5)
    page = visit.open(f"/?picture={picture['id']}")
    page.locator(".pv-acts").get_by_text("Vary", exact=True).click()
    page.locator(".pv-strip a").click()
    expect(page.locator(".pv-side")).to_contain_text("Compare with the picture that it comes from")
    kept = newest(client)
    assert kept["seed"] != 5
    assert (kept["prompt"], kept["parent_id"]) == ("a glider at dusk", picture["id"])
    page.locator(".pv-node").first.click()
    expect(page.locator(".pv-facts").first).to_contain_text("Seed5")


def test_a_rating_and_tags_are_kept(visit: Visit, client: Client) -> None:
    picture = draw(client, "a cuscus to rate")
    page = visit.open(f"/?picture={picture['id']}")
    page.locator('[data-rating="4"]').click()
    expect(page.locator('[data-rating="4"]')).to_have_attribute("aria-pressed", "true")
    page.locator(".pv-tags input").fill("树袋鼠")
    page.keyboard.press("Enter")
    expect(page.locator(".pv-tag")).to_have_text("树袋鼠")
    kept = client.predict(id=picture["id"], api_name="/picture")
    assert (kept["rating"], kept["tags"]) == (4, ["树袋鼠"])
    page.locator(".pv-tag button").click()
    expect(page.locator(".pv-tag")).to_have_count(0)


def test_the_words_change_with_the_language(visit: Visit) -> None:
    page = visit.open(room="gallery")
    expect(page.locator("#gallery-search")).to_have_attribute("placeholder", "Search prompts, reasoning, tags, notes")
    page.locator("#bar .language").click()
    expect(page.locator("#gallery-search")).to_have_attribute("placeholder", "搜索提示词、推理、标签、备注")
    expect(page.locator("#gallery-favourite")).to_have_text("收藏")


def test_added_words_are_told_from_what_was_asked(visit: Visit) -> None:
    page = visit.open(room="gallery")
    module = next(address for address in files() if address.endswith("/shared/diff.js"))
    for original, drawn, added in (
        ("a cat", "a cat on a mat", ["on a mat"]),
        ("Two CATS", "two cats", []),
        ("两只鸡，绿色背景", "两只鸡在左，绿色背景，光线柔和", ["在左", "，光线柔和"]),
        ("", "<b>all</b> new", ["<b>all</b> new"]),
        ("all of it", "", []),
    ):
        pieces = page.evaluate(
            "([address, a, b]) => import(address).then(({ addedPieces }) => addedPieces(a, b))",
            [module, original, drawn],
        )
        assert "".join(text for text, _ in pieces) == drawn
        assert [text.strip() for text, new in pieces if new] == added


def test_a_link_to_a_picture_opens_it_and_an_unknown_one_says_so_calmly(visit: Visit, client: Client) -> None:
    picture = draw(client, "a bilby by link")
    page = visit.open(f"/?picture={picture['id']}")
    expect(page.locator(".picture-view h2")).to_have_text("a bilby by link")
    page = visit.open("/?picture=0123456789abcdef")
    expect(page.locator(".picture-view")).to_contain_text("There is no such picture here.")
    page.keyboard.press("Escape")
    expect(page.locator(".picture-view")).to_be_hidden()


def test_what_people_wrote_stays_text_in_every_room(visit: Visit, client: Client) -> None:
    nasty = f"{NASTY} and an aardwolf"  # found once, also after others have drawn the like
    picture = draw(client, nasty)
    client.predict(id=picture["id"], tags=["<b>${1+1}</b> {{x}}"], api_name="/edit")
    page = visit.open(room="gallery")
    search(page, "aardwolf", 1)
    card(page, picture).focus()
    expect(page.locator(".card .caption b")).to_have_text(nasty)
    assert page.locator(".card img").get_attribute("alt") == nasty
    page.keyboard.press("Enter")
    expect(page.locator(".picture-view h2")).to_have_text(nasty)
    expect(page.locator(".pv-tag")).to_have_text("<b>${1+1}</b> {{x}}")
    page.keyboard.press("Escape")
    visit.go("queue")
    expect(page.locator(".queue .job-prompt").first).to_have_text(nasty)
    assert page.evaluate("window.hacked") is None


def test_a_share_link_is_made_opened_by_a_stranger_and_taken_back(
    visit: Visit, client: Client, chromium: Browser
) -> None:
    picture = draw(client, "a dugong to share")
    page = visit.open(f"/?picture={picture['id']}")
    page.locator(".pv-acts").get_by_text("Share", exact=True).click()
    page.locator(".pv-sheet input").fill("7")
    page.locator(".pv-go").click()
    expect(page.locator(".pv-sheet input")).to_have_value(re.compile(re.escape(visit.url) + "/s/.+"))
    link = page.locator(".pv-sheet input").input_value()
    stranger = chromium.new_context()
    assert stranger.request.get(link).status == 200
    page = visit.open(f"/?picture={picture['id']}")  # it is found again, and can still be taken back
    page.locator(".pv-acts").get_by_text("Share", exact=True).click()
    expect(page.locator(".pv-sheet input")).to_have_value(link)
    page.get_by_text("Take the link back").click()
    expect(page.locator(".pv-news")).to_contain_text("The link is taken back.")
    assert stranger.request.get(link).status == 404
    stranger.close()


@pytest.mark.usefixtures("emptied")
def test_the_queue_shows_progress_cancels_one_job_and_draws_it_again(visit: Visit, client: Client) -> None:
    first = client.submit(prompt="a long walk", enhance=False, steps=50, count=64, api_name="/generate")
    page = visit.open(room="queue")
    lines = page.locator(".queue .job")
    running = lines.filter(has_text="a long walk").first
    expect(running.locator(".job-facts")).to_contain_text("Step ")
    second = client.submit(prompt="the one behind it", enhance=False, steps=1, api_name="/generate")
    expect(lines.filter(has_text="the one behind it").first).to_contain_text("Next in line")
    running.get_by_role("button").click()
    assert first.result(timeout=WAIT_MS / 1000)["status"] == "cancelled"
    assert second.result(timeout=WAIT_MS / 1000)["status"] == "done"
    expect(page.locator(".queue")).to_contain_text("Nothing is waiting.")
    stopped = lines.filter(has_text="a long walk").first
    expect(stopped).to_contain_text("cancelled")
    stopped.get_by_role("button", name="Draw again").click()
    lines.filter(has_text="a long walk").first.get_by_role("button", name="Cancel").click()
    expect(page.locator(".queue")).to_contain_text("Nothing is waiting.")
    assert client.predict(api_name="/jobs") == []


def test_another_owners_picture_is_not_there(chromium: Browser, start_app: StartApp) -> None:
    app = start_app(owners="browser")
    theirs = draw(app.client(), "a secret garden")
    with visiting(chromium, app.url) as visit:
        page = visit.open(f"/?picture={theirs['id']}")
        expect(page.locator(".picture-view")).to_contain_text("There is no such picture here.")
        page.keyboard.press("Escape")
        visit.go("gallery")
        expect(page.locator(".gallery .nothing")).to_have_text("What you draw will be kept here.")


def test_a_phone_has_two_columns_and_the_actions_at_the_thumb(chromium: Browser, server: App, client: Client) -> None:
    picture = draw(client, "a wallaby on the phone")
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with visiting(chromium, server.url, **phone) as visit:
        page = visit.open(room="gallery")
        expect(card(page, picture)).to_be_visible()
        columns = page.locator(".gallery .grid").first.evaluate("one => getComputedStyle(one).gridTemplateColumns")
        assert len(columns.split()) == 2
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        card(page, picture).tap()
        expect(page.locator(".picture-view h2")).to_have_text("a wallaby on the phone")
        box = page.locator(".pv-first").bounding_box()
        assert box is not None
        assert box["y"] > 700
        assert box["height"] >= 44


def test_back_closes_a_picture_and_goes_between_rooms_and_a_reload_stays(visit: Visit, client: Client) -> None:
    picture = draw(client, "a balloon on a white background", steps=2)
    page = visit.open(room="gallery")
    view = page.locator("dialog.picture-view")
    for closes in (page.go_back, lambda: page.keyboard.press("Escape")):
        card(page, picture).click()
        expect(view.locator("h2")).to_have_text("a balloon on a white background")
        closes()
        expect(view).to_be_hidden()
        assert urlsplit(page.url)[3:] == ("", "gallery")
    visit.go("queue")
    page.go_back()
    expect(page.locator(".gallery")).to_be_visible()
    visit.url += "/#gallery"
    visit.reload()
    expect(page.locator(".gallery")).to_be_visible()
    assert urlsplit(page.url).fragment == "gallery"


def test_a_share_page_loads_without_a_complaint(visit: Visit, client: Client) -> None:
    picture = draw(client, "a tree on a blue background", steps=2)
    shared = client.predict(id=picture["id"], api_name="/share")
    visit.page.goto(shared["url"])
    expect(visit.page.locator("figure img")).to_be_visible()
    visit.page.wait_for_timeout(500)  # the icon of the tab is asked for last


def test_many_are_chosen_put_together_taken_along_and_brought_in_again(
    visit: Visit, client: Client, tmp_path: Path
) -> None:
    drawn = [draw(client, f"a tamandua number {n} by the pond") for n in range(3)]
    page = visit.open(room="gallery")
    search(page, "tamandua", 3)
    card(page, drawn[2]).focus()
    page.keyboard.press("x")
    card(page, drawn[0]).click(modifiers=["Shift"])
    bar = page.locator(".chosen-bar")
    expect(bar.locator("b")).to_have_text("3 selected")
    bar.get_by_text("Collect", exact=True).click()
    bar.locator("input").fill("Tamanduas")
    bar.locator("input").press("Enter")
    expect(page.locator(".shelf .book", has_text="Tamanduas")).to_contain_text("3")
    with page.expect_download() as waiting:
        bar.get_by_text("Export", exact=True).click()
    waiting.value.save_as(tmp_path / "tamanduas.zip")
    expect(bar.locator(".packing")).to_have_text("3 of 3 pictures are in the zip")
    bar.get_by_text("Delete", exact=True).click()
    expect(page.locator(".studio-toast")).to_contain_text("3 pictures are in the trash.")
    expect(cards(page)).to_have_count(0)
    page.locator(".studio-toast button").click()
    expect(cards(page)).to_have_count(3)
    page.locator(".gallery input[type=file]:not(.folder)").set_input_files(str(tmp_path / "tamanduas.zip"))
    expect(page.locator(".bring-list")).to_contain_text("3 pictures, 3 of them here already")
    expect(page.locator(".bring-list")).to_contain_text("1 collection")
    page.locator(".bring-view").get_by_text("Close", exact=True).click()
    page.locator("#gallery-search").fill("")
    page.locator(".shelf .book", has_text="Tamanduas").click()
    expect(cards(page)).to_have_count(3)
    page.locator("#gallery-search").fill("in:Tamanduas 1")
    expect(cards(page)).to_have_count(1)


def outputs(folder: Path) -> Path:
    """A folder with folders in it, as another program leaves one: two pictures, and a text that is none."""
    for name, colour in (("a.png", "teal"), ("deep/er/b.png", "navy")):
        info = PngInfo()
        info.add_text(
            "parameters", f"a {colour} pangolin\nSteps: 8, Sampler: Euler, CFG scale: 1, Seed: 3, Size: 24x16"
        )
        path = folder / "outputs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (24, 16), colour).save(path, pnginfo=info)
    (folder / "outputs" / "notes.txt").write_text("no picture")
    return folder / "outputs"


def test_a_whole_folder_is_chosen_or_dropped(visit: Visit, client: Client, tmp_path: Path) -> None:
    draw(client, "something to stand in the gallery")
    page = visit.open(room="gallery")
    folder, view = outputs(tmp_path), page.locator(".bring-view")
    page.locator(".gallery input.folder").set_input_files(str(folder))
    expect(view.locator(".bring-line")).to_have_text("2 of 2 can be brought in.")
    expect(view.locator(".bring-list li")).to_have_count(2)
    view.get_by_text("Close", exact=True).click()
    box = page.locator(".gallery").bounding_box()
    assert box is not None
    where = {"x": box["x"] + 200, "y": box["y"] + 20}
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    wire = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        wire.send("Input.dispatchDragEvent", {"type": kind, "data": data, **where})
    expect(view.locator(".bring-line")).to_have_text("2 of 2 can be brought in.")
    view.get_by_text("Bring 2 in", exact=True).click()
    expect(view).to_be_hidden()
    search(page, "pangolin", 2)


def test_what_cannot_come_in_is_said_in_the_language_of_the_page(chromium: Browser, server: App) -> None:
    torn = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 9, 9, 99, 7, 0)
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    files = {
        "bad.png": (b"\x89PNG\r\n\x1a\n" + bytes(40), "bad.png 已损坏：文件头没有尺寸。"),
        "bad.zip": (b"PK no zip at all", "这个文件不是可以读取的 zip：文件末尾没有目录。"),
        "torn.zip": (torn, "这个文件不是可以读取的 zip："),
        "empty.zip": (empty.getvalue(), "压缩包里没有 manifest.jsonl，不是由工作室导出的。"),
    }
    with visiting(chromium, server.url, locale="zh-CN") as visit:
        page = visit.open(room="gallery")
        chosen: list[FilePayload] = [
            {"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, (data, _) in files.items()
        ]
        page.locator(".gallery input[type=file]:not(.folder)").set_input_files(chosen)
        bad = page.locator(".bring-list li.bad span")
        expect(bad).to_contain_text([said for _, said in files.values()])
        visit.complaints.clear()  # the browser says of each refusal that it was one


def test_more_files_than_the_bound_are_told(visit: Visit, client: Client) -> None:
    draw(client, "something to stand in the gallery")
    page = visit.open(room="gallery")
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          for (let n = 0; n <= 2000; n++) data.items.add(new File(["x"], `${n}.png`, { type: "image/png" }));
          const field = document.querySelector(".gallery input[type=file]:not(.folder)");
          field.files = data.files;
          field.dispatchEvent(new Event("change"));
        }"""
    )
    view = page.locator(".bring-view")
    expect(view.locator(".bring-list")).to_contain_text("These are more than 2,000 files: the first 2,000 are taken.")
    expect(view.locator(".bring-list")).to_contain_text("python app.py import FOLDER")
    visit.complaints.clear()  # the browser says of each refusal that it was one
    view.get_by_text("Close", exact=True).click()
    expect(view).to_be_hidden()
    page.wait_for_timeout(500)
    visit.complaints.clear()


def test_a_zip_tells_how_far_it_is_while_it_comes_in(visit: Visit, client: Client, tmp_path: Path) -> None:
    draw(client, "something to stand in the gallery")
    elsewhere = storage.open(tmp_path / "elsewhere")
    for n in range(150):
        file = io.BytesIO()
        Image.effect_noise((96, 96), 40 + n).convert("RGB").save(file, "PNG")
        elsewhere.importer.import_file("home", file.getvalue(), f"{n}.png")
    (tmp_path / "many.zip").write_bytes(b"".join(elsewhere.exporter.export("home")))
    elsewhere.close()
    page = visit.open(room="gallery")
    page.locator(".gallery input[type=file]:not(.folder)").set_input_files(str(tmp_path / "many.zip"))
    view = page.locator(".bring-view")
    expect(view.locator(".bring-list")).to_contain_text("150 pictures, 0 of them here already")
    page.evaluate(
        """() => {
          window.heard = [];
          const line = document.querySelector(".bring-line");
          new MutationObserver(() => heard.push(line.textContent)).observe(line, { childList: true, characterData: true, subtree: true });
        }"""
    )
    view.get_by_text("Bring 1 in", exact=True).click()
    expect(view).to_be_hidden()
    heard = page.evaluate("window.heard")
    assert any(re.fullmatch(r"\d+ of 150 pictures · [\d.]+ (s|min) left", said) for said in heard), heard


def test_a_filter_is_offered_as_one_types_and_a_wrong_one_is_named(visit: Visit, client: Client) -> None:
    picture = draw(client, "a numbat on a log", seed=4020077)
    page = visit.open(room="gallery")
    page.locator("#gallery-search").press_sequentially("numbat se")
    expect(page.locator("#gallery-suggestions li")).to_contain_text(["seed:"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#gallery-search")).to_have_value("numbat seed:")
    page.keyboard.type("4020077")
    expect(cards(page)).to_have_count(1)
    expect(card(page, picture)).to_be_visible()
    page.keyboard.type("x")
    expect(page.locator(".gallery .wrong")).to_have_text("seed: must be a whole number (got 4020077x).")
    expect(cards(page)).to_have_count(1)


def test_two_pictures_are_compared(visit: Visit, client: Client) -> None:
    drawn = [draw(client, f"a coati {where}", seed=31) for where in ("on sand", "on snow")]
    page = visit.open(room="gallery")
    search(page, "coati", 2)
    for picture in drawn:
        card(page, picture).focus()
        page.keyboard.press("x")
    page.locator(".chosen-bar").get_by_text("Compare", exact=True).click()
    expect(page.locator(".cmp-pixels")).to_contain_text("of the pixels differ")
    assert page.locator(".cmp-words del").first.inner_text() == "sand"
    assert page.locator(".cmp-words ins").first.inner_text() == "snow"
    page.locator(".cmp-frame input").press("ArrowRight")
    expect(page.locator(".cmp-frame")).to_have_attribute("style", re.compile(r"--at: 51%"))
