"""Import of orphaned files: a row for a picture file that has none, from the file's own metadata.

The metadata is untrusted. It is validated like a line of a manifest, and nothing of another owner is used. Stars, tags and
notes are not in the file and are lost. Opens no session and reads no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from locales import LocalizedError
from storage.db.tables import EnhancementRow, JobRow, PictureRow
from storage.errors import BadValue
from storage.ids import SEED_MAX, new_id, now
from storage.records import Picture
from storage.repositories import mappers as rows
from storage.transfer import manifest
from storage.transfer.import_rows import enhancement_row


class OrphanRejected(LocalizedError):
    """A file cannot become a picture. The message is the end of a sentence."""


def read_orphan(facts: Mapping[str, object]) -> Picture:
    """Validate a file's own metadata. The result has no owner yet. Raises OrphanRejected."""
    if not facts:
        raise OrphanRejected("orphan_without_data")
    try:
        picture = manifest.of_file(facts, "").picture
    except BadValue as error:
        raise OrphanRejected("orphan_invalid", why=str(error).removesuffix(".")) from error
    if picture.seed > SEED_MAX:
        raise OrphanRejected("orphan_seed", most=SEED_MAX)
    return picture


def import_orphan(session: Session, told: Picture, size: int, owner: str | None) -> None:
    """Add the picture's row, and the job and enhancement rows that are gone. `size` is the bytes of its files.

    The owner is that of the job, else of its other links, else `owner`. Raises OrphanRejected.
    """
    if session.scalar(select(PictureRow.key).where(PictureRow.id == told.id)) is not None:
        raise OrphanRejected("orphan_known")
    job = session.scalars(select(JobRow).where(JobRow.id == told.job_id)).first()
    whose = job.owner if job is not None else _owner(session, told) or owner
    if whose is None:
        raise OrphanRejected("orphan_owner")
    thought = None
    if told.enhancement is not None:
        thought = enhancement_row(session, whose, replace(told.enhancement, owner=whose))
    parent = session.scalar(select(PictureRow.id).where(PictureRow.id == told.parent_id, PictureRow.owner == whose))
    job = _job(session, told, whose, job, thought)
    new = replace(
        told, owner=whose, job_id=job.id, parent_id=parent, enhancement_id=None if thought is None else thought.id
    )
    key = rows.next_key(session, told.created_at, now=False)
    row = rows.new_row(new, told.id, told.created_at, told.pixel_sha256, size, key=key)
    row.enhancement = thought
    session.add(row)
    session.flush()
    rows.index(session, row)


def _owner(session: Session, told: Picture) -> str | None:
    """The owner of the rows that the picture links to."""
    asked = [select(PictureRow.owner).where(PictureRow.id == told.parent_id)]
    if told.enhancement is not None:
        asked.append(select(EnhancementRow.owner).where(EnhancementRow.id == told.enhancement.id))
    return next((found for one in asked if (found := session.scalar(one)) is not None), None)


def _job(session: Session, told: Picture, owner: str, job: JobRow | None, thought: EnhancementRow | None) -> JobRow:
    """The picture's own job if it exists and lacks this picture, else a new job of kind "import"."""
    if job is not None:
        taken = select(PictureRow.pixel_sha256).where(PictureRow.job_id == job.id, PictureRow.index == told.index)
        there = session.scalar(taken)
        if there == told.pixel_sha256:
            raise OrphanRejected("orphan_twice")
        if there is None and (told.index < job.count or job.kind == "import"):
            job.count = max(job.count, told.index + 1)
            return job
    moment = now()
    made = JobRow(
        id=new_id() if job is not None else told.job_id,
        owner=owner, kind="import", status="done", created_at=moment, started_at=moment, finished_at=moment,
        spec={"prompt": told.prompt, "original_prompt": told.original_prompt}, count=told.index + 1,
        enhancement_id=None if thought is None else thought.id, cancel_requested=False, crashes=0, error=None, mark=None,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made
