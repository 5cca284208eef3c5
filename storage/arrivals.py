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

from storage import arrival_rows as arriving
from storage import foreign, search, shelves
from storage.adopting import file_id, foreign_entry, own_entry
from storage.archive import MANIFEST, SHELVES, Progress
from storage.database import Database
from storage.errors import BadQuery, BadValue, NoRoom, NotAPicture, NotFound, StorageError
from storage.files import Files
from storage.manifest import Entry
from storage.picture_rows import LOADED, picture_record
from storage.pixels import decoded, pixel_sha256, same_pixels
from storage.records import Picture
from storage.tables import PictureRow
from storage.told import ALL, Told
from storage.unpacking import Line, Unpacked, unpacked

T = TypeVar("T")
Room = Callable[[int], str | None]  # why so many bytes more may not be kept; None where they may
BATCH = 24  # pictures in one transaction
_ALONE = Line(1, 0, 0)  # a picture that came without a manifest
ASKED = 500  # ids in one question
WRONG_MAX = 1_000  # sentences in a report


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """What is wrong with one line of a manifest, or of another `file` of the archive; line 0 is the file as a whole."""

    line: int
    sentence: str
    file: str = MANIFEST


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What an archive holds, before anything of it is kept."""

    count: int  # pictures that can be brought, those that are here already among them
    here: int  # of them, those whose id is here
    same_pixels: int  # of the others, those whose pixels are here under another id
    wrong: tuple[Wrong, ...] = ()
    collections: int = 0  # that can be brought


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What became of an archive."""

    brought: tuple[str, ...]  # ids, as they are here
    here: int  # were here before
    renamed: Mapping[str, str] = field(default_factory=dict)  # ids that were taken, and what they are now
    wrong: tuple[Wrong, ...] = ()  # was not brought, and why
    notes: tuple[str, ...] = ()  # was brought, with this said of it
    collections: tuple[str, ...] = ()  # names of those that are new, or have pictures that they had not
    ended: str | None = None  # why it ended before its end
    left: int = 0  # pictures that were not come to then


@dataclass
class _Report:
    brought: list[str] = field(default_factory=list)
    here: int = 0
    renamed: dict[str, str] = field(default_factory=dict)
    wrong: list[Wrong] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    collections: list[str] = field(default_factory=list)
    seen: int = 0  # pictures that were come to
    ended: str | None = None
    places: dict[str, str] = field(default_factory=dict)  # ids of the archive, and what they are here

    def refuse(self, line: int, why: object, file: str = MANIFEST) -> None:
        if len(self.wrong) < WRONG_MAX:
            self.wrong.append(Wrong(line=line, sentence=str(why), file=file))


