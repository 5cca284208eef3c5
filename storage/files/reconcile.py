"""Reconciliation of files and rows, at start and by `python app.py check`.

A row whose file is missing or damaged is marked, and its file is searched by its pixels. A file without a row becomes a
picture from its metadata. A missing thumbnail is made again. Nothing is deleted: damaged files move to `damaged`, and
foreign files stay. Safe while others write.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import select, update

from storage.db.engine import Database
from storage.db.tables import PictureRow
from storage.errors import NotFound, NotWritten
from storage.files import integrity, orphans
from storage.files.hashing import pixel_sha256, same_pixels
from storage.files.store import Files
from storage.ids import now
from storage.metadata import writer
from storage.records import Picture
from storage.repositories import mappers as rows

Depth = Literal["names", "pixels"]
"""How closely files are looked at: whether they are there, and the newest by their ends; or each by its pixels."""

NEWEST = 200  # number of files whose end is checked: those being written when the power failed
MANY = 1_000


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One discrepancy or notice. `open` means that it could not be repaired."""

    sentence: str
    open: bool = False
    news: bool = True  # not known before


@dataclass(kw_only=True)
class Report:
    """The findings in order, and the number of pictures."""

    pictures: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def open(self) -> int:
        """How many findings could not be repaired."""
        return sum(one.open for one in self.findings)


@dataclass(frozen=True)
class _Row:
    id: str
    pixel_sha256: str
    missing: bool


