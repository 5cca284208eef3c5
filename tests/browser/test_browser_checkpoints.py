"""Choosing a checkpoint in a real Chromium: the form follows what each wants, and offers nothing that would do nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import IN_CHROMIUM, drawn, fill, newest, visiting
from tests.conftest import StartApp
from tests.related import related

pytestmark = IN_CHROMIUM


def choose(page: Page, name: str) -> None:
    """Choose a checkpoint in the fold of the models, which is open."""
    page.locator(f'#checkpoint input[value="{name}"]').check()


def test_a_base_shows_its_guidance_and_negative_prompt_and_pocket_hides_what_it_has_not(
    chromium: Browser, start_app: StartApp, tmp_path: Path
) -> None:
    folder = related(tmp_path, title="Sketchbook")
    app = start_app(checkpoint=folder)
    with visiting(chromium, app.url) as visit:
        page = visit.open()
        page.click("#fold-steps_model button")
        page.click("#fold-model button")
        wants, negative = page.locator("#fold-steps_model output"), page.locator("#negative textarea")
        expect(page.locator("#fold-model output")).to_have_text("Sketchbook")
        expect(wants).to_have_text("28 · 1.5")
        expect(negative).to_be_visible()
        negative.fill("a dog")

        choose(page, "pocket")
        expect(wants).to_have_text("8 · 0")
        expect(negative).to_be_hidden()
        choose(page, folder.name)
        expect(wants).to_have_text("28 · 1.5")
        expect(negative).to_be_visible()
        expect(negative).to_have_value("")  # what was hidden is gone, so that it cannot work unseen

        negative.fill("a red background")
        page.fill("#steps input", "2")
        fill(page, "a cat", seed=61)
        page.click("#draw")
        drawn(page, 61)
        kept = newest(app.client())
        assert (kept["checkpoint"], kept["guidance"], kept["negative_prompt"]) == (folder.name, 1.5, "a red background")

        choose(page, "pocket")
        expect(negative).to_be_hidden()
        page.fill("#seed input", "62")
        page.click("#draw")
        drawn(page, 62)
        kept = newest(app.client())
        assert (kept["checkpoint"], kept["steps"], kept["guidance"], kept["negative_prompt"]) == ("pocket", 8, 0, "")


def test_a_folder_that_is_not_whole_cannot_be_chosen_and_nothing_is_offered_for_it(
    chromium: Browser, start_app: StartApp, tmp_path: Path
) -> None:
    folder = related(tmp_path)
    shutil.rmtree(folder / "scheduler")
    shutil.rmtree(tmp_path / "checkpoint" / "scheduler")
    app = start_app(checkpoint=folder, ready=False)
    with visiting(chromium, app.url) as visit:
        page = visit.open()
        page.click("#fold-model button")
        expect(page.locator(f'#checkpoint input[value="{folder.name}"]')).to_be_disabled()
        row = page.locator(".models .model", has_text="Pocket base")
        expect(row.locator("small")).to_have_text("its folder is not whole")
        expect(row.locator("button")).to_have_count(0)
        expect(page.locator(".models .model", has_text="Z-Image-Turbo").locator("button")).to_have_count(1)
