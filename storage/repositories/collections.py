"""Collections: ordered sets of pictures, and saved searches. Knows no file.

A picture may be in many collections. A picture in the trash keeps its positions and is not shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo

from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storage.db.engine import Database
from storage.db.tables import CollectionRow, MemberRow, PictureRow
from storage.errors import BadQuery, BadValue, NotFound
from storage.ids import checked_id, new_id, now
from storage.records import Collection
from storage.repositories import mappers as rows
from storage.search import pages, pagination, query_parser

NAME_MAX = 60  # characters
COLLECTIONS_MAX = 500  # per owner
MEMBERS_MAX = 1_000  # pictures added or removed at once


@dataclass(frozen=True)
class Collections:
    """The collections of all owners."""

    database: Database

    def add(
        self,
        owner: str,
        name: str,
        *,
        query: str | None = None,
        pictures: Sequence[str] = (),
        zone: tzinfo = timezone.utc,
    ) -> Collection:
        """Create a collection with these pictures, or with `query` a saved search. All of it or nothing.

        Raises BadValue for an invalid or taken name and for a saved search with pictures, BadQuery and NotFound.
        """
        if query is not None and query_parser.parse(query).empty and not query.strip():
            raise BadValue("query", "query_empty", query)
        tidy = checked_name(name)
        try:
            with self.database.write() as session:
                row = new_row(session, owner, tidy, id=new_id(), created_at=now(), query=query)
                if pictures:
                    append(session, *self._both(session, owner, row.id, pictures))
                return self._record(session, row, zone)
        except IntegrityError:
            raise BadValue("name", "name_taken", tidy) from None

    def edit(
        self,
        owner: str,
        id: str,
        *,
        name: str | None = None,
        query: str | None = None,
        cover: str | None = None,
        zone: tzinfo = timezone.utc,
    ) -> Collection:
        """Change the given fields. `cover` is a picture of the collection, or '' for its first. Raises NotFound and
        BadValue."""
        try:
            with self.database.write() as session:
                row = _find(session, owner, id)
                if name is not None:
                    row.name = checked_name(name)
                    row.folded = query_parser.fold(row.name)
                    session.flush()
                    _sought_by_none(session, row)
                if query is not None:
                    if row.query is None:
                        raise BadValue("query", "query_of_collection", query)
                    row.query = query
                    _seeks_no_search(session, row)
                if cover is not None:
                    row.cover_id = _cover(session, row, cover) if cover else None
                session.flush()
                return self._record(session, row, zone)
        except IntegrityError:
            raise BadValue("name", "name_taken", name) from None

    def delete(self, owner: str, id: str) -> None:
        """Delete the collection. Its pictures stay. Raises NotFound."""
        with self.database.write() as session:
            row = _find(session, owner, id)
            members = self._members(session, row)
            session.execute(delete(MemberRow).where(MemberRow.collection_id == row.id))
            session.delete(row)
            session.flush()
            _reindex(session, members)

    def add_pictures(self, owner: str, id: str, pictures: Sequence[str]) -> Collection:
        """Append pictures. A picture that is in the collection keeps its position. Raises NotFound and BadValue."""
        with self.database.write() as session:
            row, found = self._both(session, owner, id, pictures)
            append(session, row, found)
            return self._record(session, row)

    def remove_pictures(self, owner: str, id: str, pictures: Sequence[str]) -> Collection:
        """Remove pictures from the collection. Raises NotFound and BadValue."""
        with self.database.write() as session:
            row, found = self._both(session, owner, id, pictures)
            keys = [picture.key for picture in found]
            session.execute(delete(MemberRow).where(MemberRow.collection_id == row.id, MemberRow.picture_key.in_(keys)))
            if row.cover_id in {picture.id for picture in found}:
                row.cover_id = None
            session.flush()
            _reindex(session, found)
            return self._record(session, row)

    def move(self, owner: str, id: str, pictures: Sequence[str], before: str | None) -> Collection:
        """Move pictures, in this order, before another picture of the collection, or to the end. Raises NotFound and BadValue.

        Positions are reassigned among the pictures between. The set of positions stays, so that the pages that others read
        keep their ends.
        """
        if before in pictures:
            raise BadValue("before", "before_moved", before)
        with self.database.write() as session:
            row, found = self._both(session, owner, id, pictures)
            goal = [rows.find_picture(session, owner, before)] if before else []
            members = list(
                session.scalars(select(MemberRow).where(MemberRow.collection_id == row.id).order_by(MemberRow.position))
            )
            by_key = {member.picture_key: member for member in members}
            for one in [*found, *goal]:
                if one.key not in by_key:
                    raise NotFound("In this collection, picture", one.id)
            places = [member.position for member in members]
            behind = by_key[goal[0].key] if goal else None
            moved = [by_key[one.key] for one in found]
            going = {member.picture_key for member in moved}
            members = [member for member in members if member.picture_key not in going]
            at = members.index(behind) if behind else len(members)
            members[at:at] = moved
            for place, member in zip(places, members, strict=True):
                if member.position != place:
                    member.position = place
            session.flush()
            return self._record(session, row)

    def of(self, owner: str, zone: tzinfo = timezone.utc) -> tuple[Collection, ...]:
        """The owner's collections by name, with covers and counts. Days are those of `zone`."""
        with self.database.read() as session:
            mine = select(CollectionRow).where(CollectionRow.owner == owner).order_by(CollectionRow.folded)
            return tuple(self._record(session, row, zone) for row in session.scalars(mine))

    def with_picture(self, owner: str, picture: str) -> tuple[str, ...]:
        """The ids of the collections that contain a picture. Raises NotFound."""
        with self.database.read() as session:
            row = rows.find_picture(session, owner, picture)
            mine = select(MemberRow.collection_id).where(MemberRow.picture_key == row.key)
            return tuple(session.scalars(mine))

    def _both(
        self, session: Session, owner: str, id: str, pictures: Sequence[str]
    ) -> tuple[CollectionRow, list[PictureRow]]:
        row = _find(session, owner, id)
        if row.query is not None:
            raise BadValue("collection", "collection_is_search", row.name)
        if len(pictures) > MEMBERS_MAX:
            raise BadValue("pictures", "at_most_at_once", len(pictures), most=MEMBERS_MAX)
        return row, [rows.find_picture(session, owner, one) for one in dict.fromkeys(pictures)]

    def _members(self, session: Session, row: CollectionRow) -> list[PictureRow]:
        keys = select(MemberRow.picture_key).where(MemberRow.collection_id == row.id)
        return list(session.scalars(select(PictureRow).where(PictureRow.key.in_(keys)).options(*rows.LOADED)))

    def _record(self, session: Session, row: CollectionRow, zone: tzinfo = timezone.utc) -> Collection:
        capped = False
        if row.query is None:
            count = pagination.in_collection(session, row.id)
            first = session.scalar(text(_FIRST), {"id": row.id})
        else:
            count, capped, first = _found(session, row.owner, row.query, zone)
        kept = row.cover_id and session.scalar(
            select(PictureRow.id).where(PictureRow.id == row.cover_id, PictureRow.deleted_at.is_(None))
        )
        return Collection(
            id=row.id, owner=row.owner, name=row.name, created_at=row.created_at, query=row.query,
            cover_id=kept or first, count=count, capped=capped,
        )  # fmt: skip


