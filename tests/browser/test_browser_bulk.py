"""More pictures than the gallery lays out, in a real Chromium: all of them chosen, changed, thrown away, brought back and taken along."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Browser, Page, expect

import storage
from tests.browser.conftest import IN_CHROMIUM, visiting
from tests.conftest import StartApp

pytestmark = IN_CHROMIUM

MANY = 1_030  # more than are laid out, than some rounds take, and than one call of a program may name
FOUND = "more than 1,000 of 1,031"  # what a search counts, and all


def filled(folder: Path) -> None:
    """An archive of so many tiles, and one brick that is none of them."""
    store = storage.open(folder)
    for n in range(MANY + 1):
        file, info = io.BytesIO(), PngInfo()
        words = f"a tile number {n}" if n < MANY else "a lone brick"
        info.add_text("parameters", f"{words}\nSteps: 8, Sampler: Euler, CFG scale: 1, Seed: {n}, Size: 16x16")
        Image.new("RGB", (16, 16), (n % 256, n // 256, 40)).save(file, "PNG", pnginfo=info)
        store.importer.import_file("home", file.getvalue(), f"{n}.png")
    store.close()


def chosen(page: Page) -> None:
    """All that are found, from one card on."""
    page.locator(".gallery .card a").first.focus()
    page.keyboard.press("x")
    page.locator(".chosen-bar").get_by_text("All 1,000+", exact=True).click()
    expect(page.locator(".chosen-bar b")).to_have_text(f"{MANY:,} selected")


@pytest.mark.slow
def test_all_that_are_found_are_changed_deleted_restored_collected_exported_and_gone(
    chromium: Browser, start_app: StartApp, tmp_path: Path
) -> None:
    filled(tmp_path / "data")
    app = start_app(data=tmp_path / "data")
    client = app.client()

    def total(**asked: object) -> int:
        return int(client.predict(**asked, api_name="/history")["total"])

    brick = client.predict(query="brick", api_name="/history")["items"][0]["id"]
    with visiting(chromium, app.url, accept_downloads=True) as visit:
        page = visit.open(room="gallery")
        bar, tally, toast = page.locator(".chosen-bar"), page.locator(".gallery .tally"), page.locator(".studio-toast")
        page.locator("#gallery-search").fill("tile")
        expect(tally).to_contain_text(FOUND)
        chosen(page)
        page.evaluate(
            """() => {
              window.heard = [];
              const line = document.querySelector(".chosen-bar .packing");
              new MutationObserver(() => heard.push(line.textContent)).observe(line, { childList: true });
            }"""
        )
        bar.get_by_text("Star", exact=True).click()
        expect(bar.get_by_text("Star", exact=True)).to_have_count(0)  # all are known now, and starred
        expect(bar.get_by_text("Take the star away", exact=True)).to_be_visible()
        assert page.evaluate("window.heard")[:3] == ["0 of 1,030", "250 of 1,030", "500 of 1,030"]
        assert total(favourite=True) == MANY
        expect(bar.locator("b")).to_have_text(f"{MANY:,} selected")
        bar.get_by_text("Collect", exact=True).click()
        bar.locator("input").fill("Mosaic")
        bar.locator("input").press("Enter")
        expect(page.locator(".shelf .book", has_text="Mosaic")).to_contain_text(f"{MANY:,}")
        bar.get_by_text("Delete", exact=True).click()
        expect(toast).to_contain_text(f"{MANY:,} pictures are in the trash.")
        expect(tally).to_contain_text("0 of ")
        assert total(trash=True) == MANY
        toast.locator("button").click()
        expect(tally).to_contain_text(FOUND)
        assert (total(trash=True), total(favourite=True), total(collection="Mosaic")) == (0, MANY, MANY)
        with page.expect_download() as waiting:
            page.locator(".gallery .views").get_by_text("Export", exact=True).click()
        waiting.value.save_as(tmp_path / "tiles.zip")
        expect(page.locator(".views .packing")).to_have_text(f"{MANY:,} of {MANY:,} pictures are in the zip")
        with zipfile.ZipFile(tmp_path / "tiles.zip") as archive:
            lines = [json.loads(line) for line in archive.read("manifest.jsonl").splitlines()]
        prompts = [line["picture"]["prompt"] for line in lines if "picture" in line]
        assert len(prompts) == MANY and all(re.match("a tile number", prompt) for prompt in prompts)
        chosen(page)
        bar.get_by_text("Delete", exact=True).click()
        expect(toast).to_contain_text(f"{MANY:,} pictures are in the trash.")
        page.locator("#gallery-trash").click()
        chosen(page)
        bar.get_by_text("Delete for ever", exact=True).click()
        expect(bar.get_by_role("alert")).to_contain_text("1,030 pictures, ")
        bar.get_by_text("Clear", exact=True).click()
        page.locator("#gallery-search").fill("")
        expect(page.locator(".gallery .views").get_by_text("Export", exact=True)).to_be_hidden()
        page.locator(".trash-line").get_by_text("Empty the trash", exact=True).click()
        expect(page.locator(".trash-line")).to_contain_text(f"{MANY:,} pictures, ")
        client.predict(id=brick, api_name="/delete")  # after it was told what goes
        page.locator(".trash-line").get_by_text("Delete for ever", exact=True).click()
        expect(toast).to_contain_text(f"{MANY:,} pictures are gone for ever.")
        expect(page.locator(".gallery .card")).to_have_count(1)
        assert (total(), total(trash=True)) == (0, 1)
    assert len(list((tmp_path / "data" / "pictures").rglob("*.png"))) == 1


@pytest.mark.slow
def test_far_ranges_stops_and_stars_hold_also_where_cards_are_not_laid_out(
    chromium: Browser, start_app: StartApp, tmp_path: Path
) -> None:
    filled(tmp_path / "data")
    app = start_app(data=tmp_path / "data")
    client = app.client()

    def starred() -> int:
        return int(client.predict(favourite=True, api_name="/history")["total"])

    with visiting(chromium, app.url) as visit:
        page = visit.open(room="gallery")
        bar, cards, toast = page.locator(".chosen-bar"), page.locator(".gallery .card"), page.locator(".studio-toast")
        expect(cards.first).to_be_visible()
        order = [one["id"] for one in client.predict(limit=60, api_name="/history")["items"]]
        page.locator(f'.card[data-id="{order[0]}"] a').focus()
        page.keyboard.press("x")
        while page.locator(f'.card[data-id="{order[0]}"]').count():  # pytest's own timeout bounds it
            page.mouse.wheel(0, 2500)
            page.wait_for_timeout(150)
        last = cards.last
        far = last.get_attribute("data-id")
        last.locator("a").click(modifiers=["Shift"])
        found = client.predict(limit=60, api_name="/history")
        place = 60
        while far not in [one["id"] for one in found["items"]]:
            found = client.predict(limit=60, cursor=found["next"], api_name="/history")
            place += 60
        at = place - 60 + [one["id"] for one in found["items"]].index(far) + 1
        assert at > 384, "the first is not laid out any more"
        expect(bar.locator("b")).to_have_text(f"{at:,} selected")
        page.keyboard.press("Escape")
        page.locator("#gallery-search").fill("tile")
        expect(page.locator(".gallery .tally")).to_contain_text(FOUND)
        assert page.evaluate("window.scrollY") == 0, "the newest are seen first"
        chosen(page)
        page.evaluate(
            """() => {
              const line = document.querySelector(".chosen-bar .packing");
              new MutationObserver(() => {
                if (!line.textContent.startsWith("500 ")) return;
                [...document.querySelectorAll(".chosen-bar button")].find((one) => one.textContent === "Stop").click();
              }).observe(line, { childList: true });
            }"""
        )
        bar.get_by_text("Star", exact=True).click()
        expect(toast).to_contain_text("750 of 1,030 are done.")
        assert starred() == 750
        page.keyboard.press("Escape")
        page.locator("#gallery-favourite").click()
        expect(page.locator(".gallery .tally")).to_contain_text("750 of ")
        cards.first.locator("a").focus()
        page.keyboard.press("x")
        bar.get_by_text("All 750", exact=True).click()
        bar.get_by_text("Take the star away", exact=True).click()
        expect(cards).to_have_count(0)
        expect(bar).to_be_hidden()
        assert starred() == 0
