"""The trash emptied: the only act that cannot be undone. What is thrown away and brought back is `pictures`.

With a picture go its row, tags, texts, links, places in collections and files; what was made from it stays. A job that
is done goes with its last picture, an enhancement with the last thing that refers to it, a word with the last text
that has it. What an unfinished job has drawn stays until that has ended, since it would be drawn again.

Before the rows go their files are marked as provisional, so that a death between the two leaves neither a row without
files nor files without a row: the next start finishes or forgets it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from storage import picture_rows as rows
from storage.database import Database
from storage.errors import NotFound
from storage.files import Place
from storage.ids import checked_id, now
from storage.jobs import FINAL
from storage.tables import (
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

DAYS = 30  # in the trash
MANY = 50  # pictures that go in one transaction, so that others are let in between
AT_ONCE = 10_000  # ids in one question
_MAY_GO = (
    PictureRow.deleted_at.is_not(None),
    select(JobRow.key).where(JobRow.id == PictureRow.job_id, JobRow.status.in_(FINAL)).exists(),
)
# Of pictures that would go, those of them that others begin with: of a picture drawn from one, and of what was drawn again of that.
_LEANING = """
    WITH going(id, owner, sha256) AS MATERIALIZED (
        SELECT id, owner, pixel_sha256 FROM pictures WHERE id IN (SELECT value FROM json_each(:ids))
    ),
    drawn(id, sha256) AS (
        SELECT id, sha256 FROM going
        UNION
        SELECT pictures.id, drawn.sha256 FROM drawn JOIN pictures ON pictures.parent_id = drawn.id
        WHERE json_extract(pictures.recipe, '$.source') = drawn.sha256
    )
    SELECT count(DISTINCT drawn.id) FROM drawn JOIN pictures ON pictures.id = drawn.id
    WHERE pictures.deleted_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM pictures AS twin WHERE twin.pixel_sha256 = drawn.sha256 AND twin.owner = pictures.owner
        AND twin.id NOT IN (SELECT id FROM going)
    )
"""
_COLUMNS = ("prompt", "original", "negative", "reasoning", "tags", "note")


@dataclass(frozen=True)
class Weight:
    """What of the trash would go for good."""

    pictures: int
    bytes: int  # of their files
    leaning: (
        int  # pictures that stay and were drawn from one of these, of which no twin stays: not to be drawn again then
    )


@dataclass(frozen=True)
class Trash:
    """The trash of all owners."""

    database: Database
    files: Place

    def weigh(self, owner: str, ids: Sequence[str] | None = None) -> Weight:
        """What `empty` would remove now. Raises NotFound as it does."""
        with self.database.read() as session:
            chosen = _named(session, owner, ids)
            may = select(func.count(), func.coalesce(func.sum(PictureRow.bytes), 0)).where(*_MAY_GO)
            pictures = size = 0
            for start in range(0, len(chosen), AT_ONCE):
                counted = session.execute(may.where(PictureRow.id.in_(chosen[start : start + AT_ONCE]))).one()
                pictures, size = pictures + counted[0], size + counted[1]
            leaning = session.scalar(text(_LEANING), {"ids": json.dumps(chosen)})
        return Weight(pictures=pictures, bytes=size, leaning=leaning or 0)

    def empty(self, owner: str, ids: Sequence[str] | None = None) -> int:
        """Remove the owner's trash for good, or of it the pictures `ids`; gives how many went, those of unfinished
        jobs not among them.

        Raises NotFound for the first id that is not in the owner's trash, having removed nothing, and NotWritten.
        """
        with self.database.read() as session:
            chosen = _named(session, owner, ids)
        return self._remove(chosen)

    def expire(self, days: float = DAYS, at: datetime | None = None) -> int:
        """Remove for good whatever has been in anybody's trash for `days` days; gives how many went. Raises NotWritten."""
        before = (at or now()) - timedelta(days=days)
        old = select(PictureRow.id).where(PictureRow.deleted_at.is_not(None), PictureRow.deleted_at <= before)
        with self.database.read() as session:
            return self._remove(list(session.scalars(old.order_by(PictureRow.key))))

    def _remove(self, ids: Sequence[str]) -> int:
        gone = 0
        for start in range(0, len(ids), MANY):
            some = ids[start : start + MANY]
            self.files.doom(some)
            removed: Collection[str] = ()
            try:
                with self.database.write() as session:
                    going = _remove_rows(session, some)
                removed = going
            finally:
                for id in some:  # one that was brought back meanwhile, or could not go, keeps its files
                    (self.files.discard if id in removed else self.files.settle)(id)
            gone += len(removed)
        return gone


