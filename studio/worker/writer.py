"""Saves what was drawn on a thread of its own, so that the device begins the next picture meanwhile. Knows no job and no database."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class BackgroundWriter:
    """One save at a time, in order. For one thread, the worker's."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saver")
        self._going: Future[None] | None = None

    def put(self, save: Callable[[], None]) -> None:
        """Begin to save once the one before is done, and wait for that; raises what it raised.

        Behind one that could not be saved nothing is: pictures are kept in their order, so that what is missing follows what is there.
        """
        before = self._going

        def save_behind() -> None:
            if before is None or before.exception() is None:
                save()

        self._going = self._pool.submit(save_behind)
        if before is not None:
            before.result()

    def settle(self) -> None:
        """Wait until everything is saved; raises what the last save raised, once."""
        going, self._going = self._going, None
        if going is not None:
            going.result()

    def close(self) -> None:
        """Wait for what is being saved and end the thread."""
        self._pool.shutdown(wait=True)
