"""Mapping between picture rows and records: columns, searchable texts and file metadata.

Opens no session and writes no file; `pictures.py` does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import exists, insert, select
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from storage.db.tables import JobRow, MemberRow, PictureRow, TagRow, TextRow, WordRow
from storage.errors import BadValue, NotFound
from storage.ids import checked_id
from storage.metadata import writer
from storage.records import Enhancement, NewPicture, Picture
from storage.repositories.enhancements import enhancement_record
from storage.search import filters
from storage.search.query_parser import fold, indexed, owner_token

TAGS_MAX = 32
TAG_MAX = 40  # characters
NOTE_MAX = 5_000  # characters
LOADED = (joinedload(PictureRow.enhancement), selectinload(PictureRow.tags))

_SHORT = 10  # digits of a hash that other programs show
_NAMES = tuple(field.name for field in fields(NewPicture))


def find_picture(session: Session, owner: str, id: str, *, trash: bool = True) -> PictureRow:
    """The row of the owner's picture.

    Raises NotFound, also for another owner's, and for a picture in the trash unless `trash`.
    """
    chosen = select(PictureRow).where(PictureRow.id == checked_id("Picture", id))
    row = session.scalars(chosen.options(*LOADED)).first()
    if row is None or row.owner != owner or (row.deleted_at is not None and not trash):
        raise NotFound("Picture", id)
    return row


def find_any(session: Session, id: str) -> PictureRow:
    """The row of any owner's picture. For repairs only, never for a request. Raises NotFound."""
    row = session.scalars(select(PictureRow).where(PictureRow.id == id).options(*LOADED)).first()
    if row is None:
        raise NotFound("Picture", id)
    return row


def check_job(session: Session, owner: str, job_id: str) -> None:
    """Raises NotFound unless the job is the owner's."""
    if session.scalar(select(JobRow.owner).where(JobRow.id == checked_id("Job", job_id))) != owner:
        raise NotFound("Job", job_id)


def picture_record(row: PictureRow) -> Picture:
    """Convert a row, loaded with LOADED, to a record."""
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
        note=row.note,
        missing_at=row.missing_at,
    )


def next_key(session: Session, made: datetime, *, now: bool = True) -> int:
    """The key of a picture made at `made`: after all others if that is now, else the first free key of that moment."""
    key = filters.key_of(made)
    if now:
        return max(key, (session.scalar(select(PictureRow.key).order_by(PictureRow.key.desc()).limit(1)) or 0) + 1)
    if session.scalar(select(PictureRow.key).where(PictureRow.key == key)) is None:
        return key
    after = aliased(PictureRow)
    alone = ~exists().where(
        after.key == PictureRow.key + 1
    )  # the end of a run of keys, found without reading the rows after it
    found = select(PictureRow.key + 1).where(PictureRow.key >= key, alone).order_by(PictureRow.key).limit(1)
    return session.scalar(found) or key


def new_row(
    new: NewPicture, id: str, created_at: datetime, pixel_sha256: str, size: int, *, key: int | None = None
) -> PictureRow:
    """The row of a new picture. `size` is the bytes of its files."""
    columns = {name: getattr(new, name) for name in _NAMES}
    columns |= {"recipe": dict(new.recipe), "environment": dict(new.environment)}
    return PictureRow(
        **columns,
        key=key,
        id=id,
        created_at=created_at,
        pixel_sha256=pixel_sha256,
        bytes=size,
        favourite=False,
        rating=0,
        deleted_at=None,
        note="",
        missing_at=None,
        tags=[],
    )


def index(session: Session, row: PictureRow) -> None:
    """Update the search index of a flushed row: texts, tags, note and filter tokens."""
    texts = session.get(TextRow, row.key) or TextRow(key=row.key)
    thought = row.enhancement
    said = {
        "owner": owner_token(row.owner, trash=row.deleted_at is not None),
        "prompt": indexed(row.prompt),
        "original": indexed(row.original_prompt),
        "negative": indexed(row.negative_prompt),
        "reasoning": " ".join(indexed(str(step["text"])) for step in thought.steps) if thought else "",
        "tags": indexed(" ".join(tag.tag for tag in row.tags)),
        "note": indexed(row.note),
        "facts": _filtered(session, row),
    }
    for name, value in said.items():
        if getattr(texts, name) != value:
            setattr(texts, name, value)
    session.add(texts)
    session.flush()
    words = {word for name, value in said.items() if name not in ("owner", "facts") for word in value.split()}
    words |= {word for word in said["facts"].split() if word.startswith(("checkpoint", "lora"))}
    if words:
        session.execute(insert(WordRow).prefix_with("OR IGNORE"), [{"word": word} for word in words])


