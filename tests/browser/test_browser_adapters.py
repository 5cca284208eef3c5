"""Adapters in Create: a fold of what fits, switched on and weighed, drawn with, used again, and missed where its file went away."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from gradio_client import Client
from playwright.sync_api import expect

from tests import adapters as adapter_files
from tests.browser.conftest import IN_CHROMIUM, Visit, drawn, drop_on_stage, fill, newest
from tests.conftest import App

pytestmark = IN_CHROMIUM


@pytest.fixture
def nib(server: App) -> Iterator[str]:
    """The hash of an adapter that the host has put in for this test; another one beside it fits no model here."""
    folder = server.data / "adapters"
    made = adapter_files.lora(folder, "nib", 31, {"title": "Steel nib", "trigger": "nib strokes"})
    other = adapter_files.write(folder / "broad.safetensors", adapter_files.matrices(1, dim=480))
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
    twin = adapter_files.lora(server.data / "adapters", "nib two", 32, {"title": "Steel nib"})
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
    expect(field).to_have_value('[["nib",0.6]]')
    row.get_by_role("button", name="nib strokes").click()
    expect(page.locator("#prompt textarea")).to_have_value("an ibis on a green background, nib strokes")
    page.locator("#draw").click()
    drawn(page, 6620931)
    made = newest(client)
    assert made["adapters"] == [{"name": "nib", "weight": 0.6, "sha256": nib}]

    row.get_by_role("checkbox").uncheck()
    expect(field).to_have_value("")
    drop_on_stage(page, page.request.get(f"{server.url}{made['url']}").body())
    expect(field).to_have_value('[["nib",0.6]]')
    expect(page.locator(".studio-toast")).not_to_contain_text("missing here")
    row.get_by_role("checkbox").uncheck()
    page.locator(".deeds .more").click()
    page.locator(".deeds").get_by_role("button", name="Reuse").click()
    expect(field).to_have_value('[["nib",0.6]]')
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


def test_a_typed_weight_is_taken_or_marked_and_never_corrected(visit: Visit, nib: str) -> None:
    page = visit.open()
    fold, field = page.locator("#fold-adapters"), page.locator("#adapters textarea, #adapters input")
    row = page.locator('.adapter[data-name="nib"]')
    fill(page, "a pink ibis", reason=False)
    fold.locator("button").click()
    row.get_by_role("checkbox").check()
    number, wrong = row.get_by_role("spinbutton"), row.locator(".weight-wrong")
    expect(row.get_by_role("slider")).to_have_attribute("aria-label", "Weight of Steel nib, -2 to 2")
    expect(number).to_have_attribute("aria-label", "Weight of Steel nib, -4 to 4")
    number.fill("0.001")
    expect(field).to_have_value('[["nib",0.001]]')
    number.fill("0.123")
    for typed in ("9", "0", "", "-4.01"):
        number.fill(typed)
        expect(number).to_have_attribute("aria-invalid", "true")
        expect(wrong).to_have_text("A weight goes from -4 to 4 and is not 0; 0.123 stays.")
        expect(field).to_have_value('[["nib",0.123]]')
        expect(number).to_be_focused()
        number.blur()
        expect(number).to_have_attribute("aria-invalid", "false")
        expect(number).to_have_value("0.123")
        number.fill("0.2")
        expect(wrong).to_have_text("")
        number.fill("0.123")
    row.get_by_role("slider").fill("0")
    row.get_by_role("slider").dispatch_event("change")
    expect(wrong).to_contain_text("0.123 stays")
    row.get_by_role("slider").blur()
    expect(number).to_have_value("0.123")
    expect(row.get_by_role("checkbox")).to_be_checked()


def test_of_many_files_what_is_on_comes_first_and_the_rest_is_filtered(visit: Visit, server: App, nib: str) -> None:
    folder = server.data / "adapters"
    words = {"trigger": "ink, 水墨, " + "long " * 15 + ", " + ", ".join(f"word {n}" for n in range(9))}
    made = [adapter_files.lora(folder, f"many {n}", n, {"title": f"Quill {n}"}) for n in range(8)]
    made.append(adapter_files.lora(folder, "zz 1, b", 40, {"title": "Odd", **words}))
    try:
        page = visit.open()
        fold, field = page.locator("#fold-adapters"), page.locator("#adapters textarea, #adapters input")
        rows, find = page.locator(".adapter"), page.locator(".adapter-filter")
        fill(page, "a pink ibis, 一幅水墨画", reason=False, seed=6620932)
        fold.locator("button").click()
        expect(rows.last).to_contain_text("Odd")
        expect(rows.last).to_have_attribute("title", "zz 1, b.safetensors")
        expect(page.locator(".adapter .trigger")).to_have_count(0)
        rows.last.get_by_role("checkbox").click()
        expect(rows.first).to_contain_text("Odd")
        expect(field).to_have_value('[["zz 1, b",1]]')
        chips = rows.first.locator(".trigger")
        expect(chips).to_have_count(8)
        assert len(set(chips.evaluate_all("all => all.map((one) => one.offsetHeight)"))) == 1
        assert page.locator(".adapters").evaluate("one => one.scrollWidth <= one.clientWidth")
        chips.filter(has_text="水墨").click()
        expect(page.locator("#prompt textarea")).to_have_value("a pink ibis, 一幅水墨画")
        chips.first.click()
        chips.first.click()
        expect(page.locator("#prompt textarea")).to_have_value("a pink ibis, 一幅水墨画, ink")
        find.fill("QUILL 3")
        expect(rows.locator("visible=true")).to_have_count(1)
        find.fill("zz")
        expect(rows.locator("visible=true")).to_contain_text("Odd")
        find.fill("zzz")
        expect(page.locator(".adapter-unfound")).to_have_text("No adapter is called so.")
        find.press("Escape")
        expect(find).to_have_value("")
        expect(page.locator(".adapter:not([hidden])")).to_have_count(
            len(made) + 2
        )  # the nib, and what comes with Pocket
        page.locator("#draw").click()
        drawn(page, 6620932)
        visit.reload()
        expect(field).to_have_value('[["zz 1, b",1]]')
        expect(fold.locator("output")).to_have_text("Odd 1")
    finally:
        for one in made:
            one.unlink()
