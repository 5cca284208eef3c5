"""The background writer: stores finished pictures while the next one is generated. Knows no job and no database."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class BackgroundWriter:
    """One write at a time, in order. Used by the worker's thread only."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saver")
        self._going: Future[None] | None = None

    def submit(self, save: Callable[[], None]) -> None:
        """Wait for the previous write, then start this one. Raises the previous write's error.

        After a failed write no later one runs, so that missing pictures are always the last ones.
        """
        before = self._going

        def save_behind() -> None:
            if before is None or before.exception() is None:
                save()

        self._going = self._pool.submit(save_behind)
        if before is not None:
            before.result()

    def settle(self) -> None:
        """Wait for all writes. Raises the last write's error once."""
        going, self._going = self._going, None
        if going is not None:
            going.result()

    def close(self) -> None:
        """Wait for the current write and end the thread."""
        self._pool.shutdown(wait=True)
