"""Finished pictures: added once, found, edited, thrown away and brought back. Knows no engine and no page.

Files come first, then the row, its texts and the end of its job in one transaction; until that is committed
the files are provisional and the next start removes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storage import listing, metadata, search
from storage import picture_rows as rows
from storage.carriers import Format
from storage.database import Database
from storage.enhancements import enhancement_record, find_enhancement
from storage.errors import BadValue, NotFound
from storage.exporting import export_bytes
from storage.files import Files
from storage.ids import checked_id, new_id, now
from storage.jobs import finish_with_last_picture
from storage.records import Enhancement, NewPicture, Page, Picture
from storage.tables import PictureRow
from storage.told import ALL, Told


@dataclass(frozen=True)
class Pictures:
    """The pictures of all owners, each asked for by its own."""

    database: Database
    files: Files
    told: Told = ALL  # what files tell of themselves

    def add(self, new: NewPicture, image: Image.Image, *, finish: bool) -> Picture:
        """Keep a finished image: files, row, and with `finish` the end of its job, all or nothing.

        A picture of that job and index that exists already is given back as it is, and no file is written.
        Raises NotFound for a job, enhancement or parent that is not the owner's, and NotWritten when the disk
        refuses.
        """
        with self.database.read() as session:
            enhancement = _checked_links(session, new)
            id = _of_job(session, new)
        if id is None:
            try:
                id = self._add(new, enhancement, image.convert("RGB"), finish)
            except IntegrityError:  # another thread was first, or it is raised again
                with self.database.read() as session:
                    id = _of_job(session, new)
                if id is None:
                    raise
                self._finish(new, finish)
        else:
            self._finish(new, finish)
        return self.get(new.owner, id)

    def get(self, owner: str, id: str, *, trash: bool = True) -> Picture:
        """The owner's picture; with `trash=False` only one that is not in the trash. Raises NotFound."""
        with self.database.read() as session:
            return rows.picture_record(rows.find_picture(session, owner, id, trash=trash))

    def page(
        self,
        owner: str,
        *,
        query: str = "",
        cursor: str | None = None,
        limit: int = 24,
        favourite: bool = False,
        tag: str | None = None,
        trash: bool = False,
    ) -> Page[Picture]:
        """The owner's pictures that match, newest first; those in the trash only with `trash`, and then no
        others.

        `cursor` is the `next` of the page before. `total` counts all pages: exact without a query, else up to
        search.COUNT_CAP. `storage.search` tells what a query can say. Raises BadQuery, and BadValue for what
        cannot be a tag.
        """
        asked = listing.Asked(
            owner=owner,
            match=search.expression(owner, query),
            before=listing.read_cursor(cursor),
            limit=listing.checked_limit(limit),
            favourite=favourite,
            tag=None if tag is None else search.fold(rows.checked_tag(tag)),
            trash=trash,
        )
        with self.database.read() as session:
            found = listing.keys(session, asked)
            total, capped = listing.total(session, asked)
            more, keys = len(found) > asked.limit, found[: asked.limit]
            chosen = select(PictureRow).where(PictureRow.key.in_(keys)).order_by(PictureRow.key.desc())
            return Page(
                items=tuple(rows.picture_record(row) for row in session.scalars(chosen.options(*rows.LOADED))),
                next=listing.write_cursor(keys[-1]) if more else None,
                total=total,
                more=more,
                capped=capped,
            )

    def edit(
        self,
        owner: str,
        id: str,
        *,
        favourite: bool | None = None,
        rating: int | None = None,
        tags: Sequence[str] | None = None,
    ) -> Picture:
        """Change what is given; None leaves it as it is.

        `rating` is 0 (none) to 5; `tags` replaces all of them. Raises NotFound, and BadValue for a rating or
        tag that breaks a rule, changing nothing.
        """
        if favourite is not None and not isinstance(favourite, bool):
            raise BadValue("favourite", "must be true or false", favourite)
        if rating is not None and (type(rating) is not int or not 0 <= rating <= 5):
            raise BadValue("rating", "must be a whole number from 0 (none) to 5", rating)
        wanted = None if tags is None else rows.checked_tags(tags)
        with self.database.write() as session:
            row = rows.find_picture(session, owner, id)
            if favourite is not None:
                row.favourite = favourite
            if rating is not None:
                row.rating = rating
            if wanted is not None:
                rows.replace_tags(session, row, wanted)
            session.flush()
            return rows.picture_record(row)

    def delete(self, owner: str, id: str) -> Picture:
        """Into the trash; twice is fine. The files stay. Raises NotFound."""
        with self.database.write() as session:
            row = rows.find_picture(session, owner, id)
            row.deleted_at = row.deleted_at or now()
            return rows.picture_record(row)

    def restore(self, owner: str, id: str) -> Picture:
        """Out of the trash; twice is fine. Raises NotFound."""
        with self.database.write() as session:
            row = rows.find_picture(session, owner, id)
            row.deleted_at = None
            return rows.picture_record(row)

    def by_job(self, owner: str, job_id: str) -> tuple[Picture, ...]:
        """The pictures of the owner's job by index, those in the trash too. Raises NotFound."""
        with self.database.read() as session:
            rows.check_job(session, owner, job_id)
            chosen = select(PictureRow).where(PictureRow.job_id == job_id).order_by(PictureRow.index)
            return tuple(rows.picture_record(row) for row in session.scalars(chosen.options(*rows.LOADED)))

    def path(self, owner: str, id: str) -> Path:
        """The PNG of the owner's picture, in the trash or not.

        Raises NotFound, also when the file is gone.
        """
        return self._existing(owner, id, self.files.picture)

    def thumb(self, owner: str, id: str) -> Path:
        """The WebP thumbnail of the owner's picture, in the trash or not.

        Raises NotFound, also when the file is gone.
        """
        return self._existing(owner, id, self.files.thumb)

    def exported(self, owner: str, id: str, kind: Format) -> bytes:
        """The owner's picture as a PNG, JPEG or WebP to take along. Raises NotFound, and BadValue for another kind."""
        return export_bytes(self.path(owner, id), kind, self.told)

    def disk_bytes(self) -> int:
        """What the files of all pictures take on the disk, in bytes."""
        with self.database.read() as session:
            return session.scalar(select(func.coalesce(func.sum(PictureRow.bytes), 0))) or 0

    def _add(self, new: NewPicture, enhancement: Enhancement | None, image: Image.Image, finish: bool) -> str:
        id, moment = new_id(), now()
        sha256 = hashlib.sha256(image.tobytes()).hexdigest()
        facts = {"id": id, "created_at": moment.isoformat(), "pixel_sha256": sha256}
        info = metadata.png_info({**facts, **rows.facts(new, enhancement)}, rows.infotext(new), self.told)
        size = self.files.add(id, image, info)
        try:
            with self.database.write() as session:
                row = rows.new_row(new, id, moment, sha256, size)
                if (key := rows.next_key(session, moment)) is not None:
                    row.key = key
                session.add(row)
                session.flush()
                session.add(rows.new_texts(row.key, new, enhancement))
                if finish:
                    finish_with_last_picture(session, new.job_id)
        except BaseException:
            self.files.discard(id)
            raise
        self.files.settle(id)
        return id

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
    """The id of the picture of that job and index, if there is one."""
    same = (PictureRow.job_id == new.job_id, PictureRow.index == new.index)
    return session.scalar(select(PictureRow.id).where(*same))
