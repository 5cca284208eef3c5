"""The ETA estimator: learns the speed of this machine from finished work.

Pure arithmetic. It estimates nothing before the first picture.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from studio.domain.work import Work

WEIGHT = 0.3  # weight of the newest observation


class EtaEstimator:
    """Moving averages: seconds per megapixel and step, for forwards alone and for whole pictures, and seconds per
    enhancement."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._means: dict[str, float] = {}

    def saw_step(self, seconds: float, width: int, height: int) -> None:
        """Record a transformer forward of `seconds` at this size."""
        self._see("step", seconds / _megapixels(width, height))

    def saw_picture(self, seconds: float, steps: int, width: int, height: int) -> None:
        """Record a whole picture of that many forwards at this size, stored, in `seconds`."""
        self._see("picture", seconds / (steps * _megapixels(width, height)))

    def saw_enhancement(self, seconds: float) -> None:
        """Record an enhancement of `seconds`."""
        self._see("enhancement", seconds)

    def steps(self, count: int, width: int, height: int) -> float | None:
        """Seconds for `count` more forwards at this size; None before the first one."""
        with self._lock:
            mean = self._means.get("step")
        return None if mean is None else count * mean * _megapixels(width, height)

    def works(self, works: Iterable[Work]) -> float | None:
        """Seconds for consecutive jobs; None before the first picture."""
        with self._lock:
            mean, reasoning = self._means.get("picture"), self._means.get("enhancement", 0.0)
        if mean is None:
            return None
        return sum(
            mean * work.pictures * work.steps * _megapixels(work.width, work.height) + reasoning * work.enhancements
            for work in works
        )

    def _see(self, key: str, seconds: float) -> None:
        with self._lock:
            old = self._means.get(key, seconds)
            self._means[key] = old + WEIGHT * (seconds - old)


def _megapixels(width: int, height: int) -> float:
    return width * height / 1e6
