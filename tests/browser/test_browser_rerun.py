"""What the page says of a re-run whose pixels are not those of its picture, in a real Chromium."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, expect

from storage.files.hashing import pixel_sha256
from tests.browser.conftest import IN_CHROMIUM, visiting
from tests.conftest import StartApp

pytestmark = IN_CHROMIUM


def drawn_elsewhere(data: Path, picture: dict[str, Any]) -> None:
    """Make a picture one that another machine drew: a tenth of its pixels were three steps away, and so was its torch."""
    (file,) = (data / "pictures").rglob(f"{picture['id']}.png")
    with Image.open(file) as found:
        image = found.convert("RGB")
    part = (0, 0, image.width, image.height // 10)
    image.paste(image.crop(part).point(lambda value: value + 3 if value < 128 else value - 3), part)
    image.save(file)
    with closing(sqlite3.connect(data / "studio.db")) as connection, connection:
        connection.execute(
            "UPDATE pictures SET pixel_sha256 = ?, environment = json_set(environment, '$.torch', '1.0') WHERE id = ?",
            (pixel_sha256(image), picture["id"]),
        )


def test_a_rerun_that_differs_says_what_changed_and_how_far_and_is_compared_with_one_click(
    chromium: Browser, start_app: StartApp, tmp_path: Path
) -> None:
    app = start_app(data=tmp_path)
    last = app.client().predict(prompt="a kiwi on grass", enhance=False, steps=2, api_name="/generate")
    picture = last["pictures"][0]
    drawn_elsewhere(tmp_path, picture)
    with visiting(chromium, app.url) as visit:
        page = visit.open(f"/?picture={picture['id']}")
        page.locator(".picture-view .pv-first").click()
        news = page.locator(".pv-news")
        expect(news).to_contain_text("Not identical. This is what changed:")
        expect(news.locator(".pv-changed tbody tr")).to_contain_text(["torch1.0"])
        apart = re.compile(r"9\.4 % of the pixels differ, by 0\.\d\d of 255 on average and 3 at most\.")
        expect(news).to_contain_text(apart)
        news.get_by_text("Compare", exact=True).click()
        expect(page.locator(".cmp-pixels")).to_have_text(apart)
        page.locator(".compare-view[open]").get_by_text("Close", exact=True).click()
        page.evaluate("document.querySelector('#bar .language').click()")
        page.locator(".picture-view .pv-first").click()
        expect(news).to_contain_text("不完全相同。变化如下：")
        expect(news).to_contain_text(re.compile(r"9\.4 % 的像素不同，平均相差 0\.\d\d（满分 255），最多 3。"))
        page.evaluate("document.querySelector('#bar .language').click()")
        page.keyboard.press("Escape")
        page.locator(".strip > *").last.click()
        page.locator("#canvas").get_by_role("button", name="Again", exact=True).click()
        facts = page.locator("#canvas .facts")
        expect(facts.locator(".other")).to_contain_text("Not identical: torch was 1.0")
        expect(facts).to_contain_text(apart)
        facts.get_by_text("Compare", exact=True).click()
        expect(page.locator(".cmp-pixels")).to_have_text(apart)
