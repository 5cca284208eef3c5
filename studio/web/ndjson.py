"""NDJSON progress responses: lines of JSON while the work runs, the last one with its result.

    {"done": 12, "total": 400}      progress, several times
    {"result": {...}}               the result, or {"error": "..."}

The work runs on a thread of its own. `stop` tells it that the client left. Knows no use case."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse

KIND = "application/x-ndjson"
EVERY_S = 0.2  # seconds between two progress checks
Tell = Callable[[int, int], None]
Stop = Callable[[], bool]
Work = Callable[[Tell, Stop], dict[str, object]]

_working: set[asyncio.Task[dict[str, object]]] = set()  # the loop keeps only weak references to tasks


def wants_ndjson(request: Request) -> bool:
    """Whether the client accepts NDJSON."""
    return KIND in request.headers.get("accept", "")


def ndjson_response(work: Work, headers: dict[str, str]) -> StreamingResponse:
    """Run the work and stream its progress. `work` returns {"result": ...} or {"error": ...} and always ends."""
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
    return json.dumps(told).encode() + b"\n"  # in ASCII: file metadata may contain text that UTF-8 cannot encode
