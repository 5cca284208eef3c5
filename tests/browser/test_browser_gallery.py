"""Gallery, picture view and queue in a real Chromium, over the real studio that draws with Pocket.

Every visit ends with the same two questions: did the browser's console stay silent, and was no other host asked for anything.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from gradio_client import Client
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright

from tests.conftest import App, StartApp

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
NASTY = '<img src=x onerror="window.hacked=1"> ${window.hacked=1} {{constructor}} quokka'
WAIT_MS = 60_000  # for a slow machine; nothing here measures speed

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM.exists() and os.environ.get("CI") != "true",
        reason="Chromium is not at /usr/bin/chromium: apt-get install chromium",
    ),
]


@dataclass
class Visit:
    """A page in a browser of its own, with what went wrong in it."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str = "/", room: str | None = "gallery") -> Page:
        """Load the page and go to a room."""
        self.page.goto(self.url + path)
        if room:
            self.go(room)
        return self.page

    def go(self, room: str) -> None:
        """Go to a room by its tab."""
        self.page.locator(f'#rooms [role=tab][data-tab-id="{room}"]:visible').click()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def visiting(chromium: Browser, url: str, **options: Any) -> Iterator[Visit]:
    """A visit of `url`; it fails at its end where the console complained or another host was asked."""
    context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "en-US", **options})
    context.set_default_timeout(WAIT_MS)
    visit = Visit(context.new_page(), url)

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            visit.complaints.append(f"console: {message.text}")

    visit.page.on("console", heard)
    visit.page.on("pageerror", lambda error: visit.complaints.append(f"error: {error}"))
    host = urlsplit(url).netloc
    context.on(
        "request",
        lambda request: (
            visit.complaints.append(f"outside: {request.url}")
            if urlsplit(request.url).scheme not in ("data", "blob") and urlsplit(request.url).netloc != host
            else None
        ),
    )
    try:
        yield visit
        assert visit.complaints == []
    finally:
        context.close()


@pytest.fixture
def visit(chromium: Browser, server: App) -> Iterator[Visit]:
    with visiting(chromium, server.url) as made:
        yield made


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
    page = visit.open()
    search(page, "womb", 1)
    expect(card(page, english)).to_be_visible()
    search(page, "袋熊", 1)
    expect(card(page, chinese)).to_be_visible()
    page.locator("#gallery-search").fill("womb nothing like this")
    expect(page.locator(".gallery .nothing")).to_have_text("Nothing matches these words.")


def test_the_last_search_wins_however_fast_one_types(visit: Visit, client: Client) -> None:
    draw(client, "an echidna under an umbrella")
    page = visit.open()
    expect(cards(page).first).to_be_visible()
    page.locator("#gallery-search").press_sequentially("echidnas", delay=5)
    page.locator("#gallery-search").press("Backspace")
    expect(page.locator(".gallery .tally")).to_contain_text("1 of ")
    expect(cards(page)).to_have_count(1)
    expect(page.locator("#gallery-search")).to_have_value("echidna")


def test_an_opened_picture_tells_what_was_asked_how_it_was_reasoned_and_with_what(visit: Visit, client: Client) -> None:
    picture = draw(client, "two cats on a green background", enhance=True, steps=2)
    page = visit.open()
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


def test_again_is_identical_and_the_new_picture_knows_its_parent(visit: Visit, client: Client) -> None:
    picture = draw(client, "a house on a yellow background", steps=2)
    page = visit.open(f"/?picture={picture['id']}", room=None)
    page.locator(".picture-view .pv-first").click()
    expect(page.locator(".pv-news")).to_contain_text("Identical, pixel for pixel")
    expect(page.locator(".pv-news code")).to_contain_text(picture["pixel_sha256"][:12])
    newest = client.predict(api_name="/history")["items"][0]
    assert newest["parent_id"] == picture["id"]
    assert newest["pixel_sha256"] == picture["pixel_sha256"]


