"""How long a page of the gallery takes in a browser, from the moment it is wanted until its cards are laid out, over a million pictures.

`python -m bench.scroll --folder FOLDER`. The folder holds an archive that bench.history made, or gets one; a real studio shows it in a
real Chromium. Pages are gone through down and up, first at a reader's pace, then as fast as they come. Rows of that archive have no
files, so every thumbnail is answered with one real picture. Prints a table, whether the bar of 300 ms is met, what memory the page
takes, and whether a page was asked for twice.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from PIL import Image

from bench.history import filled
from bench.serving import ROOT, studio

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page, Request

BAR_MS = 300.0  # a page, at the 95th percentile
PACE_S = 0.5  # between two pages of somebody who looks at what there is
SHARE_UP = 0.5  # of the pages down are gone back up
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--enable-precise-memory-info")

# Goes to the end of what is laid out, and waits until there is another end. The layout is forced, so that it is part of the time.
WALK = """
async ({ down, count, pause }) => {
  const list = document.querySelector(".gallery .days");
  const end = () => [...list.children].at(down ? -1 : 0).querySelector(".grid")[down ? "lastElementChild" : "firstElementChild"];
  const took = [];
  for (let page = 0; page < count; page += 1) {
    await new Promise((go) => setTimeout(go, 1000 * pause));
    const here = end();
    const place = down ? document.body.scrollHeight : here.getBoundingClientRect().top + scrollY - innerHeight / 2;
    const begun = performance.now();
    const came = new Promise((tell, fail) => {
      const seen = new MutationObserver(() => end() !== here && (seen.disconnect(), end().getBoundingClientRect(), tell()));
      seen.observe(list, { childList: true, subtree: true });
      setTimeout(() => fail(new Error("No page came within 20 s.")), 20000);
    });
    scrollTo(0, place);
    await came;
    took.push(performance.now() - begun);
  }
  return took;
}
"""


def main() -> None:
    """Measure and print; ends with code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.scroll", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the archive is kept, to be used again")
    parser.add_argument("--pages", type=int, default=60, help="pages down, each way of walking (default 60)")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("No Chromium on this machine; on Debian: apt-get install chromium.")
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    with tempfile.TemporaryDirectory() as aside:
        folder = options.folder or Path(aside)
        filled(folder, options.rows).close()
        with studio("--data", str(folder.absolute())) as url:
            met = looked_at(chromium, url, options.pages)
    sys.exit(0 if met else 1)


def looked_at(chromium: str, url: str, pages: int) -> bool:
    """Open the gallery, walk, print; whether all bars are met."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB").new_page()
        thumb = _thumb()
        page.route("**/media/thumbs/*", lambda route: route.fulfill(body=thumb, content_type="image/webp"))
        asked: list[str] = []
        page.on("request", lambda request: asked.extend(_cursors(request)))
        page.goto(f"{url}/#gallery")
        page.wait_for_selector(".gallery .card")
        page.wait_for_timeout(2000)  # what a page asks for at its start is answered
        print(page.inner_text(".gallery .tally"), flush=True)
        session = page.context.new_cdp_session(page)
        heap = _heap(session, page)
        met = [_walked(page, asked, pages, pace) for pace in (PACE_S, 0.0)]
        print(f"JS heap {heap:.1f} MB at first, {_heap(session, page):.1f} MB at the end", end="; ")
        print(f"{page.locator('.gallery .card').count()} cards laid out")
        browser.close()
    return all(met)


def _walked(page: Page, asked: list[str], pages: int, pace: float) -> bool:
    name = f"a page every {pace:g} s and more" if pace else "as fast as they come"
    print(f"{name:34}{'median':>9}{'p95':>9}{'most':>9}   bar")
    met = []
    for way, count in (("down", pages), ("up", round(SHARE_UP * pages))):
        asked.clear()
        found = page.evaluate(WALK, {"down": way == "down", "count": count, "pause": pace})
        p95 = sorted(found)[int(0.95 * (len(found) - 1))]
        met.append(p95 < BAR_MS)
        told = f"{BAR_MS:g} ms: {'met' if met[-1] else 'NOT met'}; {len(asked)} asked for, {len(asked) - len({*asked})} twice"
        print(f"{count} {way:31}{statistics.median(found):8.0f} {p95:8.0f} {max(found):8.0f}    {told}", flush=True)
    return all(met)


def _cursors(request: Request) -> list[str]:
    """The cursor of a further page, where a request asks for one."""
    if request.method != "POST" or not urlsplit(request.url).path.endswith("/run/predict"):
        return []
    sent: dict[str, Any] = request.post_data_json or {}
    event = sent.get("event_data") or {}
    cursor = (event.get("values") or {}).get("cursor") if event.get("name") == "history" else None
    return [str(cursor)] if cursor else []


def _heap(session: CDPSession, page: Page) -> float:
    """MB that JavaScript holds, after what nobody needs was collected."""
    session.send("HeapProfiler.collectGarbage")
    return float(page.evaluate("performance.memory.usedJSHeapSize")) / 1e6


def _thumb() -> bytes:
    """A thumbnail as the studio makes them, of one of the README's pictures."""
    with Image.open(ROOT / "docs" / "pictures" / "riddle.png") as found:
        image = found.convert("RGB").resize((384, 384))
    out = io.BytesIO()
    image.save(out, "WEBP", quality=82)
    return out.getvalue()


if __name__ == "__main__":
    main()
