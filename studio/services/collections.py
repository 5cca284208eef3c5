"""Collections and saved searches.

All methods act on behalf of an owner. Knows no engine, no queue, no gradio and no HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence

from storage import Storage
from studio.services import serializers
from studio.services.serializers import View
from studio.validation import check_flag, check_text, checked_id, checked_ids, checked_zone, translate_errors


class Collections:
    """The use cases over one storage. Safe from any thread."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def of(self, owner: str, *, zone: str = "UTC") -> View:
        """The owner's collections and saved searches by name. Counts use the days of `zone`."""
        where = checked_zone("zone", zone)
        with translate_errors():
            return {"collections": [serializers.collection(one) for one in self._storage.collections.of(owner, where)]}

    def with_picture(self, owner: str, picture_id: str) -> list[str]:
        """The ids of the collections that contain a picture."""
        with translate_errors():
            return list(self._storage.collections.with_picture(owner, checked_id("id", picture_id)))

    def create(
        self, owner: str, name: str, *, query: str | None = None, ids: Sequence[str] = (), zone: str = "UTC"
    ) -> View:
        """Create a collection with these pictures, or with `query` a saved search."""
        check_text("name", name)
        if query is not None:
            check_text("query", query)
        where = checked_zone("zone", zone)
        with translate_errors():
            pictures = checked_ids(ids) if ids else ()
            made = self._storage.collections.add(owner, name, query=query, pictures=pictures, zone=where)
        return serializers.collection(made)

    def edit(
        self,
        owner: str,
        collection: str,
        *,
        name: str | None = None,
        query: str | None = None,
        cover: str | None = None,
        zone: str = "UTC",
    ) -> View:
        """Change a collection's name, query or cover. None keeps a field."""
        for parameter, value in (("name", name), ("query", query)):
            if value is not None:
                check_text(parameter, value)
        where = checked_zone("zone", zone)
        with translate_errors():
            cover = cover if cover in (None, "") else checked_id("cover", cover)
            kept = self._storage.collections
            return serializers.collection(
                kept.edit(owner, checked_id("collection", collection), name=name, query=query, cover=cover, zone=where)
            )

    def add_pictures(self, owner: str, collection: str, ids: Sequence[str], *, remove: bool = False) -> View:
        """Append pictures to a collection, or remove them."""
        check_flag("remove", remove)
        kept = self._storage.collections
        with translate_errors():
            change = kept.remove_pictures if remove else kept.add_pictures
            return serializers.collection(change(owner, checked_id("collection", collection), checked_ids(ids)))

    def move_pictures(self, owner: str, collection: str, ids: Sequence[str], before: str | None) -> View:
        """Move pictures of a collection, in this order, before another one or to the end."""
        with translate_errors():
            before = None if before is None else checked_id("before", before)
            kept = self._storage.collections
            return serializers.collection(
                kept.move(owner, checked_id("collection", collection), checked_ids(ids), before)
            )

    def delete(self, owner: str, collection: str) -> View:
        """Delete a collection. Its pictures stay."""
        with translate_errors():
            self._storage.collections.delete(owner, checked_id("collection", collection))
        return {"collection": collection}
