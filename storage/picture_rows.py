"""Between the row of a picture and its record: what becomes a column, a searchable text, a fact in the file.

Opens no session and writes no file; `pictures.py` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from storage import metadata
from storage.enhancements import enhancement_record
from storage.errors import BadValue, NotFound
from storage.ids import checked_id
from storage.records import Enhancement, NewPicture, Picture
from storage.search import fold, indexed, owner_token
from storage.tables import JobRow, PictureRow, TagRow, TextRow

TAGS_MAX = 32
TAG_MAX = 40  # characters
LOADED = (joinedload(PictureRow.enhancement), selectinload(PictureRow.tags))

_NAMES = tuple(field.name for field in fields(NewPicture))


def find_picture(session: Session, owner: str, id: str, *, trash: bool = True) -> PictureRow:
    """The row of the owner's picture.

    Raises NotFound, for another owner's too, and for one in the trash unless `trash`.
    """
    chosen = select(PictureRow).where(PictureRow.id == checked_id("Picture", id))
    row = session.scalars(chosen.options(*LOADED)).first()
    if row is None or row.owner != owner or (row.deleted_at is not None and not trash):
        raise NotFound("Picture", id)
    return row


def check_job(session: Session, owner: str, job_id: str) -> None:
    """Raises NotFound unless the job is the owner's."""
    if session.scalar(select(JobRow.owner).where(JobRow.id == checked_id("Job", job_id))) != owner:
        raise NotFound("Job", job_id)


def picture_record(row: PictureRow) -> Picture:
    """The row, loaded with LOADED, as a record."""
    return Picture(
        **{name: getattr(row, name) for name in _NAMES},
        id=row.id,
        created_at=row.created_at,
        pixel_sha256=row.pixel_sha256,
        enhancement=enhancement_record(row.enhancement) if row.enhancement else None,
        favourite=row.favourite,
        rating=row.rating,
        tags=tuple(tag.tag for tag in row.tags),
        deleted_at=row.deleted_at,
    )


def next_key(session: Session, created_at: datetime) -> int | None:
    """The key of a picture of that time, as its row gets it; None leaves the choice to the database."""
    return None


def new_row(new: NewPicture, id: str, created_at: datetime, pixel_sha256: str, size: int) -> PictureRow:
    """The row of a picture that was just made; `size` is the bytes of its files."""
    columns = {name: getattr(new, name) for name in _NAMES}
    columns |= {"recipe": dict(new.recipe), "environment": dict(new.environment)}
    return PictureRow(
        **columns,
        id=id,
        created_at=created_at,
        pixel_sha256=pixel_sha256,
        bytes=size,
        favourite=False,
        rating=0,
        deleted_at=None,
        tags=[],
    )


def new_texts(key: int, new: NewPicture, enhancement: Enhancement | None) -> TextRow:
    """What of the picture can be searched."""
    return TextRow(
        key=key,
        owner=owner_token(new.owner),
        prompt=indexed(new.prompt),
        original=indexed(new.original_prompt),
        negative=indexed(new.negative_prompt),
        reasoning=" ".join(indexed(step.text) for step in enhancement.steps) if enhancement else "",
        tags="",
    )


def replace_tags(session: Session, row: PictureRow, tags: Sequence[str]) -> None:
    """Give the picture these tags and no others, in its row and in the index."""
    row.tags.clear()
    session.flush()  # the old ones go first: a tag that stays has the same key
    row.tags = [
        TagRow(owner=row.owner, folded=fold(tag), picture_key=row.key, position=place, tag=tag)
        for place, tag in enumerate(tags)
    ]
    texts = session.get_one(TextRow, row.key)
    texts.tags = indexed(" ".join(tags))


def checked_tag(tag: object) -> str:
    """A tag with single spaces. Raises BadValue."""
    tidy = " ".join(tag.split()) if isinstance(tag, str) else ""
    if not 0 < len(tidy) <= TAG_MAX or not tidy.isprintable():
        raise BadValue("tags", f"must be texts of 1 to {TAG_MAX} printable characters", tag)
    return tidy


def checked_tags(tags: Sequence[str]) -> list[str]:
    """Tags in their order, each once, whatever its case. Raises BadValue."""
    if isinstance(tags, str):
        raise BadValue("tags", "must be a list of texts", tags)
    found: dict[str, str] = {}
    for tag in map(checked_tag, tags):
        found.setdefault(fold(tag), tag)
    if len(found) > TAGS_MAX:
        raise BadValue("tags", f"must be at most {TAGS_MAX}", len(found))
    return list(found.values())


def facts(new: NewPicture, enhancement: Enhancement | None) -> dict[str, object]:
    """What our own chunk in the file tells, besides id, time and hash. It names no owner."""
    told = {name: getattr(new, name) for name in _NAMES if name not in ("owner", "enhancement_id")}
    return {**told, "enhancement": _thought(enhancement)}


def infotext(new: NewPicture) -> str:
    """The infotext for other studios."""
    settings = {
        "Steps": new.steps,
        "Sampler": metadata.SAMPLER,
        "CFG scale": f"{new.guidance:g}",
        "Shift": f"{new.shift:g}",
        "Seed": new.seed,
        "Size": f"{new.width}x{new.height}",
        "Model": new.checkpoint,
        "Model hash": new.revision,
        "Version": "Z-Image Studio",
    }
    told = {name: value for name, value in settings.items() if value != ""}
    return metadata.write_infotext(new.prompt, new.negative_prompt, told)


def _thought(enhancement: Enhancement | None) -> dict[str, object] | None:
    if enhancement is None:
        return None
    told = asdict(enhancement)
    del told["owner"]
    return {**told, "created_at": enhancement.created_at.isoformat()}
