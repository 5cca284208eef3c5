"""What is done with chosen cards in a real Chromium while others change the same archive, and what is told of it."""

from __future__ import annotations

import re
from typing import Any

from gradio_client import Client
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import IN_CHROMIUM, Visit

pytestmark = IN_CHROMIUM


def drawn(client: Client, *prompts: str) -> list[str]:
    """The ids of pictures with these prompts."""
    made = [client.predict(prompt=one, enhance=False, steps=1, api_name="/generate") for one in prompts]
    return [one["pictures"][0]["id"] for one in made]


def purged(client: Client, id: str) -> None:
    """Gone for ever, by somebody else's hand."""
    client.predict(id=id, api_name="/delete")
    client.predict(ids=[id], api_name="/purge")


def picture(client: Client, id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.predict(id=id, api_name="/picture")
    return found


def cards(page: Page) -> Locator:
    return page.locator(".gallery .card")


def card(page: Page, id: str) -> Locator:
    return page.locator(f'.gallery .card[data-id="{id}"] a')


def search(page: Page, query: str, found: int) -> None:
    page.locator("#gallery-search").fill(query)
    expect(page.locator(".gallery .tally")).to_contain_text(f"{found} of ")
    expect(cards(page)).to_have_count(found)


def choose(page: Page, *ids: str) -> Locator:
    """These, by key; gives the bar."""
    for id in ids:
        card(page, id).focus()
        page.keyboard.press("x")
    expect(page.locator(".chosen-bar b")).to_have_text(f"{len(ids)} selected")
    return page.locator(".chosen-bar")


def test_what_went_elsewhere_is_named_and_the_others_are_done(visit: Visit, client: Client) -> None:
    here, there = drawn(client, "a kinkajou here", "a kinkajou gone")
    page = visit.open(room="gallery")
    search(page, "kinkajou", 2)
    bar = choose(page, here, there)
    purged(client, there)
    bar.get_by_text("Star", exact=True).click()
    expect(page.locator(".studio-toast")).to_contain_text("1 was gone already.")
    expect(cards(page)).to_have_count(1)
    expect(bar.locator("b")).to_have_text("1 selected")
    assert picture(client, here)["favourite"] is True


def test_a_zip_that_cannot_be_made_leaves_the_page_where_it_is(visit: Visit, client: Client) -> None:
    here, there = drawn(client, "a cacomistle here", "a cacomistle gone")
    page = visit.open(room="gallery")
    search(page, "cacomistle", 2)
    bar = choose(page, here, there)
    purged(client, there)
    bar.get_by_text("Export", exact=True).click()
    expect(page.locator(".studio-toast")).to_contain_text(re.compile("not found|does not answer", re.I))
    expect(cards(page)).to_have_count(2)
    visit.complaints.clear()  # the browser says of a refusal that it was one


def test_a_new_question_lets_go_of_what_was_chosen_and_undo_puts_back_only_where_it_belongs(
    visit: Visit, client: Client
) -> None:
    one, two, other = drawn(client, "a binturong one", "a binturong two", "an olingo")
    page = visit.open(room="gallery")
    search(page, "binturong", 2)
    bar = choose(page, one)
    search(page, "olingo", 1)
    expect(bar).to_be_hidden()
    search(page, "binturong", 2)
    card(page, two).focus()
    page.keyboard.press("Delete")
    expect(cards(page)).to_have_count(1)
    search(page, "olingo", 1)
    page.locator(".studio-toast button").click()
    expect(page.locator(".studio-toast")).to_contain_text("back")
    assert picture(client, two)["deleted_at"] is None
    expect(cards(page)).to_have_count(1)
    expect(card(page, other)).to_be_visible()


def test_a_key_on_a_chosen_card_means_all_that_are_chosen(visit: Visit, client: Client) -> None:
    ids = drawn(client, "a tayra one", "a tayra two", "a tayra three")
    page = visit.open(room="gallery")
    search(page, "tayra", 3)
    choose(page, *ids[:2])
    page.keyboard.press("4")
    page.keyboard.press("f")
    expect(page.locator('.card .star[aria-pressed="true"]')).to_have_count(2)
    card(page, ids[2]).focus()
    page.keyboard.press("2")  # it is not one of them: alone
    card(page, ids[0]).focus()
    page.keyboard.press("Delete")
    expect(page.locator(".studio-toast")).to_contain_text("2 pictures are in the trash.")
    expect(cards(page)).to_have_count(1)
    assert [picture(client, id)["rating"] for id in ids] == [4, 4, 2]


def test_a_collection_made_or_given_up_elsewhere_is_no_dead_end(visit: Visit, client: Client) -> None:
    ids = drawn(client, "a cusimanse one", "a cusimanse two")
    page = visit.open(room="gallery")
    search(page, "cusimanse", 2)
    bar = choose(page, *ids)
    made = client.predict(name="Elsewhere", api_name="/new_collection")
    bar.get_by_text("Collect", exact=True).click()
    bar.locator("input").fill("elsewhere")
    bar.locator("input").press("Enter")
    expect(page.locator(".shelf .book", has_text="Elsewhere")).to_contain_text("2")
    assert client.predict(collection=made["id"], api_name="/history")["total"] == 2
    page.locator("#gallery-search").fill("")
    expect(page.locator(".gallery .tally")).to_contain_text("pictures")
    page.locator(".shelf .book", has_text="Elsewhere").click()
    expect(cards(page)).to_have_count(2)
    client.predict(collection=made["id"], api_name="/delete_collection")
    choose(page, ids[0]).get_by_text("Take out", exact=True).click()
    expect(page.locator(".studio-toast")).to_contain_text("was not found")
    expect(card(page, ids[0])).to_be_visible()  # nothing was taken out
    page.locator("#gallery-search").fill("cusimanse")
    expect(page.locator(".shelf .book", has_text="Elsewhere")).to_have_count(0)
    expect(page.locator(".gallery .tally")).to_contain_text("2 of ")
    visit.complaints.clear()


def test_a_collection_is_given_up_by_two_clicks_and_counts_follow_the_trash(visit: Visit, client: Client) -> None:
    ids = drawn(client, "a grison one", "a grison two")
    client.predict(name="Grisons", ids=ids, api_name="/new_collection")
    page = visit.open(room="gallery")
    book = page.locator(".shelf .book", has_text="Grisons")
    expect(book).to_contain_text("2")
    search(page, "grison", 2)
    card(page, ids[0]).focus()
    page.keyboard.press("Delete")
    expect(book).to_contain_text("1")
    page.locator(".studio-toast button").click()
    expect(book).to_contain_text("2")
    page.locator("#gallery-search").fill("")
    expect(page.locator(".gallery .tally")).to_contain_text("pictures")
    book.click()
    expect(cards(page)).to_have_count(2)
    expect(page.locator(".gallery .views .jump")).to_be_hidden()  # it has an order of its own
    shelf = page.locator(".shelf")
    shelf.get_by_text("Delete collection", exact=True).dblclick()  # its second click falls onto what has come there
    shelf.get_by_text("Not now", exact=True).click()
    shelf.get_by_text("Delete collection", exact=True).click()
    shelf.get_by_text("Yes, delete it; its pictures stay", exact=True).click()
    expect(book).to_have_count(0)
    assert picture(client, ids[0])["deleted_at"] is None


def test_a_saved_search_keeps_the_chip_that_was_on(visit: Visit, client: Client) -> None:
    starred, plain = drawn(client, "a zorilla one", "a zorilla two")
    client.predict(id=starred, favourite=True, api_name="/edit")
    page = visit.open(room="gallery")
    page.locator("#gallery-favourite").click()
    search(page, "zorilla", 1)
    page.locator(".shelf").get_by_text("Save this search", exact=True).click()
    page.locator(".shelf input").fill("Starred zorillas")
    page.locator(".shelf input").press("Enter")
    expect(page.locator(".shelf .book", has_text="Starred zorillas")).to_contain_text("1")
    found = client.predict(collection="Starred zorillas", api_name="/history")["items"]
    assert [one["id"] for one in found] == [starred] and plain


def test_a_date_before_all_pictures_says_so(visit: Visit, client: Client) -> None:
    drawn(client, "a linsang of today")
    page = visit.open(room="gallery")
    page.locator(".gallery .jump").fill("1999-05-01")
    expect(page.locator(".gallery .nothing")).to_have_text("Nothing here is that old.")
