"""Gradio hardening: blocks Gradio's routes that fetch addresses for a visitor or store data without an owner.

Gradio fetches the address in `/file=http://...` and addresses given as file paths, which would let visitors send requests
from this machine. Uploaded files pass. Pure ASGI; knows no owner and no use case.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

API = "/gradio_api/"
FETCHES = (f"{API}file=", f"{API}file/")
SHUT = tuple(
    f"{API}{name}" for name in ("proxy=", "deep_link", "dev/", "process_recording", "run-history", "vibe-", "undo-vibe")
)
REFUSAL = "This studio fetches nothing for a visitor: send the file itself."
NOT_JSON = "The body is not JSON that this studio reads."


class GradioHardening:
    """Middleware before Gradio's routes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(API):
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        if path.startswith(SHUT):
            await PlainTextResponse("Not found.", 404)(scope, receive, send)
            return
        if path.startswith(FETCHES) and names_a_machine(path[len(FETCHES[0]) :]):
            await PlainTextResponse(REFUSAL, 403)(scope, receive, send)
            return
        if scope["method"] != "POST" or path.startswith(f"{API}upload"):
            await self.app(scope, receive, send)
            return
        messages = await _whole(receive)
        if refusal := _refusal(b"".join(message.get("body", b"") for message in messages)):
            await PlainTextResponse(refusal, 400)(scope, receive, send)
            return
        await self.app(scope, _again(messages, receive), send)


def names_a_machine(path: str) -> bool:
    """Whether a path is the address of another machine."""
    try:
        return bool(urlsplit(path.strip()).scheme) or "://" in path
    except ValueError:  # brackets without an address
        return True


def _refusal(body: bytes) -> str | None:
    if not body:
        return None
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return NOT_JSON
    waiting: list[object] = [found]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, dict):
            if "meta" in one and isinstance(path := one.get("path"), str) and names_a_machine(path):
                return REFUSAL
            waiting.extend(one.values())
    return None


async def _whole(receive: Receive) -> list[Message]:
    """The messages of a body until its end or a disconnect. The request guard limits its size."""
    messages = [await receive()]
    while messages[-1]["type"] == "http.request" and messages[-1].get("more_body", False):
        messages.append(await receive())
    return messages


def _again(messages: list[Message], receive: Receive) -> Receive:
    waiting = list(messages)

    async def again() -> Message:
        return waiting.pop(0) if waiting else await receive()

    return again
