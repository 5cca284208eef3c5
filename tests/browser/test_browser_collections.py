"""Collections in a real Chromium: their order, moved by keys, buttons and dragging, and their covers."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any

import pytest
from gradio_client import Client
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import IN_CHROMIUM, WAIT_MS, Visit, visiting
from tests.conftest import App

pytestmark = IN_CHROMIUM


def shelved(client: Client, name: str, word: str) -> tuple[dict[str, Any], list[str]]:
    """A collection of three pictures, and their ids in its order."""
    ids = []
    for number in range(3):
        prompt = f"a {word} number {number}"
        last = client.predict(prompt=prompt, enhance=False, steps=1, api_name="/generate")
        ids.append(last["pictures"][0]["id"])
    made: dict[str, Any] = client.predict(name=name, ids=ids, api_name="/new_collection")
    return made, ids


def opened(page: Page, name: str) -> None:
    """Open a collection and wait for its three pictures."""
    page.locator(".shelf .book", has_text=name).click()
    expect(page.locator(".gallery .card")).to_have_count(3)


def card(page: Page, id: str) -> Locator:
    return page.locator(f'.gallery .card[data-id="{id}"] a')


def until(page: Page, ask: Callable[[], object], wanted: object) -> None:
    """What the archive says becomes what is wanted, within the time that a slow machine gets."""
    for _ in range(WAIT_MS // 50):
        if (found := ask()) == wanted:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"wanted {wanted}, got {found}")


def expect_order(page: Page, client: Client, collection: str, ids: list[str]) -> None:
    """The page shows them so, and so does the archive."""
    for at, id in enumerate(ids):
        expect(page.locator(".gallery .card").nth(at)).to_have_attribute("data-id", id)
    until(page, lambda: [one["id"] for one in client.predict(collection=collection, api_name="/history")["items"]], ids)


def test_alt_and_arrows_move_a_picture_in_its_collection_and_say_where_it_is(visit: Visit, client: Client) -> None:
    made, (a, b, c) = shelved(client, "Axolotls", "axolotl")
    page = visit.open(room="gallery")
    card(page, a).focus()
    page.keyboard.press("Alt+ArrowRight")  # not a collection's order: nothing is moved
    expect(page.locator(".gallery .keys")).not_to_contain_text("Alt with an arrow")
    opened(page, "Axolotls")
    expect(page.locator(".gallery .keys")).to_contain_text("Alt with an arrow")
    card(page, a).focus()
    page.keyboard.press("Alt+ArrowRight")
    page.keyboard.press("Alt+ArrowRight")
    expect(page.locator(".gallery > .spoken")).to_have_text("Now at place 3 of 3.")
    expect(card(page, a)).to_be_focused()
    page.keyboard.press("Alt+ArrowRight")  # it is the last
    expect_order(page, client, made["id"], [b, c, a])
    expect(page.locator(".shelf .book", has_text="Axolotls").locator("img")).to_have_attribute(
        "src", f"/media/thumbs/{b}.webp"
    )
    page.keyboard.press("Alt+ArrowLeft")
    expect(page.locator(".gallery > .spoken")).to_have_text("Now at place 2 of 3.")
    expect_order(page, client, made["id"], [b, a, c])
    page.locator("#gallery-search").fill("axolotl")
    expect(page.locator(".gallery .day")).to_have_count(1)  # by day: no longer its own order
    expect(card(page, a)).to_have_attribute("draggable", "false")


def test_a_card_is_dragged_before_and_behind_another(visit: Visit, client: Client) -> None:
    made, (a, b, c) = shelved(client, "Caracals", "caracal")
    page = visit.open(room="gallery")
    opened(page, "Caracals")
    expect(card(page, c)).to_have_attribute("draggable", "true")
    card(page, c).drag_to(card(page, a), target_position={"x": 20, "y": 80})
    expect_order(page, client, made["id"], [c, a, b])
    card(page, a).drag_to(card(page, b), target_position={"x": 190, "y": 80})
    expect_order(page, client, made["id"], [c, b, a])
    expect(page.locator(".card.before, .card.behind, .card.dragged")).to_have_count(0)


def test_those_that_are_chosen_move_together_in_their_order(visit: Visit, client: Client) -> None:
    made, (a, b, c) = shelved(client, "Genets", "genet")
    page = visit.open(room="gallery")
    opened(page, "Genets")
    for one in (c, a):
        card(page, one).focus()
        page.keyboard.press("x")
    page.keyboard.press("Alt+ArrowRight")  # they lie apart: first they come together
    expect_order(page, client, made["id"], [b, a, c])
    page.keyboard.press("Alt+ArrowRight")
    page.keyboard.press("Alt+ArrowLeft")
    expect_order(page, client, made["id"], [a, c, b])
    expect(page.locator(".gallery > .spoken")).to_have_text("Now at place 1 of 3.")
    card(page, c).drag_to(card(page, b), target_position={"x": 190, "y": 80})
    expect_order(page, client, made["id"], [b, a, c])
    card(page, b).drag_to(card(page, c), target_position={"x": 190, "y": 80})  # it is not one of them: alone
    expect_order(page, client, made["id"], [a, c, b])


def test_the_bar_moves_one_picture_with_a_finger(chromium: Browser, server: App, client: Client) -> None:
    made, (a, b, c) = shelved(client, "Fennecs", "fennec")
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with visiting(chromium, server.url, **phone) as visit:
        page = visit.open(room="gallery")
        opened(page, "Fennecs")
        page.locator(f'.card[data-id="{c}"] .check').tap()
        bar = page.locator(".chosen-bar")
        expect(bar.get_by_text("Move later", exact=True)).to_be_disabled()
        bar.get_by_text("Move earlier", exact=True).tap()
        expect_order(page, client, made["id"], [a, c, b])
        bar.get_by_text("Move earlier", exact=True).tap()
        expect_order(page, client, made["id"], [c, a, b])
        expect(bar.get_by_text("Move earlier", exact=True)).to_be_disabled()
        expect(bar.get_by_text("Move later", exact=True)).to_be_focused()
        page.locator(f'.card[data-id="{a}"] .check').tap()
        bar.get_by_text("Move later", exact=True).tap()  # the two of them
        expect_order(page, client, made["id"], [b, c, a])
        expect(bar.get_by_text("Move later", exact=True)).to_be_disabled()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_one_picture_of_a_collection_becomes_its_cover(visit: Visit, client: Client) -> None:
    made, (a, b, c) = shelved(client, "Margays", "margay")
    page = visit.open(room="gallery")
    opened(page, "Margays")
    cover = page.locator(".shelf .book", has_text="Margays").locator("img")
    expect(cover).to_have_attribute("src", f"/media/thumbs/{a}.webp")
    card(page, c).focus()
    page.keyboard.press("x")
    page.locator(".chosen-bar").get_by_text("Use as cover", exact=True).click()
    expect(cover).to_have_attribute("src", f"/media/thumbs/{c}.webp")
    expect(page.locator(".studio-toast")).to_have_text("It is the cover of Margays now.")
    found = client.predict(api_name="/collections")["collections"]
    assert [one["cover_url"] for one in found if one["id"] == made["id"]] == [f"/media/thumbs/{c}.webp"]
    card(page, b).focus()
    page.keyboard.press("x")
    expect(page.locator(".chosen-bar b")).to_have_text("2 selected")
    expect(page.locator(".chosen-bar").get_by_text("Use as cover", exact=True)).to_have_count(0)


def tagged(client: Client, word: str, tags: list[str]) -> str:
    """The id of a picture with these tags."""
    last = client.predict(prompt=f"a {word} with tags", enhance=False, steps=1, api_name="/generate")
    id: str = last["pictures"][0]["id"]
    client.predict(id=id, tags=tags, api_name="/edit")
    return id


def test_a_tag_is_completed_in_a_pictures_own_view(visit: Visit, client: Client) -> None:
    tagged(client, "serval", ["zephyr one", "zephyr <b>two</b>"])
    id = tagged(client, "serval", ["zephyr one"])
    page = visit.open(f"/?picture={id}")
    field = page.locator(".pv-tags input")
    field.press_sequentially("zephyr")
    options = page.locator("#picture-tags [role=option]")
    expect(options.locator("b")).to_have_text(["zephyr <b>two</b>"])  # it has the other one
    expect(field).to_have_attribute("role", "combobox")
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(field).to_have_attribute("aria-expanded", "false")
    expect(page.locator(".picture-view")).to_be_visible()  # the list was closed, not the view
    expect(field).to_have_value("zephyr")
    field.press_sequentially(" ")
    page.keyboard.press("Backspace")
    expect(options).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(field).to_have_attribute("aria-activedescendant", "picture-tags-0")
    page.keyboard.press("Enter")
    expect(page.locator(".pv-tag")).to_have_text(["zephyr one", "zephyr <b>two</b>"])
    expect(field).to_be_focused()
    field.press_sequentially("zephyrs")  # typed on, as fast as one can: what was typed counts
    page.keyboard.press("Enter")
    expect(page.locator(".pv-tag", has_text="zephyrs")).to_have_count(1)
    kept = client.predict(id=id, api_name="/picture")["tags"]
    assert sorted(kept) == ["zephyr <b>two</b>", "zephyr one", "zephyrs"]


def test_a_tag_of_many_is_completed_and_taken_away_in_the_bar(visit: Visit, client: Client) -> None:
    ids = [tagged(client, "jerboa", ["monsoon rain"]), tagged(client, "jerboa", [])]
    page = visit.open(room="gallery")
    page.locator("#gallery-search").fill("jerboa")
    expect(page.locator(".gallery .card")).to_have_count(2)
    card(page, ids[0]).focus()
    page.keyboard.press("Control+a")
    bar = page.locator(".chosen-bar")
    bar.get_by_text("Tag", exact=True).click()
    for typed, offered, kept in (
        ("mons", "monsoon rain", [["monsoon rain"]] * 2),
        ("-Mons", "-monsoon rain", [[]] * 2),
    ):
        bar.locator("input").press_sequentially(typed)
        expect(page.locator("#chosen-tags b")).to_have_text([offered])
        page.locator("#chosen-tags li").click()
        expect(bar.locator("input")).to_have_value("")
        until(page, lambda: [client.predict(id=id, api_name="/picture")["tags"] for id in ids], kept)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_everybody_can_use_the_bar_and_the_suggestions(
    chromium: Browser, server: App, client: Client, scheme: str
) -> None:
    if os.environ.get("CI") != "true":
        pytest.importorskip("axe_playwright_python", reason="pip install axe-playwright-python")
    axe = importlib.import_module("axe_playwright_python.sync_playwright")
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
    name = f"Okapis, {scheme}"
    _, ids = shelved(client, name, f"okapi in {scheme}")
    client.predict(id=ids[1], tags=["forest giraffe"], api_name="/edit")
    with visiting(chromium, server.url, color_scheme=scheme) as visit:
        page = visit.open(room="gallery")
        opened(page, name)
        page.evaluate("document.querySelector('.gallery .card .check').click()")
        page.locator(".chosen-bar").get_by_text("Tag", exact=True).click()
        page.keyboard.type("fores")
        expect(page.locator("#chosen-tags li")).to_have_count(1)
        page.keyboard.press("ArrowDown")
        assert axe.Axe().run(page, context=".gallery", options=rules).response["violations"] == []
        page = visit.open(f"/?picture={ids[0]}")
        page.locator(".pv-tags input").press_sequentially("fores")
        expect(page.locator("#picture-tags li")).to_have_count(1)
        page.keyboard.press("ArrowDown")
        assert axe.Axe().run(page, context=".pv-tags", options=rules).response["violations"] == []
