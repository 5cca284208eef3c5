"""What somebody else's machine writes, taken in a thread of its own, so that whoever waits for it can do something meanwhile.

Knows no jobs and no drafts.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar("T")


def iterate_in_background(things: Iterable[T], tick_s: float) -> Generator[T | None, None, None]:
    """The things as they come, and None whenever none came for `tick_s` seconds. Raises what `things` raises.

    Whoever stops before the end leaves the thread to the wish to stop that `things` has of its own.
    """
    came: queue.Queue[tuple[T] | BaseException | None] = queue.Queue()

    def take() -> None:
        try:
            for thing in things:
                came.put((thing,))
            came.put(None)
        except BaseException as error:  # it is raised where the things are wanted
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
