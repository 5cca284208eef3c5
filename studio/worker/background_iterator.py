"""Consumes a remote stream on a background thread.

Knows no jobs and no drafts.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar("T")


def iterate_in_background(things: Iterable[T], tick_s: float) -> Generator[T | None, None, None]:
    """Yield the items as they come, and None whenever none came for `tick_s` seconds. Raises what `things` raises.

    A caller that stops early leaves the thread running until `things` itself ends or is cancelled.
    """
    came: queue.Queue[tuple[T] | BaseException | None] = queue.Queue()

    def take() -> None:
        try:
            for thing in things:
                came.put((thing,))
            came.put(None)
        except BaseException as error:  # raised in the consumer's thread
            came.put(error)

    threading.Thread(target=take, name="aside", daemon=True).start()
    while True:
        try:
            found = came.get(timeout=tick_s)
        except queue.Empty:
            yield None
            continue
        if found is None:
            return
        if isinstance(found, BaseException):
            raise found
        yield found[0]
