"""A rewrite that is changed by an instruction, in a real Chromium: the studio is real, and so is the server that reasons, which recites."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import IN_CHROMIUM, Visit, drawn, fill, newest, visiting
from tests.conftest import App, serving
from tests.loopback import Loopback, listening

CHAIN = "## keep\none cat\n## solve\nnothing\n## compose\nin the middle\n## text\nnone\n## prompt\n{prompt}"
FIRST, SECOND = "One cat on a red background, by day.", "One cat on a red background, at dusk."

pytestmark = IN_CHROMIUM


@pytest.fixture(scope="module")
def reasoner() -> Iterator[Loopback]:
    with listening() as made:
        yield made


@pytest.fixture(scope="module")
def app(reasoner: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A studio whose enhancer is that server."""
    flags = {"enhancer": "remote", "enhancer_url": reasoner.url, "enhancer_model": "recites"}
    with serving(tmp_path_factory.mktemp("refining"), **flags) as made:
        yield made


@pytest.fixture
def visit(chromium: Browser, app: App) -> Iterator[Visit]:
    with visiting(chromium, app.url) as made:
        yield made


def test_a_rewrite_is_changed_by_an_instruction_and_drawn(visit: Visit, reasoner: Loopback, app: App) -> None:
    page = visit.open()
    reasoner.manners.pieces = [CHAIN.format(prompt=FIRST)]
    fill(page, "a cat on red", reason=True, seed=7710031)
    page.locator("#draw").click()
    drawn(page, 7710031)
    expect(page.locator(".drawn-text")).to_have_text(FIRST)
    first = newest(app.client())["enhancement"]

    reasoner.manners.pieces = [CHAIN.format(prompt=SECOND)]
    thread = page.locator(".thread")
    thread.get_by_role("button", name="Refine", exact=True).click()
    thread.get_by_role("textbox").fill("make it dusk")
    thread.get_by_role("button", name="Refine", exact=True).click()
    expect(page.locator(".drawn-text")).to_have_text(SECOND)
    expect(thread).to_contain_text("make it dusk")
    asked = [str(message["content"]) for message in reasoner.manners.asked["messages"]]
    assert FIRST in asked[-2] and "make it dusk" in asked[-1]
    thread.get_by_role("button", name="Draw this", exact=True).click()
    page.wait_for_function("document.querySelectorAll('.strip .tile:not(.live)').length === 2")
    made = newest(app.client())
    assert (made["prompt"], made["original_prompt"]) == (SECOND, "a cat on red")
    assert made["enhancement"]["parent_id"] == first["id"] and made["enhancement"]["instruction"] == "make it dusk"


def test_in_private_the_server_that_reads_along_is_named(visit: Visit) -> None:
    page = visit.open()
    page.locator(".private-switch").click()
    expect(page.locator("#bar .private-note")).to_contain_text("Prompts still go to the server that reasons, recites.")
    page.locator("#bar .private-note button").click()
    expect(page.locator("#bar .private-note")).to_be_hidden()
