"""Export of pictures as a ZIP archive that is written while it is sent.

    pictures/<id>.png    the files, unchanged
    manifest.jsonl       one complete record a line (`manifest`), oldest first
    manifest.csv         the same as a table
    collections.jsonl    the collections of these pictures (`collection_manifest`), if any
    missing.txt          pictures whose file is missing, if any

Reads rows and files and changes none. Holds one picture in memory at a time."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import IO

from sqlalchemy import select

from storage.db.engine import Database
from storage.db.tables import JobRow, PictureRow, to_json
from storage.errors import NotFound
from storage.files.store import Files
from storage.ids import checked_id
from storage.repositories import mappers as rows
from storage.transfer import collection_manifest, manifest
from storage.transfer.manifest import Entry, Origin

MANIFEST, TABLE, COLLECTIONS, MISSING = "manifest.jsonl", "manifest.csv", "collections.jsonl", "missing.txt"
CHUNK = 100  # records per query
BLOCK = 2**18  # bytes
SPOOL = 2**23  # bytes of a manifest in memory; more goes to a temporary file
Progress = Callable[[int, int], None]  # pictures done, and in all
CollectionsOf = Callable[
    [Collection[str]], Iterator[collection_manifest.CollectionEntry]
]  # the collections without missing pictures


@dataclass(frozen=True)
class Exporter:
    """Exports pictures of all owners."""

    database: Database
    files: Files

    def export(
        self, owner: str, ids: Sequence[str] | None = None, *, progress: Progress | None = None
    ) -> Iterator[bytes]:
        """Export the owner's pictures `ids`, or all outside the trash, and their collections. Yields the bytes of a ZIP.

        An export of all includes saved searches. Raises NotFound before the first byte for an id that is not the owner's.
        """
        keys = self._keys(owner, ids)
        shelved = partial(self._collections, owner, keys, ids is None)
        return _stream(self._entries(keys), self.files, len(keys), shelved, progress or (lambda done, total: None))

    def _keys(self, owner: str, ids: Sequence[str] | None) -> list[int]:
        """The keys of the chosen pictures, oldest first."""
        with self.database.read() as session:
            mine = select(PictureRow.key, PictureRow.id).where(PictureRow.owner == owner).order_by(PictureRow.key)
            if ids is None:
                return list(
                    session.scalars(mine.where(PictureRow.deleted_at.is_(None)).with_only_columns(PictureRow.key))
                )
            asked = list(dict.fromkeys(checked_id("Picture", id) for id in ids))
            found: dict[str, int] = {}
            for at in range(0, len(asked), CHUNK):
                chosen = mine.where(PictureRow.id.in_(asked[at : at + CHUNK]))
                found |= {id: key for key, id in session.execute(chosen)}
            for id in asked:
                if id not in found:
                    raise NotFound("Picture", id)
            return sorted(found.values())

    def _entries(self, keys: Sequence[int]) -> Iterator[Entry]:
        for at in range(0, len(keys), CHUNK):
            with self.database.read() as session:
                chosen = select(PictureRow).where(PictureRow.key.in_(keys[at : at + CHUNK])).order_by(PictureRow.key)
                pictures = [rows.picture_record(row) for row in session.scalars(chosen.options(*rows.LOADED))]
                jobs = select(JobRow).where(JobRow.id.in_({picture.job_id for picture in pictures}))
                origins = {row.id: _origin(row) for row in session.scalars(jobs)}
            for picture in pictures:
                yield Entry(picture=picture, job=origins[picture.job_id])

    def _collections(
        self, owner: str, keys: Sequence[int], all: bool, without: Collection[str]
    ) -> Iterator[collection_manifest.CollectionEntry]:
        with self.database.read() as session:
            yield from collection_manifest.collection_entries(session, owner, keys, without, all=all)


def _origin(row: JobRow) -> Origin:
    return Origin(
        id=row.id,
        kind=row.kind,  # type: ignore[arg-type]  # only what `Jobs.add` was given
        spec=row.spec,
        count=row.count,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        enhancement_id=row.enhancement_id,
        mark=row.mark,
    )


class _Sink:
    """An unseekable file that collects what the ZIP writer produces until it is sent."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Does nothing: `drain` takes the bytes."""

    def drain(self) -> bytes:
        data, self._parts = b"".join(self._parts), []
        return data


def _stream(
    entries: Iterator[Entry], files: Files, total: int, shelved: CollectionsOf, progress: Progress
) -> Iterator[bytes]:
    sink = _Sink()
    with (
        tempfile.SpooledTemporaryFile(SPOOL) as lines,
        tempfile.SpooledTemporaryFile(SPOOL) as table,
        tempfile.SpooledTemporaryFile(SPOOL) as collections,
        zipfile.ZipFile(sink, "w") as archive,  # type: ignore[call-overload]
    ):
        table.write(_cells(manifest.COLUMNS))
        missing: list[str] = []
        for done, entry in enumerate(entries, 1):
            picture = entry.picture
            try:
                data = files.picture(picture.id).read_bytes()
            except OSError:
                missing.append(picture.id)
            else:
                archive.writestr(_info(manifest.file_of(picture.id), picture.created_at), data)
                lines.write(to_json(manifest.line(entry)).encode() + b"\n")
                table.write(_cells(manifest.row(picture)))
                yield sink.drain()
            progress(done, total)
        if missing:
            said = "The files of these pictures are gone, so they are not in this archive:\n"
            archive.writestr(MISSING, said + "\n".join(missing) + "\n")
        for shelf in shelved(frozenset(missing)):
            collections.write(to_json(collection_manifest.collection_line(shelf)).encode() + b"\n")
        parts = [(MANIFEST, lines), (TABLE, table), *([(COLLECTIONS, collections)] if collections.tell() else [])]
        for name, spool in parts:
            yield from _copied(archive, name, spool, sink, b"\xef\xbb\xbf" if name == TABLE else b"")
    yield sink.drain()


def _copied(archive: zipfile.ZipFile, name: str, spool: IO[bytes], sink: _Sink, head: bytes) -> Iterator[bytes]:
    """Compress a spooled file block by block."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    info.file_size = spool.tell() + len(head)  # so that the writer knows whether it needs ZIP64
    spool.seek(0)
    with archive.open(info, "w") as file:
        file.write(head)
        while block := spool.read(BLOCK):
            file.write(block)
            yield sink.drain()


def _cells(row: Sequence[str]) -> bytes:
    cells = io.StringIO(newline="")
    csv.writer(cells).writerow(row)
    return cells.getvalue().encode()


def _info(name: str, moment: datetime) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, max(moment.timetuple()[:6], (1980, 1, 1, 0, 0, 0)))
    info.compress_type = zipfile.ZIP_STORED
    info.external_attr = 0o600 << 16
    return info
