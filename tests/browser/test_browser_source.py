"""Beginning with a picture, in a real Chromium: one that was drawn here, one from the disk, and what a reload and Reuse bring back."""

from __future__ import annotations

import io
from typing import Any

from gradio_client import Client
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import IN_CHROMIUM, Visit, drawn, fill, newest

pytestmark = IN_CHROMIUM


def slide(page: Page, far: int) -> None:
    """Move the slider, as a hand does."""
    page.locator(".source input[type=range]").evaluate(
        "(one, far) => { one.value = far; one.dispatchEvent(new Event('input', { bubbles: true })); }", far
    )


def fell(page: Page, where: str, data: bytes, name: str) -> None:
    """Drop a file."""
    page.evaluate(
        """([where, bytes, name]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/jpeg" }));
            const place = document.querySelector(where);
            for (const kind of ["dragover", "drop"])
                place.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        [where, [*data], name],
    )


def photo() -> bytes:
    file = io.BytesIO()
    Image.radial_gradient("L").resize((300, 200)).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def told(picture: dict[str, Any]) -> tuple[object, ...]:
    return tuple(picture[name] for name in ("source", "strength", "parent_id"))


def test_the_next_picture_begins_with_one_that_was_drawn(visit: Visit, client: Client) -> None:
    page = visit.open()
    fill(page, "two owls on a purple background", reason=False, seed=6630001)
    page.locator("#draw").click()
    drawn(page, 6630001)
    whence = newest(client)
    page.locator(".deeds .more").click()
    page.locator(".deeds").get_by_role("button", name="Draw from this", exact=True).click()
    row = page.locator(".source")
    expect(row).to_be_visible()
    assert whence["id"] in str(row.locator("img").get_attribute("src"))
    slide(page, 35)
    expect(row).to_contain_text("35 % from this picture")

    visit.reload()
    expect(row).to_contain_text("35 % from this picture")
    fill(page, "two foxes on a purple background", reason=False, seed=6630002)
    page.locator("#draw").click()
    drawn(page, 6630002)
    one = newest(client)
    assert told(one) == (whence["pixel_sha256"], 0.35, whence["id"])

    row.get_by_role("button", name="Begin with nothing again").click()
    expect(row).to_be_hidden()
    page.locator(".frame img.shown").click()
    view = page.locator("dialog.picture-view[open]")
    expect(view.locator(".pv-facts").first).to_contain_text("35 % from it")
    expect(view.locator(".pv-node")).to_have_count(2)
    expect(view.locator(".pv-node").nth(1)).to_contain_text("drawn from it")
    view.get_by_role("button", name="Reuse", exact=True).click()
    expect(row).to_contain_text("35 % from this picture")
    page.locator("#draw").click()
    page.wait_for_function("id => !document.querySelector('.frame img.shown')?.src.includes(id)", arg=one["id"])
    drawn(page, 6630002)
    again = newest(client)
    assert again["id"] != one["id"] and again["pixel_sha256"] == one["pixel_sha256"]


def test_a_photo_that_is_dropped_is_begun_with(visit: Visit, client: Client) -> None:
    page = visit.open()
    fill(page, "a moon on a lake", reason=False, seed=6630003)
    fell(page, "#ask", photo(), "lake.jpg")
    row = page.locator(".source")
    expect(row).to_be_visible()
    expect(page.locator("#width input")).to_have_value("160")
    expect(page.locator("#height input")).to_have_value("112")
    page.locator("#draw").click()
    drawn(page, 6630003)
    one = newest(client)
    assert one["strength"] == 0.6 and (one["width"], one["height"]) == (160, 112)
    assert client.predict(one["parent_id"], api_name="/picture")["pixel_sha256"] == one["source"]

    row.locator(".source-away").click()
    expect(row).to_be_hidden()
    fell(page, "#canvas", photo(), "lake.jpg")  # the stage takes one that tells of no settings, too
    expect(page.locator(".studio-toast")).to_contain_text("the next one begins with it")
    expect(row).to_be_visible()
    assert newest(client)["id"] == one["id"]  # the very photo was here


def test_a_photo_that_is_dropped_in_private_is_kept_nowhere(visit: Visit, client: Client) -> None:
    page = visit.open()
    before = newest(client)["id"]
    page.locator(".private-switch").click()
    expect(page.locator("#bar .private-note")).to_be_visible()
    file = io.BytesIO()
    Image.linear_gradient("L").resize((96, 96)).convert("RGB").save(file, "JPEG")
    fell(page, "#ask", file.getvalue(), "nobody saw.jpg")
    expect(page.locator(".source")).to_be_visible()
    fill(page, "a lighthouse nobody saw", reason=False, seed=6630004)
    page.locator("#draw").click()
    drawn(page, 6630004)
    assert newest(client)["id"] == before
    page.locator("#bar .private-note button").click()
    expect(page.locator("#bar .private-note")).to_be_hidden()
    expect(page.locator(".source")).to_be_hidden()
    assert page.locator("#source textarea, #source input").input_value() == ""
