"""Emptying the trash, which is permanent. Trashing and restoring are in `pictures`.

A picture is removed with its row, tags, texts, links, collection positions and files. Pictures made from it stay. A
finished job is removed with its last picture, an enhancement with its last reference, and an indexed word with its last
text. Pictures of an unfinished job stay until the job ends, since it would generate them again.

The files are marked as provisional before the rows are deleted. After a crash between the two, the next start completes or
undoes the removal.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, delete, func, select, text, update
from sqlalchemy.orm import Session, aliased

from storage.db.engine import Database
from storage.db.tables import (
    CollectionRow,
    EnhancementRow,
    JobRow,
    MemberRow,
    PictureRow,
    ShareRow,
    TagRow,
    TextRow,
    WordRow,
)
from storage.errors import NotFound
from storage.files.store import Place
from storage.ids import checked_id, now
from storage.repositories import mappers as rows
from storage.repositories.jobs import FINAL

DAYS = 30  # in the trash
MANY = 50  # pictures per transaction, so that other writers get their turn
_ENDED = select(JobRow.key).where(JobRow.id == PictureRow.job_id, JobRow.status.in_(FINAL)).exists()
_COLUMNS = ("prompt", "original", "negative", "reasoning", "tags", "note")


@dataclass(frozen=True)
class TrashSummary:
    """What emptying the trash would remove."""

    pictures: int
    bytes: int  # of their files
    leaning: int  # remaining pictures that could not be generated again, because they start from a removed picture without a copy
    staying: int  # pictures of unfinished jobs, which cannot be removed yet


@dataclass(frozen=True)
class Trash:
    """The trash of all owners."""

    database: Database
    files: Place

    def summarize(self, owner: str, ids: Sequence[str] | None = None, *, until: datetime | None = None) -> TrashSummary:
        """Summarize what `empty` would remove now. Raises NotFound as it does."""
        with self.database.read() as session:
            meant = _meant(session, owner, ids, until)
            counted = select(func.count(), func.coalesce(func.sum(PictureRow.bytes), 0))
            pictures, size = session.execute(counted.where(*meant, _ENDED)).one()
            all = session.scalar(select(func.count(PictureRow.key)).where(*meant)) or 0
            leaning = session.scalar(_leaning(meant)) or 0
        return TrashSummary(pictures=pictures, bytes=size, leaning=leaning, staying=all - pictures)

    def empty(
        self,
        owner: str,
        ids: Sequence[str] | None = None,
        *,
        until: datetime | None = None,
        most: int | None = None,
    ) -> int:
        """Remove the owner's trash permanently, or the pictures `ids` of it. Returns the number removed.

        `until` limits it to pictures trashed by then, `most` to that many, oldest first. Pictures of unfinished jobs stay.
        Raises NotFound for the first id that is not in the owner's trash, having removed nothing, and NotWritten.
        """
        with self.database.read() as session:
            meant = _meant(session, owner, ids, until)
            chosen = select(PictureRow.id).where(*meant, _ENDED).order_by(PictureRow.key).limit(most)
            going = list(session.scalars(chosen))
        return self._remove(going)

    def expire(self, days: float = DAYS, at: datetime | None = None) -> int:
        """Remove all pictures that were in a trash for `days` days. Returns the number removed. Raises NotWritten."""
        before = (at or now()) - timedelta(days=days)
        old = select(PictureRow.id).where(PictureRow.deleted_at.is_not(None), PictureRow.deleted_at <= before)
        with self.database.read() as session:
            return self._remove(list(session.scalars(old.order_by(PictureRow.key))))

    def _remove(self, ids: Sequence[str]) -> int:
        gone = 0
        for start in range(0, len(ids), MANY):
            some = ids[start : start + MANY]
            self.files.mark_for_deletion(some)
            removed: Collection[str] = ()
            try:
                with self.database.write() as session:
                    going = _remove_rows(session, some)
                removed = going
            finally:
                for id in some:  # a restored picture, or one that could not be removed, keeps its files
                    (self.files.discard if id in removed else self.files.settle)(id)
            gone += len(removed)
        return gone


def _meant(
    session: Session, owner: str, ids: Sequence[str] | None, until: datetime | None
) -> list[ColumnElement[bool]]:
    """The rows to remove: the owner's trash, or the pictures `ids` of it."""
    meant = [PictureRow.owner == owner, PictureRow.deleted_at.is_not(None)]
    if until is not None:
        meant.append(PictureRow.deleted_at <= until)
    if ids is None:
        return meant
    named = json.dumps([checked_id("Picture", id) for id in ids])
    meant.append(PictureRow.id.in_(select(func.json_each(named).table_valued("value").c.value)))
    known = set(session.scalars(select(PictureRow.id).where(*meant)))
    for id in ids:
        if id not in known:
            raise NotFound("In the trash, picture", id)
    return meant


