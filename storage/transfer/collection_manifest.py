"""Collections in an archive: one line each in `collections.jsonl`.

A line holds the name, the time, the query of a saved search, the cover, and the ids of the archive's pictures in the
collection's order. Input is untrusted: every value is validated, and unknown keys are ignored. Knows no ZIP.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from locales import Localized
from storage.db.engine import Database
from storage.db.tables import CollectionRow, MemberRow, PictureRow
from storage.errors import BadValue
from storage.ids import new_id
from storage.repositories import mappers as rows
from storage.repositories.collections import append, checked_name, new_row
from storage.search import query_parser
from storage.transfer.validation import an_id, encodable, mapping, moment, or_none

FORMAT = 1
PICTURES_MAX = 200_000  # of one collection
AT_ONCE = 500  # pictures in one transaction


@dataclass(frozen=True, kw_only=True)
class CollectionEntry:
    """A collection in an archive."""

    id: str
    name: str
    created_at: datetime
    query: str | None
    cover_id: str | None
    pictures: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CollectionImport:
    """The result of importing a collection: the number of new pictures in it, and notes."""

    changed: bool
    notes: tuple[str, ...] = ()


def collection_entries(
    session: Session, owner: str, keys: Sequence[int], without: Collection[str], *, all: bool
) -> Iterator[CollectionEntry]:
    """The owner's collections that contain pictures of these sorted keys, and with `all` the saved searches.

    Leaves out the pictures `without`, whose files are missing.
    """
    mine = select(CollectionRow).where(CollectionRow.owner == owner).order_by(CollectionRow.folded)
    for row in session.scalars(mine):
        pictures = () if row.query is not None else tuple(_exported(session, row, keys, without))
        if not pictures and not (all and row.query is not None):
            continue
        cover = None
        if row.cover_id is not None and row.cover_id not in without:
            key = session.scalar(select(PictureRow.key).where(PictureRow.id == row.cover_id))
            cover = row.cover_id if key is not None and _among(keys, key) else None
        yield CollectionEntry(
            id=row.id, name=row.name, created_at=row.created_at, query=row.query, cover_id=cover, pictures=pictures
        )


def _exported(session: Session, row: CollectionRow, keys: Sequence[int], without: Collection[str]) -> Iterator[str]:
    members = select(PictureRow.key, PictureRow.id).join(MemberRow, MemberRow.picture_key == PictureRow.key)
    for key, id in session.execute(members.where(MemberRow.collection_id == row.id).order_by(MemberRow.position)):
        if _among(keys, key) and id not in without:
            yield id


def _among(keys: Sequence[int], key: int) -> bool:
    at = bisect_left(keys, key)
    return at < len(keys) and keys[at] == key


def collection_line(shelf: CollectionEntry) -> dict[str, object]:
    """Serialize a collection."""
    return {
        "format": FORMAT,
        "id": shelf.id,
        "name": shelf.name,
        "created_at": shelf.created_at.isoformat(),
        "query": shelf.query,
        "cover": shelf.cover_id,
        "pictures": list(shelf.pictures),
    }


def collection_entry(told: object) -> CollectionEntry:
    """Parse a line. Raises BadValue, and BadQuery for an invalid saved search."""
    whole = mapping("The line", told)
    if whole.get("format") != FORMAT:
        raise BadValue("format", "format", whole.get("format"), n=FORMAT)
    name = whole.get("name")
    if checked_name(name) != name:
        raise BadValue("name", "extra_spaces", name)
    pictures = whole.get("pictures")
    if not isinstance(pictures, list) or len(pictures) > PICTURES_MAX:
        raise BadValue("pictures", "list_of_ids_at_most", pictures, most=PICTURES_MAX)
    ids = tuple(str(an_id("pictures", id)) for id in pictures)
    if len(set(ids)) != len(ids):
        raise BadValue("pictures", "pictures_twice", f"{len(ids) - len(set(ids))} of them twice")
    query = whole.get("query")
    if query is not None:
        query = _query(query)
        if ids:
            raise BadValue("pictures", "empty_with_query", f"{len(ids)} pictures")
    return CollectionEntry(
        id=str(an_id("id", whole.get("id"))),
        name=name,
        created_at=moment("created_at", whole.get("created_at")),
        query=query,
        cover_id=or_none(an_id)("cover", whole.get("cover")),  # type: ignore[arg-type]
        pictures=ids,
    )


def _query(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not encodable(value):
        raise BadValue("query", "query_empty", value)
    query_parser.parse(value)
    return value


def import_collection(
    database: Database, owner: str, shelf: CollectionEntry, places: Mapping[str, str]
) -> CollectionImport:
    """Import a collection into the owner's collection of that name, or a new one. A saved search needs a free name.

    `places` maps archive ids to ids here. Missing pictures are left out and noted. A second import adds nothing. Raises
    BadValue.
    """
    here = [places[id] for id in shelf.pictures if id in places]
    if shelf.query is None and not here:
        return CollectionImport(changed=False, notes=_not_here(shelf, len(shelf.pictures)))
    with database.write() as session:
        row, new = _row(session, owner, shelf)
        if shelf.query is not None:
            if new:
                row.cover_id = _cover(session, owner, shelf, places)
            elif row.query != shelf.query:
                return CollectionImport(
                    changed=False,
                    notes=(Localized("note.search_left_out", name=shelf.name),),
                )
            return CollectionImport(changed=new)
    added = found = 0
    for at in range(0, len(here), AT_ONCE):
        with database.write() as session:
            row, _ = _row(session, owner, shelf)
            pictures = _pictures(session, owner, here[at : at + AT_ONCE])
            found += len(pictures)
            added += append(session, row, pictures)
    with database.write() as session:
        row, _ = _row(session, owner, shelf)
        if row.cover_id is None:
            row.cover_id = _cover(session, owner, shelf, places)
    return CollectionImport(changed=new or added > 0, notes=_not_here(shelf, len(shelf.pictures) - found))


def _not_here(shelf: CollectionEntry, gone: int) -> tuple[str, ...]:
    if not gone:
        return ()
    return (Localized("note.pictures_missing", n=gone, all=len(shelf.pictures), name=shelf.name),)


def _row(session: Session, owner: str, shelf: CollectionEntry) -> tuple[CollectionRow, bool]:
    """The owner's collection of that name, created if needed, and whether it is new."""
    mine = select(CollectionRow).where(
        CollectionRow.owner == owner, CollectionRow.folded == query_parser.fold(shelf.name)
    )
    row = session.scalars(mine).first()
    if row is not None:
        if row.query is not None and shelf.query is None:
            raise BadValue("name", "name_of_search", shelf.name)
        return row, False
    taken = session.get(CollectionRow, shelf.id) is not None
    made = new_row(
        session, owner, shelf.name, id=new_id() if taken else shelf.id, created_at=shelf.created_at, query=shelf.query
    )
    return made, True


def _cover(session: Session, owner: str, shelf: CollectionEntry, places: Mapping[str, str]) -> str | None:
    chosen = select(PictureRow.id).where(PictureRow.id == places.get(shelf.cover_id or ""), PictureRow.owner == owner)
    return session.scalar(chosen)


def _pictures(session: Session, owner: str, ids: Sequence[str]) -> list[PictureRow]:
    """The owner's pictures of these ids, in this order."""
    chosen = select(PictureRow).where(PictureRow.id.in_(ids), PictureRow.owner == owner).options(*rows.LOADED)
    found = {row.id: row for row in session.scalars(chosen)}
    return [found[id] for id in ids if id in found]
