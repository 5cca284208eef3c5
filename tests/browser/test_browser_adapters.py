"""Adapters in Create: a fold of what fits, switched on and weighed, drawn with, used again, and missed where its file went away."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from gradio_client import Client
from playwright.sync_api import expect

from tests import adapting
from tests.browser.conftest import IN_CHROMIUM, Visit, drawn, drop_on_stage, fill, newest
from tests.conftest import App

pytestmark = IN_CHROMIUM


@pytest.fixture
def nib(server: App) -> Iterator[str]:
    """The hash of an adapter that the host has put in for this test; another one beside it fits no model here."""
    folder = server.data / "adapters"
    made = adapting.lora(folder, "nib", 31, {"title": "Steel nib", "trigger": "nib strokes"})
    other = adapting.write(folder / "broad.safetensors", adapting.matrices(1, dim=480))
    yield hashlib.sha256(made.read_bytes()).hexdigest()
    made.unlink(missing_ok=True)
    other.unlink()


def test_an_adapter_is_switched_on_weighed_drawn_with_and_missed(
    visit: Visit, client: Client, server: App, nib: str
) -> None:
    page = visit.open()
    fold, field = page.locator("#fold-adapters"), page.locator("#adapters textarea, #adapters input")
    row = page.locator('.adapter[data-name="nib"]')
    fill(page, "an ibis on a green background", reason=False, seed=6620931)
    expect(fold.locator("output")).to_have_text("none")
    fold.locator("button").click()
    expect(row).to_contain_text("Steel nib")
    expect(page.locator('.adapter[data-name="broad"]')).to_have_count(0)
    twin = adapting.lora(server.data / "adapters", "nib two", 32, {"title": "Steel nib"})
    fold.locator("button").click()
    expect(row).to_contain_text("Steel nib (nib)")  # told apart
    twin.unlink()
    fold.locator("button").click()
    expect(row).not_to_contain_text("(nib)")
    row.get_by_role("checkbox").check()
    expect(fold.locator("output")).to_have_text("Steel nib 1")
    row.get_by_role("spinbutton").fill("-2.5")
    row.get_by_role("spinbutton").press("Enter")
    expect(fold.locator("output")).to_have_text("Steel nib -2.5")
    row.get_by_role("slider").fill("0.6")
    row.get_by_role("slider").dispatch_event("change")
    expect(field).to_have_value("nib 0.6")
    row.get_by_role("button", name="nib strokes").click()
    expect(page.locator("#prompt textarea")).to_have_value("an ibis on a green background, nib strokes")
    page.locator("#draw").click()
    drawn(page, 6620931)
    made = newest(client)
    assert made["adapters"] == [{"name": "nib", "weight": 0.6, "sha256": nib}]

    row.get_by_role("checkbox").uncheck()
    expect(field).to_have_value("")
    drop_on_stage(page, page.request.get(f"{server.url}{made['url']}").body())
    expect(field).to_have_value("nib 0.6")
    expect(page.locator(".studio-toast")).not_to_contain_text("missing here")
    row.get_by_role("checkbox").uncheck()
    page.locator(".deeds .more").click()
    page.locator(".deeds").get_by_role("button", name="Reuse").click()
    expect(field).to_have_value("nib 0.6")
    expect(row.get_by_role("checkbox")).to_be_checked()
    page.locator(".deeds .more").click()
    page.locator(".deeds").get_by_role("button", name="Details").click()
    view = page.locator("dialog.picture-view[open]")
    expect(view.locator(".pv-facts").first).to_contain_text("nib 0.6")
    view.locator(".pv-first").click()
    expect(view.locator(".pv-said.good")).to_be_visible()

    (server.data / "adapters" / "nib.safetensors").unlink()
    view.locator(".pv-first").click()
    expect(view.locator(".pv-changed")).to_contain_text("adapter nib")
    expect(view.locator(".pv-changed")).to_contain_text("missing")
    page.keyboard.press("Escape")
    fold.locator("button").click()
    expect(row).to_contain_text("Not here")
    page.locator("#draw").click()
    expect(page.locator(".canvas")).to_contain_text("adapters must name files that are here (got nib).")
    row.get_by_role("checkbox").click()
    expect(row).to_have_count(0)
    expect(field).to_have_value("")
