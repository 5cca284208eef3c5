"""One file from the Hub into the Hub's cache: goes on where an earlier try ended, and is checked against its hash.

The Hub's own client throws a file's beginning away when it is interrupted, which for this family's weights can be 10 GB; so the
partial file here is ours. Where things lie in the end is as that client expects it. Knows no checkpoint.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.errors import DownloadFailed

CHUNK = 2**22
TIMEOUT = 20  # seconds to wait for an answer
Count = Callable[
    [int, bool], None
]  # bytes more, and whether they were on the disk already; raises to stop the transfer


def transfer(
    repository: str,
    name: str,
    commit: str,
    place: Path,
    *,
    endpoint: str | None,
    count: Count,
    alive: Callable[[], None],
) -> None:
    """Bring file `name` of `repository` at `commit` into `place`, the repository's folder in the cache; blocks.

    `alive` is called now and then while the file is checked, and raises to stop. Raises DownloadFailed for a damaged file, what
    `count` and `alive` raise, and the errors of the Hub's client.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    pointer = place / "snapshots" / commit / name
    if pointer.is_file():
        return
    url = hf_hub_url(repository, name, revision=commit, endpoint=endpoint)
    about = get_hf_file_metadata(url, timeout=TIMEOUT)
    if not about.etag or not re.fullmatch(r"[\w-]+", about.etag):
        raise DownloadFailed(f"{name} of {repository} could not be fetched: the Hub gives no hash for it.")
    blob = place / "blobs" / about.etag
    if not blob.is_file():
        part = blob.with_name(f"{about.etag}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as stream:
            have = stream.tell()
            count(have, True)
            http_get(
                url,
                stream,
                resume_size=have,
                headers=build_hf_headers(),
                expected_size=about.size,
                tqdm_class=bar(count),
            )
        if not intact(part, about.etag, alive):
            part.unlink()
            raise DownloadFailed(f"{name} of {repository} arrived damaged and was removed. Try again.")
        part.replace(blob)
    _point(pointer, blob)


def intact(file: Path, etag: str, alive: Callable[[], None]) -> bool:
    """Whether the content has the hash that its etag names: SHA-256 for large files, git's own for small ones, else unknown."""
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
    """A progress bar class as the Hub's client wants it, that draws nothing and tells `count`."""
    from huggingface_hub.utils import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> None:
            count(int(n or 0), False)

    return Bar


def _point(pointer: Path, blob: Path) -> None:
    """Let the snapshot's name lead to the blob; where links are not allowed, the file itself goes there."""
    pointer.parent.mkdir(parents=True, exist_ok=True)
    pointer.unlink(missing_ok=True)  # a link that leads nowhere
    try:
        pointer.symlink_to(os.path.relpath(blob, pointer.parent))
    except OSError:
        blob.replace(pointer)
