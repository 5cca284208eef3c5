"""The API as a program without Gradio's client speaks it: plain HTTP, any JSON, any header."""

from __future__ import annotations

import json
from collections.abc import Mapping

import httpx

Answer = tuple[str, object]  # "complete" and the result, or "error" and what was said


def web(url: str, **options: object) -> httpx.Client:
    """A browser without a page: keeps cookies, follows nothing, goes through no proxy."""
    return httpx.Client(base_url=url, trust_env=False, timeout=120, **options)  # type: ignore[arg-type]


def call(
    browser: httpx.Client, name: str, body: str | Mapping[str, object], headers: Mapping[str, str] | None = None
) -> Answer:
    """Call a named endpoint to its end; `body` may be raw JSON text. Raises httpx.HTTPStatusError where the call is not taken."""
    text = body if isinstance(body, str) else json.dumps(body)
    sent = {"content-type": "application/json", **(headers or {})}
    taken = browser.post(f"/gradio_api/call/v2/{name}", content=text.encode("utf-8"), headers=sent)
    taken.raise_for_status()
    event = taken.json()["event_id"]
    kind = ""
    with browser.stream("GET", f"/gradio_api/call/v2/{name}/{event}", headers=headers) as lines:
        lines.raise_for_status()
        for line in lines.iter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: ") and kind in ("complete", "error"):
                found = json.loads(line.removeprefix("data: "))
                return kind, found[0] if kind == "complete" else found["error"]
    raise AssertionError(f"/{name} ended without an answer.")
