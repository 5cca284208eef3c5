"""The library: finding, editing and trashing pictures.

All methods act on behalf of an owner. Knows no engine, no queue, no gradio and no HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone, tzinfo
from pathlib import Path
from typing import Any

from typing_extensions import TypedDict, Unpack

from storage import Storage
from storage.ids import is_private, now
from storage.records import Picture
from storage.repositories.picture_edits import PictureEdit
from storage.search.pages import PageRequest
from studio.errors import InvalidRequest
from studio.services import ancestry, compare, serializers
from studio.services.serializers import View
from studio.validation import (
    IDS_MAX,
    check_flag,
    check_integer,
    check_name,
    check_session,
    check_text,
    checked_id,
    checked_ids,
    checked_tags,
    checked_zone,
    kept_id,
    translate_errors,
)
from studio.worker import source_images

PAGE_MAX = 60
QUERY_MAX = 500
NOTE_MAX = 5_000
MATCHING_MAX = 10_000


class Filters(TypedDict, total=False):
    """The filters of a search, not validated. `at` starts before a moment. Days are those of `zone`."""

    query: str
    cursor: str | None
    limit: int
    favourite: bool
    tag: str | None
    trash: bool
    collection: str | None
    sort: str
    at: str | None
    zone: str


class Library:
    """The use cases over one storage. Safe from any thread."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    # Search

    def history(self, owner: str, **filters: Unpack[Filters]) -> View:
        """A page of the owner's pictures, newest first."""
        wanted = page_request(owner, filters)
        with translate_errors():
            page = self._storage.pictures.page(wanted)
        return {
            "items": [serializers.picture(one) for one in page.items],
            "next": page.next,
            "previous": page.previous,
            "total": page.total,
            "more": page.more,
            "capped": page.capped,
            "ranked": page.ranked,
        }

    def matching(self, owner: str, **filters: Unpack[Filters]) -> View:
        """The ids of all that `history` would show, at most MATCHING_MAX, in its order but never by relevance."""
        wanted = page_request(owner, filters)
        with translate_errors():
            found = self._storage.pictures.matching(wanted, most=MATCHING_MAX + 1)
        return {"ids": list(found[:MATCHING_MAX]), "capped": len(found) > MATCHING_MAX}

    def existing(self, owner: str, ids: Sequence[str], *, trash: bool = False) -> list[str]:
        """Filter the ids to those of the owner's pictures, or of those in the trash, in their order."""
        with translate_errors():
            return list(self._storage.pictures.there(owner, checked_ids(ids), trash=trash))

    def span(self, owner: str) -> View:
        """The times of the owner's oldest and newest pictures; null if there are none."""
        with translate_errors():
            found = self._storage.pictures.span(owner)
        return {
            "first": serializers.time(found[0]) if found else None,
            "last": serializers.time(found[1]) if found else None,
        }

    def picture(self, owner: str, picture_id: str) -> View:
        """One picture with all its fields."""
        return serializers.picture(self._picture(owner, picture_id))

    def source(self, owner: str, source: object, *, private: bool = False) -> View:
        """The picture that a request's `source` names, by id or by the SHA-256 of its pixels. Raises NotFound and
        InvalidRequest."""
        return serializers.picture(source_images.find_source(self._storage, owner, source, private=private))

    def file(self, owner: str, picture_id: str) -> Path | bytes:
        """The PNG of a picture: its path, or its bytes if it is private."""
        with translate_errors():
            return self._storage.png(owner, checked_id("id", picture_id))

    def thumb(self, owner: str, picture_id: str) -> Path | bytes:
        """The WebP thumbnail of a picture: its path, or its bytes if it is private."""
        with translate_errors():
            return self._storage.webp(owner, checked_id("id", picture_id))

    def private(self, owner: str, session: str | None = None, limit: int = 24) -> View:
        """The owner's newest private pictures, of all sessions or of one, which counts as open."""
        check_integer("limit", limit, 1, PAGE_MAX)
        check_session("session", session is None or session)
        if session is not None:
            self._storage.private.back(owner, session)
        with translate_errors():
            return _many(self._storage.private.recent(owner, limit, session=session))

    # Understanding

    def ancestry(self, owner: str, picture_id: str) -> View:
        """The pictures that a picture was made from and those made from it: `nodes`, oldest first, and `edges` with their
        relation."""
        picture = self._picture(owner, picture_id)
        with translate_errors():
            return ancestry.graph(self._storage.of(picture.id), owner, picture)

    def compare(self, owner: str, picture_id: str, other_id: str) -> View:
        """The differences of two pictures: settings, prompts by word, environment, and pixels."""
        was, now = self._picture(owner, picture_id), self._picture(owner, other_id)
        with translate_errors():
            files = [self._storage.png(owner, one.id) for one in (was, now)]
        return {**compare.differences(was, now), "pixels": compare.pixels(*files)}

    # Organizing

    def edit(
        self,
        owner: str,
        picture_id: str,
        *,
        favourite: bool | None = None,
        rating: int | None = None,
        tags: list[str] | None = None,
        note: str | None = None,
    ) -> View:
        """Edit a picture. None keeps a field. A rating of 0 removes it."""
        change = _change(favourite=favourite, rating=rating, tags=tags, note=note)
        with translate_errors():
            (found,) = self._storage.pictures.edit_many(owner, [kept_id("id", picture_id)], change)
        return serializers.picture(found)

    def edit_many(
        self,
        owner: str,
        ids: Sequence[str],
        *,
        favourite: bool | None = None,
        rating: int | None = None,
        add_tags: list[str] | None = None,
        remove_tags: list[str] | None = None,
    ) -> View:
        """Edit several pictures in the same way, all or none."""
        change = _change(favourite=favourite, rating=rating, add_tags=add_tags, remove_tags=remove_tags)
        with translate_errors():
            return _many(self._storage.pictures.edit_many(owner, checked_ids(ids), change))

    def tags(self, owner: str, beginning: str = "") -> View:
        """The owner's tags with this prefix and their counts, most used first."""
        check_text("beginning", beginning, empty=True)
        with translate_errors():
            return {
                "tags": [{"tag": tag, "count": many} for tag, many in self._storage.pictures.tags(owner, beginning)]
            }

    # Trash

    def delete(self, owner: str, picture_id: str) -> View:
        """Move a picture to the trash. A private picture is removed permanently."""
        with translate_errors():
            if is_private(picture_id):
                gone = self._storage.private.forget_picture(owner, picture_id)
                return serializers.picture(gone)
            return serializers.picture(self._storage.pictures.delete(owner, checked_id("id", picture_id)))

    def restore(self, owner: str, picture_id: str) -> View:
        """Restore a picture from the trash."""
        with translate_errors():
            return serializers.picture(self._storage.pictures.restore(owner, kept_id("id", picture_id)))

    def delete_many(self, owner: str, ids: Sequence[str]) -> View:
        """Move several pictures to the trash, all or none."""
        with translate_errors():
            return _many(self._storage.pictures.delete_many(owner, checked_ids(ids)))

    def restore_many(self, owner: str, ids: Sequence[str]) -> View:
        """Restore several pictures from the trash, all or none."""
        with translate_errors():
            return _many(self._storage.pictures.restore_many(owner, checked_ids(ids)))

    def purge(
        self,
        owner: str,
        ids: Sequence[str] | None = None,
        *,
        dry_run: bool = False,
        until: str | None = None,
        most: int | None = None,
    ) -> View:
        """Empty the trash, or remove the pictures `ids` from it. This is permanent. Returns how many are `gone`.

        `dry_run` only summarizes: `gone` pictures of `bytes`, as of `until`; `leaning` remaining pictures that start from
        one of them; `staying` pictures of unfinished jobs. `until` limits it to pictures trashed by then, `most` to that
        many, oldest first.
        """
        check_flag("dry_run", dry_run)
        check_integer("most", most, 1, MATCHING_MAX, optional=True)
        with translate_errors():
            chosen = None if ids is None else checked_ids(ids, MATCHING_MAX if dry_run else IDS_MAX)
            moment = _moment("until", until)
            if not dry_run:
                return {"gone": self._storage.trash.empty(owner, chosen, until=moment, most=most)}
            moment = moment or now()
            weight = self._storage.trash.summarize(owner, chosen, until=moment)
            return {
                "gone": weight.pictures,
                "bytes": weight.bytes,
                "leaning": weight.leaning,
                "staying": weight.staying,
                "until": moment.isoformat(),
            }

    def _picture(self, owner: str, picture_id: str) -> Picture:
        with translate_errors():
            return self._storage.of(picture_id).pictures.get(owner, checked_id("id", picture_id))


