"""How fast this machine is, learned while it works, so that waits can be told in seconds.

Pure arithmetic over what the worker saw since the start; nothing is guessed before the first picture.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from studio.domain.work import Work

WEIGHT = 0.3  # of the newest observation


class EtaEstimator:
    """Moving averages: seconds per million pixels and step, for forwards alone and for pictures as a whole, and per enhancement."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._means: dict[str, float] = {}

    def saw_step(self, seconds: float, width: int, height: int) -> None:
        """A forward of the transformer took `seconds` at this size."""
        self._see("step", seconds / _megapixels(width, height))

    def saw_picture(self, seconds: float, steps: int, width: int, height: int) -> None:
        """A whole picture of that many forwards at this size, saved, took `seconds`."""
        self._see("picture", seconds / (steps * _megapixels(width, height)))

    def saw_enhancement(self, seconds: float) -> None:
        """An enhancement took `seconds`."""
        self._see("enhancement", seconds)

    def steps(self, count: int, width: int, height: int) -> float | None:
        """Seconds for `count` more forwards at this size, or None before the first was seen."""
        with self._lock:
            mean = self._means.get("step")
        return None if mean is None else count * mean * _megapixels(width, height)

    def works(self, works: Iterable[Work]) -> float | None:
        """Seconds for jobs one after another, or None before the first picture was seen."""
        with self._lock:
            mean, reasoning = self._means.get("picture"), self._means.get("enhancement", 0.0)
        if mean is None:
            return None
        return sum(
            mean * work.pictures * work.steps * _megapixels(work.width, work.height) + reasoning * work.reasons
            for work in works
        )

    def _see(self, key: str, seconds: float) -> None:
        with self._lock:
            old = self._means.get(key, seconds)
            self._means[key] = old + WEIGHT * (seconds - old)


def _megapixels(width: int, height: int) -> float:
    return width * height / 1e6
