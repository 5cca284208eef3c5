"""An answer that tells how far the work is while it goes on: lines of JSON, the last one with what came of it.

    {"done": 12, "total": 400}      how far it is, several times
    {"result": {...}}               what came of it, or
    {"error": "..."}                a sentence that says why nothing did

The work goes on in a thread of its own. Whoever leaves in the middle is told of by `stop`. Knows no use case.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse

KIND = "application/x-ndjson"
EVERY_S = 0.2  # between two looks at how far it is
Tell = Callable[[int, int], None]
Stop = Callable[[], bool]
Work = Callable[[Tell, Stop], dict[str, object]]

_working: set[asyncio.Task[dict[str, object]]] = set()  # the loop itself holds tasks only weakly


def wants_ndjson(request: Request) -> bool:
    """Whether whoever asks would be told meanwhile."""
    return KIND in request.headers.get("accept", "")


def ndjson_response(work: Work, headers: dict[str, str]) -> StreamingResponse:
    """Begin the work and tell of it. `work` gives {"result": ...} or {"error": ...}, and comes to its end in any case."""
    at: list[tuple[int, int]] = []
    left = threading.Event()
    task = asyncio.create_task(run_in_threadpool(work, lambda done, total: at.append((done, total)), left.is_set))
    _working.add(task)
    task.add_done_callback(_working.discard)
    return StreamingResponse(_lines(task, at, left), media_type=KIND, headers=headers)


async def _lines(
    task: asyncio.Task[dict[str, object]], at: list[tuple[int, int]], left: threading.Event
) -> AsyncIterator[bytes]:
    try:
        while True:
            finished, _ = await asyncio.wait({task}, timeout=EVERY_S)
            if at:
                done, total = at[-1]
                at.clear()
                yield _line({"done": done, "total": total})
            if finished:
                yield _line(task.result())
                return
    finally:
        left.set()


def _line(told: dict[str, object]) -> bytes:
    return json.dumps(told).encode() + b"\n"  # in ASCII: what anybody's file tells may be no text that UTF-8 can write