def _filtered(session: Session, row: PictureRow) -> str:
    told = [row.recipe.get(name) for name in ("loras", "adapters")]  # of imported pictures, and of ours
    loras = [one for some in told if isinstance(some, list) for one in some]
    member = select(MemberRow.collection_id).where(MemberRow.picture_key == row.key)
    return filters.tokens(
        filters.FilterableFields(
            seed=row.seed,
            steps=row.steps,
            width=row.width,
            height=row.height,
            guidance=row.guidance,
            checkpoint=row.checkpoint,
            rating=row.rating,
            tags=[tag.folded for tag in row.tags],
            collections=session.scalars(member).all(),
            loras=[str(one.get("name", "")) for one in loras if isinstance(one, dict)],
            favourite=row.favourite,
            enhancement=row.enhancement_id is not None,
            edited=row.enhancement is not None and row.enhancement.prompt != row.prompt,
            parent=row.parent_id is not None,
            note=bool(row.note),
            missing=row.missing_at is not None,
            kind=session.scalar(select(JobRow.kind).where(JobRow.id == row.job_id)) or "",
        )
    )


def replace_tags(session: Session, row: PictureRow, tags: Sequence[str]) -> None:
    """Replace the tags of a picture. Call `index` afterwards."""
    row.tags.clear()
    session.flush()  # delete first: a tag that stays has the same key
    row.tags = [
        TagRow(owner=row.owner, folded=fold(tag), picture_key=row.key, position=place, tag=tag)
        for place, tag in enumerate(tags)
    ]


def checked_tag(tag: object) -> str:
    """Return a tag with single spaces. Raises BadValue."""
    tidy = " ".join(tag.split()) if isinstance(tag, str) else ""
    if not 0 < len(tidy) <= TAG_MAX or not tidy.isprintable():
        raise BadValue("tags", "tag_text", tag, most=TAG_MAX)
    return tidy


def checked_note(note: object) -> str:
    """Return a note without surrounding white space. Raises BadValue."""
    if not isinstance(note, str) or len(note) > NOTE_MAX:
        raise BadValue("note", "text_at_most", note, most=NOTE_MAX)
    return note.strip()


def checked_tags(tags: Sequence[str]) -> list[str]:
    """Return tags in their order, without duplicates by case. Raises BadValue."""
    if isinstance(tags, str):
        raise BadValue("tags", "list_of_texts", tags)
    found: dict[str, str] = {}
    for tag in map(checked_tag, tags):
        found.setdefault(fold(tag), tag)
    if len(found) > TAGS_MAX:
        raise BadValue("tags", "at_most", len(found), most=TAGS_MAX)
    return list(found.values())


def facts(new: NewPicture, enhancement: Enhancement | None) -> dict[str, object]:
    """The fields of our own metadata block, besides id, time and hash. It contains no owner."""
    told = {name: getattr(new, name) for name in _NAMES if name not in ("owner", "enhancement_id")}
    return {**told, "enhancement": _thought(enhancement)}


def infotext(new: NewPicture) -> str:
    """The infotext for other programs."""
    settings = {
        "Steps": new.steps,
        "Sampler": writer.SAMPLER,
        "CFG scale": f"{new.guidance:g}",
        "Shift": f"{new.shift:g}",
        "Seed": new.seed,
        "Size": f"{new.width}x{new.height}",
        "Model": new.checkpoint,
        "Model hash": new.revision,
        "Denoising strength": new.recipe.get(
            "strength"
        ),  # the name of this setting in programs that support starting images
        "Lora hashes": _hashes(new.recipe),
        "Version": "Z-Image Studio",
    }
    told = {name: value for name, value in settings.items() if value not in ("", None)}
    return writer.write_infotext(new.prompt, new.negative_prompt, told)


def _hashes(recipe: Mapping[str, object]) -> str:
    """Names and hashes of a recipe's adapters in A1111's format. Names that would be read as something else are left out."""
    told = recipe.get("adapters")
    some = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    pairs = [(str(one.get("name")), str(one.get("sha256"))[:_SHORT]) for one in some]
    return ", ".join(f"{name}: {short}" for name, short in pairs if short and re.fullmatch(r"[\w .-]+", name))


def _thought(enhancement: Enhancement | None) -> dict[str, object] | None:
    if enhancement is None:
        return None
    told = asdict(enhancement)
    del told["owner"]
    return {**told, "created_at": enhancement.created_at.isoformat()}
