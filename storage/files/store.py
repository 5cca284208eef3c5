"""The picture store: file locations and atomic writes. Knows no row and no owner.

    pictures/ab/<id>.png    the picture, never changed once written
    thumbs/ab/<id>.webp     its thumbnail
    incoming/<id>/          files being written; while it exists, the files of the id are provisional

Names come from ids only, never from a prompt."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from storage.errors import NotFound, NotWritten
from storage.ids import checked_id

THUMB_SIDE = 384  # pixels of the longest side
THUMB_QUALITY = 82
PNG_LEVEL = 4  # zlib level: nearly as small as the default of 6 and clearly faster

_ID = re.compile(r"[0-9A-Za-z]{8,64}")


class Place(Protocol):
    """The interface of a picture store: a folder or memory. `Files` documents the methods."""

    def picture(self, id: str) -> Path: ...
    def thumb(self, id: str) -> Path: ...
    def make_thumb(self, id: str) -> Path: ...
    def add(self, id: str, image: Image.Image, info: PngInfo) -> int: ...
    def settle(self, id: str) -> None: ...
    def mark_for_deletion(self, ids: Iterable[str]) -> None: ...
    def discard(self, id: str) -> None: ...
    def discard_incoming(self, kept: Callable[[str], bool]) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Files:
    """Picture files in one folder."""

    folder: Path

    def picture(self, id: str) -> Path:
        """The path of the PNG of `id`. Raises NotFound for an invalid id."""
        return self._path("pictures", id, ".png")

    def thumb(self, id: str) -> Path:
        """The path of the WebP thumbnail of `id`. Raises NotFound for an invalid id."""
        return self._path("thumbs", id, ".webp")

    def add(self, id: str, image: Image.Image, info: PngInfo) -> int:
        """Write and sync a picture and its thumbnail. Returns their bytes together.

        They are provisional until `settle(id)`: `discard_incoming` removes them. Raises NotWritten, leaving nothing behind.
        """
        return self._add(id, image, lambda path: save_png(image, path, info))

    def keep(self, id: str, image: Image.Image, data: bytes) -> int:
        """Like `add`, for an existing PNG. `data` are its bytes, and `image` is for the thumbnail."""
        return self._add(id, image, lambda path: _save_bytes(data, path))

    def _add(self, id: str, image: Image.Image, save: Callable[[Path], None]) -> int:
        incoming = self._incoming(id)
        picture, thumb = self.picture(id), self.thumb(id)
        try:
            incoming.mkdir(parents=True, mode=0o700)
            _sync_folder(incoming.parent)  # from here on the id is provisional, whatever happens
            size = _write(incoming / picture.name, save)
            size += _write(incoming / thumb.name, lambda file: save_thumb(image, file))
            for final in (picture, thumb):
                _make_folder(final.parent)
                os.replace(incoming / final.name, final)
                _sync_folder(final.parent)
        except OSError as error:
            self.discard(id)
            raise NotWritten("The picture", error.strerror or error) from error
        except BaseException:
            self.discard(id)
            raise
        return size

    def settle(self, id: str) -> None:
        """Keep the files of `id`: its row is committed."""
        shutil.rmtree(self._incoming(id), ignore_errors=True)  # a leftover folder is settled at the next start

    def mark_for_deletion(self, ids: Iterable[str]) -> None:
        """Mark the files of these ids as provisional, since their rows will be deleted. `discard` follows, or the next start.

        Raises NotWritten.
        """
        try:
            for id in ids:
                self._incoming(id).mkdir(parents=True, exist_ok=True, mode=0o700)
            _sync_folder(self.folder / "incoming")
        except OSError as error:
            raise NotWritten("What is to be removed", error.strerror or error) from error

    def provisional(self, id: str) -> bool:
        """Whether the files of `id` are being written or removed."""
        return self._incoming(id).exists()

    def all_provisional(self) -> frozenset[str]:
        """The ids whose files are being written or removed."""
        incoming = self.folder / "incoming"
        return frozenset(entry.name for entry in incoming.iterdir()) if incoming.is_dir() else frozenset()

    def make_thumb(self, id: str) -> Path:
        """Make a thumbnail again from the picture.

        Raises NotFound if the picture is missing or unreadable, and NotWritten.
        """
        thumb = self.thumb(id)
        part = thumb.with_name(f"{thumb.name}.{secrets.token_hex(8)}.part")
        try:
            with Image.open(self.picture(id)) as image:
                whole = image.convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            raise NotFound("The file of picture", id) from None
        try:
            _make_folder(thumb.parent)
            _write(part, lambda file: save_thumb(whole, file))
            part.replace(thumb)
        except OSError as error:
            raise NotWritten("The thumbnail", error.strerror or error) from error
        finally:
            part.unlink(missing_ok=True)
        return thumb

    def discard(self, id: str) -> None:
        """Remove the files of `id`, finished or not. Missing files are fine."""
        self.picture(id).unlink(missing_ok=True)
        self.thumb(id).unlink(missing_ok=True)
        shutil.rmtree(self._incoming(id), ignore_errors=True)

    def discard_incoming(self, kept: Callable[[str], bool]) -> tuple[str, ...]:
        """At start, remove files that a crash left unfinished, except for ids that `kept` knows as rows.

        Returns the removed ids.
        """
        incoming = self.folder / "incoming"
        removed = []
        for entry in sorted(incoming.iterdir()) if incoming.is_dir() else ():
            if not _ID.fullmatch(entry.name):
                continue
            if kept(entry.name):
                self.settle(entry.name)
            else:
                self.discard(entry.name)
                removed.append(entry.name)
        return tuple(removed)

    def _incoming(self, id: str) -> Path:
        return self.folder / "incoming" / _checked(id)

    def _path(self, kind: str, id: str, suffix: str) -> Path:
        return self.folder / kind / _checked(id)[:2] / f"{id}{suffix}"


def _checked(id: str) -> str:
    if not _ID.fullmatch(checked_id("Picture", id)):
        raise NotFound("Picture", id)
    return id


def _write(path: Path, save: Callable[[Path], None]) -> int:
    """Write and sync `path`. Returns its bytes."""
    save(path)
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def save_png(image: Image.Image, file: Path | IO[bytes], info: PngInfo) -> None:
    """Write a picture's PNG."""
    image.save(file, "PNG", pnginfo=info, compress_level=PNG_LEVEL)


def _save_bytes(data: bytes, path: Path) -> None:
    path.write_bytes(data)


def save_thumb(image: Image.Image, file: Path | IO[bytes]) -> None:
    """Write a picture's thumbnail."""
    small = image.copy()
    small.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.LANCZOS)
    small.save(file, "WEBP", quality=THUMB_QUALITY)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Sync the folder's entries. Windows cannot open a folder and does not need it."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
