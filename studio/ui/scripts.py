"""The page's scripts: ES modules at addresses that contain a hash of all of them.

Browsers cache an address forever, since changed scripts have another one. Knows no view.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

ASSETS = Path(__file__).parent / "assets"
ENTRY = "shared/main.js"
START = """window.studio ??= {
  waiting: [], private: "", emit() {},
  mount(name, it) { this.waiting.push([name, it]); },
};"""  # keeps the parts that Gradio builds before the modules have loaded


@cache
def files() -> Mapping[str, bytes]:
    """The content of each script by its address."""
    found = {path.relative_to(ASSETS).as_posix(): path.read_bytes() for path in sorted(ASSETS.glob("*/*.js"))}
    version = hashlib.sha256(b"\0".join(part for name in found for part in (name.encode(), found[name]))).hexdigest()
    return {f"/scripts/{version[:12]}/{name}": content for name, content in found.items()}


def elements() -> list[str]:
    """The elements of the page's head that load the scripts: all at once, after those of Gradio, which take longest."""
    entry = next(address for address in files() if address.endswith(ENTRY))
    return [
        f"<script>{START}</script>",
        *(f'<link rel="modulepreload" fetchpriority="low" href="{address}">' for address in files()),
        f'<script type="module" fetchpriority="low" src="{entry}"></script>',
    ]
