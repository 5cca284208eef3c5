"""The gallery over an archive of many pages, in a real Chromium: what is laid out, what is asked for, and the way back up."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Request, expect

import storage
from bench.archive_filler import fill
from studio.ui.scripts import files
from tests.browser.conftest import IN_CHROMIUM, READY, visiting
from tests.conftest import App, serving

pytestmark = IN_CHROMIUM

ROWS = 800  # seven in eight of them are the owner's: more pages of 48 than are ever laid out
LAID = 8 * 48
AT_ONCE = 60  # pictures that one answer of the API holds


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with many pictures that have no files."""
    folder = tmp_path_factory.mktemp("many")
    storage.open(folder).close()
    fill(folder / "studio.db", ROWS, lambda done, rows: None)
    return folder


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, filled: Path) -> Iterator[App]:
    with serving(tmp_path_factory.mktemp("pages"), data=filled) as made:
        yield made


@pytest.fixture
def page(chromium: Browser, app: App) -> Iterator[Page]:
    """The gallery of that archive; every file is one and the same."""
    thumb = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(thumb, "WEBP")
    with visiting(chromium, app.url) as visit:
        visit.page.route("**/media/**", lambda route: route.fulfill(body=thumb.getvalue(), content_type="image/webp"))
        page = visit.open()
        page.wait_for_function(READY)
        visit.go("gallery")
        expect(page.locator(".gallery .card")).to_have_count(48)
        yield page


def ids(app: App, collection: str | None = None) -> list[str]:
    """All ids in the order of the API."""
    client, found, cursor = app.client(), list[str](), None
    while True:
        answer = client.predict(limit=AT_ONCE, cursor=cursor, collection=collection, api_name="/history")
        found += [one["id"] for one in answer["items"]]
        cursor = answer["next"]
        if cursor is None:
            return found


def end(page: Page, at: int) -> str:
    """The id of the first (0) or the last (-1) card."""
    found: str = page.evaluate("at => [...document.querySelectorAll('.gallery .card')].at(at).dataset.id", at)
    return found


def walk(page: Page, at: int, last: str) -> int:
    """To the end that is laid out, again and again, until it is this card; how many cards were laid out at most."""
    most = 0
    for _ in range(60):
        here = end(page, at)
        if here == last:
            return most
        page.evaluate(
            "down => scrollTo(0, down ? document.body.scrollHeight : document.querySelector('.gallery .edge').offsetTop)",
            at,
        )
        page.wait_for_function(
            "([at, id]) => [...document.querySelectorAll('.gallery .card')].at(at).dataset.id !== id", arg=[at, here]
        )
        most = max(most, page.locator(".gallery .card").count())
    raise AssertionError(f"The card {last} did not come.")


def test_pages_come_once_each_and_what_is_far_away_is_let_go(page: Page, app: App) -> None:
    asked: list[str] = []

    def heard(request: Request) -> None:
        event = ((request.post_data_json or {}).get("event_data") or {}) if request.method == "POST" else {}
        if event.get("name") == "history":
            asked.append(str(event["values"]["cursor"]))

    page.on("request", heard)
    there = ids(app)
    assert len(there) > LAID + 3 * 48
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(1500)
    assert page.locator(".gallery .card").count() == 96  # one page, not all: nothing draws the window down
    assert walk(page, -1, there[-1]) == LAID
    assert len(asked) == len(set(asked)) == -(-len(there) // 48) - 1
    shown = page.evaluate("[...document.querySelectorAll('.gallery .card')].map((card) => card.dataset.id)")
    assert shown == there[-len(shown) :]
    assert walk(page, 0, there[0]) == LAID
    shown = page.evaluate("[...document.querySelectorAll('.gallery .card')].map((card) => card.dataset.id)")
    assert shown == there[: len(shown)]
    assert page.evaluate("document.querySelector('.gallery .space').offsetHeight") == 0


def test_a_collection_of_many_pages_is_gone_through_both_ways_and_moved_in(page: Page, app: App) -> None:
    client, wanted = app.client(), list(reversed(ids(app)))
    made = client.predict(name="Everything", ids=wanted, api_name="/new_collection")
    page.reload()
    page.wait_for_function(READY)
    page.locator(".shelf .book", has_text="Everything").click()
    expect(page.locator(".gallery .card").first).to_have_attribute("data-id", wanted[0])
    assert walk(page, -1, wanted[-1]) == LAID
    page.locator(f'.card[data-id="{wanted[-1]}"] a').focus()
    page.keyboard.press("Alt+ArrowLeft")
    place, whole = f"{len(wanted) - 1:,}", f"{len(wanted):,}"
    expect(page.locator(".gallery > .spoken")).to_have_text(f"Now at place {place} of {whole}.")
    assert walk(page, 0, wanted[0]) == LAID
    wanted[-2:] = reversed(wanted[-2:])
    assert ids(app, made["id"]) == wanted


TURNED = """
async (address) => {
  const { createPages } = await import(address);
  let open = null;
  const page = (n) => ({ items: [{ id: n, created_at: "" }], previous: `n${n - 1}`, next: `p${n + 1}` });
  const fetch = (cursor) => new Promise((tell) => (open = { cursor, tell }));
  const pages = createPages({ fetch, isWanted: () => true, onReady: () => {} });
  const answer = async () => {
    const { cursor, tell } = open;
    open = null;
    tell(page(Number(cursor.slice(1))));
    await new Promise((go) => setTimeout(go));
  };
  const told = [];
  const tell = () => told.push(pages.items().map((item) => item.id));
  pages.begin(page(100));
  pages.take(true);
  for (let n = 0; n < 12; n += 1) (await answer(), pages.take(true), tell());
  await answer(); // one waits below, and the next is asked for
  const asked = open.cursor;
  for (let n = 0; n < 2; n += 1) (pages.take(false), tell()); // meanwhile somebody goes back up: that one is let go
  for (let n = 0; n < 12; n += 1) {
    if (open) await answer();
    (pages.take(true), tell());
  }
  return { asked, told };
}
"""


def test_whoever_turns_round_while_a_page_is_asked_for_gets_no_gap(page: Page) -> None:
    found = page.evaluate(TURNED, next(address for address in files() if address.endswith("/gallery/pagination.js")))
    for numbers in found["told"]:
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert found["told"][-1][-1] > int(found["asked"][1:])
