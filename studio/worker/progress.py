"""The progress hub: live progress of jobs, in memory.

The worker's thread posts; watchers on event loops wait for changes. Durable state is in storage.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image

from enhancer.base import Draft

Phase = Literal["waiting", "loading", "reasoning", "drawing", "saving"]
INTERVAL_S = 0.1  # a watcher is notified at most this often, except at the end
CALM_S = 1.0  # a watcher whose job only moved up in the queue is notified at most this often
BREATH_S = 0.02  # wait this long for changes that follow at once, as the end follows the last save


@dataclass(frozen=True, kw_only=True)
class JobProgress:
    """Progress of a running job: forward `step` of `steps` of picture `index` (from 0), and its preview."""

    phase: Phase = "waiting"
    index: int = 0
    step: int = 0
    steps: int = 0
    eta_s: float | None = None
    draft: Draft | None = None
    preview: Image.Image | None = None
    preview_number: int = 0


class Watcher:
    """Waits for changes of one job on one event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed, self._own, self._ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._told = time.monotonic()  # a new watcher has just read the state
        self._woken = False  # the loop is called once for any number of changes

    def wake(self, *, own: bool = False, ended: bool = False) -> None:
        """Notify from any thread. `own` means a change of the job itself; `ended` is delivered without delay."""
        if self._woken and not own:
            return
        self._woken = True
        if own and not ended and self._own.is_set():
            return
        try:
            self._loop.call_soon_threadsafe(self._set, own, ended)
        except RuntimeError:  # the loop is closed: nobody waits
            return

    async def change(self, timeout: float) -> None:
        """Wait for a change, or for `timeout` seconds."""
        if not await _within(timeout, self._changed):
            return
        if not self._own.is_set():
            await _within(max(BREATH_S, self._told + CALM_S - time.monotonic()), self._own)
        if not self._ended.is_set():
            await _within(max(BREATH_S, self._told + INTERVAL_S - time.monotonic()), self._ended)
        self._woken = False
        self._changed.clear()
        self._own.clear()
        self._told = time.monotonic()

    def _set(self, own: bool, ended: bool) -> None:
        self._changed.set()
        if own:
            self._own.set()
        if ended:
            self._ended.set()


class ProgressHub:
    """Live progress by job id, cancellation marks, and watchers. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live: dict[str, JobProgress] = {}
        self._cancelled: set[str] = set()
        self._watchers: dict[str, set[Watcher]] = {}

    def post(self, job_id: str, **changes: object) -> None:
        """Record progress of a job and notify its watchers."""
        with self._lock:
            live = replace(self._live.get(job_id, JobProgress()), **changes)  # type: ignore[arg-type]
            if "preview" in changes:
                live = replace(live, preview_number=live.preview_number + 1)
            self._live[job_id] = live
        self._wake(job_id, own=True)

    def end(self, job_id: str) -> None:
        """Remove a job's progress: it is finished or queued again."""
        with self._lock:
            self._live.pop(job_id, None)
            self._cancelled.discard(job_id)
        self._wake(job_id, own=True, ended=True)

    def progress_of(self, job_id: str) -> JobProgress:
        """The progress of a job; the default if it is not running."""
        with self._lock:
            return self._live.get(job_id, JobProgress())

    def running_s(self) -> float:
        """Seconds that the running job may still take, according to its worker."""
        with self._lock:
            return sum(live.eta_s or 0.0 for live in self._live.values())

    def cancel(self, job_id: str) -> None:
        """Mark this job, and no other, for cancellation."""
        with self._lock:
            self._cancelled.add(job_id)

    def cancelled(self, job_id: str) -> bool:
        """Whether this job is marked for cancellation."""
        with self._lock:
            return job_id in self._cancelled

    def notify_all(self) -> None:
        """Notify all watchers, not necessarily at once: queue positions or the engine's state changed."""
        with self._lock:
            jobs = list(self._watchers)
        for job_id in jobs:
            self._wake(job_id)

    def notify(self, job_id: str) -> None:
        """Notify the watchers of one job: its stored state changed."""
        self._wake(job_id, own=True)

    @contextmanager
    def watch(self, job_id: str) -> Iterator[Watcher]:
        """Watch one job from the running event loop."""
        watcher = Watcher()
        with self._lock:
            self._watchers.setdefault(job_id, set()).add(watcher)
        try:
            yield watcher
        finally:
            with self._lock:
                group = self._watchers.get(job_id, set())
                group.discard(watcher)
                if not group:
                    self._watchers.pop(job_id, None)

    def _wake(self, job_id: str, *, own: bool = False, ended: bool = False) -> None:
        with self._lock:
            group = list(self._watchers.get(job_id, ()))
        for watcher in group:
            watcher.wake(own=own, ended=ended)


async def _within(seconds: float, event: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except asyncio.TimeoutError:
        return False
    return True
