"""Rows of imported pictures with their own ids, jobs and enhancements. Opens no session and writes no file."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from locales import Localized
from storage.db.tables import EnhancementRow, JobRow, PictureRow
from storage.errors import BadValue
from storage.records import Enhancement, Picture
from storage.repositories import mappers as rows
from storage.repositories.jobs import FINAL
from storage.transfer.manifest import Entry, Origin

R = TypeVar("R", PictureRow, JobRow, EnhancementRow)


@dataclass(frozen=True)
class Target:
    """The id under which a picture is stored, and whether it exists."""

    id: str
    here: bool


def other_id(owner: str, id: str) -> str:
    """A replacement for an id that another owner has. It is always the same, so that a repeated import adds nothing."""
    return hashlib.sha256(f"{owner}\0{id}".encode()).hexdigest()[:24]


def find_target(session: Session, owner: str, picture: Picture) -> Target:
    """Find the target id of a picture. Raises BadValue if another picture of the owner has its id."""
    for id in (picture.id, other_id(owner, picture.id)):
        found = session.execute(
            select(PictureRow.owner, PictureRow.pixel_sha256).where(PictureRow.id == id)
        ).one_or_none()
        if found is None:
            return Target(id, False)
        if found.owner == owner:
            if found.pixel_sha256 != picture.pixel_sha256:
                raise BadValue("id", "id_taken", picture.id)
            return Target(id, True)
    raise BadValue("id", "taken_twice", picture.id)


def existing_ids(session: Session, owner: str, ids: Sequence[str]) -> set[str]:
    """The ids of these pictures that the owner has."""
    asked = {known: id for id in ids for known in (id, other_id(owner, id))}
    mine = select(PictureRow.id).where(PictureRow.id.in_(asked), PictureRow.owner == owner)
    return {asked[known] for known in session.scalars(mine)}


def existing_pixels(session: Session, owner: str, hashes: Collection[str]) -> set[str]:
    """The pixel hashes of these that the owner has."""
    mine = select(PictureRow.pixel_sha256).where(PictureRow.owner == owner, PictureRow.pixel_sha256.in_(hashes))
    return set(session.scalars(mine)) if hashes else set()


def insert(session: Session, entry: Entry, size: int) -> list[str]:
    """Add the rows of a picture whose files exist: its job and enhancement if needed, its texts and tags.

    Returns notes about values that could not be kept. Raises BadValue, having added nothing.
    """
    picture = entry.picture
    notes: list[str] = []
    owner = picture.owner
    job = _job(session, owner, entry.job)
    if session.scalar(select(PictureRow.id).where(PictureRow.job_id == job.id, PictureRow.index == picture.index)):
        raise BadValue("index", "index_taken", picture.index, job=entry.job.id)
    thought = None if picture.enhancement is None else enhancement_row(session, owner, picture.enhancement)
    if thought is not None and job.enhancement_id is None and entry.job.enhancement_id == entry.picture.enhancement_id:
        job.enhancement_id = thought.id
    parent = _mine(session, PictureRow, owner, picture.parent_id)[1] if picture.parent_id else None
    if picture.parent_id and parent is None:
        notes.append(Localized("note.parent_missing", id=picture.id, parent=picture.parent_id))
    placed = replace(
        picture,
        job_id=job.id,
        enhancement_id=thought.id if thought else None,
        parent_id=parent.id if parent else None,
    )
    key = rows.next_key(session, picture.created_at, now=False)
    row = rows.new_row(placed, picture.id, picture.created_at, picture.pixel_sha256, size, key=key)
    row.favourite, row.rating, row.deleted_at = picture.favourite, picture.rating, picture.deleted_at
    row.note, row.enhancement = picture.note, thought
    session.add(row)
    session.flush()
    if picture.tags:
        rows.replace_tags(session, row, picture.tags)
        session.flush()
    rows.index(session, row)
    return notes


def _mine(session: Session, table: type[R], owner: str, id: str) -> tuple[str, R | None]:
    """The owner's id for `id`, and its row if it exists."""
    for known in (id, other_id(owner, id)):
        row = session.scalars(select(table).where(table.id == known)).first()
        if row is None or row.owner == owner:
            return known, row
    raise BadValue("id", "taken_twice", id)


def _job(session: Session, owner: str, told: Origin) -> JobRow:
    """The owner's job of a picture, created if needed. Raises BadValue for a job that is not finished."""
    id, row = _mine(session, JobRow, owner, told.id)
    if row is not None:
        if row.status not in FINAL:
            raise BadValue("job_id", "job_unfinished", told.id)
        return row
    made = JobRow(
        id=id,
        owner=owner,
        kind=told.kind,
        status="done",  # it is done here, whatever it was there
        created_at=told.created_at,
        started_at=told.started_at,
        finished_at=told.finished_at or told.created_at,
        spec=dict(told.spec),
        count=told.count,
        enhancement_id=None,
        cancel_requested=False,
        crashes=0,
        error=None,
        mark=told.mark,
    )
    session.add(made)
    session.flush()
    return made


def enhancement_row(session: Session, owner: str, told: Enhancement) -> EnhancementRow:
    """The owner's enhancement, created if needed."""
    id, row = _mine(session, EnhancementRow, owner, told.id)
    if row is not None:
        return row
    facts = {**asdict(told), "id": id, "steps": [asdict(step) for step in told.steps]}
    facts |= {"sampling": dict(told.sampling), "options": dict(told.options)}
    made = EnhancementRow(**facts)
    session.add(made)
    session.flush()
    return made
