"""Finished pictures: added once, found, edited, thrown away and brought back. Knows no engine and no page.

Files come first, then the row, its texts and the end of its job in one transaction; until that is committed
the files are provisional and the next start removes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
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
from storage.search.query_parser import fold

MANY_MAX = 1_000  # pictures that are changed at once
CHILDREN_MAX = 200


@dataclass(frozen=True)
class Pictures:
    """The pictures of all owners, each asked for by its own."""

    database: Database
    files: Place
    policy: MetadataPolicy = ALL  # what files tell of themselves
    new_id: Callable[[], str] = new_id

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
        collection: str | None = None,
        sort: str = "newest",
        at: datetime | None = None,
        zone: tzinfo = timezone.utc,
    ) -> Page[Picture]:
        """The owner's pictures that match, newest first; those in the trash only with `trash`, and then no
        others.

        `cursor` is the `next` or the `previous` of another page; `at` begins with what was made before that
        moment. `collection` is an id or a name; one that was put together comes in its own order where nothing
        else is asked for. With `sort="relevance"` the best of the newest listing.RANKED come first. `total`
        counts all pages: exact without a query, else up to search.COUNT_CAP. `storage.search` and
        `storage.filters` tell what a query can say, with the days of a `zone`. Raises BadQuery, and BadValue for what cannot be a tag.
        """
        wanted = pages.PageRequest(
            owner=owner, query=query, cursor=cursor, limit=limit, favourite=favourite, tag=tag, trash=trash,
            collection=collection, sort=sort, at=at, zone=zone,
        )  # fmt: skip
        with self.database.read() as session:
            return pages.page(session, wanted)

    def matching(
        self,
        owner: str,
        *,
        query: str = "",
        favourite: bool = False,
        tag: str | None = None,
        trash: bool = False,
        collection: str | None = None,
        most: int | None = None,
        zone: tzinfo = timezone.utc,
    ) -> tuple[str, ...]:
        """The ids of all that `page` would give, newest first or in a collection's own order, at most `most`. Raises as it does."""
        wanted = pages.PageRequest(
            owner=owner, query=query, favourite=favourite, tag=tag, trash=trash, collection=collection, zone=zone
        )
        with self.database.read() as session:
            return pages.ids(session, wanted, most)

    def there(self, owner: str, ids: Sequence[str], *, trash: bool = False) -> tuple[str, ...]:
        """Of these ids those of the owner's pictures, or only of those in the trash, in their order."""
        mine = select(PictureRow.id).where(PictureRow.id.in_(list(ids)), PictureRow.owner == owner)
        with self.database.read() as session:
            known = set(session.scalars(mine.where(PictureRow.deleted_at.is_not(None)) if trash else mine))
        return tuple(id for id in ids if id in known)

    def some(self, owner: str, ids: Sequence[str]) -> tuple[Picture, ...]:
        """The owner's pictures of these ids, in their order; what is not the owner's is left out."""
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
        """Change what is given; None leaves it as it is.

        `rating` is 0 (none) to 5; `tags` replaces all of them. Raises NotFound, and BadValue for a rating, tag
        or note that breaks a rule, changing nothing.
        """
        change = PictureEdit.checked(favourite=favourite, rating=rating, tags=tags, note=note)
        return self.edit_many(owner, [id], change)[0]

    def edit_many(self, owner: str, ids: Sequence[str], change: PictureEdit) -> tuple[Picture, ...]:
        """The same change of several pictures, all or none. Raises NotFound for the first that is not the owner's."""
        with self.database.write() as session:
            return tuple(
                rows.picture_record(apply_edit(session, row, change)) for row in self._rows(session, owner, ids)
            )

    def delete(self, owner: str, id: str) -> Picture:
        """Into the trash; twice is fine. The files stay. Raises NotFound."""
        return self.delete_many(owner, [id])[0]

    def delete_many(self, owner: str, ids: Sequence[str]) -> tuple[Picture, ...]:
        """Several into the trash, all or none. Raises NotFound."""
        moment = now()
        with self.database.write() as session:
            found = self._rows(session, owner, ids)
            for row in found:
                row.deleted_at = row.deleted_at or moment
            return self._reindexed(session, found)

    def restore(self, owner: str, id: str) -> Picture:
        """Out of the trash; twice is fine. Raises NotFound."""
        return self.restore_many(owner, [id])[0]

    def restore_many(self, owner: str, ids: Sequence[str]) -> tuple[Picture, ...]:
        """Several out of the trash, all or none. Raises NotFound."""
        with self.database.write() as session:
            found = self._rows(session, owner, ids)
            for row in found:
                row.deleted_at = None
            return self._reindexed(session, found)

    def tags(self, owner: str, beginning: str = "", limit: int = 20) -> tuple[tuple[str, int], ...]:
        """The owner's tags that begin so, and how many pictures have each, those that most have first."""
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
        """What was made from the owner's picture, oldest first. Raises NotFound."""
        with self.database.read() as session:
            rows.find_picture(session, owner, id)
            chosen = select(PictureRow).where(PictureRow.parent_id == id, PictureRow.owner == owner)
            found = session.scalars(chosen.order_by(PictureRow.key).limit(CHILDREN_MAX).options(*rows.LOADED))
            return tuple(rows.picture_record(row) for row in found)

    def of_pixels(self, owner: str, sha256: str) -> Picture | None:
        """The owner's picture with these pixels: the oldest, one that is not in the trash before one that is."""
        mine = select(PictureRow).where(PictureRow.pixel_sha256 == sha256, PictureRow.owner == owner)
        first = mine.order_by(PictureRow.deleted_at.is_not(None), PictureRow.key).limit(1)
        with self.database.read() as session:
            row = session.scalars(first.options(*rows.LOADED)).first()
            return None if row is None else rows.picture_record(row)

    def span(self, owner: str) -> tuple[datetime, datetime] | None:
        """When the owner's oldest and newest pictures were made; None where there are none."""
        with self.database.read() as session:
            mine = select(PictureRow.created_at).where(PictureRow.owner == owner, PictureRow.deleted_at.is_(None))
            first = session.scalar(mine.order_by(PictureRow.key).limit(1))
            last = session.scalar(mine.order_by(PictureRow.key.desc()).limit(1))
            return None if first is None or last is None else (first, last)

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
        """The WebP thumbnail of the owner's picture, in the trash or not; made anew where only that is gone.

        Raises NotFound, also when the picture's file is gone too.
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
        """What the files of all pictures take on the disk, in bytes."""
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
            raise BadValue("ids", f"must be at most {MANY_MAX:,} at once", len(ids))
        return [rows.find_picture(session, owner, id) for id in dict.fromkeys(ids)]

    def _reindexed(self, session: Session, found: Sequence[PictureRow]) -> tuple[Picture, ...]:
        session.flush()
        for row in found:
            rows.index(session, row)
        return tuple(rows.picture_record(row) for row in found)

    def keep_row(
        self, new: NewPicture, id: str, sha256: str, size: int, *, finish: bool, moment: datetime | None = None
    ) -> None:
        """The row of a picture whose files are there, and what it is found by. Raises IntegrityError for a second one of its place."""
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
    """The id of the picture of that job and index, if there is one."""
    same = (PictureRow.job_id == new.job_id, PictureRow.index == new.index)
    return session.scalar(select(PictureRow.id).where(*same))
