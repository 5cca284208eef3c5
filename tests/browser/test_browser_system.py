"""The machine's room in a real Chromium: the plan in use, a checkpoint loaded by its button, times of real pictures, and on a phone."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.conftest import IN_CHROMIUM, WAIT_MS, visiting
from tests.conftest import StartApp
from tests.related import related

pytestmark = IN_CHROMIUM


def test_the_room_says_what_draws_loads_another_checkpoint_and_times_pictures(
    chromium: Browser, start_app: StartApp, tmp_path: Path
) -> None:
    folder = related(tmp_path, title="Sketchbook")
    app = start_app(checkpoint=folder)
    client = app.client()
    for _ in range(2):
        last = client.predict(prompt="a cat", enhance=False, steps=1, checkpoint="pocket", api_name="/generate")
        assert last["status"] == "done", last
    with visiting(chromium, app.url) as visit:
        page = visit.open(room="machine")
        room = page.locator(".machine")
        expect(room.locator("tr.chosen")).to_contain_text("Everything stays · fp32")
        expect(room.locator("tr.chosen em")).to_have_text("in use")
        expect(room.locator(".bars a")).to_have_count(2)
        expect(room.locator(".bars a").first).to_have_attribute(
            "title", re.compile(r"^[\d.]+ s: 1 steps, 128 x 128, pocket$")
        )

        here, other = (
            room.locator(".checkpoints li", has_text=title) for title in (re.compile("^Pocket8"), "Sketchbook")
        )
        expect(here.locator("small")).to_have_text("in memory")
        expect(here.locator("button")).to_have_count(0)
        other.get_by_role("button", name="Load Sketchbook").click()
        expect(other.locator("small")).to_have_text("in memory", timeout=WAIT_MS)
        expect(page.locator("#bar .engine")).to_contain_text("Sketchbook")
        assert client.predict(api_name="/system")["checkpoint"] == folder.name

        turbo = room.locator(".checkpoints li", has_text="Z-Image-Turbo")
        turbo.get_by_role("button", name="Download Z-Image-Turbo").click()
        expect(turbo.locator("small")).to_contain_text("32.9 GB of the disk")  # asked first; nothing is fetched yet
        turbo.get_by_role("button", name="Not now").click()
        expect(turbo.locator("small")).to_have_text("32.9 GB to download")


def test_every_room_can_be_reached_on_a_phone(chromium: Browser, start_app: StartApp) -> None:
    app = start_app()
    for width, language in ((360, "en-GB"), (390, "zh-CN")):
        with visiting(chromium, app.url, viewport={"width": width, "height": 780}, locale=language) as visit:
            page = visit.open()
            for name in ("gallery", "queue", "machine", "create"):
                visit.go(name)
                expect(page.locator("body")).to_have_attribute("data-room", name)
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
