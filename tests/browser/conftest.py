"""Shared by the browser's tests: a real Chromium, and visits that end with the same two questions: did the browser's console
stay silent, and was no other host asked for anything.

Knows the form and the stage of Create, which every room needs to have something to show; no other room.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from gradio_client import Client
from playwright.sync_api import Browser, ConsoleMessage, Frame, Locator, Page, Request, expect, sync_playwright

from tests.conftest import App

SHELL, CHROMIUM = Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium")
BROWSER = (
    SHELL if SHELL.exists() else CHROMIUM
)  # the shell is the same engine without a browser's window, and half the work
FLAGS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NASTY = '<img src=x onerror="window.hacked=1"> ${window.hacked=1} {{constructor}} </script><b>bold</b> quokka'
READY = "document.querySelector('#bar[data-engine]') && document.querySelector('#draw[data-keys]')"  # the page has the studio's state
WAIT_MS = 90_000  # for a slow machine; nothing here measures speed

IN_CHROMIUM = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not BROWSER.exists() and os.environ.get("CI") != "true",
        reason="Chromium is not installed: apt-get install chromium-headless-shell",
    ),
]


@contextmanager
def browsing(*flags: str) -> Iterator[Browser]:
    """A Chromium; what is expected of its pages may take WAIT_MS."""
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(BROWSER), args=[*FLAGS, *flags])
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page in a browser of its own, and what went wrong in it."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str = "/", room: str | None = None) -> Page:
        """Load the page, until it has heard how the studio stands, and go to a room."""
        self.page.goto(self.url + path)
        self.page.wait_for_function(READY)
        if room:
            self.go(room)
        return self.page

    def reload(self) -> Page:
        """Load it again. Gradio complains of its own streams that end with the page; that is no fault."""
        before = list(self.complaints)
        self.page.goto("about:blank")
        self.page.goto(self.url, wait_until="commit")  # the old page has said all that it had to say
        self.complaints[:] = before
        self.page.wait_for_function(READY)
        return self.page

    def go(self, room: str) -> None:
        """Go to a room by its tab."""
        self.page.locator(f'#rooms [role=tab][data-tab-id="{room}"]:visible').click()


@contextmanager
def visiting(chromium: Browser, url: str, **options: Any) -> Iterator[Visit]:
    """A visit of `url`; it fails at its end where the console complained or another host was asked."""
    context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, "locale": "en-US", **options})
    context.set_default_timeout(WAIT_MS)
    visit = Visit(context.new_page(), url)
    host = urlsplit(url).netloc

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            visit.complaints.append(f"console: {message.text}")

    def asked(request: Request) -> None:
        where = urlsplit(request.url)
        if where.scheme not in ("data", "blob", "about") and where.netloc != host:
            visit.complaints.append(f"outside: {request.url}")

    visit.page.on("console", heard)
    visit.page.on("pageerror", lambda error: visit.complaints.append(f"error: {error}"))
    context.on("request", asked)
    try:
        yield visit
        assert visit.complaints == []
    finally:
        context.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a file; it may not outlive it, since no other event loop can run beside it."""
    with browsing() as browser:
        yield browser


@pytest.fixture
def visit(chromium: Browser, server: App) -> Iterator[Visit]:
    """A visit of the shared studio."""
    with visiting(chromium, server.url) as made:
        yield made


@pytest.fixture
def emptied(client: Client) -> Iterator[None]:
    """Leaves the shared studio's queue empty, also where the test fails."""
    yield
    for job in client.predict(api_name="/jobs"):
        client.predict(job=job["id"], api_name="/cancel")


def newest(client: Client) -> dict[str, Any]:
    """The newest picture that is kept."""
    found: dict[str, Any] = client.predict(limit=1, api_name="/history")["items"][0]
    return found


def fill(page: Page | Frame, prompt: str, *, reason: bool = False, seed: int | None = None, count: int = 1) -> None:
    """Write a wish into the form."""
    page.fill("#prompt textarea", prompt)
    page.locator("#reason input").set_checked(reason)
    page.fill("#seed input", "" if seed is None else str(seed))
    page.fill("#count input", str(count))


def drawn(page: Page | Frame, seed: int) -> Locator:
    """The picture on the stage, once it is there and its facts say the seed."""
    expect(page.locator(".facts .seed")).to_have_text(re.compile(r"\D*".join(str(seed))))
    image = page.locator(".frame img.shown:not(.preview)")
    expect(image).to_be_visible()
    return image


def drop_on_stage(page: Page, data: bytes) -> None:
    """Drop a PNG on Create's stage, as the system's own drag would."""
    page.evaluate(
        """data => {
            const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
            const files = new DataTransfer();
            files.items.add(new File([bytes], "fox.png", { type: "image/png" }));
            const drop = new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
            document.querySelector("#canvas .frame").dispatchEvent(drop);
        }""",
        base64.b64encode(data).decode(),
    )