@dataclass(frozen=True)
class Reconciler:
    """Compares one database with its files."""

    database: Database
    files: Files

    def run(
        self,
        *,
        depth: Depth = "names",
        owner: str | None = None,
        sources: Sequence[Path] = (),
        tell: Callable[[int, int], None] = lambda done, all: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Report:
        """Check, and repair what can be repaired.

        `owner` gets pictures whose owner is unknown. `sources` are files and folders to search for lost files. `tell`
        receives the number of pictures checked and in all. Raises NotWritten and Damaged.
        """
        round = _Round(self.database, self.files, owner, Report())
        # In this order: a file that is no longer provisional either has its row by now, or gets none.
        placed, others = self._listed()
        busy = self.files.all_provisional()
        there = round.rows()
        round.report.pictures = len(there)
        newest = {row.id for row in there[-NEWEST:]}
        lost = []
        for number, row in enumerate(there, start=1):
            if stop():
                return round.report
            close = depth == "pixels" or row.missing
            if not round.well(row, placed.get(row.id), pixels=close, end=row.id in newest):
                lost.append(row)
            elif depth == "pixels":
                round.thumb(row.id)
            tell(number, len(there))
        explained = {row.id for row in there} | busy
        strays = [path for id, path in placed.items() if id not in explained] + others
        round.find(lost, strays, sources)
        for path in sorted(strays, key=_age):
            if stop():
                return round.report
            round.take_in(path)
        round.tidy()
        return round.report

    def _listed(self) -> tuple[dict[str, Path], list[Path]]:
        """The files under `pictures`: ours by id, and other PNG files."""
        placed: dict[str, Path] = {}
        others: list[Path] = []
        for path in pngs(self.files.folder / "pictures"):
            try:
                ours = self.files.picture(path.stem) == path
            except NotFound:
                ours = False
            if ours:
                placed[path.stem] = path
            else:
                others.append(path)
        return placed, others


@dataclass(frozen=True)
class _Round:
    database: Database
    files: Files
    owner: str | None
    report: Report

    def say(self, sentence: str, *, open: bool = False, news: bool = True) -> None:
        self.report.findings.append(Finding(sentence=sentence, open=open, news=news))

    def rows(self) -> list[_Row]:
        """All rows, oldest first, in short transactions."""
        found: list[_Row] = []
        after = -1
        while True:
            asked = select(PictureRow.key, PictureRow.id, PictureRow.pixel_sha256, PictureRow.missing_at)
            with self.database.read() as session:
                some = session.execute(asked.where(PictureRow.key > after).order_by(PictureRow.key).limit(MANY)).all()
            if not some:
                return found
            found += [_Row(id, sha, missing is not None) for _, id, sha, missing in some]
            after = some[-1][0]

    def well(self, row: _Row, listed: Path | None, *, pixels: bool, end: bool) -> bool:
        """Whether the row has its file. If not, mark it, and move a damaged file away."""
        path = self.files.picture(row.id) if listed is None else listed
        if not path.is_file():
            if self.files.provisional(row.id):
                return True  # the file is being written
            return not (row.missing or self._mark(row.id, missing=True))
        if not pixels:
            if not end or integrity.has_end_marker(path):
                return True
        else:
            image = integrity.decodes(path)
            if image is not None and integrity.has_end_marker(path) and pixel_sha256(image) == row.pixel_sha256:
                if row.missing and self._mark(row.id, missing=False):
                    self.say(f"Picture {row.id}: its file is back.")
                return True
        if not path.exists():
            return True  # the picture was removed meanwhile
        aside = quarantine(self.files.folder, path)
        self._mark(row.id, missing=True)
        self.say(f"Picture {row.id}: its file was torn or changed, and is now {aside}.")
        return False

    def thumb(self, id: str) -> None:
        """Make a missing or unreadable thumbnail again."""
        path = self.files.thumb(id)
        try:
            with Image.open(path) as image:
                image.load()
        except (OSError, ValueError, SyntaxError):
            with suppress(NotFound):  # the picture was removed meanwhile
                self.files.make_thumb(id)
                self.say(f"Picture {id}: its thumbnail was made anew.")

    def find(self, lost: Sequence[_Row], strays: Iterable[Path], sources: Sequence[Path]) -> None:
        """Search lost pictures by their pixels: in stray files, in files of identical pictures, and in the sources."""
        wanted = {row.pixel_sha256 for row in lost}
        seen: dict[str, Path] = {}
        if wanted:
            for path in _candidates(strays, [self.files.folder / "damaged", *sources]):
                if (sha := _shown(path, wanted)) is not None:
                    seen.setdefault(sha, path)
        for row in lost:
            shown = seen.get(row.pixel_sha256) or self._twin(row)
            if shown is not None and self._put_back(row.id, shown):
                self.say(f"Picture {row.id}: it was found again as {shown}.")
            else:
                self.say(
                    f"Picture {row.id}: it is missing; everything but its pixels is kept, and is:missing finds it.",
                    open=True,
                    news=not row.missing,
                )

    def take_in(self, path: Path) -> None:
        """Import a file without a row, if its metadata allows it."""
        try:
            told = orphans.read_orphan(writer.read(path))
            place = self.files.picture(told.id)
            image = integrity.decodes(path)
            if image is None:
                aside = quarantine(self.files.folder, path)
                self.say(f"{path}: it has no row and is torn; it is now {aside}.", open=True)
                return
            if not same_pixels(told, image):
                raise orphans.OrphanRejected("orphan_pixels")
            if path != place:
                if place.exists():
                    return  # a copy of an existing picture, made by a user
                self.files.add(told.id, image, _info_of(path))
            elif not self.files.thumb(told.id).is_file():
                self.files.make_thumb(told.id)
            self._adopt(told, fresh=path != place)
        except (orphans.OrphanRejected, NotFound, ValueError, OSError) as error:
            if not path.exists():
                return  # the file was removed meanwhile
            why = str(error) if isinstance(error, orphans.OrphanRejected) else "it cannot be read"
            self.say(f"{path}: it has no row, and was left where it is: {why}.")

    def _adopt(self, told: Picture, *, fresh: bool) -> None:
        size = sum(path.stat().st_size for path in (self.files.picture(told.id), self.files.thumb(told.id)))
        try:
            with self.database.write() as session:
                if not fresh and self.files.provisional(told.id):
                    return  # another process is removing it
                orphans.import_orphan(session, told, size, self.owner)
        except BaseException:
            if fresh:
                self.files.discard(told.id)
            raise
        if fresh:
            self.files.settle(told.id)
        self.say(f"Picture {told.id}: it had a file and no row; what the file tells brought it back.")

    def tidy(self) -> None:
        """Remove thumbnails of removed pictures, and remains of interrupted ones."""
        thumbs = self.files.folder / "thumbs"
        found = [Path(at) / name for at, _, names in os.walk(thumbs) for name in names]
        for path in found:
            if path.name.endswith(".part"):
                path.unlink(missing_ok=True)
                continue
            try:
                if (
                    path.suffix != ".webp"
                    or self.files.picture(path.stem).exists()
                    or self.files.provisional(path.stem)
                ):
                    continue
            except NotFound:
                continue
            with self.database.read() as session:
                if session.scalar(select(PictureRow.key).where(PictureRow.id == path.stem)) is None:
                    path.unlink(missing_ok=True)

    def _mark(self, id: str, *, missing: bool) -> bool:
        """Record whether a picture's file is missing. Returns whether that is new. Checks again, since the picture or file
        may have changed."""
        with self.database.write() as session:
            row = session.scalars(select(PictureRow).where(PictureRow.id == id).options(*rows.LOADED)).first()
            there = self.files.picture(id).is_file()
            if row is None or there is missing or (row.missing_at is not None) is missing:
                return False
            row.missing_at = now() if missing else None
            session.flush()
            rows.index(session, row)
            return True

    def _twin(self, row: _Row) -> Path | None:
        """The file of another picture with the same pixels, such as a re-run."""
        with self.database.read() as session:
            same = select(PictureRow.id).where(PictureRow.pixel_sha256 == row.pixel_sha256, PictureRow.id != row.id)
            paths = [self.files.picture(id) for id in session.scalars(same)]
        return next((path for path in paths if _shown(path, {row.pixel_sha256}) is not None), None)

    def _put_back(self, id: str, path: Path) -> bool:
        """Write a lost picture's file again, with its row's metadata, from a file with the same pixels."""
        image = integrity.decodes(path)
        if image is None:
            return False
        with self.database.read() as session:
            try:
                kept = rows.picture_record(rows.find_any(session, id))
            except NotFound:
                return False
        facts = {"id": id, "created_at": kept.created_at.isoformat(), "pixel_sha256": kept.pixel_sha256}
        info = writer.png_info({**facts, **rows.facts(kept, kept.enhancement)}, rows.infotext(kept))
        self.files.thumb(id).unlink(missing_ok=True)
        size = self.files.add(id, image, info)
        with self.database.write() as session:
            session.execute(update(PictureRow).where(PictureRow.id == id).values(bytes=size))
        self._mark(id, missing=False)
        self.files.settle(id)
        return True


def quarantine(folder: Path, path: Path) -> Path:
    """Move a file into `damaged` under a free name. Raises NotWritten."""
    damaged = folder / "damaged"
    try:
        damaged.mkdir(mode=0o700, exist_ok=True)
        target, number = damaged / path.name, 1
        while target.exists():
            number += 1
            target = damaged / f"{path.stem}-{number}{path.suffix}"
        path.rename(target)
    except OSError as error:
        raise NotWritten(f"The file {path}", error.strerror or error) from error
    return target


def pngs(folder: Path) -> Iterator[Path]:
    """The PNG files in a folder and its subfolders, sorted."""
    for at, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(at) / name for name in sorted(names) if name.lower().endswith(".png"))


def _candidates(strays: Iterable[Path], sources: Sequence[Path]) -> Iterator[Path]:
    yield from strays
    for source in sources:
        yield from [source] if source.is_file() else pngs(source)


def _shown(path: Path, wanted: set[str]) -> str | None:
    """The pixel hash of a file if it is wanted. A file whose metadata names other pixels is not decoded."""
    try:
        told = writer.read(path).get("pixel_sha256")
    except (OSError, ValueError):
        return None
    if isinstance(told, str) and told not in wanted:
        return None
    image = integrity.decodes(path)
    sha = None if image is None else pixel_sha256(image)
    return sha if sha in wanted else None


def _age(path: Path) -> str:
    """The creation time in a file's metadata. Parents come before their descendants."""
    try:
        return str(writer.read(path).get("created_at", ""))
    except (OSError, ValueError):
        return ""


def _info_of(path: Path) -> PngInfo:
    """The text chunks of one of our files, to be written again."""
    texts = writer.read_texts(path)
    facts = {name: value for name, value in writer.read(path).items() if name != "format"}
    return writer.png_info(facts, texts.get(writer.INFOTEXT, ""))
