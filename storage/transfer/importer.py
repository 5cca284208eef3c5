"""Pictures that come in: archives of ours, whose records and bytes become the same here, and single files of anybody.

Every picture is decoded once before it is kept, and its pixels must be those that its record tells. Files come first,
then rows, a batch in one transaction; what was brought is not brought again, so a broken import is simply repeated.
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
SpaceCheck = Callable[[int], str | None]  # why so many bytes more may not be kept; None where they may
BATCH = 24  # pictures in one transaction
_ALONE = Line(1, 0, 0)  # a picture that came without a manifest
ASKED = 500  # ids in one question
REJECTED_MAX = 1_000  # sentences in a report


@dataclass(frozen=True, kw_only=True)
class RejectedEntry:
    """What is wrong with one line of a manifest, or of another `file` of the archive; line 0 is the file as a whole."""

    line: int
    sentence: str
    file: str = MANIFEST


@dataclass(frozen=True, kw_only=True)
class ImportPreview:
    """What an archive holds, before anything of it is kept."""

    count: int  # pictures that can be brought, those that are here already among them
    here: int  # of them, those whose id is here
    same_pixels: int  # of the others, those whose pixels are here under another id
    wrong: tuple[RejectedEntry, ...] = ()
    collections: int = 0  # that can be brought


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """What became of an archive."""

    brought: tuple[str, ...]  # ids, as they are here
    here: int  # were here before
    renamed: Mapping[str, str] = field(default_factory=dict)  # ids that were taken, and what they are now
    wrong: tuple[RejectedEntry, ...] = ()  # was not brought, and why
    notes: tuple[str, ...] = ()  # was brought, with this said of it
    collections: tuple[str, ...] = ()  # names of those that are new, or have pictures that they had not
    ended: str | None = None  # why it ended before its end
    left: int = 0  # pictures that were not come to then


@dataclass
class _Report:
    brought: list[str] = field(default_factory=list)
    here: int = 0
    renamed: dict[str, str] = field(default_factory=dict)
    wrong: list[RejectedEntry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    collections: list[str] = field(default_factory=list)
    seen: int = 0  # pictures that were come to
    ended: str | None = None
    places: dict[str, str] = field(default_factory=dict)  # ids of the archive, and what they are here

    def refuse(self, line: int, why: object, file: str = MANIFEST) -> None:
        if len(self.wrong) < REJECTED_MAX:
            self.wrong.append(RejectedEntry(line=line, sentence=str(why), file=file))


@dataclass(frozen=True)
class Importer:
    """What comes in, for all owners, each on behalf of its own."""

    database: Database
    files: Files
    policy: MetadataPolicy = ALL
    _lock: threading.Lock = field(default_factory=threading.Lock)  # one import at a time: their ids are given, not new

    def preview(self, owner: str, source: Path | IO[bytes], *, progress: Progress | None = None) -> ImportPreview:
        """What bringing this archive would do; keeps nothing. Raises BadArchive."""
        with open_archive(source) as archive:
            report, asked = _Report(), {}
            for done, line in enumerate(archive.lines, 1):
                entry = _read(archive, line, owner, report)
                if entry is not None:
                    asked[entry.picture.id] = entry.picture.pixel_sha256
                _tell(progress, done, len(archive.lines))
            collections = sum(1 for _ in _shelves(archive, report))
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
        """Keep every picture of an archive: the same record, the same bytes. What is wrong is left out, and told.

        Twice brings nothing twice. A picture whose id is another owner's gets another one, always the same. `room` is asked
        before each picture is kept; with what it says against one the archive ends there, and what came before it is kept.
        Raises BadArchive, and NotWritten with what was brought until then kept.
        """
        report = _Report()
        with open_archive(source) as archive:
            lines = _parents_first(archive, owner, report)
            for batch in _chunks(lines, BATCH):
                entries = ((line, archive.entry(line, owner)) for line in batch)  # it was read before, without a fault
                with self._lock:
                    self._import(owner, entries, lambda entry: archive.picture(entry.picture.id), report, room)
                _tell(progress, report.seen, len(lines))
                if report.ended is not None:
                    break
            self._shelve(owner, archive, report)
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

    def _shelve(self, owner: str, archive: ArchiveReader, report: _Report) -> None:
        """Put the archive's collections back, once their pictures are here."""
        for number, shelf in _shelves(archive, report):
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
        """Keep a single picture of anybody's; what is understood of it, and whether it is new. Twice gives the one that is there.

        A PNG of ours that nobody changed is kept as it is, with its record; any other becomes a PNG that tells what
        was understood, and keeps the texts that its maker wrote. Without `doubles` pixels that are here stay where they are,
        whatever their file tells. Raises NotAPicture, OSError, InsufficientSpace and NotWritten.
        """
        data = source if isinstance(source, bytes) else readers.read(source)
        found = readers.parse_metadata(data, name)
        with self._lock:
            if not doubles and (known := self._double(owner, data, found.name)):
                return known, found, False
            own = own_entry(data, owner) if found.maker == "ours" and found.format == "png" else None
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
        """The owner's picture of this very file, or else of the same pixels."""
        mine = select(PictureRow).where(PictureRow.owner == owner).options(*LOADED)
        with self.database.read() as session:
            row = session.scalars(mine.where(PictureRow.id == file_id(data, owner))).first()
            if row is None:
                hash = pixel_sha256(decode_image(data, called))
                row = session.scalars(mine.where(PictureRow.pixel_sha256 == hash).limit(1)).first()
            return picture_record(row) if row is not None else None

    def _found(self, owner: str, id: str) -> Picture:
        """The picture that came in under `id`, by that id or the one that stands for it."""
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
        """Files, then rows, of those that are sound and not here; `fetch` gives the bytes of one."""
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
        """The id under which a picture is to be kept, with its bytes and its image; None in their place where it is here.

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
            raise BadValue("pixel_sha256", "must be that of the picture's pixels", entry.picture.pixel_sha256)
        return known.id, (data, image)

    def _insert(self, kept: Sequence[tuple[Line, Entry, int]], report: _Report) -> None:
        """The rows of pictures whose files are there, in one transaction; the files of what is refused go again."""
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


def _shelves(archive: ArchiveReader, report: _Report) -> Iterator[tuple[int, collection_manifest.CollectionEntry]]:
    """The sound collections of an archive by their lines, each name once; what is wrong with the others is told."""
    names: set[str] = set()
    try:
        for number, told in archive.shelves():
            try:
                if isinstance(told, BadValue):
                    raise told
                shelf = collection_manifest.collection_entry(told)
                if query_parser.fold(shelf.name) in names:
                    raise BadValue("name", "must stand in one line only", shelf.name)
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
    """The sound lines, oldest first, but every picture behind the one that it came of; each id once."""
    known: dict[str, tuple[str, str | None, Line]] = {}
    for line in archive.lines:
        entry = _read(archive, line, owner, report)
        if entry is None:
            continue
        if entry.picture.id in known:
            report.refuse(line.number, BadValue("id", "must stand in one line only", entry.picture.id))
            continue
        known[entry.picture.id] = (entry.picture.created_at.isoformat(), entry.picture.parent_id, line)
    ordered: dict[str, Line] = {}
    for id in sorted(known, key=lambda id: (known[id][0], known[id][2].number)):
        chain: list[str] = []
        while id in known and id not in ordered and id not in chain:  # a circle ends where it began
            chain.append(id)
            id = known[id][1] or ""
        for one in reversed(chain):
            ordered[one] = known[one][2]
    return list(ordered.values())
