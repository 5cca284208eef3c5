"""Pages of an owner's pictures as records: newest first, by relevance, or in a collection's order.

Combines the query parser, pagination and the mappers. Opens no session.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.db.tables import CollectionRow, PictureRow, TextRow
from storage.errors import BadCursor, BadQuery
from storage.records import Page, Picture
from storage.repositories import mappers as rows
from storage.search import filters, pagination, query_parser

WEIGHTS = {"original": 3.0, "prompt": 2.0, "tags": 2.0, "note": 2.0, "reasoning": 1.0}
SORTS = ("newest", "relevance")
IDS_AT_ONCE = 10_000  # ids per query


@dataclass(frozen=True, kw_only=True)
class PageRequest:
    """The parameters of a page. See `Pictures.page`."""

    owner: str
    query: str = ""
    cursor: str | None = None
    limit: int = 24
    favourite: bool = False
    tag: str | None = None
    trash: bool = False
    collection: str | None = None
    sort: str = "newest"
    at: datetime | None = None
    zone: tzinfo = timezone.utc  # time zone of the days


def page(session: Session, wanted: PageRequest) -> Page[Picture]:
    """The page. Raises BadQuery, BadValue and NotFound."""
    cursor = pagination.read_cursor(wanted.cursor)
    if wanted.sort not in SORTS:
        raise BadQuery("sort_one_of", names=", ".join(SORTS), value=str(wanted.sort)[:60])
    query = query_parser.parse(wanted.query, wanted.zone)
    typed = _typed(query)
    asked = _asked(session, wanted, query, pagination.checked_limit(wanted.limit))
    if asked.collection is not None:
        return _placed(session, asked, wanted.cursor, cursor)
    if cursor is not None and cursor.kind == ("older" if wanted.sort == "relevance" else "ranked"):
        raise BadCursor(wanted.cursor)
    if wanted.sort == "relevance" and query.wanted:
        return _ranked(session, asked, query, cursor)
    if wanted.at is not None and cursor is None:  # a start position, which excludes nothing
        cursor = pagination.Cursor(kind="older", at=filters.key_of(wanted.at))
    return _newest(session, asked, cursor, exact=not typed)


def ids(session: Session, wanted: PageRequest, most: int | None) -> tuple[str, ...]:
    """The ids of all pages, at most `most`, newest first or in a collection's order. Raises BadQuery, BadValue and NotFound."""
    limit = pagination.KEY_MAX - 1 if most is None else most - 1
    asked = _asked(
        session, wanted, query_parser.parse(wanted.query, wanted.zone), limit
    )  # one more than the limit is found
    own = asked.collection is not None
    keys = [key for _, key in pagination.placed(session, asked, None)] if own else pagination.keys(session, asked, None)
    found: list[str] = []
    for start in range(0, len(keys), IDS_AT_ONCE):
        some = keys[start : start + IDS_AT_ONCE]
        chosen = select(PictureRow.key, PictureRow.id).where(PictureRow.key.in_(some))
        by_key = {key: id for key, id in session.execute(chosen)}
        found += [by_key[key] for key in some if key in by_key]
    return tuple(found)


def _typed(query: query_parser.Query) -> bool:
    """Whether the query looks for anything. Collections are not resolved yet."""
    return not query.empty or bool(query.low) or query.high is not None


def _asked(session: Session, wanted: PageRequest, query: query_parser.Query, limit: int) -> pagination.PageQuery:
    """The query for the index and the tables, or for a collection in its own order. `query` is resolved in place."""
    if wanted.collection is not None:
        smart = find_collection(session, wanted.owner, wanted.collection)
        if smart.query is None and not _typed(query) and not (wanted.favourite or wanted.tag or wanted.trash):
            return pagination.PageQuery(owner=wanted.owner, match=None, limit=limit, collection=smart.id)
        query.collections.append((smart.name, True))
    _resolve(session, wanted, query)
    if wanted.tag is not None:
        query.add(filters.read("tag", query_parser.fold(rows.checked_tag(wanted.tag))) or filters.Filter(), True)
    if wanted.favourite and not query.empty:
        query.add(filters.Filter(tokens=("favourite",)), True)
    return pagination.PageQuery(
        owner=wanted.owner,
        match=None if query.empty else _expression(session, wanted, query),
        low=query.low,
        high=query.high,
        limit=limit,
        favourite=wanted.favourite,
        trash=wanted.trash,
    )


def records(session: Session, keys: Sequence[int]) -> tuple[Picture, ...]:
    """The pictures of these keys, in their order."""
    found = session.scalars(select(PictureRow).where(PictureRow.key.in_(keys)).options(*rows.LOADED))
    by_key = {row.key: row for row in found}
    return tuple(rows.picture_record(by_key[key]) for key in keys if key in by_key)