def test_an_edited_prompt_is_drawn_with_the_same_settings_and_keeps_its_reasoning(visit: Visit, client: Client) -> None:
    picture = draw(client, "one moon on a black background", enhance=True, steps=2, seed=77)
    page = visit.open(f"/?picture={picture['id']}", room=None)
    page.locator(".pv-acts").get_by_text("Edit prompt", exact=True).click()
    page.locator(".pv-sheet textarea").fill("two moons on a black background")
    page.keyboard.press("Control+Enter")
    page.locator(".pv-strip a").click()
    expect(page.locator(".pv-drawn")).to_have_text("two moons on a black background")
    expect(page.locator(".picture-view h2")).to_have_text("one moon on a black background")
    expect(page.locator(".pv-thread li")).to_have_count(4)
    newest = client.predict(api_name="/history")["items"][0]
    assert (newest["seed"], newest["steps"]) == (77, 2)


def test_a_deleted_picture_comes_back_with_undo_and_by_the_keyboard_alone(visit: Visit, client: Client) -> None:
    picture = draw(client, "a numbat in the morning")
    client.predict(id=picture["id"], favourite=True, tags=["kept"], api_name="/edit")
    page = visit.open()
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
    page = visit.open()
    search(page, "bandicoot", 0)
    page.locator("#gallery-trash").click()
    card(page, picture).click()
    page.locator(".pv-note button").click()
    expect(page.locator(".pv-note")).to_have_count(0)
    assert client.predict(id=picture["id"], api_name="/picture")["deleted_at"] is None
    page.keyboard.press("Escape")
    expect(cards(page)).to_have_count(0)


def test_the_star_is_set_by_a_key_and_the_filter_shows_only_starred_pictures(visit: Visit, client: Client) -> None:
    starred, plain = draw(client, "a potoroo with a star"), draw(client, "a potoroo without")
    page = visit.open()
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
    page = visit.open()
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
    page = visit.open()
    search(page, "dunnart", 2)
    card(page, gone).click()
    expect(page.locator(".picture-view h2")).to_have_text("a dunnart in the second place")
    page.keyboard.press("Delete")
    expect(page.locator(".picture-view h2")).to_have_text("a dunnart in the first place")
    page.locator(".picture-view .studio-toast button").click()
    expect(page.locator(".picture-view h2")).to_have_text("a dunnart in the second place")
    assert client.predict(id=gone["id"], api_name="/picture")["deleted_at"] is None


def test_what_is_drawn_elsewhere_is_there_when_the_gallery_is_opened_again(visit: Visit, client: Client) -> None:
    page = visit.open()
    expect(page.locator(".gallery .tally")).to_contain_text(" ms")
    visit.go("create")
    picture = draw(client, "a pademelon from elsewhere")
    visit.go("gallery")
    expect(card(page, picture)).to_be_visible()


def test_a_variation_has_another_seed_and_opens_from_its_thumbnail(visit: Visit, client: Client) -> None:
    picture = draw(client, "a glider at dusk", seed=5)
    page = visit.open(f"/?picture={picture['id']}", room=None)
    page.locator(".pv-acts").get_by_text("Vary", exact=True).click()
    page.locator(".pv-strip a").click()
    expect(page.locator(".pv-side")).to_contain_text("Open the picture that this one comes from")
    newest = client.predict(api_name="/history")["items"][0]
    assert newest["seed"] != 5
    assert (newest["prompt"], newest["parent_id"]) == ("a glider at dusk", picture["id"])
    page.get_by_text("Open the picture that this one comes from").click()
    expect(page.locator(".pv-facts").first).to_contain_text("Seed5")


def test_a_rating_and_tags_are_kept(visit: Visit, client: Client) -> None:
    picture = draw(client, "a cuscus to rate")
    page = visit.open(f"/?picture={picture['id']}", room=None)
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
    page = visit.open()
    expect(page.locator("#gallery-search")).to_have_attribute("placeholder", "Search your prompts")
    page.locator("#bar .language").click()
    expect(page.locator("#gallery-search")).to_have_attribute("placeholder", "搜索提示词")
    expect(page.locator("#gallery-favourite")).to_have_text("收藏")


