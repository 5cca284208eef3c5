"""A Space as its visitors meet it: in an iframe of another site, over https, with every cookie of the third party blocked but
partitioned ones.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Frame, Page

from tests.browser.conftest import IN_CHROMIUM, READY, WAIT_MS, browsing, drawn, fill
from tests.conftest import App, launch
from tests.fakes.hub import HUB_HOST, hub

SPACE = "somebody-studio.hf.space"
ELSEWHERE = "elsewhere.example"

pytestmark = [*IN_CHROMIUM, pytest.mark.slow]


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
def page(space: App) -> Iterator[Page]:
    """The tab of a visitor of the Hub."""
    with hub(SPACE, space.port) as port:
        # The stand-in is all these hosts, and there are no others.
        hosts = ",".join(
            [*(f"MAP {host} 127.0.0.1:{port}" for host in (HUB_HOST, SPACE, ELSEWHERE)), "MAP * ~NOTFOUND"]
        )
        flags = "--ignore-certificate-errors", "--test-third-party-cookie-phaseout", f"--host-resolver-rules={hosts}"
        with browsing(*flags) as browser:
            page = browser.new_page(viewport={"width": 1440, "height": 920}, locale="en-US")
            page.set_default_timeout(WAIT_MS)
            yield page


def visit(page: Page) -> Frame:
    """Go to the Hub and wait until the Space's page stands in its frame."""
    page.goto(f"https://{HUB_HOST}/spaces/somebody/studio", wait_until="domcontentloaded")
    page.frame_locator("#space").locator("#prompt textarea").wait_for()
    frame = next(frame for frame in page.frames if urlsplit(frame.url).netloc == SPACE)
    frame.wait_for_function(READY)
    return frame


def test_a_picture_is_drawn_inside_the_iframe_and_is_there_after_a_reload(page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    frame = visit(page)
    fill(frame, "two cats on a red background", seed=71)
    frame.click("#draw")
    image = drawn(frame, 71)
    assert image.evaluate("async image => { await image.decode(); return image.naturalWidth }") == 128
    source = image.get_attribute("src")
    cookies = [cookie for cookie in page.context.cookies() if cookie["name"].startswith("studio-")]
    assert len(cookies) == 1
    cookie = cookies[0]
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "None")
    assert HUB_HOST in str(cookie.get("partitionKey"))

    frame = visit(page)
    status = frame.evaluate("async source => (await fetch(source)).status", source)
    assert status == 200, "the same visitor is the same owner"
    assert frame.evaluate("async source => (await fetch(source, {credentials: 'omit'})).status", source) == 404
    assert errors == []


def test_another_site_may_not_show_the_space(page: Page) -> None:
    """The browser itself keeps the page out of a frame of a site that is not the Hub's."""
    page.goto(f"https://{ELSEWHERE}/spaces/somebody/studio", wait_until="load")
    end = time.monotonic() + WAIT_MS / 1000
    while not page.frames[-1].url.startswith("chrome-error:"):
        assert time.monotonic() < end, [frame.url for frame in page.frames]
        page.wait_for_timeout(100)