@dataclass(frozen=True)
class Arrivals:
    """What comes in, for all owners, each on behalf of its own."""

    database: Database
    files: Files
    told: Told = ALL
    _lock: threading.Lock = field(default_factory=threading.Lock)  # one import at a time: their ids are given, not new

    def preview(self, owner: str, source: Path | IO[bytes], *, progress: Progress | None = None) -> Preview:
        """What bringing this archive would do; keeps nothing. Raises BadArchive."""
        with unpacked(source) as archive:
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
                mine = arriving.here(session, owner, ids)
                here += len(mine)
                others = {asked[id] for id in ids if id not in mine}
                found = arriving.pixels_here(session, owner, others)
                same += sum(asked[id] in found for id in ids if id not in mine)
        return Preview(
            count=len(asked), here=here, same_pixels=same, wrong=tuple(report.wrong), collections=collections
        )

    def bring(
        self,
        owner: str,
        source: Path | IO[bytes],
        *,
        progress: Progress | None = None,
        room: Room | None = None,
    ) -> Brought:
        """Keep every picture of an archive: the same record, the same bytes. What is wrong is left out, and told.

        Twice brings nothing twice. A picture whose id is another owner's gets another one, always the same. `room` is asked
        before each picture is kept; with what it says against one the archive ends there, and what came before it is kept.
        Raises BadArchive, and NotWritten with what was brought until then kept.
        """
        report = _Report()
        with unpacked(source) as archive:
            lines = _parents_first(archive, owner, report)
            for batch in _chunks(lines, BATCH):
                entries = ((line, archive.entry(line, owner)) for line in batch)  # it was read before, without a fault
                with self._lock:
                    self._bring(owner, entries, lambda entry: archive.picture(entry.picture.id), report, room)
                _tell(progress, report.seen, len(lines))
                if report.ended is not None:
                    break
            self._shelve(owner, archive, report)
        return Brought(
            brought=tuple(report.brought),
            here=report.here,
            renamed=report.renamed,
            wrong=tuple(report.wrong),
            notes=tuple(report.notes[:WRONG_MAX]),
            collections=tuple(report.collections),
            ended=report.ended,
            left=len(lines) - report.seen,
        )

    def _shelve(self, owner: str, archive: Unpacked, report: _Report) -> None:
        """Put the archive's collections back, once their pictures are here."""
        for number, shelf in _shelves(archive, report):
            try:
                with self._lock:
                    put = shelves.put(self.database, owner, shelf, report.places)
            except BadValue as error:
                report.refuse(number, error, SHELVES)
                continue
            report.notes += put.notes
            if put.changed:
                report.collections.append(shelf.name)

    def bring_file(
        self,
        owner: str,
        source: Path | bytes,
        name: str,
        *,
        doubles: bool = True,
        made: datetime | None = None,
        room: Room | None = None,
    ) -> tuple[Picture, foreign.Understood, bool]:
        """Keep a single picture of anybody's; what is understood of it, and whether it is new. Twice gives the one that is there.

        A PNG of ours that nobody changed is kept as it is, with its record; any other becomes a PNG that tells what
        was understood, and keeps the texts that its maker wrote. Without `doubles` pixels that are here stay where they are,
        whatever their file tells. Raises NotAPicture, OSError, NoRoom and NotWritten.
        """
        data = source if isinstance(source, bytes) else foreign.read(source)
        found = foreign.understand(data, name)
        with self._lock:
            if not doubles and (known := self._double(owner, data, found.name)):
                return known, found, False
            own = own_entry(data, owner) if found.maker == "ours" and found.format == "png" else None
            if own is not None:
                report = _Report()
                self._bring(owner, [(_ALONE, own)], lambda entry: data, report, room)
                if report.ended is not None:
                    raise NoRoom(report.ended)
                if not report.wrong:
                    return self._found(owner, own.picture.id), found, bool(report.brought)
                found = replace(found, notes=(*found.notes, *(wrong.sentence for wrong in report.wrong)))
            entry, info = foreign_entry(data, found, image := decoded(data, found.name), owner, self.told, made)
            with self.database.read() as session:
                there = bool(arriving.here(session, owner, [entry.picture.id]))
            if not there:
                if room is not None and (why := room(len(data))) is not None:
                    raise NoRoom(why)
                size = self.files.add(entry.picture.id, image, info)
                self._insert([(_ALONE, entry, size)], _Report())
        return self._found(owner, entry.picture.id), found, not there

    def _double(self, owner: str, data: bytes, called: str) -> Picture | None:
        """The owner's picture of this very file, or else of the same pixels."""
        mine = select(PictureRow).where(PictureRow.owner == owner).options(*LOADED)
        with self.database.read() as session:
            row = session.scalars(mine.where(PictureRow.id == file_id(data, owner))).first()
            if row is None:
                hash = pixel_sha256(decoded(data, called))
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

    def _bring(
        self,
        owner: str,
        entries: Iterable[tuple[Line, Entry]],
        fetch: Callable[[Entry], bytes],
        report: _Report,
        room: Room | None = None,
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
            known = arriving.place(session, owner, entry.picture)
        if known.here:
            return known.id, None
        data = fetch(entry)
        called = f"Picture {entry.picture.id}"
        foreign.check_size(data, called)
        image = decoded(data, called, "PNG")
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


def _read(archive: Unpacked, line: Line, owner: str, report: _Report) -> Entry | None:
    try:
        return archive.entry(line, owner)
    except StorageError as error:
        report.refuse(line.number, error)
        return None


def _shelves(archive: Unpacked, report: _Report) -> Iterator[tuple[int, shelves.Shelf]]:
    """The sound collections of an archive by their lines, each name once; what is wrong with the others is told."""
    names: set[str] = set()
    try:
        for number, told in archive.shelves():
            try:
                if isinstance(told, BadValue):
                    raise told
                shelf = shelves.shelf(told)
                if search.fold(shelf.name) in names:
                    raise BadValue("name", "must stand in one line only", shelf.name)
            except (BadValue, BadQuery) as error:
                report.refuse(number, error, SHELVES)
                continue
            names.add(search.fold(shelf.name))
            yield number, shelf
    except BadValue as error:
        report.refuse(0, error, SHELVES)


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)


def _chunks(values: Sequence[T], size: int) -> Iterator[list[T]]:
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def _parents_first(archive: Unpacked, owner: str, report: _Report) -> list[Line]:
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
