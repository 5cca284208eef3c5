"""Finished pictures: adding, finding, editing, trashing and restoring. Knows no engine and no page.

Files are written first. Then the row, its texts and the end of its job are committed in one transaction. Until then the
files are provisional, and the next start removes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PIL import Image
from sqlalchemy import desc, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storage.db.engine import Database
from storage.db.tables import EnhancementRow, PictureRow, TagRow
from storage.errors import BadValue, NotFound, NotWritten
from storage.files.hashing import pixel_sha256
from storage.files.store import Place
from storage.ids import checked_id, new_id, now
from storage.metadata import writer
from storage.metadata.policy import ALL, MetadataPolicy
from storage.records import Enhancement, NewPicture, Page, Picture
from storage.repositories import mappers as rows
from storage.repositories.enhancements import enhancement_record, find_enhancement
from storage.repositories.jobs import finish_with_last_picture
from storage.repositories.picture_edits import PictureEdit, apply_edit
from storage.search import pages
from storage.search.pages import PageRequest
from storage.search.query_parser import fold

MANY_MAX = 1_000  # pictures changed at once
CHILDREN_MAX = 200


@dataclass(frozen=True)
class Pictures:
    """The pictures of all owners."""

    database: Database
    files: Place
    policy: MetadataPolicy = ALL  # which metadata blocks are written into files
    new_id: Callable[[], str] = new_id

    def add(self, new: NewPicture, image: Image.Image, *, finish: bool) -> Picture:
        """Store a finished image: files, row, and with `finish` the end of its job. All of it or nothing.

        If the picture of that job and index exists, it is returned and no file is written. Raises NotFound for a job,
        enhancement or parent that is not the owner's, and NotWritten.
        """
        with self.database.read() as session:
            enhancement = _checked_links(session, new)
            id = _of_job(session, new)
        if id is None:
            try:
                id = self._add(new, enhancement, image.convert("RGB"), finish)
            except IntegrityError:  # another thread was first; otherwise it is raised again
                with self.database.read() as session:
                    id = _of_job(session, new)
                if id is None:
                    raise
                self._finish(new, finish)
        else:
            self._finish(new, finish)
        return self.get(new.owner, id)

    def get(self, owner: str, id: str, *, trash: bool = True) -> Picture:
        """The owner's picture. With `trash=False`, only one outside the trash. Raises NotFound."""
        with self.database.read() as session:
            return rows.picture_record(rows.find_picture(session, owner, id, trash=trash))

    def page(self, wanted: PageRequest) -> Page[Picture]:
        """A page of the owner's pictures that match, newest first. Raises BadQuery, and BadValue for an invalid tag."""
        with self.database.read() as session:
            return pages.page(session, wanted)

    def matching(self, wanted: PageRequest, most: int | None = None) -> tuple[str, ...]:
        """The ids of all pictures that `page` would return, at most `most`. Raises as `page` does."""
        with self.database.read() as session:
            return pages.ids(session, wanted, most)

    def there(self, owner: str, ids: Sequence[str], *, trash: bool = False) -> tuple[str, ...]:
        """Filter the ids to those of the owner's pictures, or of those in the trash, in their order."""
        mine = select(PictureRow.id).where(PictureRow.id.in_(list(ids)), PictureRow.owner == owner)
        with self.database.read() as session:
            known = set(session.scalars(mine.where(PictureRow.deleted_at.is_not(None)) if trash else mine))
        return tuple(id for id in ids if id in known)

    def some(self, owner: str, ids: Sequence[str]) -> tuple[Picture, ...]:
        """The owner's pictures of these ids, in their order. Other ids are left out."""
        with self.database.read() as session:
            chosen = select(PictureRow).where(PictureRow.id.in_(list(ids)), PictureRow.owner == owner)
            found = {row.id: row for row in session.scalars(chosen.options(*rows.LOADED))}
            return tuple(rows.picture_record(found[id]) for id in ids if id in found)

    def edit(
        self,
        owner: str,
        id: str,
        *,
        favourite: bool | None = None,
        rating: int | None = None,
        tags: Sequence[str] | None = None,
        note: str | None = None,
    ) -> Picture:
        """Change the given fields. None keeps a field.

        `rating` is 0 (none) to 5; `tags` replaces all tags. Raises NotFound, and BadValue for an invalid value, changing
        nothing.
        """
        change = PictureEdit.checked(favourite=favourite, rating=rating, tags=tags, note=note)
        return self.edit_many(owner, [id], change)[0]

    def edit_many(self, owner: str, ids: Sequence[str], change: PictureEdit) -> tuple[Picture, ...]:
        """Change several pictures, all or none. Raises NotFound for the first one that is not the owner's."""
        with self.database.write() as session:
            return tuple(
                rows.picture_record(apply_edit(session, row, change)) for row in self._rows(session, owner, ids)
            )

    def delete(self, owner: str, id: str) -> Picture:
        """Move to the trash. Twice is fine. The files stay. Raises NotFound."""
        return self.delete_many(owner, [id])[0]

    def delete_many(self, owner: str, ids: Sequence[str]) -> tuple[Picture, ...]:
        """Move several to the trash, all or none. Raises NotFound."""
        moment = now()
        with self.database.write() as session:
            found = self._rows(session, owner, ids)
            for row in found:
                row.deleted_at = row.deleted_at or moment
            return self._reindexed(session, found)

    def restore(self, owner: str, id: str) -> Picture:
        """Restore from the trash. Twice is fine. Raises NotFound."""
        return self.restore_many(owner, [id])[0]

    def restore_many(self, owner: str, ids: Sequence[str]) -> tuple[Picture, ...]:
        """Restore several from the trash, all or none. Raises NotFound."""
        with self.database.write() as session:
            found = self._rows(session, owner, ids)
            for row in found:
                row.deleted_at = None
            return self._reindexed(session, found)

    def tags(self, owner: str, beginning: str = "", limit: int = 20) -> tuple[tuple[str, int], ...]:
        """The owner's tags with this prefix and their counts, most used first."""
        begin = fold(beginning.strip())
        with self.database.read() as session:
            found = session.execute(
                select(func.max(TagRow.tag), func.count().label("many"))
                .where(TagRow.owner == owner, TagRow.folded >= begin, TagRow.folded < begin + "\U0010ffff")
                .group_by(TagRow.folded)
                .order_by(desc("many"), TagRow.folded)
                .limit(limit)
            )
            return tuple((tag, many) for tag, many in found)

    def children(self, owner: str, id: str) -> tuple[Picture, ...]:
        """The pictures made from the owner's picture, oldest first. Raises NotFound."""
        with self.database.read() as session:
            rows.find_picture(session, owner, id)
            chosen = select(PictureRow).where(PictureRow.parent_id == id, PictureRow.owner == owner)
            found = session.scalars(chosen.order_by(PictureRow.key).limit(CHILDREN_MAX).options(*rows.LOADED))
            return tuple(rows.picture_record(row) for row in found)

    def of_pixels(self, owner: str, sha256: str) -> Picture | None:
        """The owner's picture with these pixels: the oldest, preferably outside the trash."""
        mine = select(PictureRow).where(PictureRow.pixel_sha256 == sha256, PictureRow.owner == owner)
        first = mine.order_by(PictureRow.deleted_at.is_not(None), PictureRow.key).limit(1)
        with self.database.read() as session:
            row = session.scalars(first.options(*rows.LOADED)).first()
            return None if row is None else rows.picture_record(row)

    def span(self, owner: str) -> tuple[datetime, datetime] | None:
        """The times of the owner's oldest and newest pictures; None if there are none."""
        with self.database.read() as session:
            mine = select(PictureRow.created_at).where(PictureRow.owner == owner, PictureRow.deleted_at.is_(None))
            first = session.scalar(mine.order_by(PictureRow.key).limit(1))
            last = session.scalar(mine.order_by(PictureRow.key.desc()).limit(1))
            return None if first is None or last is None else (first, last)

    def by_job(self, owner: str, job_id: str) -> tuple[Picture, ...]:
        """The pictures of the owner's job by index, including the trash. Raises NotFound."""
        with self.database.read() as session:
            rows.check_job(session, owner, job_id)
            chosen = select(PictureRow).where(PictureRow.job_id == job_id).order_by(PictureRow.index)
            return tuple(rows.picture_record(row) for row in session.scalars(chosen.options(*rows.LOADED)))

    def path(self, owner: str, id: str) -> Path:
        """The path of the owner's PNG, in the trash or not.

        Raises NotFound, also if the file is missing.
        """
        return self._existing(owner, id, self.files.picture)

    def thumb(self, owner: str, id: str) -> Path:
        """The path of the owner's WebP thumbnail, in the trash or not. A missing thumbnail is made again.

        Raises NotFound, also if the picture's file is missing too.
        """
        try:
            return self._existing(owner, id, self.files.thumb)
        except NotFound:
            self._existing(owner, id, self.files.picture)
        try:
            return self.files.make_thumb(id)
        except NotWritten:
            raise NotFound("The thumbnail of picture", id) from None

    def disk_bytes(self) -> int:
        """The size of all picture files in bytes."""
        with self.database.read() as session:
            return session.scalar(select(func.coalesce(func.sum(PictureRow.bytes), 0))) or 0

    def _add(self, new: NewPicture, enhancement: Enhancement | None, image: Image.Image, finish: bool) -> str:
        id, moment = self.new_id(), now()
        sha256 = pixel_sha256(image)
        facts = {"id": id, "created_at": moment.isoformat(), "pixel_sha256": sha256}
        info = writer.png_info({**facts, **rows.facts(new, enhancement)}, rows.infotext(new), self.policy)
        size = self.files.add(id, image, info)
        try:
            self.keep_row(new, id, sha256, size, finish=finish, moment=moment)
        except BaseException:
            self.files.discard(id)
            raise
        self.files.settle(id)
        return id

    def _rows(self, session: Session, owner: str, ids: Sequence[str]) -> list[PictureRow]:
        if len(ids) > MANY_MAX:
            raise BadValue("ids", "at_most_at_once", len(ids), most=MANY_MAX)
        return [rows.find_picture(session, owner, id) for id in dict.fromkeys(ids)]

    def _reindexed(self, session: Session, found: Sequence[PictureRow]) -> tuple[Picture, ...]:
        session.flush()
        for row in found:
            rows.index(session, row)
        return tuple(rows.picture_record(row) for row in found)

    def keep_row(
        self, new: NewPicture, id: str, sha256: str, size: int, *, finish: bool, moment: datetime | None = None
    ) -> None:
        """Add the row and index of a picture whose files exist. Raises IntegrityError for a second picture of the same job
        and index."""
        made = moment or now()
        with self.database.write() as session:
            row = rows.new_row(new, id, made, sha256, size, key=rows.next_key(session, made))
            row.enhancement = session.get(EnhancementRow, new.enhancement_id) if new.enhancement_id else None
            session.add(row)
            session.flush()
            rows.index(session, row)
            if finish:
                finish_with_last_picture(session, new.job_id)

    def _finish(self, new: NewPicture, finish: bool) -> None:
        if finish:
            with self.database.write() as session:
                finish_with_last_picture(session, new.job_id)

    def _existing(self, owner: str, id: str, place: Callable[[str], Path]) -> Path:
        with self.database.read() as session:
            asked = select(PictureRow.owner).where(PictureRow.id == checked_id("Picture", id))
            if session.scalar(asked) != owner:
                raise NotFound("Picture", id)
        path = place(id)
        if not path.is_file():
            raise NotFound("The file of picture", id)
        return path


def _checked_links(session: Session, new: NewPicture) -> Enhancement | None:
    """The enhancement that the picture names.

    Raises NotFound for a job, enhancement or parent that is not the owner's.
    """
    rows.check_job(session, new.owner, new.job_id)
    if new.parent_id is not None:
        rows.find_picture(session, new.owner, new.parent_id)
    if new.enhancement_id is None:
        return None
    return enhancement_record(find_enhancement(session, new.owner, new.enhancement_id))


def _of_job(session: Session, new: NewPicture) -> str | None:
    """The id of the picture of that job and index, if any."""
    same = (PictureRow.job_id == new.job_id, PictureRow.index == new.index)
    return session.scalar(select(PictureRow.id).where(*same))