def _expression(session: Session, wanted: PageRequest, query: query_parser.Query) -> str:
    return query_parser.expression(
        wanted.owner, query, lambda beginning: pagination.expand(session, beginning), trash=wanted.trash
    )


def named(session: Session, owner: str, id_or_name: str) -> CollectionRow | None:
    """The owner's collection by id, else by name; None if there is none."""
    mine = select(CollectionRow).where(CollectionRow.owner == owner)
    row = session.scalars(mine.where(CollectionRow.id == id_or_name)).first()
    return row or session.scalars(mine.where(CollectionRow.folded == query_parser.fold(id_or_name))).first()


def find_collection(session: Session, owner: str, id_or_name: str) -> CollectionRow:
    """The owner's collection by id, else by name. Raises BadQuery."""
    row = named(session, owner, id_or_name)
    if row is None:
        raise BadQuery("filter_collection", value=id_or_name[:60])
    return row


def _resolve(session: Session, wanted: PageRequest, query: query_parser.Query, deep: bool = False) -> None:
    """Replace the names of collections by their contents, and of saved searches by their queries."""
    for name, wished in query.collections:
        row = find_collection(session, wanted.owner, name)
        if row.query is None:
            query.add(filters.Filter(tokens=(filters.in_collection(row.id),)), wished)
            continue
        if deep or not wished:
            raise BadQuery("filter_nested", value=name[:60])
        saved = query_parser.parse(row.query, wanted.zone)
        _resolve(session, wanted, saved, deep=True)
        for mine, other in ((query.wanted, saved.wanted), (query.unwanted, saved.unwanted)):
            mine.extend(other)
        query.all_of.extend(saved.all_of)
        query.none_of.extend(saved.none_of)
        query.add(filters.Filter(low=saved.low, high=saved.high), True)
    query.collections.clear()


def _newest(
    session: Session, asked: pagination.PageQuery, cursor: pagination.Cursor | None, *, exact: bool
) -> Page[Picture]:
    found = pagination.keys(session, asked, cursor)
    total, capped = pagination.total(session, asked, exact=exact)
    over = len(found) > asked.limit
    upwards = cursor is not None and cursor.kind == "newer"
    keys = (found[-asked.limit :] if upwards else found[: asked.limit]) if over else found
    older = bool(keys) and (over or upwards)  # going back from the first page
    newer = bool(keys) and (over if upwards else cursor is not None)
    return Page(
        items=records(session, keys),
        next=str(pagination.Cursor(kind="older", at=keys[-1])) if older else None,
        previous=str(pagination.Cursor(kind="newer", at=keys[0])) if newer else None,
        total=total,
        more=older,
        capped=capped,
    )


def _placed(
    session: Session, asked: pagination.PageQuery, told: str | None, cursor: pagination.Cursor | None
) -> Page[Picture]:
    if cursor is not None and cursor.kind != "placed":
        raise BadCursor(told)
    found = pagination.placed(session, asked, cursor)
    here, more = found[: asked.limit], len(found) > asked.limit
    return Page(
        items=records(session, [key for _, key in here]),
        next=str(pagination.Cursor(kind="placed", at=here[-1][0])) if more else None,
        total=pagination.in_collection(session, asked.collection or ""),
        more=more,
    )


def _ranked(
    session: Session, asked: pagination.PageQuery, query: query_parser.Query, cursor: pagination.Cursor | None
) -> Page[Picture]:
    """Order the newest matches by where the words occur, how often, and how rare they are."""
    keys = pagination.newest(session, asked)
    texts = session.execute(
        select(TextRow.key, TextRow.original, TextRow.prompt, TextRow.tags, TextRow.note, TextRow.reasoning).where(
            TextRow.key.in_(keys)
        )
    )
    scores = {row.key: sum(_score(row._mapping, term) for term in query.wanted) for row in texts}
    best = sorted(keys, key=lambda key: (-scores.get(key, 0.0), -key))
    at = 0 if cursor is None else cursor.at
    chosen = best[at : at + asked.limit]
    total, capped = pagination.total(session, asked, exact=False)
    more = len(best) > at + asked.limit
    return Page(
        items=records(session, chosen),
        next=str(pagination.Cursor(kind="ranked", at=at + asked.limit)) if more else None,
        total=total,
        more=more,
        capped=capped,
        ranked=len(best),
    )


def _score(texts: object, term: query_parser.Term) -> float:
    found = 0.0
    wanted = " " + " ".join(term.words)
    for column, weight in WEIGHTS.items():
        text: str = texts[column]  # type: ignore[index]
        times = f" {text}".count(wanted)
        if times:
            whole = 1.0 if f" {text} ".count(f"{wanted} ") else 0.7
            found += weight * whole * (1 + math.log(times)) / math.sqrt(4 + text.count(" "))
    return found
