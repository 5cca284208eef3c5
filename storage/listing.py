"""Pages of pictures: which keys, in which order, and how many in all. Knows no record and no file.

By keyset, newest first: a page begins below the last key of the one before, so pictures that arrive meanwhile
move nothing, and the thousandth page costs what the first does. The SQL is put together from constants only;
every value is bound.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from storage.errors import BadCursor, BadQuery
from storage.search import COUNT_CAP

LIMIT_MAX = 200
KEY_MAX = 2**63 - 1

_CURSOR = re.compile(r"p([0-9a-f]{1,16})")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a page is asked for; `match` is an FTS5 expression, `before` a key, `tag` a folded tag."""

    owner: str
    match: str | None
    before: int | None
    limit: int
    favourite: bool
    tag: str | None
    trash: bool


def keys(session: Session, asked: Asked) -> list[int]:
    """The keys of the page, newest first; one more than asked for if there are more."""
    source, key, where = _clauses(asked)
    if asked.before is not None:
        where += f" AND {key} < :before"
    found = f"SELECT {key} FROM {source} WHERE {where} ORDER BY {key} DESC LIMIT :many"
    return list(session.scalars(text(found), {**_values(asked), "many": asked.limit + 1}))


def total(session: Session, asked: Asked) -> tuple[int, bool]:
    """How many there are on all pages, and whether counting stopped at COUNT_CAP (with a query only)."""
    source, key, where = _clauses(asked)
    many = -1 if asked.match is None else COUNT_CAP + 1
    counted = f"SELECT count(*) FROM (SELECT {key} FROM {source} WHERE {where} LIMIT :many)"
    found = session.scalar(text(counted), {**_values(asked), "many": many}) or 0
    return (found, False) if asked.match is None else (min(found, COUNT_CAP), found > COUNT_CAP)


def write_cursor(key: int) -> str:
    """The cursor of the page below `key`."""
    return f"p{key:x}"


def read_cursor(cursor: str | None) -> int | None:
    """The key that a cursor stands for. Raises BadCursor."""
    if cursor is None:
        return None
    found = _CURSOR.fullmatch(cursor) if isinstance(cursor, str) else None
    key = int(found[1], 16) if found else KEY_MAX + 1
    if key > KEY_MAX:
        raise BadCursor(cursor)
    return key


def checked_limit(limit: int) -> int:
    """`limit`, if a page can have so many. Raises BadQuery."""
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= LIMIT_MAX:
        raise BadQuery(f"limit must be from 1 to {LIMIT_MAX} (got {str(limit)[:60]}).")
    return limit


def _clauses(asked: Asked) -> tuple[str, str, str]:
    """FROM, the key's column, and WHERE.

    CROSS JOIN keeps SQLite from turning the join around: the left side is in order.
    """
    source, key = "pictures", "pictures.key"
    where = ["pictures.owner = :owner", f"pictures.deleted_at IS {'NOT ' if asked.trash else ''}NULL"]
    tagged = "picture_tags.owner = :owner AND picture_tags.folded = :tag"
    if asked.match is not None:
        source = "picture_search CROSS JOIN pictures ON pictures.key = picture_search.rowid"
        key = "picture_search.rowid"
        where.append("picture_search MATCH :match")
        if asked.tag is not None:
            where.append(f"EXISTS (SELECT 1 FROM picture_tags WHERE {tagged} AND picture_key = pictures.key)")
    elif asked.tag is not None:
        source = "picture_tags CROSS JOIN pictures ON pictures.key = picture_tags.picture_key"
        key = "picture_tags.picture_key"
        where.append(tagged)
    if asked.favourite:
        where.append("pictures.favourite IS 1")
    return source, key, " AND ".join(where)


def _values(asked: Asked) -> dict[str, object]:
    given = {"owner": asked.owner, "match": asked.match, "tag": asked.tag, "before": asked.before}
    return {name: value for name, value in given.items() if value is not None}