def _named(session: Session, owner: str, ids: Sequence[str] | None) -> list[str]:
    """The owner's trash, or of it the pictures `ids`, each once."""
    mine = select(PictureRow.id).where(PictureRow.owner == owner, PictureRow.deleted_at.is_not(None))
    there = list(session.scalars(mine.order_by(PictureRow.key)))
    if ids is None:
        return there
    known = set(there)
    for id in ids:
        if checked_id("Picture", id) not in known:
            raise NotFound("In the trash, picture", id)
    return list(dict.fromkeys(ids))


def _remove_rows(session: Session, ids: Sequence[str]) -> frozenset[str]:
    """Remove what hangs on these pictures, and them; only those that may go still. Gives their ids."""
    chosen = select(PictureRow).where(PictureRow.id.in_(ids), *_MAY_GO)
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
    remove_thoughts(session, thoughts)
    _remove_words(session, words)
    return going


def _orphan(session: Session, going: Collection[str]) -> None:
    """What was made from them has no parent any more, and no collection has one of them for its cover."""
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
    """Remove those that have no picture left; gives the enhancements that they were linked to.

    One that failed stays: what it lacks is drawn by one click.
    """
    alone = ~select(PictureRow.key).where(PictureRow.job_id == JobRow.id).exists()
    ended = select(JobRow).where(JobRow.id.in_(ids), JobRow.status.in_(("done", "cancelled")), alone)
    found = session.scalars(ended).all()
    session.execute(delete(JobRow).where(JobRow.key.in_([row.key for row in found])))
    return {row.enhancement_id for row in found if row.enhancement_id}


def remove_thoughts(session: Session, ids: Collection[str]) -> None:
    """Remove the enhancements that nothing refers to, and then those that they came from, if nothing else does."""
    waiting = set(ids)
    while waiting:
        for column in (PictureRow.enhancement_id, JobRow.enhancement_id, EnhancementRow.parent_id):
            waiting -= set(session.scalars(select(column).where(column.in_(waiting))))
        found = session.scalars(select(EnhancementRow).where(EnhancementRow.id.in_(waiting))).all()
        session.execute(delete(EnhancementRow).where(EnhancementRow.id.in_([row.id for row in found])))
        waiting = {row.parent_id for row in found if row.parent_id}


def _words(session: Session, keys: Sequence[int]) -> set[str]:
    """The words that these pictures' texts have in `search_words`."""
    found: set[str] = set()
    for texts in session.scalars(select(TextRow).where(TextRow.key.in_(keys))):
        for name in _COLUMNS:
            found.update(str(getattr(texts, name)).split())
        found.update(word for word in texts.facts.split() if _kept_whole(word))
    return found


def _kept_whole(word: str) -> bool:
    return word.startswith(("checkpoint", "lora"))


def _remove_words(session: Session, words: Collection[str]) -> None:
    """Remove those that no text has any more."""
    columns = "{" + " ".join(_COLUMNS) + "}"
    asked = text("SELECT rowid FROM picture_search WHERE picture_search MATCH :match LIMIT 1")
    for word in sorted(words):
        match = f'({columns} : "{word}")' + (f' OR (facts : "{word}")' if _kept_whole(word) else "")
        if session.scalar(asked, {"match": match}) is None:
            session.execute(delete(WordRow).where(WordRow.word == word))
