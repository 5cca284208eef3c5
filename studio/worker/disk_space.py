"""Whether there is room for another picture: the quota's, and the disk's.

Knows folders, bytes and the errors that say that a disk is full; no job and no queue.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from storage.errors import NotWritten
from studio.errors import StudioError
from studio.worker.quota import Quota

LEAST_BYTES = 32 << 20  # a picture of 2048 x 2048 that is all noise has 12 MB, and its row and its index need some, too
DISK = "The queue waits: the disk is full. It goes on by itself once there is room."
QUOTA = "The queue waits. {why} It goes on by itself once there is room; emptying the trash makes some."


class InsufficientSpace(StudioError):
    """There is no room for another picture; what was wished waits."""


class DiskSpace:
    """For pictures in one folder."""

    def __init__(self, folder: Path, quota: Quota, least_bytes: int = LEAST_BYTES) -> None:
        self._folder, self._quota, self._least = folder, quota, least_bytes
        self._refused = False  # the disk took no more, whatever it says is free

    def lacks(self) -> str | None:
        """A sentence where there is no room. After `refused` it is tried whether the disk takes as much again."""
        if (why := self._quota.used_up()) is not None:
            return QUOTA.format(why=why)
        with suppress(OSError):  # a folder that tells nothing has room until it refuses
            if shutil.disk_usage(self._folder).free < self._least:
                return DISK
        if self._refused and not self._takes():
            return DISK
        self._refused = False
        return None

    def refused(self) -> None:
        """The disk was full just now."""
        self._refused = True

    def _takes(self) -> bool:
        """Whether the disk takes LEAST_BYTES more: a user's share of it may be used up while others have room."""
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
    """Whether an error says, itself or by what it came from, that there is no room on the disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if "database or disk is full" in str(error):  # SQLite's words
            return True
        error = error.__cause__
    return False


def is_unwritten(error: BaseException) -> bool:
    """Whether something that was made could not be kept for want of room."""
    return isinstance(error, NotWritten) and says_full(error)
