"""The revision of a checkpoint, by which a re-run recognizes the same weights.

Knows the disk only. A Hub snapshot is identified by its commit, any other folder by a hash of its files and of the shared
ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from studio.engine.loading import checkpoint_layout, weight_headers

CONTENT_MAX = 2**30  # bytes; smaller folders are hashed by content, which takes seconds at most
CHUNK = 2**20


def revision(folder: Path) -> str:
    """The commit of a Hub snapshot, else 64 hexadecimal digits over the folder's files. Raises OSError, ValueError.

    Up to 1 GiB the hash covers every file's name and content. For a larger folder it covers names and sizes, the content of
    all but the weights, and the weights' headers and modification times. Hidden files are ignored; shared parts are
    included. Hashes are cached in the process by (name, size, time).
    """
    if checkpoint_layout.is_snapshot(folder):
        return folder.name
    if checkpoint_layout.is_single(folder):
        return _single(folder)
    files = sorted({*_visible(folder), *_shared(folder)})
    stats = [(path.relative_to(folder).as_posix(), path.stat()) for path in files]
    return _hashed(folder, tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats))


def _single(file: Path) -> str:
    """For a single file: its content and its lender, a Hub snapshot by its commit."""
    lender = checkpoint_layout.shared(file)
    assert lender is not None  # loading has checked it
    stat = file.stat()
    own = _hashed(file.parent, ((file.name, stat.st_size, stat.st_mtime_ns),))
    if checkpoint_layout.is_snapshot(lender):
        rest = lender.name
    else:
        where = checkpoint_layout.parts(file)
        lent = [path for part, folder in where.items() if part != "transformer" for path in _visible(folder)]
        root = lender.parent  # what the lender shares is inside it or beside it
        stats = [
            (path.relative_to(root).as_posix(), path.stat())
            for path in sorted([*lent, where["transformer"] / "config.json"])
        ]
        rest = _hashed(root, tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats))
    return hashlib.sha256(f"{own}\0{rest}".encode()).hexdigest()


def _visible(folder: Path) -> Iterator[Path]:
    """Every file under `folder` except hidden ones."""
    return (path for path in folder.rglob("*") if path.is_file() and not _hidden(path.relative_to(folder)))


def _shared(folder: Path) -> Iterator[Path]:
    """The files outside its own parts that `folder` is loaded from: the lender's index and parts."""
    lender = checkpoint_layout.shared(folder)
    if lender is not None:
        yield lender / "model_index.json"
        for place in checkpoint_layout.parts(folder).values():
            if place.parent == lender:
                yield from _visible(place)


@lru_cache(maxsize=8)
def _hashed(folder: Path, files: tuple[tuple[str, int, int], ...]) -> str:
    small = sum(size for _, size, _ in files) <= CONTENT_MAX
    total = hashlib.sha256()
    for name, size, changed in files:
        total.update(f"{name}\0{size}\0".encode())
        if small or not name.endswith(weight_headers.SUFFIXES):
            total.update(content(folder / name))
        else:
            total.update(f"{changed}\0{sorted(weight_headers.shapes(folder / name))}\0".encode())
    return total.hexdigest()


def content(file: Path) -> bytes:
    """The SHA-256 of a file, 32 bytes. Raises OSError."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.digest()


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)