def _leaning(meant: Sequence[ColumnElement[bool]]) -> Select[int]:
    """The number of remaining pictures that start from removed ones, including their re-runs."""
    going = select(PictureRow.id, PictureRow.pixel_sha256.label("sha256")).where(*meant).cte("going")
    drawn = select(going.c.id, going.c.sha256).cte("drawn", recursive=True)
    child, stays, twin = aliased(PictureRow), aliased(PictureRow), aliased(PictureRow)
    begun = func.json_extract(child.recipe, "$.source") == drawn.c.sha256
    drawn = drawn.union(select(child.id, drawn.c.sha256).where(child.parent_id == drawn.c.id, begun))
    kept = select(twin.id).where(
        twin.pixel_sha256 == drawn.c.sha256, twin.owner == stays.owner, twin.id.not_in(select(going.c.id))
    )
    counted = select(func.count(drawn.c.id.distinct())).join(stays, stays.id == drawn.c.id)
    return counted.where(stays.deleted_at.is_(None), ~kept.exists())


def _remove_rows(session: Session, ids: Sequence[str]) -> frozenset[str]:
    """Delete the rows of these pictures and what belongs to them. Skips pictures that may not be removed. Returns the
    removed ids."""
    chosen = select(PictureRow).where(PictureRow.id.in_(ids), PictureRow.deleted_at.is_not(None), _ENDED)
    found = session.scalars(chosen).all()
    if not found:
        return frozenset()
    keys, going = [row.key for row in found], frozenset(row.id for row in found)
    jobs = {row.job_id for row in found}
    thoughts = {row.enhancement_id for row in found if row.enhancement_id}
    words = _words(session, keys)
    _orphan(session, going)
    for table, column, values in (
        (ShareRow, ShareRow.picture_id, going),
        (MemberRow, MemberRow.picture_key, keys),
        (TagRow, TagRow.picture_key, keys),
        (TextRow, TextRow.key, keys),
        (PictureRow, PictureRow.key, keys),
    ):
        session.execute(delete(table).where(column.in_(values)), execution_options={"synchronize_session": False})
    thoughts |= _remove_jobs(session, jobs)
    remove_orphaned_enhancements(session, thoughts)
    _remove_words(session, words)
    return going


def _orphan(session: Session, going: Collection[str]) -> None:
    """Clear the parents and collection covers that refer to removed pictures."""
    made = select(PictureRow).where(PictureRow.parent_id.in_(going), PictureRow.id.not_in(going))
    children = session.scalars(made.options(*rows.LOADED)).all()
    within = (PictureRow.parent_id.in_(going), PictureRow.id.in_(going))
    session.execute(update(PictureRow).where(*within).values(parent_id=None))
    for child in children:
        child.parent_id = None
    session.flush()
    for child in children:
        rows.index(session, child)
    session.execute(update(CollectionRow).where(CollectionRow.cover_id.in_(going)).values(cover_id=None))


def _remove_jobs(session: Session, ids: Collection[str]) -> set[str]:
    """Delete jobs without pictures. Returns their enhancements.

    A failed job stays, since a click can retry it.
    """
    alone = ~select(PictureRow.key).where(PictureRow.job_id == JobRow.id).exists()
    ended = select(JobRow).where(JobRow.id.in_(ids), JobRow.status.in_(("done", "cancelled")), alone)
    found = session.scalars(ended).all()
    session.execute(delete(JobRow).where(JobRow.key.in_([row.key for row in found])))
    return {row.enhancement_id for row in found if row.enhancement_id}


def remove_orphaned_enhancements(session: Session, ids: Collection[str]) -> None:
    """Delete enhancements that nothing refers to, then their parents that nothing refers to."""
    waiting = set(ids)
    while waiting:
        for column in (PictureRow.enhancement_id, JobRow.enhancement_id, EnhancementRow.parent_id):
            waiting -= set(session.scalars(select(column).where(column.in_(waiting))))
        found = session.scalars(select(EnhancementRow).where(EnhancementRow.id.in_(waiting))).all()
        session.execute(delete(EnhancementRow).where(EnhancementRow.id.in_([row.id for row in found])))
        waiting = {row.parent_id for row in found if row.parent_id}


def _words(session: Session, keys: Sequence[int]) -> set[str]:
    """The indexed words of these pictures."""
    found: set[str] = set()
    for texts in session.scalars(select(TextRow).where(TextRow.key.in_(keys))):
        for name in _COLUMNS:
            found.update(str(getattr(texts, name)).split())
        found.update(word for word in texts.facts.split() if _kept_whole(word))
    return found


def _kept_whole(word: str) -> bool:
    return word.startswith(("checkpoint", "lora"))


def _remove_words(session: Session, words: Collection[str]) -> None:
    """Delete the words that no text contains any more."""
    columns = "{" + " ".join(_COLUMNS) + "}"
    asked = text("SELECT rowid FROM picture_search WHERE picture_search MATCH :match LIMIT 1")
    for word in sorted(words):
        match = f'({columns} : "{word}")' + (f' OR (facts : "{word}")' if _kept_whole(word) else "")
        if session.scalar(asked, {"match": match}) is None:
            session.execute(delete(WordRow).where(WordRow.word == word))
