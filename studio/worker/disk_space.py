"""Disk space check: the disk quota and the free disk space.

Knows folders, bytes and the errors of a full disk; no job and no queue.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from locales import Localized
from storage.errors import NotWritten
from studio.errors import StudioError
from studio.worker.quota import Quota

LEAST_BYTES = 32 << 20  # a noisy 2048 x 2048 picture has 12 MB, and its row and index need more
DISK = Localized("hold.disk_full")


class InsufficientSpace(StudioError):
    """There is no space for another picture. The job waits."""


class DiskSpace:
    """The space check of one folder."""

    def __init__(self, folder: Path, quota: Quota, least_bytes: int = LEAST_BYTES) -> None:
        self._folder, self._quota, self._least = folder, quota, least_bytes
        self._refused = False  # the disk refused a write, whatever it reports as free

    def lacks(self) -> Localized | None:
        """A message if there is no space. After `refused`, it tries whether the disk accepts as much again."""
        if (why := self._quota.used_up()) is not None:
            return Localized("hold.quota", why=why)
        with suppress(OSError):  # an unreadable folder counts as having space until it refuses a write
            if shutil.disk_usage(self._folder).free < self._least:
                return DISK
        if self._refused and not self._takes():
            return DISK
        self._refused = False
        return None

    def refused(self) -> None:
        """Record that the disk refused a write."""
        self._refused = True

    def _takes(self) -> bool:
        """Whether the disk accepts LEAST_BYTES more. A user's quota may be used up while the disk is not."""
        path = self._folder / f"room-{secrets.token_hex(8)}.part"
        try:
            with path.open("xb") as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, self._least)
                else:
                    file.write(bytes(self._least))
        except OSError:
            return False
        finally:
            path.unlink(missing_ok=True)
        return True


def says_full(error: BaseException | None) -> bool:
    """Whether an error or its cause means that the disk is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if "database or disk is full" in str(error):  # SQLite's message
            return True
        error = error.__cause__
    return False


def is_unwritten(error: BaseException) -> bool:
    """Whether a finished picture could not be stored because there is no space."""
    return isinstance(error, NotWritten) and says_full(error)
