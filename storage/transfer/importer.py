"""Import of archives, with equal records and bytes, and of single files of any program.

Each picture is decoded once before it is stored, and its pixels must match its record. Files are written first, then rows,
a batch in one transaction. Existing pictures are skipped, so an interrupted import can be repeated.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, TypeVar

from PIL import Image
from sqlalchemy import select

from locales import message_of
from storage.db.engine import Database
from storage.db.tables import PictureRow
from storage.errors import BadQuery, BadValue, InsufficientSpace, NotAPicture, NotFound, StorageError
from storage.files.hashing import decode_image, pixel_sha256, same_pixels
from storage.files.store import Files
from storage.metadata import readers
from storage.metadata.policy import ALL, MetadataPolicy
from storage.records import Picture
from storage.repositories.mappers import LOADED, picture_record
from storage.search import query_parser
from storage.transfer import collection_manifest
from storage.transfer import import_rows as arriving
from storage.transfer.exporter import COLLECTIONS, MANIFEST, Progress
from storage.transfer.manifest import Entry
from storage.transfer.single_file import file_id, own_entry, parsed_entry
from storage.transfer.zip_reader import ArchiveReader, Line, open_archive

T = TypeVar("T")
SpaceCheck = Callable[[int], str | None]  # returns why so many more bytes may not be stored; None if they may
BATCH = 24  # pictures in one transaction
_ALONE = Line(1, 0, 0)  # a picture that came without a manifest
ASKED = 500  # ids per query
REJECTED_MAX = 1_000  # sentences in a report


@dataclass(frozen=True, kw_only=True)
class RejectedEntry:
    """What is wrong with a line of a manifest or of another `file` of the archive. Line 0 is the whole file."""

    line: int
    sentence: str
    file: str = MANIFEST


@dataclass(frozen=True, kw_only=True)
class ImportPreview:
    """What an archive contains, before anything is stored."""

    count: int  # importable pictures, including existing ones
    here: int  # pictures whose id exists
    same_pixels: int  # others whose pixels exist under another id
    wrong: tuple[RejectedEntry, ...] = ()
    collections: int = 0  # importable collections


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """The result of an import."""

    brought: tuple[str, ...]  # new ids
    here: int  # pictures that existed
    renamed: Mapping[str, str] = field(default_factory=dict)  # replaced ids, and their replacements
    wrong: tuple[RejectedEntry, ...] = ()  # rejected entries and reasons
    notes: tuple[str, ...] = ()  # notes about imported entries
    collections: tuple[str, ...] = ()  # names of collections that are new or have new pictures
    ended: str | None = None  # why the import ended early
    left: int = 0  # pictures that were not reached


@dataclass
class _Report:
    brought: list[str] = field(default_factory=list)
    here: int = 0
    renamed: dict[str, str] = field(default_factory=dict)
    wrong: list[RejectedEntry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    collections: list[str] = field(default_factory=list)
    seen: int = 0  # pictures that were reached
    ended: str | None = None
    places: dict[str, str] = field(default_factory=dict)  # ids of the archive, and their ids here

    def refuse(self, line: int, why: Exception, file: str = MANIFEST) -> None:
        if len(self.wrong) < REJECTED_MAX:
            self.wrong.append(RejectedEntry(line=line, sentence=message_of(why), file=file))


@dataclass(frozen=True)
class Importer:
    """Imports for all owners."""

    database: Database
    files: Files
    policy: MetadataPolicy = ALL
    _lock: threading.Lock = field(default_factory=threading.Lock)  # one import at a time: their ids are given, not new

    def preview(self, owner: str, source: Path | IO[bytes], *, progress: Progress | None = None) -> ImportPreview:
        """What an import of this archive would do. Stores nothing. Raises BadArchive."""
        with open_archive(source) as archive:
            report, asked = _Report(), {}
            for done, line in enumerate(archive.lines, 1):
                entry = _read(archive, line, owner, report)
                if entry is not None:
                    asked[entry.picture.id] = entry.picture.pixel_sha256
                _tell(progress, done, len(archive.lines))
            collections = sum(1 for _ in _collections(archive, report))
        here, same = 0, 0
        with self.database.read() as session:
            for ids in _chunks(list(asked), ASKED):
                mine = arriving.existing_ids(session, owner, ids)
                here += len(mine)
                others = {asked[id] for id in ids if id not in mine}
                found = arriving.existing_pixels(session, owner, others)
                same += sum(asked[id] in found for id in ids if id not in mine)
        return ImportPreview(
            count=len(asked), here=here, same_pixels=same, wrong=tuple(report.wrong), collections=collections
        )

    def import_archive(
        self,
        owner: str,
        source: Path | IO[bytes],
        *,
        progress: Progress | None = None,
        room: SpaceCheck | None = None,
    ) -> ImportResult:
        """Import every picture of an archive, with the same record and bytes. Invalid entries are reported and skipped.

        A second import adds nothing. A picture whose id belongs to another owner gets another id, always the same. `room`
        is called before each picture; the import ends with its message, and keeps what came before. Raises BadArchive, and
        NotWritten.
        """
        report = _Report()
        with open_archive(source) as archive:
            lines = _parents_first(archive, owner, report)
            for batch in _chunks(lines, BATCH):
                entries = (
                    (line, archive.entry(line, owner)) for line in batch
                )  # the line was read before without an error
                with self._lock:
                    self._import(owner, entries, lambda entry: archive.picture(entry.picture.id), report, room)
                _tell(progress, report.seen, len(lines))
                if report.ended is not None:
                    break
            self._import_collections(owner, archive, report)
        return ImportResult(
            brought=tuple(report.brought),
            here=report.here,
            renamed=report.renamed,
            wrong=tuple(report.wrong),
            notes=tuple(report.notes[:REJECTED_MAX]),
            collections=tuple(report.collections),
            ended=report.ended,
            left=len(lines) - report.seen,
        )

    def _import_collections(self, owner: str, archive: ArchiveReader, report: _Report) -> None:
        """Import the archive's collections after its pictures."""
        for number, shelf in _collections(archive, report):
            try:
                with self._lock:
                    put = collection_manifest.import_collection(self.database, owner, shelf, report.places)
            except BadValue as error:
                report.refuse(number, error, COLLECTIONS)
                continue
            report.notes += put.notes
            if put.changed:
                report.collections.append(shelf.name)

    def import_file(
        self,
        owner: str,
        source: Path | bytes,
        name: str,
        *,
        doubles: bool = True,
        made: datetime | None = None,
        room: SpaceCheck | None = None,
    ) -> tuple[Picture, readers.ParsedMetadata, bool]:
        """Import a single file. Returns the picture, its parsed metadata, and whether it is new.

        An unchanged PNG of this studio keeps its record. Any other image becomes a PNG with the parsed metadata and the
        original texts. Without `doubles`, existing pixels are not imported again. Raises NotAPicture, OSError,
        InsufficientSpace and NotWritten.
        """
        data = source if isinstance(source, bytes) else readers.read(source)
        found = readers.parse_metadata(data, name)
        with self._lock:
            if not doubles and (known := self._double(owner, data, found.name)):
                return known, found, False
            own = own_entry(data, owner) if found.maker == "studio" and found.format == "png" else None
            if own is not None:
                report = _Report()
                self._import(owner, [(_ALONE, own)], lambda entry: data, report, room)
                if report.ended is not None:
                    raise InsufficientSpace(report.ended)
                if not report.wrong:
                    return self._found(owner, own.picture.id), found, bool(report.brought)
                found = replace(found, notes=(*found.notes, *(wrong.sentence for wrong in report.wrong)))
            entry, info = parsed_entry(data, found, image := decode_image(data, found.name), owner, self.policy, made)
            with self.database.read() as session:
                there = bool(arriving.existing_ids(session, owner, [entry.picture.id]))
            if not there:
                if room is not None and (why := room(len(data))) is not None:
                    raise InsufficientSpace(why)
                size = self.files.add(entry.picture.id, image, info)
                self._insert([(_ALONE, entry, size)], _Report())
        return self._found(owner, entry.picture.id), found, not there

    def _double(self, owner: str, data: bytes, called: str) -> Picture | None:
        """The owner's picture of this very file, else with the same pixels."""
        mine = select(PictureRow).where(PictureRow.owner == owner).options(*LOADED)
        with self.database.read() as session:
            row = session.scalars(mine.where(PictureRow.id == file_id(data, owner))).first()
            if row is None:
                hash = pixel_sha256(decode_image(data, called))
                row = session.scalars(mine.where(PictureRow.pixel_sha256 == hash).limit(1)).first()
            return picture_record(row) if row is not None else None

    def _found(self, owner: str, id: str) -> Picture:
        """The picture imported under `id` or its replacement."""
        with self.database.read() as session:
            for known in (id, arriving.other_id(owner, id)):
                chosen = select(PictureRow).where(PictureRow.id == known, PictureRow.owner == owner)
                if row := session.scalars(chosen.options(*LOADED)).first():
                    return picture_record(row)
        raise NotFound("Picture", id)

    def _import(
        self,
        owner: str,
        entries: Iterable[tuple[Line, Entry]],
        fetch: Callable[[Entry], bytes],
        report: _Report,
        room: SpaceCheck | None = None,
    ) -> None:
        """Write the files, then the rows, of the valid new entries. `fetch` returns the bytes of one."""
        kept: list[tuple[Line, Entry, int]] = []
        try:
            for line, entry in entries:
                report.seen += 1
                try:
                    sound = self._sound(owner, entry, fetch)
                except (BadValue, NotAPicture) as error:
                    report.refuse(line.number, error)
                    continue
                id, found = sound
                report.places[entry.picture.id] = id
                if found is None:
                    report.here += 1
                    continue
                data, image = found
                report.ended = room(len(data)) if room is not None else None
                if report.ended is not None:
                    report.seen -= 1
                    break
                if id != entry.picture.id:
                    report.renamed[entry.picture.id] = id
                moved = replace(entry, picture=replace(entry.picture, id=id))
                kept.append((line, moved, self.files.keep(id, image, data)))
        except BaseException:
            for _, entry, _ in kept:
                self.files.discard(entry.picture.id)
            raise
        self._insert(kept, report)

    def _sound(
        self, owner: str, entry: Entry, fetch: Callable[[Entry], bytes]
    ) -> tuple[str, tuple[bytes, Image.Image] | None]:
        """The target id of a picture with its bytes and image; None for both if it exists.

        Raises BadValue and NotAPicture.
        """
        with self.database.read() as session:
            known = arriving.find_target(session, owner, entry.picture)
        if known.here:
            return known.id, None
        data = fetch(entry)
        called = f"Picture {entry.picture.id}"
        readers.check_size(data, called)
        image = decode_image(data, called, "PNG")
        if not same_pixels(entry.picture, image):
            raise BadValue("pixel_sha256", "pixels_differ", entry.picture.pixel_sha256)
        return known.id, (data, image)

    def _insert(self, kept: Sequence[tuple[Line, Entry, int]], report: _Report) -> None:
        """Add the rows of a batch in one transaction. Files of rejected entries are removed."""
        refused, brought = [], []
        try:
            with self.database.write() as session:
                for line, entry, size in kept:
                    try:
                        report.notes += arriving.insert(session, entry, size)
                    except BadValue as error:
                        report.refuse(line.number, error)
                        refused.append(entry.picture.id)
                    else:
                        brought.append(entry.picture.id)
        except BaseException:
            for _, entry, _ in kept:
                self.files.discard(entry.picture.id)
            raise
        for id in refused:
            self.files.discard(id)
        for id in brought:
            self.files.settle(id)
        report.brought += brought


