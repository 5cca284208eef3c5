"""One studio on one folder: the lock that says so, and the secrets that are kept there.

Knows no table and no picture.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from storage.errors import BadValue, NotWritten, StorageError, StorageInUse

SECRET_BYTES = 32


class FolderLock:
    """Holds a folder for this process until `release` or the end of the process, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Raises StorageInUse when another holds it."""
        self._descriptor = os.open(folder / "studio.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._descriptor)
        except BlockingIOError:
            self.release()
            raise StorageInUse(folder) from None

    @property
    def held(self) -> bool:
        """Whether it is not let go yet."""
        return self._descriptor >= 0

    def release(self) -> None:
        """Let go; twice is fine.

        The file stays: removing it would let two studios lock two files of one name.
        """
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _lock(descriptor: int) -> None:
    """Raises BlockingIOError where another process holds the lock, or another opening in this one."""
    try:
        import fcntl
    except ImportError:  # Windows: nothing there lets go as surely when a process dies, so no lock is taken
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN):
            raise
        # A file system without locks: work without one, too.


def read_or_make_secret(folder: Path, name: str) -> bytes:
    """The random key `name` of this folder, SECRET_BYTES long, in a file that only its user can read.

    Made once, whoever comes first. Raises BadValue for a name that is not lower-case letters, digits and
    minus, StorageError for a damaged file, and NotWritten.
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,40}", name):
        raise BadValue("The name of a secret", "must be lower-case letters, digits and minus", name)
    path = folder / f"secret-{name}"
    try:
        if not path.exists():
            _make_secret(path)
        key = path.read_bytes()
    except OSError as error:
        raise NotWritten(f"The secret {path}", error.strerror or error) from error
    if len(key) != SECRET_BYTES:
        raise StorageError(f"The secret {path} is damaged ({len(key)} bytes, not {SECRET_BYTES}). Remove the file.")
    return key


def _make_secret(path: Path) -> None:
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another was first: everybody reads that one, nobody replaces it
            os.link(part, path)
    finally:
        part.unlink()
