"""The data folder: its lock and its secrets.

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
    """Locks a folder for this process until `release` or the end of the process."""

    def __init__(self, folder: Path) -> None:
        """Raises StorageInUse if another process holds the lock."""
        self._descriptor = os.open(folder / "studio.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._descriptor)
        except BlockingIOError:
            self.release()
            raise StorageInUse(folder) from None

    @property
    def held(self) -> bool:
        """Whether the lock is held."""
        return self._descriptor >= 0

    def release(self) -> None:
        """Release the lock. Releasing twice is fine.

        The lock file stays. Removing it would let two studios lock two files of the same name.
        """
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _lock(descriptor: int) -> None:
    """Raises BlockingIOError if another process, or another handle of this one, holds the lock."""
    try:
        import fcntl
    except ImportError:  # Windows releases no lock reliably when a process dies, so none is taken
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN):
            raise
        # the file system has no locks: work without one


def read_or_make_secret(folder: Path, name: str) -> bytes:
    """Return the random key `name` of this folder, SECRET_BYTES long. Its file is readable by its user only.

    The key is made on first use. Raises BadValue for a name that is not lower-case letters, digits and hyphens,
    StorageError for a damaged file, and NotWritten.
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,40}", name):
        raise BadValue("The name of a secret", "secret_name", name)
    path = folder / f"secret-{name}"
    try:
        if not path.exists():
            _make_secret(path)
        key = path.read_bytes()
    except OSError as error:
        raise NotWritten(f"The secret {path}", error.strerror or error) from error
    if len(key) != SECRET_BYTES:
        raise StorageError("secret_damaged", path=path, n=len(key), secret_bytes=SECRET_BYTES)
    return key


def _make_secret(path: Path) -> None:
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process made it first: use that one
            os.link(part, path)
    finally:
        part.unlink()