def _read(archive: ArchiveReader, line: Line, owner: str, report: _Report) -> Entry | None:
    try:
        return archive.entry(line, owner)
    except StorageError as error:
        report.refuse(line.number, error)
        return None


def _collections(archive: ArchiveReader, report: _Report) -> Iterator[tuple[int, collection_manifest.CollectionEntry]]:
    """The valid collections of an archive by line, one per name. Others are reported."""
    names: set[str] = set()
    try:
        for number, told in archive.collections():
            try:
                if isinstance(told, BadValue):
                    raise told
                shelf = collection_manifest.collection_entry(told)
                if query_parser.fold(shelf.name) in names:
                    raise BadValue("name", "on_two_lines", shelf.name)
            except (BadValue, BadQuery) as error:
                report.refuse(number, error, COLLECTIONS)
                continue
            names.add(query_parser.fold(shelf.name))
            yield number, shelf
    except BadValue as error:
        report.refuse(0, error, COLLECTIONS)


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)


def _chunks(values: Sequence[T], size: int) -> Iterator[list[T]]:
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def _parents_first(archive: ArchiveReader, owner: str, report: _Report) -> list[Line]:
    """The valid lines, oldest first, parents before their descendants, one per id."""
    known: dict[str, tuple[str, str | None, Line]] = {}
    for line in archive.lines:
        entry = _read(archive, line, owner, report)
        if entry is None:
            continue
        if entry.picture.id in known:
            report.refuse(line.number, BadValue("id", "on_two_lines", entry.picture.id))
            continue
        known[entry.picture.id] = (entry.picture.created_at.isoformat(), entry.picture.parent_id, line)
    ordered: dict[str, Line] = {}
    for id in sorted(known, key=lambda id: (known[id][0], known[id][2].number)):
        chain: list[str] = []
        while id in known and id not in ordered and id not in chain:  # a cycle ends where it began
            chain.append(id)
            id = known[id][1] or ""
        for one in reversed(chain):
            ordered[one] = known[one][2]
    return list(ordered.values())
