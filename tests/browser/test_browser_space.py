"""A Space as its visitors meet it: in an iframe of another site, over https, with every cookie of the third party blocked but
partitioned ones.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Frame, Page, expect, sync_playwright

from tests.conftest import App, launch
from tests.fakes.hub import HUB_HOST, hub

CHROMIUM = Path("/usr/bin/chromium")
SPACE = "somebody-studio.hf.space"
ELSEWHERE = "elsewhere.example"
WAIT_MS = 120_000  # for a slow machine; nothing here measures speed

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        not CHROMIUM.exists() and os.environ.get("CI") != "true",
        reason="Chromium is not at /usr/bin/chromium: apt-get install chromium",
    ),
]


@dataclass
class Visit:
    """The Hub's page in a browser of its own, and the Space's frame in it."""

    page: Page
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)

    def open(self) -> Frame:
        """Go to the Hub and wait until the Space's page stands in its frame."""
        self.page.goto(f"https://{HUB_HOST}/spaces/somebody/studio", wait_until="domcontentloaded")
        self.page.frame_locator("#space").locator("#prompt textarea").wait_for(timeout=WAIT_MS)
        frame = next(frame for frame in self.page.frames if urlsplit(frame.url).netloc == SPACE)
        frame.wait_for_function("window.studio?.state && document.querySelector('#draw[data-keys]')")
        return frame


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The studio started as the Hub starts it: by its environment alone."""
    folder = tmp_path_factory.mktemp("space")
    app = launch(folder, env={"SYSTEM": "spaces", "SPACE_HOST": SPACE, "SPACE_ID": "somebody/studio"})
    try:
        yield app.wait()
    finally:
        app.stop()


@pytest.fixture
def visit(space: App) -> Iterator[Visit]:
    """A visitor of the Hub."""
    with hub(SPACE, space.port) as port, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=[
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--disable-gpu",
                "--ignore-certificate-errors",
                "--test-third-party-cookie-phaseout",
                f"--host-resolver-rules={_map(port, HUB_HOST, SPACE, ELSEWHERE)}",
            ],
        )
        context = browser.new_context(viewport={"width": 1440, "height": 920}, locale="en-US")
        context.set_default_timeout(WAIT_MS)
        made = Visit(context.new_page(), context)
        made.page.on("pageerror", lambda error: made.complaints.append(f"error: {error}"))
        yield made
        browser.close()


def _map(port: int, *hosts: str) -> str:
    """Rules for the browser's resolver: these hosts are the stand-in, and there are no others."""
    return ",".join([*(f"MAP {host} 127.0.0.1:{port}" for host in hosts), "MAP * ~NOTFOUND"])


def draw(frame: Frame, prompt: str, seed: int) -> str:
    """Draw in the frame; the address of the picture on its stage, once it is shown."""
    frame.fill("#prompt textarea", prompt)
    frame.locator("#reason input").set_checked(False)
    frame.fill("#seed input", str(seed))
    frame.click("#draw")
    image = frame.locator(".frame img.shown:not(.preview)")
    expect(image).to_be_visible(timeout=WAIT_MS)
    expect(frame.locator(".facts .seed")).to_be_visible(timeout=WAIT_MS)
    assert image.evaluate("async image => { await image.decode(); return image.naturalWidth }") == 128
    return str(image.get_attribute("src"))


def test_a_picture_is_drawn_inside_the_iframe_and_is_there_after_a_reload(visit: Visit) -> None:
    source = draw(visit.open(), "two cats on a red background", 71)
    cookies = [cookie for cookie in visit.context.cookies() if cookie["name"].startswith("studio-")]
    assert len(cookies) == 1
    cookie = cookies[0]
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "None")
    assert HUB_HOST in str(cookie.get("partitionKey"))

    frame = visit.open()
    status = frame.evaluate("async source => (await fetch(source)).status", source)
    assert status == 200, "the same visitor is the same owner"
    assert frame.evaluate("async source => (await fetch(source, {credentials: 'omit'})).status", source) == 404
    assert visit.complaints == []


def test_another_site_may_not_show_the_space(visit: Visit) -> None:
    """The browser itself keeps the page out of a frame of a site that is not the Hub's."""
    visit.page.goto(f"https://{ELSEWHERE}/spaces/somebody/studio", wait_until="load")
    end = time.monotonic() + WAIT_MS / 1000
    while not visit.page.frames[-1].url.startswith("chrome-error:"):
        assert time.monotonic() < end, [frame.url for frame in visit.page.frames]
        visit.page.wait_for_timeout(100)
