"""Checkpoint downloads into the Hugging Face Hub's own cache, with progress and consent.

With `providers` and `file_transfer` the only modules of the engine that use the network. Knows no pipeline and no torch.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import time
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

from studio.engine.hub.file_transfer import pointer, transfer
from studio.engine.hub.providers import Hub
from studio.engine.loading import checkpoint_layout
from studio.errors import Cancelled, DownloadFailed

log = logging.getLogger(__name__)

RESERVE = 10**9  # bytes of disk space that a download leaves free
Report = Callable[[int, int, float | None], None]  # bytes done, bytes in all, seconds left


def fetch(
    repository: str, cache: Path, *, report: Report, stopped: Callable[[], bool], place: Hub, whole: bool = True
) -> Path:
    """Download what the pipeline needs of `repository` from `place`, blocking. Returns the snapshot's folder.

    Without `whole`, leaves out the transformer's weights, for a single file that has its own. Raises DownloadFailed, and
    Cancelled once `stopped()` is true. Partial files stay, and the next call continues, from any hub: files are identified
    by their hashes.
    """
    try:
        return _fetch(repository, cache, report, stopped, place, whole)
    except (Cancelled, DownloadFailed):
        raise
    except Exception as error:  # the Hub's client raises its transport's errors, which differ between versions
        log.warning("fetching %s: %s: %s", repository, type(error).__name__, error)
        raise _failed(repository, place.title, error) from error


def _fetch(repository: str, cache: Path, report: Report, stopped: Callable[[], bool], place: Hub, whole: bool) -> Path:
    found = place.listing(repository)
    files = {name: size for name, size in found.sizes.items() if _needed(name) and (whole or not _own(name))}
    commit = found.commit
    if not re.fullmatch(r"[0-9a-f]{40}", commit) or "model_index.json" not in files:
        raise DownloadFailed("not_diffusers_layout", repository=repository)
    home = cache / f"models--{repository.replace('/', '--')}"
    folder = home / "snapshots" / commit
    progress = _Progress(sum(files.values()), report, stopped)
    here = sum(size for name, size in files.items() if (folder / name).is_file())
    _room(repository, cache, progress.total - here - _partial(home))
    headers = place.headers
    for name, size in sorted(files.items(), key=lambda item: item[1]):  # small files first: errors show early
        progress.begin()
        if not pointer(home, commit, name).is_file():
            remote = place.remote(repository, commit, name)
            transfer(name, remote, home, commit, headers=headers, count=progress.add, alive=progress.check)
        progress.end(size)
    _name_main(home, commit)
    if not whole and checkpoint_layout.lends(folder):
        return folder
    if wrong := checkpoint_layout.problem(folder):
        raise DownloadFailed("download_unusable", repository=repository, why=wrong)
    return folder


def _needed(name: str) -> bool:
    """Whether the pipeline reads this file. A name that leaves its folder is never needed."""
    return ".." not in Path(name).parts and any(fnmatch(name, pattern) for pattern in checkpoint_layout.PATTERNS)


def _own(name: str) -> bool:
    """Whether this file holds the transformer's weights."""
    return name.startswith("transformer/") and not name.endswith(".json")


class _Progress:
    """Sums the progress of all files, and stops the transfer on request."""

    def __init__(self, total: int, report: Report, stopped: Callable[[], bool]) -> None:
        self.total, self._report, self._stopped = total, report, stopped
        self._files = self._now = self._came = (
            0  # bytes: of finished files, of the current file, and received in this attempt
        )
        self._begun = time.monotonic()

    def begin(self) -> None:
        self._now = 0
        self._tell()

    def add(self, count: int, resumed: bool) -> None:
        """Add `count` bytes of the current file. `resumed` bytes were on disk already."""
        self._now += count
        self._came += 0 if resumed else count
        self._tell()

    def end(self, size: int) -> None:
        self._files, self._now = self._files + size, 0
        self._tell()

    def check(self) -> None:
        """Raises Cancelled after a request to stop."""
        if self._stopped():
            raise Cancelled("download_stopped")

    def _tell(self) -> None:
        self.check()
        done = min(self._files + self._now, self.total)
        rate = self._came / max(time.monotonic() - self._begun, 1e-3)
        self._report(done, self.total, (self.total - done) / rate if rate > 0 else None)


def _room(repository: str, cache: Path, need: int) -> None:
    """Raises DownloadFailed unless the disk of `cache` has space for `need` bytes and the reserve."""
    place = cache
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    if need + RESERVE > free:
        raise DownloadFailed(
            "download_no_space",
            repository=repository,
            need=f"{(need + RESERVE) / 1000000000.0:.1f}",
            free=f"{free / 1000000000.0:.1f}",
        )


def _partial(place: Path) -> int:
    """The bytes of an interrupted download."""
    try:
        return sum(file.stat().st_size for file in (place / "blobs").glob("*.part"))
    except OSError:
        return 0


def _name_main(place: Path, commit: str) -> None:
    """Let `main` point to this commit in the cache, as the Hub's client does for a complete snapshot."""
    ref = place / "refs" / "main"
    ref.parent.mkdir(parents=True, exist_ok=True)
    beside = ref.with_name(f"main.{os.getpid()}")
    beside.write_text(commit)
    beside.replace(ref)


def _failed(repository: str, place: str, error: Exception) -> DownloadFailed:
    from huggingface_hub.errors import GatedRepoError, OfflineModeIsEnabled, RepositoryNotFoundError

    status = _status(error)
    if isinstance(error, OfflineModeIsEnabled):
        code = "offline"
    elif isinstance(error, GatedRepoError):
        code = "gated"
    elif isinstance(error, RepositoryNotFoundError) or status == 401:
        code = "no_repository"
    elif status:
        code = "status"
    elif isinstance(error, OSError) and error.errno == errno.ENOSPC:
        code = "disk_full"
    else:
        code = "cache" if isinstance(error, PermissionError) else "network"
    return DownloadFailed(f"download_{code}", repository=repository, place=place, status=status)


def _status(error: Exception) -> int | None:
    """The HTTP status of an error; None without a response."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None
