"""Transfer of one file into the Hugging Face Hub's cache: resumes partial files and checks hashes.

The Hub's own client discards a partial file when it is interrupted, up to 10 GB for this family, so this transfer is our
own. The final layout is that of the client. Knows no checkpoint.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.engine.hub.providers import Remote
from studio.errors import DownloadFailed

CHUNK = 2**22
Count = Callable[
    [int, bool], None
]  # bytes received, and whether they were on disk already; raises to stop the transfer


def transfer(
    name: str,
    remote: Remote,
    place: Path,
    commit: str,
    *,
    headers: dict[str, str],
    count: Count,
    alive: Callable[[], None],
) -> None:
    """Download file `name`, described by `remote`, into the repository's cache folder `place` under `commit`, blocking.

    `alive` is called while the file is checked, and raises to stop. Raises DownloadFailed for a damaged file, the errors of
    `count` and `alive`, and those of the Hub's client.
    """
    from huggingface_hub.file_download import http_get

    blob = place / "blobs" / remote.hash
    if not blob.is_file():
        part = blob.with_name(f"{remote.hash}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as stream:
            have = stream.tell()
            count(have, True)
            http_get(
                remote.url,
                stream,
                resume_size=have,
                headers=headers,
                expected_size=remote.size,
                tqdm_class=bar(count),
            )
        if not intact(part, remote.hash, alive):
            part.unlink()
            raise DownloadFailed("download_damaged", name=name)
        part.replace(blob)
    point(pointer(place, commit, name), blob)


def pointer(place: Path, commit: str, name: str) -> Path:
    """The path of a file in a snapshot."""
    return place / "snapshots" / commit / name


def intact(file: Path, etag: str, alive: Callable[[], None]) -> bool:
    """Whether the content matches its etag: SHA-256 for large files, git's hash for small ones. True if the etag is of
    another kind."""
    if re.fullmatch(r"[0-9a-f]{64}", etag):
        digest = hashlib.sha256()
    elif re.fullmatch(r"[0-9a-f]{40}", etag):
        digest = hashlib.sha1(f"blob {file.stat().st_size}\0".encode(), usedforsecurity=False)
    else:
        return True
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            alive()
    return digest.hexdigest() == etag


def bar(count: Count) -> Any:
    """A progress bar class for the Hub's client that prints nothing and calls `count`."""
    from huggingface_hub.utils import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> None:
            count(int(n or 0), False)

    return Bar


def point(pointer: Path, blob: Path) -> None:
    """Link the snapshot's name to the blob, or move the file there where links are not allowed."""
    pointer.parent.mkdir(parents=True, exist_ok=True)
    pointer.unlink(missing_ok=True)  # a broken link
    try:
        pointer.symlink_to(os.path.relpath(blob, pointer.parent))
    except OSError:
        blob.replace(pointer)
