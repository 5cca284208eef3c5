"""Keyset pagination: the keys of a page, their order, and the total. Knows no record and no file.

Newest first: a page begins where the one before ends, so new pictures move nothing, and every page costs the same. A key
contains the creation time (`filters`), so a date is a position. SQL is built from constants; all values are bound.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from storage.errors import BadCursor, BadQuery
from storage.search.query_parser import COUNT_CAP

LIMIT_MAX = 200
KEY_MAX = 2**63 - 1
RANKED = 2_000  # number of the newest matches that relevance orders
EXPANDED = 48  # number of words that a prefix expands to; beyond that the index searches the prefix itself
SHORT = 3  # prefixes up to this length have an index of their own
Kind = Literal["older", "newer", "ranked", "placed"]

_CURSOR = re.compile(r"([pnrc])([0-9a-f]{1,16})")
_KINDS: dict[str, Kind] = {"p": "older", "n": "newer", "r": "ranked", "c": "placed"}
_LETTERS = {kind: letter for letter, kind in _KINDS.items()}


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """A position: pictures `older` or `newer` than a key, after a number of `ranked` ones, or after a position in a
    collection."""

    kind: Kind
    at: int

    def __str__(self) -> str:
        return f"{_LETTERS[self.kind]}{self.at:x}"


@dataclass(frozen=True, kw_only=True)
class PageQuery:
    """The parameters of a list of keys. `match` is an FTS5 expression. Keys are from `low` up to but excluding `high`."""

    owner: str
    match: str | None
    low: int = 0
    high: int | None = None
    limit: int
    favourite: bool = False  # without a match only; otherwise it is part of the match
    trash: bool = False
    collection: str | None = None  # in its own order


def keys(session: Session, asked: PageQuery, cursor: Cursor | None) -> list[int]:
    """The keys of the page, newest first, and one more if another page follows."""
    if cursor is None or cursor.kind != "newer":
        high = asked.high if cursor is None else cursor.at if asked.high is None else min(asked.high, cursor.at)
        return _keys(session, replace(asked, high=high), "DESC")
    return _keys(session, replace(asked, low=max(asked.low, cursor.at + 1)), "ASC")


def newest(session: Session, asked: PageQuery) -> list[int]:
    """The newest RANKED matching keys."""
    return _keys(session, replace(asked, limit=RANKED - 1), "DESC")


def total(session: Session, asked: PageQuery, *, exact: bool) -> tuple[int, bool]:
    """The total, and whether counting stopped at COUNT_CAP. It does not stop if `exact`."""
    if asked.match is None and not asked.low and asked.high is None:
        column = "trashed" if asked.trash else "favourites" if asked.favourite else "kept"
        if not (asked.trash and asked.favourite):
            counted = session.scalar(text(f"SELECT {column} FROM tallies WHERE owner = :owner"), {"owner": asked.owner})
            return counted or 0, False
    source, key, where = _clauses(asked)
    many = -1 if exact else COUNT_CAP + 1
    counted = f"SELECT count(*) FROM (SELECT {key} FROM {source} WHERE {where} LIMIT :many)"
    found = session.scalar(text(counted), {**_values(asked), "many": many}) or 0
    return (found, False) if exact else (min(found, COUNT_CAP), found > COUNT_CAP)


def placed(session: Session, asked: PageQuery, cursor: Cursor | None) -> list[tuple[int, int]]:
    """Positions and keys of a collection's pictures in order, and one more if another page follows."""
    after = -1 if cursor is None else cursor.at
    found = session.execute(
        text(
            "SELECT collection_pictures.position, pictures.key FROM collection_pictures CROSS JOIN pictures "
            "ON pictures.key = collection_pictures.picture_key WHERE collection_id = :collection AND pictures.owner = :owner "
            "AND position > :after AND pictures.deleted_at IS NULL ORDER BY position LIMIT :many"
        ),
        {"collection": asked.collection, "owner": asked.owner, "after": after, "many": asked.limit + 1},
    )
    return [(position, key) for position, key in found]


def in_collection(session: Session, collection: str) -> int:
    """The number of a collection's pictures outside the trash."""
    counted = (
        "SELECT count(*) FROM collection_pictures CROSS JOIN pictures ON pictures.key = collection_pictures.picture_key "
        "WHERE collection_id = :collection AND pictures.deleted_at IS NULL"
    )
    return session.scalar(text(counted), {"collection": collection}) or 0


def expand(session: Session, beginning: str) -> Sequence[str] | None:
    """The indexed words with this prefix; None if the index itself is as fast."""
    if len(beginning.encode()) <= SHORT:
        return None
    found = session.scalars(
        text("SELECT word FROM search_words WHERE word >= :begin AND word < :end ORDER BY word LIMIT :many"),
        {"begin": beginning, "end": beginning + "\U0010ffff", "many": EXPANDED + 1},
    ).all()
    return None if len(found) > EXPANDED else found


def read_cursor(cursor: str | None) -> Cursor | None:
    """Parse a cursor. Raises BadCursor."""
    if cursor is None:
        return None
    found = _CURSOR.fullmatch(cursor) if isinstance(cursor, str) else None
    key = int(found[2], 16) if found else KEY_MAX + 1
    if found is None or key > KEY_MAX:
        raise BadCursor(cursor)
    return Cursor(kind=_KINDS[found[1]], at=key)


def checked_limit(limit: int) -> int:
    """Return a valid page size. Raises BadQuery."""
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= LIMIT_MAX:
        raise BadQuery("limit", most=LIMIT_MAX, value=str(limit)[:60])
    return limit


def _keys(session: Session, asked: PageQuery, order: Literal["ASC", "DESC"]) -> list[int]:
    source, key, where = _clauses(asked)
    found = f"SELECT {key} FROM {source} WHERE {where} ORDER BY {key} {order} LIMIT :many"
    keys = list(session.scalars(text(found), {**_values(asked), "many": asked.limit + 1}))
    return keys if order == "DESC" else keys[::-1]


def _clauses(asked: PageQuery) -> tuple[str, str, str]:
    """FROM, the key column, and WHERE. The index has tokens for owner and trash, so a match needs no other table."""
    if asked.match is not None:
        source, key, where = "picture_search", "picture_search.rowid", ["picture_search MATCH :match"]
    else:
        source, key = "pictures", "pictures.key"
        where = ["pictures.owner = :owner", f"pictures.deleted_at IS {'NOT ' if asked.trash else ''}NULL"]
        if asked.favourite:
            where.append("pictures.favourite IS 1")
    if asked.low:
        where.append(f"{key} >= :low")
    if asked.high is not None:
        where.append(f"{key} < :high")
    return source, key, " AND ".join(where)


def _values(asked: PageQuery) -> dict[str, object]:
    given: dict[str, object] = {"low": asked.low or None, "high": asked.high}
    given |= {"owner": asked.owner} if asked.match is None else {"match": asked.match}
    return {name: value for name, value in given.items() if value is not None}