def page_request(owner: str, filters: Filters) -> PageRequest:
    """Validate the filters of a search. Raises InvalidRequest."""
    query = filters.get("query", "")
    check_text("query", query, empty=True)
    if len(query) > QUERY_MAX:
        raise InvalidRequest("query", "characters_at_most", query, most=QUERY_MAX)
    check_integer("limit", filters.get("limit", 24), 1, PAGE_MAX)
    for flag in ("favourite", "trash"):
        check_flag(flag, filters.get(flag, False))
    for name in ("cursor", "tag", "sort"):
        if (value := filters.get(name)) is not None:
            check_text(name, value)
    check_name("collection", filters.get("collection"))
    zone = checked_zone("zone", filters.get("zone", "UTC"))
    at = _moment("at", filters.get("at"), zone)
    checked: dict[str, Any] = {**filters, "owner": owner, "zone": zone, "at": at}
    return PageRequest(**checked)


def _many(found: Sequence[Picture]) -> View:
    return {"items": [serializers.picture(one) for one in found]}


def _change(
    *,
    favourite: bool | None = None,
    rating: int | None = None,
    tags: list[str] | None = None,
    add_tags: list[str] | None = None,
    remove_tags: list[str] | None = None,
    note: str | None = None,
) -> PictureEdit:
    if favourite is not None:
        check_flag("favourite", favourite)
    check_integer("rating", rating, 0, 5, optional=True)
    if note is not None:
        check_text("note", note, empty=True)
        if len(note) > NOTE_MAX:
            raise InvalidRequest("note", "characters_at_most", note, most=NOTE_MAX)
    with translate_errors():
        return PictureEdit.checked(
            favourite=favourite,
            rating=rating,
            tags=None if tags is None else checked_tags(tags),
            more_tags=checked_tags(add_tags or []),
            fewer_tags=checked_tags(remove_tags or []),
            note=note,
        )


def _moment(name: str, value: object, zone: tzinfo = timezone.utc) -> datetime | None:
    """Parse an ISO 8601 time, in `zone` unless it names one. Raises InvalidRequest."""
    if value is None:
        return None
    try:
        if not isinstance(value, str) or len(value) > 40:
            raise ValueError
        found = datetime.fromisoformat(value)
    except ValueError:
        raise InvalidRequest(name, "moment", value) from None
    return found if found.tzinfo else found.replace(tzinfo=zone)
