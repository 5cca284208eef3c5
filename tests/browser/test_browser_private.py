"""Private in a real Chromium: the switch says what it does in every room, and what is drawn under it is in no room afterwards."""

from __future__ import annotations

from gradio_client import Client
from playwright.sync_api import Browser, expect

from tests.browser.conftest import IN_CHROMIUM, Visit, drawn, fill, newest, visiting

pytestmark = IN_CHROMIUM


def test_what_is_drawn_in_private_is_kept_nowhere(visit: Visit, client: Client, chromium: Browser) -> None:
    page = visit.open()
    fill(page, "a lantern nobody saw on a red background", reason=False, seed=5530117)
    page.locator("#draw").click()
    drawn(page, 5530117)
    kept = newest(client)["id"]

    page.locator(".private-switch").click()
    note = page.locator("#bar .private-note")
    expect(note).to_contain_text("kept nowhere")
    expect(page.locator(".strip .tile")).to_have_count(0)
    fill(page, "two lanterns nobody saw on a red background", reason=True, seed=5530118)
    page.locator("#draw").click()
    image = drawn(page, 5530118)
    address = str(image.get_attribute("src"))
    assert page.evaluate("url => fetch(url).then(answer => answer.headers.get('cache-control'))", address) == "no-store"
    expect(page.locator(".deeds").get_by_role("button", name="Share", exact=True)).to_have_count(0)
    page.locator(".deeds").get_by_role("button", name="Vary", exact=True).click()
    expect(page.locator(".strip .tile:not(.live)")).to_have_count(2)
    assert newest(client)["id"] == kept and client.predict("lanterns nobody saw", api_name="/history")["total"] == 0

    visit.go("gallery")
    expect(note).to_be_visible()
    expect(page.locator(f'#room-gallery [data-id="{kept}"], [data-id="{kept}"]').first).to_be_visible()
    visit.reload()  # the tab remembers that it is private
    visit.go("create")
    expect(note).to_be_visible()
    expect(page.locator(".strip .tile")).to_have_count(2)
    page.locator(".strip .tile").nth(1).click()
    image = drawn(page, 5530118)
    image.click()
    view = page.locator("dialog.picture-view[open]")
    expect(view.locator(".pv-facts").first).to_contain_text("5530118")
    expect(view.locator(".pv-rating")).to_have_count(0)
    view.get_by_role("button", name="Forget", exact=True).click()
    expect(view).to_have_count(0)
    expect(page.locator(".strip .tile")).to_have_count(1)

    with page.expect_request("**/media/private/left?session=*") as left:
        page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide'))")  # as when it is closed
    assert left.value.response().status == 204  # type: ignore[union-attr]
    visit.reload()
    visit.go("create")
    expect(page.locator(".strip .tile")).to_have_count(1)

    with visiting(chromium, visit.url) as other:  # another tab of the same owner has a session of its own
        beside = other.open()
        beside.locator(".private-switch").click()
        expect(beside.locator("#bar .private-note")).to_be_visible()
        expect(beside.locator(".strip .tile")).to_have_count(0)
        other.go("queue")
        expect(beside.locator(".queue .job").first).to_be_visible()
        expect(beside.locator(".queue")).not_to_contain_text("two lanterns nobody saw")
        beside.locator("#bar .private-note button").click()
        expect(beside.locator("#bar .private-note")).to_be_hidden()
    expect(page.locator(".strip .tile")).to_have_count(1)

    page.fill("#prompt textarea", "typed, and to be forgotten")
    note.get_by_role("button").click()
    expect(note).to_be_hidden()
    expect(page.locator("#prompt textarea")).to_have_value("")
    assert "forgotten" not in str(page.evaluate("JSON.stringify(sessionStorage)"))
    expect(page.locator(".strip .tile").first).to_be_visible()
    assert newest(client)["id"] == kept
    assert page.evaluate("url => fetch(url).then(answer => answer.status)", address) == 404
    assert page.evaluate("sessionStorage.getItem('studio-private')") is None
    visit.complaints[:] = [said for said in visit.complaints if "404" not in said]  # the last question but one

    fill(page, "a lantern for everybody on a red background", reason=False, seed=5530119)
    page.locator("#draw").click()
    drawn(page, 5530119)
    assert newest(client)["seed"] == 5530119
