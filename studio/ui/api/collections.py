"""Endpoints of collections and saved searches.

Annotations are objects, not strings, because Gradio builds the API's schema from them.
"""

from typing import Any

import gradio as gr

from studio.errors import InvalidRequest
from studio.ui.api.base import Group, spoken
from studio.ui.owner import owner_of


class CollectionEndpoints(Group):
    """Endpoints of collections and saved searches."""

    def collections(self, request: gr.Request) -> dict[str, Any]:
        """Your collections and saved searches, by name."""
        with spoken():
            return self._studio.collections.of(owner_of(request))

    def new_collection(
        self, request: gr.Request, name: str, query: str | None = None, ids: list[str] | None = None
    ) -> dict[str, Any]:
        """Create a collection with these pictures, or with `query` a saved search."""
        with spoken():
            return self._studio.collections.create(owner_of(request), name, query=query, ids=ids or [])

    def edit_collection(
        self,
        request: gr.Request,
        collection: str,
        name: str | None = None,
        query: str | None = None,
        cover: str | None = None,
    ) -> dict[str, Any]:
        """Change a collection's name, query or cover (a picture's id, or "" for the first)."""
        with spoken():
            return self._studio.collections.edit(owner_of(request), collection, name=name, query=query, cover=cover)

    def add_to_collection(
        self, request: gr.Request, collection: str, ids: list[str], remove: bool = False
    ) -> dict[str, Any]:
        """Append pictures to a collection, or remove them."""
        with spoken():
            return self._studio.collections.add_pictures(owner_of(request), collection, ids, remove=remove)

    def move_in_collection(
        self,
        request: gr.Request,
        collection: str,
        id: str | None = None,
        before: str | None = None,
        ids: list[str] | None = None,
    ) -> dict[str, Any]:
        """Move one or several pictures of a collection, in this order, before another one or to the end."""
        with spoken():
            if (id is None) == (ids is None):
                raise InvalidRequest("ids", "ids_or_id", ids)
            several = [id] if id is not None else ids or []
            return self._studio.collections.move_pictures(owner_of(request), collection, several, before)

    def delete_collection(self, request: gr.Request, collection: str) -> dict[str, Any]:
        """Delete a collection. Its pictures stay."""
        with spoken():
            return self._studio.collections.delete(owner_of(request), collection)
