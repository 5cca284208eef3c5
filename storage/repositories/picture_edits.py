"""Edits of a picture's favourite mark, rating, tags and note. Opens no session and knows no file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from storage.db.tables import PictureRow
from storage.errors import BadValue
from storage.repositories import mappers as rows
from storage.search.query_parser import fold

SHOWN = 40  # characters of a prompt that identify the picture in a message


@dataclass(frozen=True, kw_only=True)
class PictureEdit:
    """The fields to change. None keeps a field. `tags` replaces all tags; `more_tags` and `fewer_tags` add and remove."""

    favourite: bool | None = None
    rating: int | None = None
    tags: tuple[str, ...] | None = None
    more_tags: tuple[str, ...] = ()
    fewer_tags: tuple[str, ...] = ()
    note: str | None = None

    @classmethod
    def checked(
        cls,
        *,
        favourite: object = None,
        rating: object = None,
        tags: Sequence[str] | None = None,
        more_tags: Sequence[str] = (),
        fewer_tags: Sequence[str] = (),
        note: object = None,
    ) -> PictureEdit:
        """Return the edit with validated values. Raises BadValue."""
        if favourite is not None and not isinstance(favourite, bool):
            raise BadValue("favourite", "boolean", favourite)
        if rating is not None and (type(rating) is not int or not 0 <= rating <= 5):
            raise BadValue("rating", "rating", rating)
        return cls(
            favourite=favourite,
            rating=rating,
            tags=None if tags is None else tuple(rows.checked_tags(tags)),
            more_tags=tuple(rows.checked_tags(more_tags)),
            fewer_tags=tuple(rows.checked_tags(fewer_tags)),
            note=None if note is None else rows.checked_note(note),
        )


def apply_edit(session: Session, row: PictureRow, change: PictureEdit) -> PictureRow:
    """Apply the edit to a row loaded with LOADED, and update its index. Raises BadValue if it would have too many tags."""
    if change.favourite is not None:
        row.favourite = change.favourite
    if change.rating is not None:
        row.rating = change.rating
    if change.note is not None:
        row.note = change.note
    before = [tag.tag for tag in row.tags]
    fewer = {fold(tag) for tag in change.fewer_tags}
    kept = list(change.tags) if change.tags is not None else before
    wanted = _tags(row, [tag for tag in [*kept, *change.more_tags] if fold(tag) not in fewer])
    if wanted != before:
        rows.replace_tags(session, row, wanted)
    session.flush()
    rows.index(session, row)
    return row


def _tags(row: PictureRow, tags: Sequence[str]) -> list[str]:
    """The new tags, without duplicates. Raises BadValue that names the picture."""
    try:
        return rows.checked_tags(tags)
    except BadValue as error:
        said = " ".join((row.original_prompt or row.prompt).split())[:SHOWN] or row.id
        raise BadValue("tags", "tags_of_picture", error.value, rule=error.rule, prompt=said) from None
