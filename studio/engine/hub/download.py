"""Fetching a checkpoint from a hub into the Hugging Face Hub's own cache, with progress, after somebody has agreed to it.

With `hubs` and `transfer` the only module of the engine that asks the network. Knows no pipeline and no torch.
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

RESERVE = 10**9  # bytes of the disk that a download leaves free
Report = Callable[[int, int, float | None], None]  # bytes done, bytes in all, seconds to go


def fetch(
    repository: str, cache: Path, *, report: Report, stopped: Callable[[], bool], place: Hub, whole: bool = True
) -> Path:
    """Fetch what the pipeline needs of `repository` from `place` and return the snapshot's folder; blocks.

    Not `whole`: all but the transformer's weights, for a single file that has its own.

    Raises DownloadFailed with a sentence; Cancelled once `stopped()` is true. What was fetched stays, and the next call goes on from
    there, from whichever place: files go by their hashes.
    """
    try:
        return _fetch(repository, cache, report, stopped, place, whole)
    except (Cancelled, DownloadFailed):
        raise
    except Exception as error:  # the Hub's client raises its transport's errors, which differ from version to version
        log.warning("fetching %s: %s: %s", repository, type(error).__name__, error)
        raise DownloadFailed(_sentence(repository, place.title, error)) from error


def _fetch(repository: str, cache: Path, report: Report, stopped: Callable[[], bool], place: Hub, whole: bool) -> Path:
    found = place.listing(repository)
    files = {name: size for name, size in found.sizes.items() if _needed(name) and (whole or not _own(name))}
    commit = found.commit
    if not re.fullmatch(r"[0-9a-f]{40}", commit) or "model_index.json" not in files:
        raise DownloadFailed(f"{repository} cannot be fetched: it is not a checkpoint in diffusers layout.")
    home = cache / f"models--{repository.replace('/', '--')}"
    folder = home / "snapshots" / commit
    progress = _Progress(sum(files.values()), report, stopped)
    here = sum(size for name, size in files.items() if (folder / name).is_file())
    _room(repository, cache, progress.total - here - _partial(home))
    headers = place.headers
    for name, size in sorted(files.items(), key=lambda item: item[1]):  # small ones first: what is wrong shows early
        progress.begin()
        if not pointer(home, commit, name).is_file():
            remote = place.remote(repository, commit, name)
            transfer(name, remote, home, commit, headers=headers, count=progress.add, alive=progress.check)
        progress.end(size)
    _name_main(home, commit)
    if not whole and checkpoint_layout.lends(folder):
        return folder
    if wrong := checkpoint_layout.problem(folder):
        raise DownloadFailed(f"{repository} was fetched, but cannot be used: {wrong}.")
    return folder


def _needed(name: str) -> bool:
    """Whether the pipeline reads this file; a name that leads out of its folder is never one."""
    return ".." not in Path(name).parts and any(fnmatch(name, pattern) for pattern in checkpoint_layout.PATTERNS)


def _own(name: str) -> bool:
    """Whether this file holds the transformer's weights."""
    return name.startswith("transformer/") and not name.endswith(".json")


class _Progress:
    """Adds up what has come over all files, and stops the transfer when told to."""

    def __init__(self, total: int, report: Report, stopped: Callable[[], bool]) -> None:
        self.total, self._report, self._stopped = total, report, stopped
        self._files = self._now = self._came = 0  # bytes: of finished files, of this one, over the network in this try
        self._begun = time.monotonic()

    def begin(self) -> None:
        self._now = 0
        self._tell()

    def add(self, count: int, resumed: bool) -> None:
        """`count` more bytes of the file in hand; `resumed`: they were on the disk already."""
        self._now += count
        self._came += 0 if resumed else count
        self._tell()

    def end(self, size: int) -> None:
        self._files, self._now = self._files + size, 0
        self._tell()

    def check(self) -> None:
        """Raises Cancelled when told to stop."""
        if self._stopped():
            raise Cancelled("The download was stopped; what was fetched is kept.")

    def _tell(self) -> None:
        self.check()
        done = min(self._files + self._now, self.total)
        rate = self._came / max(time.monotonic() - self._begun, 1e-3)
        self._report(done, self.total, (self.total - done) / rate if rate > 0 else None)


def _room(repository: str, cache: Path, need: int) -> None:
    """Raises DownloadFailed unless the disk under `cache` has room for `need` bytes and the reserve."""
    place = cache
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    if need + RESERVE > free:
        raise DownloadFailed(
            f"{repository} needs {(need + RESERVE) / 1e9:.1f} GB of disk, with some to spare, "
            f"and {free / 1e9:.1f} GB are free."
        )


def _partial(place: Path) -> int:
    """Bytes that an interrupted try has left, from which the next one goes on."""
    try:
        return sum(file.stat().st_size for file in (place / "blobs").glob("*.part"))
    except OSError:
        return 0


def _name_main(place: Path, commit: str) -> None:
    """Let `main` name this commit in the cache, as the Hub's client does for a whole snapshot."""
    ref = place / "refs" / "main"
    ref.parent.mkdir(parents=True, exist_ok=True)
    beside = ref.with_name(f"main.{os.getpid()}")
    beside.write_text(commit)
    beside.replace(ref)


def _sentence(repository: str, place: str, error: Exception) -> str:
    from huggingface_hub.errors import GatedRepoError, OfflineModeIsEnabled, RepositoryNotFoundError

    begin = f"{repository} could not be fetched: "
    if isinstance(error, OfflineModeIsEnabled):
        return begin + "HF_HUB_OFFLINE is set, which forbids it."
    if isinstance(error, GatedRepoError):
        return begin + "its owner asks for a login and consent on huggingface.co first."
    if isinstance(error, RepositoryNotFoundError) or _status(error) == 401:
        return begin + f"{place} has no such repository, or it is private."
    if status := _status(error):
        return begin + f"{place} answered {status}. What came so far is kept."
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return begin + "the disk is full. What came so far is kept."
    if isinstance(error, PermissionError):
        return begin + "its folder in the cache cannot be written."
    return begin + f"{place} cannot be reached. Check the network and try again; what came so far is kept."


def _status(error: Exception) -> int | None:
    """The status of an answer that is an error, or None where there was no answer."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None
