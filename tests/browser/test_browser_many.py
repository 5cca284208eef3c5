"""More pictures than the gallery lays out, in a real Chromium: all of them chosen, changed, thrown away, brought back and taken along."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Browser, Page, expect

import storage
from tests.browser.conftest import IN_CHROMIUM, visiting
from tests.conftest import StartApp

pytestmark = IN_CHROMIUM

MANY = 620  # more than are laid out, and more than two rounds


def filled(folder: Path) -> None:
    """An archive of so many tiles, and one brick that is none of them."""
    store = storage.open(folder)
    for n in range(MANY + 1):
        file, info = io.BytesIO(), PngInfo()
        words = f"a tile number {n}" if n < MANY else "a lone brick"
        info.add_text("parameters", f"{words}\nSteps: 8, Sampler: Euler, CFG scale: 1, Seed: {n}, Size: 16x16")
        Image.new("RGB", (16, 16), (n % 256, n // 256, 40)).save(file, "PNG", pnginfo=info)
        store.arrivals.bring_file("home", file.getvalue(), f"{n}.png")
    store.close()


def chosen(page: Page) -> None:
    """All that are found, from one card on."""
    page.locator(".gallery .card a").first.focus()
    page.keyboard.press("x")
    page.locator(".chosen-bar").get_by_text(f"All {MANY}", exact=True).click()
    expect(page.locator(".chosen-bar b")).to_have_text(f"{MANY} selected")


def test_all_that_are_found_are_changed_deleted_restored_collected_exported_and_gone(
    chromium: Browser, start_app: StartApp, tmp_path: Path
) -> None:
    filled(tmp_path / "data")
    app = start_app(data=tmp_path / "data")
    client = app.client()

    def total(**asked: object) -> int:
        return int(client.predict(**asked, api_name="/history")["total"])

    with visiting(chromium, app.url, accept_downloads=True) as visit:
        page = visit.open(room="gallery")
        bar, tally, toast = page.locator(".chosen-bar"), page.locator(".gallery .tally"), page.locator(".studio-toast")
        page.locator("#gallery-search").fill("tile")
        expect(tally).to_contain_text(f"{MANY} of {MANY + 1}")
        chosen(page)
        page.evaluate(
            """() => {
              window.heard = [];
              const line = document.querySelector(".chosen-bar .packing");
              new MutationObserver(() => heard.push(line.textContent)).observe(line, { childList: true });
            }"""
        )
        bar.get_by_text("Star", exact=True).click()
        expect(bar.get_by_text("Take the star away", exact=True)).to_be_visible()
        assert [said for said in page.evaluate("window.heard") if said][:2] == ["250 of 620", "500 of 620"]
        assert total(favourite=True) == MANY
        expect(bar.locator("b")).to_have_text(f"{MANY} selected")
        bar.get_by_text("Collect", exact=True).click()
        bar.locator("input").fill("Mosaic")
        bar.locator("input").press("Enter")
        expect(page.locator(".shelf .book", has_text="Mosaic")).to_contain_text(str(MANY))
        bar.get_by_text("Delete", exact=True).click()
        expect(toast).to_contain_text(f"{MANY} pictures are in the trash.")
        expect(tally).to_contain_text("0 of ")
        assert total(trash=True) == MANY
        toast.locator("button").click()
        expect(tally).to_contain_text(f"{MANY} of {MANY + 1}")
        assert (total(trash=True), total(favourite=True), total(collection="Mosaic")) == (0, MANY, MANY)
        with page.expect_download() as waiting:
            page.locator(".gallery .views").get_by_text("Export", exact=True).click()
        waiting.value.save_as(tmp_path / "tiles.zip")
        expect(page.locator(".views .packing")).to_have_text(f"{MANY} of {MANY} pictures are in the zip")
        with zipfile.ZipFile(tmp_path / "tiles.zip") as archive:
            lines = [json.loads(line) for line in archive.read("manifest.jsonl").splitlines()]
        prompts = [line["picture"]["prompt"] for line in lines if "picture" in line]
        assert len(prompts) == MANY and all(re.match("a tile number", prompt) for prompt in prompts)
        chosen(page)
        bar.get_by_text("Delete", exact=True).click()
        expect(toast).to_contain_text(f"{MANY} pictures are in the trash.")
        page.locator("#gallery-search").fill("")
        page.locator("#gallery-trash").click()
        expect(page.locator(".gallery .views").get_by_text("Export", exact=True)).to_be_hidden()
        page.locator(".trash-line").get_by_text("Empty the trash", exact=True).click()
        expect(page.locator(".trash-line")).to_contain_text(f"{MANY} pictures, ")
        page.locator(".trash-line").get_by_text("Delete for ever", exact=True).click()
        expect(toast).to_contain_text(f"{MANY} pictures are gone for ever.")
        page.locator("#gallery-trash").click()
        expect(page.locator(".gallery .card")).to_have_count(1)
        assert (total(), total(trash=True)) == (1, 0)
    assert len(list((tmp_path / "data" / "pictures").rglob("*.png"))) == 1
