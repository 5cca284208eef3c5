"""A row for a picture that has none, from what its file tells about itself: our own chunk, see `metadata`.

What the file says is data of whoever wrote it: every value is checked, and nothing is taken that belongs to another
owner. Stars, tags and notes are not in the file and do not come back. Opens no session and reads no file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage import picture_rows as rows
from storage.ids import new_id, now
from storage.records import NewPicture
from storage.tables import EnhancementRow, JobRow, PictureRow

_WHOLE = {
    "index": (0, 10_000),
    "seed": (0, 2**53 - 1),
    "width": (1, 65_536),
    "height": (1, 65_536),
    "steps": (0, 10_000),
}
_NUMBERS = ("guidance", "shift", "seconds")
_TEXTS = ("job_id", "prompt", "original_prompt", "negative_prompt", "checkpoint", "revision")
_THOUGHT_TEXTS = ("id", "original", "prompt", "model", "revision", "template", "template_version")


class NotAdopted(Exception):
    """Why a file does not become a picture, as the end of a sentence."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a file tells about itself, checked."""

    id: str
    created_at: datetime
    pixel_sha256: str
    picture: Mapping[str, Any]  # the fields of NewPicture but the owner and the enhancement
    enhancement: Mapping[str, Any] | None  # the columns of its row but the owner


def read(facts: Mapping[str, object]) -> Told:
    """Check what a file tells. Raises NotAdopted."""
    if not facts:
        raise NotAdopted("it does not tell what it is")
    picture: dict[str, Any] = {name: _text(facts, name) for name in _TEXTS}
    picture |= {name: _whole(facts, name, *bounds) for name, bounds in _WHOLE.items()}
    picture |= {name: _number(facts, name) for name in _NUMBERS}
    picture |= {name: dict(_mapping(facts, name)) for name in ("recipe", "environment")}
    parent = facts.get("parent_id")
    picture["parent_id"] = _text(facts, "parent_id") if parent is not None else None
    thought = facts.get("enhancement")
    return Told(
        id=_text(facts, "id"),
        created_at=_moment(facts),
        pixel_sha256=_text(facts, "pixel_sha256"),
        picture=picture,
        enhancement=None if thought is None else _thought(_mapping(facts, "enhancement")),
    )


def adopt(session: Session, told: Told, size: int, owner: str | None) -> None:
    """Add the row, and those that it hangs on where they are gone; `size` is the bytes of its files.

    It becomes its job's owner's, else that of whatever else it hangs on, else `owner`'s. Raises NotAdopted.
    """
    if session.scalar(select(PictureRow.key).where(PictureRow.id == told.id)) is not None:
        raise NotAdopted("it has a row meanwhile")
    job = session.scalars(select(JobRow).where(JobRow.id == told.picture["job_id"])).first()
    whose = job.owner if job is not None else _owner(session, told) or owner
    if whose is None:
        raise NotAdopted("it cannot be told whose it is")
    thought = _enhancement(session, told, whose)
    parent = session.scalar(
        select(PictureRow.id).where(PictureRow.id == told.picture["parent_id"], PictureRow.owner == whose)
    )
    job = _job(session, told, whose, job, thought)
    fields = {**told.picture, "job_id": job.id, "parent_id": parent}
    new = NewPicture(owner=whose, enhancement_id=None if thought is None else thought.id, **fields)
    key = rows.next_key(session, told.created_at, now=False)
    row = rows.new_row(new, told.id, told.created_at, told.pixel_sha256, size, key=key)
    row.enhancement = thought
    session.add(row)
    session.flush()
    rows.index(session, row)


def _owner(session: Session, told: Told) -> str | None:
    """Of what else the picture hangs on."""
    asked = [select(PictureRow.owner).where(PictureRow.id == told.picture["parent_id"])]
    if told.enhancement is not None:
        asked.append(select(EnhancementRow.owner).where(EnhancementRow.id == told.enhancement["id"]))
    return next((found for one in asked if (found := session.scalar(one)) is not None), None)


def _job(session: Session, told: Told, owner: str, job: JobRow | None, thought: EnhancementRow | None) -> JobRow:
    """The picture's own job where it is there and lacks this picture, else one of kind "import"."""
    index = told.picture["index"]
    if job is not None:
        taken = select(PictureRow.pixel_sha256).where(PictureRow.job_id == job.id, PictureRow.index == index)
        there = session.scalar(taken)
        if there == told.pixel_sha256:
            raise NotAdopted("the same picture of the same job is there")
        if there is None and (index < job.count or job.kind == "import"):
            job.count = max(job.count, index + 1)
            return job
    moment = now()
    made = JobRow(
        id=new_id() if job is not None else told.picture["job_id"],
        owner=owner, kind="import", status="done", created_at=moment, started_at=moment, finished_at=moment,
        wish={"prompt": told.picture["prompt"], "original_prompt": told.picture["original_prompt"]},
        count=index + 1, enhancement_id=None if thought is None else thought.id,
        cancel_requested=False, crashes=0, error=None, mark=None,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _enhancement(session: Session, told: Told, owner: str) -> EnhancementRow | None:
    if told.enhancement is None:
        return None
    there = session.get(EnhancementRow, told.enhancement["id"])
    if there is not None and there.owner == owner:
        return there
    values = {**told.enhancement, "owner": owner}
    made = EnhancementRow(**values if there is None else {**values, "id": new_id()})
    session.add(made)
    session.flush()
    return made


def _thought(facts: Mapping[str, object]) -> dict[str, Any]:
    found: dict[str, Any] = {name: _text(facts, name) for name in _THOUGHT_TEXTS}
    steps = facts.get("steps")
    if not isinstance(steps, list):
        raise NotAdopted("the steps of its reasoning are not a list")
    for step in steps:
        if not isinstance(step, dict) or set(step) != {"name", "text", "seconds"}:
            raise NotAdopted("a step of its reasoning is not one")
        _text(step, "name"), _text(step, "text")
    found |= {"steps": steps, "seed": _whole(facts, "seed", 0, 2**53 - 1), "seconds": _number(facts, "seconds")}
    found |= {name: dict(_mapping(facts, name)) for name in ("sampling", "steering") if name in facts}
    parent = facts.get("parent_id")
    found["parent_id"] = _text(facts, "parent_id") if parent is not None else None
    return {"sampling": {}, "steering": {}, **found, "created_at": _moment(facts)}


def _text(facts: Mapping[str, object], name: str) -> str:
    value = facts.get(name)
    if not isinstance(value, str):
        raise NotAdopted(f"its {name} is no text")
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a pair, which JSON can spell and nothing can keep
        raise NotAdopted(f"its {name} is no text") from None
    return value


def _whole(facts: Mapping[str, object], name: str, least: int, most: int) -> int:
    value = facts.get(name)
    if type(value) is not int or not least <= value <= most:
        raise NotAdopted(f"its {name} is no whole number from {least} to {most}")
    return value


def _number(facts: Mapping[str, object], name: str) -> float:
    value = facts.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise NotAdopted(f"its {name} is no number")
    return float(value)


def _mapping(facts: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = facts.get(name)
    if not isinstance(value, dict):
        raise NotAdopted(f"its {name} is not what it should be")
    return value


def _moment(facts: Mapping[str, object]) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(facts, "created_at"))
    except ValueError:
        raise NotAdopted("its created_at is no time") from None
    if moment.tzinfo is None or not 1970 <= moment.year <= 9000:
        raise NotAdopted("its created_at is no time")
    return moment
