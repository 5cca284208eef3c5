"""A reader for untrusted ZIP archives. Unsafe archives are refused before anything is extracted.

Knows the layout of our archives (`exporter`) and no row. Names never become paths. Only the manifest is extracted, into an
unnamed temporary file.
"""

from __future__ import annotations

import json
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from locales import Localized, message_of
from storage.errors import BadArchive, BadValue
from storage.metadata.readers import FILE_MAX
from storage.repositories.collections import COLLECTIONS_MAX
from storage.transfer.exporter import BLOCK, COLLECTIONS, MANIFEST, SPOOL
from storage.transfer.manifest import Entry, entry, file_of

ENTRIES_MAX = 200_000
DIRECTORY_MAX = 64 * 2**20  # bytes of the central directory
MANIFEST_MAX = 2**31  # bytes
COLLECTIONS_BYTES_MAX = 2**28  # bytes of all collections
LINE_MAX = 8 * 2**20
RATIO_MAX, SLACK = 100, 64 * 2**20  # largest ratio of all entries to the archive's size, and bytes above it
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    struct.error,
)


@dataclass(frozen=True)
class Line:
    """The position of a manifest line, numbered from 1."""

    number: int
    at: int
    length: int


@dataclass(frozen=True)
class ArchiveReader:
    """A checked archive."""

    zip: zipfile.ZipFile
    manifest: IO[bytes]
    lines: tuple[Line, ...]

    def entry(self, line: Line, owner: str) -> Entry:
        """Parse a line. Raises BadValue, also for a picture that is not in the archive."""
        self.manifest.seek(line.at)
        found = entry(_parsed(self.manifest.read(line.length)), owner)
        name = file_of(found.picture.id)
        try:
            size = self.zip.getinfo(name).file_size
        except KeyError:
            raise BadValue("file", "in_archive", name) from None
        if size > FILE_MAX:
            raise BadValue("file", "at_most_mib", size, most=FILE_MAX // 2**20)
        return found

    def picture(self, id: str) -> bytes:
        """A picture's bytes. Raises BadValue if they cannot be extracted or exceed the declared size."""
        name = file_of(id)
        try:
            with self.zip.open(name) as file:
                data = file.read(FILE_MAX + 1)
        except _BROKEN as error:
            raise BadValue("file", "intact", name, reason=error) from None
        if len(data) > FILE_MAX:
            raise BadValue("file", "at_most_mib", name, most=FILE_MAX // 2**20)
        return data

    def collections(self) -> Iterator[tuple[int, object]]:
        """The numbered collection lines, read on demand. Empty if the archive has none.

        Yields a BadValue in place of a line that is not JSON. Raises BadValue if reading cannot continue.
        """
        if COLLECTIONS not in self.zip.namelist():
            return
        if (size := self.zip.getinfo(COLLECTIONS).file_size) > COLLECTIONS_BYTES_MAX:
            raise BadValue("The file", "at_most_bytes", size, most=COLLECTIONS_BYTES_MAX)
        try:
            with self.zip.open(COLLECTIONS) as file:
                number = 0
                while line := file.readline(LINE_MAX + 1):
                    number += 1
                    if number > COLLECTIONS_MAX:
                        raise BadValue("The file", "at_most_lines", "more", most=COLLECTIONS_MAX)
                    if len(line) > LINE_MAX:
                        raise BadValue(f"Line {number}", "at_most_bytes", "more", most=LINE_MAX)
                    if line.strip():
                        yield number, _or_fault(line)
        except _BROKEN as error:
            raise BadValue("The file", "intact", COLLECTIONS, reason=error) from None


def _or_fault(line: bytes) -> object:
    try:
        return _parsed(line)
    except BadValue as error:
        return error


def _parsed(line: bytes) -> object:
    def refuse(constant: str) -> object:
        raise ValueError(constant)

    try:
        return json.loads(line.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError):
        raise BadValue("The line", "line_json", ascii(line[:60])) from None


@contextmanager
def open_archive(source: Path | IO[bytes]) -> Iterator[ArchiveReader]:
    """Open and check an archive. Raises BadArchive."""
    try:
        size = _checked_end(source)
        archive = zipfile.ZipFile(source)
    except BadArchive:
        raise
    except _BROKEN as error:
        raise BadArchive("archive_unreadable", why=message_of(error)) from None
    with archive, tempfile.SpooledTemporaryFile(SPOOL) as spool:
        _check(archive, size)
        yield ArchiveReader(archive, spool, tuple(_lines(archive, spool)))


def _checked_end(source: Path | IO[bytes]) -> int:
    """The size of the file. Raises BadArchive if its central directory is too large."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            return _checked_end(file)
    size = source.seek(0, os.SEEK_END)
    start = max(0, size - 65_557)
    source.seek(start)
    tail = source.read(65_557)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + 22 > len(tail):
        raise zipfile.BadZipFile(Localized("reason.no_directory"))
    (length,) = struct.unpack_from("<I", tail, at + 12)
    if length == 0xFFFFFFFF and at >= 20 and tail[at - 20 : at - 16] == b"PK\6\7":
        (place,) = struct.unpack_from("<Q", tail, at - 12)
        source.seek(min(place, size))
        head = source.read(56)
        length = struct.unpack_from("<Q", head, 40)[0] if len(head) == 56 else length
    source.seek(0)
    if length > DIRECTORY_MAX:
        raise BadArchive("archive_directory_too_large", n=length, most=DIRECTORY_MAX)
    return size


def _check(archive: zipfile.ZipFile, size: int) -> None:
    entries = archive.infolist()
    if len(entries) > ENTRIES_MAX:
        raise BadArchive("archive_too_many_entries", n=len(entries), most=ENTRIES_MAX)
    names: set[str] = set()
    for one in entries:
        name = one.filename
        shown = ascii(name[:80])[1:-1]
        if (
            name.startswith(("/", "\\"))
            or "\\" in name
            or ":" in name
            or ".." in name.split("/")
            or "\0" in one.orig_filename
        ):
            raise BadArchive("archive_path_outside", name=shown)
        if name in names:
            raise BadArchive("archive_entry_twice", name=shown)
        if one.compress_type not in _METHODS or one.flag_bits & 1:
            raise BadArchive("archive_entry_packed", name=shown)
        names.add(name)
    total = sum(one.file_size for one in entries)
    if total > RATIO_MAX * size + SLACK:
        raise BadArchive("archive_bomb", n=size, total=total)
    if MANIFEST not in names:
        raise BadArchive("archive_no_manifest", file=MANIFEST)
    if archive.getinfo(MANIFEST).file_size > MANIFEST_MAX:
        raise BadArchive("archive_manifest_too_large", file=MANIFEST, most=MANIFEST_MAX)


def _lines(archive: zipfile.ZipFile, spool: IO[bytes]) -> Iterator[Line]:
    """Copy the manifest to `spool` and index its lines."""
    number = at = 0
    try:
        with archive.open(MANIFEST) as file:
            while block := file.read(BLOCK):
                spool.write(block)
    except _BROKEN as error:
        raise BadArchive("archive_manifest_unreadable", file=MANIFEST, why=error) from None
    spool.seek(0)
    while line := spool.readline(LINE_MAX + 1):
        number += 1
        if len(line) > LINE_MAX:
            raise BadArchive("archive_line_too_long", n=number, file=MANIFEST, most=LINE_MAX)
        if number > ENTRIES_MAX:
            raise BadArchive("archive_too_many_lines", file=MANIFEST, most=ENTRIES_MAX)
        if line.strip():
            yield Line(number, at, len(line))
        at += len(line)
