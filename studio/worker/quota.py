"""The disk quota of the data folder.

Knows only folders and bytes. Measuring a large folder is slow, so the size is cached for a time proportional to the
measurement: from a second to a minute.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from locales import Localized
from studio.errors import Refused

FRESH_S = 60.0
SHARE = 20  # a measurement takes at most this part of the time
WARN_AT = 0.9
GB = 1e9


class Quota:
    """A quota in GB (0 means none) for one folder."""

    def __init__(self, folder: Path, most_gb: float) -> None:
        self._folder, self._most_gb = folder, most_gb
        self._lock = threading.Lock()
        self._at, self._used, self._fresh_s = float("-inf"), 0.0, 0.0

    def used_gb(self) -> float:
        """The recent size of the folder in GB."""
        with self._lock:
            begun = time.monotonic()
            if begun - self._at > self._fresh_s:
                self._used = (
                    sum(_size(Path(at) / name) for at, _, names in os.walk(self._folder) for name in names) / GB
                )
                self._at = time.monotonic()
                self._fresh_s = min(FRESH_S, max(1.0, SHARE * (self._at - begun)))
            return self._used

    def check(self) -> None:
        """Raises Refused if the quota is used up."""
        if (why := self.used_up()) is not None:
            raise Refused(why)

    def used_up(self) -> Localized | None:
        """A message if the quota is used up."""
        if self._most_gb and self.used_gb() >= self._most_gb:
            return Localized("error.quota_used_up", most=f"{self._most_gb:g}", used=f"{self.used_gb():.2f}")
        return None

    def reserve(self, size: int) -> Localized | None:
        """Reserve bytes. Returns a message, and reserves nothing, if they exceed the quota."""
        if not self._most_gb:
            return None
        self.used_gb()
        with self._lock:
            if self._used + size / GB > self._most_gb:
                return Localized("error.quota_no_room", most=f"{self._most_gb:g}", used=f"{self._used:.2f}")
            self._used += size / GB
        return None

    def warning(self) -> Localized | None:
        """A message from nine tenths of the quota on."""
        if self._most_gb and self.used_gb() >= WARN_AT * self._most_gb:
            return Localized("warning.quota", most=f"{self._most_gb:g}", used=f"{self.used_gb():.2f}")
        return None


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:  # the file was removed meanwhile
        return 0