_FIRST = (
    "SELECT pictures.id FROM collection_pictures CROSS JOIN pictures ON pictures.key = collection_pictures.picture_key "
    "WHERE collection_id = :id AND pictures.deleted_at IS NULL ORDER BY position LIMIT 1"
)


def _found(session: Session, owner: str, query: str, zone: tzinfo) -> tuple[int, bool, str | None]:
    """The count of a saved search, whether it is capped, and its first picture. Empty if it names a deleted collection."""
    try:
        found = pages.page(session, pages.PageRequest(owner=owner, query=query, limit=1, zone=zone))
    except BadQuery:
        return 0, False, None
    return found.total, found.capped, found.items[0].id if found.items else None


def _cover(session: Session, row: CollectionRow, id: str) -> str:
    """Validate the id of a cover. Raises NotFound, and BadValue for a picture outside the collection."""
    picture = rows.find_picture(session, row.owner, id)
    within = select(MemberRow.position).where(MemberRow.collection_id == row.id, MemberRow.picture_key == picture.key)
    if row.query is None and session.scalar(within) is None:
        raise BadValue("cover", "picture_of_collection", id)
    return picture.id


def _find(session: Session, owner: str, id: str) -> CollectionRow:
    row = session.get(CollectionRow, checked_id("Collection", id))
    if row is None or row.owner != owner:
        raise NotFound("Collection", id)
    return row


