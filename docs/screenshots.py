"""The pictures of the README, taken from a real studio in a real browser: `python -m docs.screenshots`.

Draws a handful of pictures with Pocket, then looks at the page as a visitor would. Needs Chromium on the machine.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from bench.serving import studio

OUT = Path(__file__).resolve().parent / "pictures"
ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--font-render-hinting=none")  # fmt: skip
WISHES = (
    ("a rocket and two stars on a black background", 11),
    ("two cats on a blue background", 4),
    ("三只熊猫，蓝色背景", 7),
    ("four apples on a white background", 21),
    ("a house and a tree on a green background", 33),
    ("one moon and three stars on a purple background", 8),
    ("a sun and two flowers on a pink background", 15),
    ("three fish on a blue background", 2),
    ("两只鸡和一只兔子，绿色背景", 5),
    ("three balloons on a yellow background", 9),
    ("a cat to the left of a rocket, night sky", 1),
    ("three rabbits on a purple background", 3),
)
SIZES = {"create-dark": (1440, 900, "dark"), "create-light": (1440, 900, "light"), "phone": (390, 844, "dark")}


def main() -> None:
    """Draw, look, and write docs/pictures/*.png."""
    from gradio_client import Client
    from playwright.sync_api import Page, sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("No Chromium on this machine; on Debian: apt-get install chromium.")
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    OUT.mkdir(exist_ok=True)
    with studio() as url, sync_playwright() as playwright:
        client = Client(url, verbose=False)
        for prompt, seed in WISHES:
            done = client.predict(prompt, seed=seed, api_name="/generate")
            print(f"{done['status']}: {prompt}", flush=True)
        for picture in client.predict(api_name="/history")["items"][::3]:
            client.predict(picture["id"], favourite=True, api_name="/edit")
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))

        def shoot(name: str, width: int, height: int, scheme: str, path: str = "/") -> Page:
            page = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=1  # type: ignore[arg-type]
            ).new_page()  # fmt: skip
            page.goto(url + path)
            page.wait_for_function("document.querySelectorAll('img').length > 3", timeout=60_000)
            page.wait_for_timeout(1500)  # fonts and the last pictures settle
            page.screenshot(path=str(OUT / f"{name}.png"))
            print(f"wrote {OUT / name}.png", flush=True)
            return page

        for name, (width, height, scheme) in SIZES.items():
            shoot(name, width, height, scheme).close()
        page = shoot("gallery-dark", 1440, 900, "dark")
        page.get_by_role("tab", name="Gallery").click()
        page.wait_for_timeout(1500)
        page.screenshot(path=str(OUT / "gallery-dark.png"))
        browser.close()


if __name__ == "__main__":
    main()