def test_added_words_are_told_from_what_was_asked(visit: Visit) -> None:
    page = visit.open()
    for original, drawn, added in (
        ("a cat", "a cat on a mat", ["on a mat"]),
        ("Two CATS", "two cats", []),
        ("两只鸡，绿色背景", "两只鸡在左，绿色背景，光线柔和", ["在左", "，光线柔和"]),
        ("", "<b>all</b> new", ["<b>all</b> new"]),
        ("all of it", "", []),
    ):
        pieces = page.evaluate("([a, b]) => studio.added(a, b)", [original, drawn])
        assert "".join(text for text, _ in pieces) == drawn
        assert [text.strip() for text, new in pieces if new] == added


def test_a_link_to_a_picture_opens_it_and_an_unknown_one_says_so_calmly(visit: Visit, client: Client) -> None:
    picture = draw(client, "a bilby by link")
    page = visit.open(f"/?picture={picture['id']}", room=None)
    expect(page.locator(".picture-view h2")).to_have_text("a bilby by link")
    page = visit.open("/?picture=0123456789abcdef", room=None)
    expect(page.locator(".picture-view")).to_contain_text("There is no such picture here.")
    page.keyboard.press("Escape")
    expect(page.locator(".picture-view")).to_be_hidden()


def test_what_people_wrote_stays_text_in_every_room(visit: Visit, client: Client) -> None:
    picture = draw(client, NASTY)
    client.predict(id=picture["id"], tags=["<b>${1+1}</b> {{x}}"], api_name="/edit")
    page = visit.open()
    search(page, "quokka", 1)
    card(page, picture).focus()
    expect(page.locator(".card .caption b")).to_have_text(NASTY)
    assert page.locator(".card img").get_attribute("alt") == NASTY
    page.keyboard.press("Enter")
    expect(page.locator(".picture-view h2")).to_have_text(NASTY)
    expect(page.locator(".pv-tag")).to_have_text("<b>${1+1}</b> {{x}}")
    page.keyboard.press("Escape")
    visit.go("queue")
    expect(page.locator(".queue .job-prompt").first).to_have_text(NASTY)
    assert page.evaluate("window.hacked") is None


def test_a_share_link_is_made_opened_by_a_stranger_and_taken_back(
    visit: Visit, client: Client, chromium: Browser
) -> None:
    picture = draw(client, "a dugong to share")
    page = visit.open(f"/?picture={picture['id']}", room=None)
    page.locator(".pv-acts").get_by_text("Share", exact=True).click()
    page.locator(".pv-sheet input").fill("7")
    page.locator(".pv-go").click()
    expect(page.locator(".pv-sheet input")).to_have_value(re.compile(re.escape(visit.url) + "/s/.+"))
    link = page.locator(".pv-sheet input").input_value()
    stranger = chromium.new_context()
    assert stranger.request.get(link).status == 200
    page = visit.open(f"/?picture={picture['id']}", room=None)  # it is found again, and can still be taken back
    page.locator(".pv-acts").get_by_text("Share", exact=True).click()
    expect(page.locator(".pv-sheet input")).to_have_value(link)
    page.get_by_text("Take the link back").click()
    expect(page.locator(".pv-news")).to_contain_text("The link is taken back.")
    assert stranger.request.get(link).status == 404
    stranger.close()


@pytest.fixture
def emptied(client: Client) -> Iterator[None]:
    """Leaves the shared studio's queue empty, also where the test fails."""
    yield
    for job in client.predict(api_name="/jobs"):
        client.predict(job=job["id"], api_name="/cancel")


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
        page = visit.open(f"/?picture={theirs['id']}", room=None)
        expect(page.locator(".picture-view")).to_contain_text("There is no such picture here.")
        page.keyboard.press("Escape")
        visit.go("gallery")
        expect(page.locator(".gallery .nothing")).to_have_text("What you draw will be kept here.")


def test_a_phone_has_two_columns_and_the_actions_at_the_thumb(chromium: Browser, server: App, client: Client) -> None:
    picture = draw(client, "a wallaby on the phone")
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with visiting(chromium, server.url, **phone) as visit:
        page = visit.open()
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
