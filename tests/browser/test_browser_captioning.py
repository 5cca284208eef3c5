"""A prompt from a picture in a real Chromium: the studio is real, and so is the server it asks, which recites."""

from __future__ import annotations

import base64
import io
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import IN_CHROMIUM, Visit, visiting
from tests.conftest import App, serving
from tests.loopback import Loopback, listening

TOLD = "Two cats on a red wall."
PIECES = ["Two cats", " on a red", " wall."]

pytestmark = IN_CHROMIUM


@pytest.fixture(scope="module")
def server_that_sees() -> Iterator[Loopback]:
    """What the studio of this file asks; each test says what it does."""
    with listening() as made:
        yield made


@pytest.fixture
def loopback(server_that_sees: Loopback) -> Loopback:
    """With the manners of one that was just started."""
    fresh = type(server_that_sees.manners)()
    vars(server_that_sees.manners).update(vars(fresh))
    return server_that_sees


@pytest.fixture(scope="module")
def seeing(server_that_sees: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A studio that reads pictures."""
    flags = {"enhancer_url": server_that_sees.url, "enhancer_vision": "sees"}
    with serving(tmp_path_factory.mktemp("seeing"), **flags) as app:
        yield app


@pytest.fixture
def visit(chromium: Browser, seeing: App) -> Iterator[Visit]:
    with visiting(chromium, seeing.url) as made:
        yield made


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A large picture, red at the left."""
    image = Image.new("RGB", (3200, 800), "blue")
    image.paste("red", (0, 0, 1600, 800))
    image.save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def choose(page: Page, photo: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="From a picture").click()
    chooser.value.set_files(photo)


def give(page: Page, event: str, *, kind: str = "image/png", words: str = "") -> None:
    """Drop or paste a picture, as the system's own drag and clipboard would."""
    out = io.BytesIO()
    Image.new("RGB", (40, 20), "red").save(out, "PNG")
    expect(
        page.get_by_role("button", name="From a picture")
    ).to_be_visible()  # what takes it stands a moment after the page
    page.evaluate(
        """async ([name, data, kind, words]) => {
            const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
            const carried = new DataTransfer();
            carried.items.add(new File([bytes], "a", { type: kind }));
            if (words) carried.setData("text/plain", words);
            const said = { bubbles: true, cancelable: true };
            const made = name === "paste"
                ? new ClipboardEvent(name, { ...said, clipboardData: carried })
                : new DragEvent(name, { ...said, dataTransfer: carried });
            document.querySelector("#prompt textarea").dispatchEvent(made);
        }""",
        [event, base64.b64encode(out.getvalue()).decode(), kind, words],
    )


def until_stopped(loopback: Loopback) -> None:
    """Until the studio has hung up: a server that is told that nobody listens sends no more."""
    end = time.monotonic() + 60
    before = -1
    while before != loopback.manners.sent:
        assert time.monotonic() < end, "the studio reads on"
        before = loopback.manners.sent
        time.sleep(1)


def test_without_the_setting_there_is_no_button(chromium: Browser, server: App) -> None:
    with visiting(chromium, server.url) as visit:
        page = visit.open()
        expect(page.locator("#ask-foot .tokens")).to_have_count(1)
        expect(page.locator("#ask-foot .hint")).to_have_text("Ctrl+Enter draws")
        expect(page.locator("#ask-foot .from-picture, #ask-foot .reading-cancel")).to_have_count(0)


def test_a_picture_is_chosen_and_the_prompt_filled(visit: Visit, loopback: Loopback, photo: Path) -> None:
    loopback.manners.pieces, loopback.manners.pause_s = PIECES, 600
    page = visit.open()
    prompt, button = page.locator("#prompt textarea"), page.locator("#ask-foot .from-picture")
    expect(button).to_have_attribute("title", re.compile("^sees reads the picture"))
    prompt.fill("one dog")
    choose(page, photo)
    expect(page.locator("#ask-foot .reading")).to_have_text("Reading the picture …")
    expect(prompt).to_have_value("Two cats")
    expect(prompt).not_to_be_editable()
    loopback.manners.wake.set()
    expect(prompt).to_have_value(TOLD)
    expect(prompt).to_be_editable()
    expect(button).to_be_visible()
    expect(page.locator("#ask-foot .reading")).to_be_hidden()
    text, picture = loopback.manners.asked["messages"][0]["content"]
    assert text["text"].startswith("Look at this picture")
    sent = Image.open(io.BytesIO(base64.b64decode(picture["image_url"]["url"].split(",", 1)[1])))
    assert sent.size == (1024, 256)
    red = sent.convert("RGB").getpixel((100, 100))
    assert isinstance(red, tuple) and red[0] > 200 and red[2] < 60
    page.locator(".studio-toast button", has_text="Undo").click()
    expect(prompt).to_have_value("one dog")


def test_what_was_written_is_what_the_form_holds(visit: Visit, loopback: Loopback, photo: Path) -> None:
    loopback.manners.pieces = PIECES
    page = visit.open()
    choose(page, photo)
    expect(page.locator(".studio-toast")).to_contain_text("The prompt was written from the picture")
    expect(page.locator(".studio-toast button")).to_have_count(0)
    page.locator("#reason input").set_checked(False)
    page.click("#draw")
    expect(page.locator(".drawn-text")).to_have_text(TOLD)
    assert visit.reload().locator("#prompt textarea").input_value() == TOLD


@pytest.mark.parametrize("by", ["drop", "paste"])
def test_a_picture_may_be_dropped_or_pasted(visit: Visit, loopback: Loopback, by: str) -> None:
    loopback.manners.pieces = PIECES
    page = visit.open()
    give(page, by)
    expect(page.locator("#prompt textarea")).to_have_value(TOLD)


def test_words_that_are_pasted_with_their_picture_are_words(visit: Visit, loopback: Loopback) -> None:
    page = visit.open()
    give(page, "paste", words="some words")
    expect(page.locator("#ask-foot .reading")).to_be_hidden()
    assert loopback.manners.path == ""


@pytest.mark.parametrize("by", ["Escape", "Cancel"])
def test_a_reading_is_stopped_also_at_the_server(visit: Visit, loopback: Loopback, photo: Path, by: str) -> None:
    loopback.manners.pieces, loopback.manners.pause_s = ["Two cats", *[" and a dog"] * 1500], 0.05
    page = visit.open()
    prompt = page.locator("#prompt textarea")
    prompt.fill("one dog")
    choose(page, photo)
    expect(prompt).to_have_value(re.compile("^Two cats"))
    if by == "Escape":
        page.keyboard.press("Escape")
    else:
        page.locator("#ask-foot .reading-cancel").click()
    expect(prompt).to_have_value("one dog")
    expect(page.locator("#ask-foot .reading")).to_be_hidden()
    until_stopped(loopback)
    assert loopback.manners.sent < 1400
    expect(prompt).to_have_value("one dog")


def test_a_reading_is_stopped_before_it_began(visit: Visit, loopback: Loopback, photo: Path) -> None:
    loopback.manners.thoughts, loopback.manners.pause_s = ["hm "] * 1500, 0.05
    page = visit.open()
    choose(page, photo)
    page.locator("#ask-foot .reading-cancel").click()
    until_stopped(loopback)
    assert loopback.manners.sent < 1400
    loopback.manners.thoughts, loopback.manners.pieces, loopback.manners.pause_s = [], PIECES, 0
    choose(page, photo)
    expect(page.locator("#prompt textarea")).to_have_value(TOLD)


def test_a_page_that_is_closed_stops_its_reading(
    chromium: Browser, seeing: App, loopback: Loopback, photo: Path
) -> None:
    loopback.manners.pieces, loopback.manners.pause_s = ["Two cats", *[" and a dog"] * 1500], 0.05
    with visiting(chromium, seeing.url) as visit:
        page = visit.open()
        choose(page, photo)
        expect(page.locator("#prompt textarea")).to_have_value(re.compile("^Two cats"))
    until_stopped(loopback)
    assert loopback.manners.sent < 1400


def test_a_failure_brings_the_prompt_back_and_says_why(visit: Visit, loopback: Loopback, photo: Path) -> None:
    loopback.manners.pieces, loopback.manners.pause_s = ["Two cats", " on"], 600
    loopback.manners.cut, loopback.manners.finish = True, None
    page = visit.open()
    prompt = page.locator("#prompt textarea")
    prompt.fill("one dog")
    choose(page, photo)
    expect(prompt).to_have_value(re.compile("^Two cats"))
    loopback.manners.wake.set()
    expect(page.locator(".studio-toast")).to_contain_text("during its answer.")
    expect(prompt).to_have_value("one dog")
    loopback.manners.status = 400
    choose(page, photo)
    expect(page.locator(".studio-toast")).to_contain_text("Perhaps its model 'sees' does not read pictures.")
    expect(prompt).to_have_value("one dog")


def test_what_is_no_picture_is_said_and_not_sent(visit: Visit, loopback: Loopback, tmp_path: Path) -> None:
    page = visit.open()
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    choose(page, broken)
    expect(page.locator(".studio-toast")).to_have_text("This browser cannot open the picture")
    give(page, "drop", kind="image/gif")
    expect(page.locator(".studio-toast")).to_have_text("A picture must be a PNG, JPEG or WebP file")
    assert loopback.manners.path == ""


def test_it_is_said_in_chinese(chromium: Browser, seeing: App, loopback: Loopback, photo: Path) -> None:
    with visiting(chromium, seeing.url, locale="zh-CN") as visit:
        page = visit.open()
        loopback.manners.status = 500
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="看图写词").click()
        chooser.value.set_files(photo)
        expect(page.locator(".studio-toast")).to_contain_text("它的模型 'sees' 也许不会看图。")
        assert "请看这张图片" in loopback.manners.asked["messages"][0]["content"][0]["text"]