def new_row(
    session: Session, owner: str, name: str, *, id: str, created_at: datetime, query: str | None
) -> CollectionRow:
    """The row of a new collection.

    Raises BadValue if the owner has too many collections, or for a saved search that names another, and IntegrityError for
    a taken name or id.
    """
    many = select(func.count()).select_from(CollectionRow).where(CollectionRow.owner == owner)
    if (session.scalar(many) or 0) >= COLLECTIONS_MAX:
        raise BadValue("collections", "at_most", COLLECTIONS_MAX + 1, most=COLLECTIONS_MAX)
    row = CollectionRow(
        id=id, owner=owner, name=name, folded=query_parser.fold(name), created_at=created_at, query=query, cover_id=None
    )
    session.add(row)
    session.flush()
    _seeks_no_search(session, row)
    _sought_by_none(session, row)
    return row


def _seeks_no_search(session: Session, row: CollectionRow) -> None:
    """Raises BadValue if a saved search names a saved search, which could never be resolved."""
    for name, _ in query_parser.parse(row.query or "").collections:
        other = pages.named(session, row.owner, name)
        if other is not None and other.query is not None:
            raise BadValue("query", "query_names_search", other.name)


def _sought_by_none(session: Session, row: CollectionRow) -> None:
    """Raises BadValue if the new name of a saved search is used by another saved search."""
    if row.query is None:
        return
    seeking = select(CollectionRow.query).where(CollectionRow.owner == row.owner, CollectionRow.query.icontains("in:"))
    for query in session.scalars(seeking):
        if any(query_parser.fold(name) == row.folded for name, _ in query_parser.parse(query or "").collections):
            raise BadValue("name", "name_in_search", row.name)


def append(session: Session, row: CollectionRow, pictures: Sequence[PictureRow]) -> int:
    """Append pictures, except those already in the collection. Returns the number of new ones."""
    there = set(session.scalars(select(MemberRow.picture_key).where(MemberRow.collection_id == row.id)))
    last = session.scalar(select(func.max(MemberRow.position)).where(MemberRow.collection_id == row.id))
    new = [picture for picture in pictures if picture.key not in there]
    for place, picture in enumerate(new, 0 if last is None else last + 1):
        session.add(MemberRow(collection_id=row.id, picture_key=picture.key, position=place))
    session.flush()
    _reindex(session, new)
    return len(new)


def _reindex(session: Session, pictures: Sequence[PictureRow]) -> None:
    for picture in pictures:
        rows.index(session, picture)


def checked_name(name: object) -> str:
    """Return a collection's name with single spaces. Raises BadValue."""
    tidy = " ".join(name.split()) if isinstance(name, str) else ""
    if not 0 < len(tidy) <= NAME_MAX or not tidy.isprintable() or '"' in tidy:
        raise BadValue("name", "collection_name", name, most=NAME_MAX)
    return tidy
