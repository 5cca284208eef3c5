"""Endpoints of stored pictures, the trash and share links.

Annotations are objects, not strings, because Gradio builds the API's schema from them.
"""

from typing import Any

import gradio as gr

from studio.ui.api.base import Group, spoken
from studio.ui.owner import base_url_of, owner_of


class LibraryEndpoints(Group):
    """Endpoints of stored pictures, the trash and share links."""

    def history(
        self,
        request: gr.Request,
        query: str = "",
        cursor: str | None = None,
        limit: int = 24,
        favourite: bool = False,
        tag: str | None = None,
        trash: bool = False,
        collection: str | None = None,
        sort: str = "newest",
        at: str | None = None,
        zone: str = "UTC",
    ) -> dict[str, Any]:
        """A page of your pictures, newest first. `next` and `previous` are the cursors of the neighboring pages.

        A query holds words (as prefixes), "phrases", excluded -words, and filters: `seed:42 steps:8 size:1024x1024
        checkpoint:turbo lora:ink tag:sea rating:>=4 is:favourite has:enhancement in:"a collection" after:2026-01-01
        before:2026-06 on:2026-03`. `at` starts before a moment. Days are those of `zone`, such as Asia/Shanghai. With
        `sort="relevance"` the best of the newest 2,000 matches come first; `ranked` is their number.
        """
        with spoken():
            return self._studio.library.history(
                owner_of(request), query=query, cursor=cursor, limit=limit, favourite=favourite, tag=tag, trash=trash,
                collection=collection, sort=sort, at=at, zone=zone,
            )  # fmt: skip

    def picture(self, request: gr.Request, id: str) -> dict[str, Any]:
        """One picture with all its fields."""
        with spoken():
            return self._studio.library.picture(owner_of(request), id)

    def edit(
        self,
        request: gr.Request,
        id: str,
        favourite: bool | None = None,
        rating: int | None = None,
        tags: list[str] | None = None,
        note: str | None = None,
    ) -> dict[str, Any]:
        """Edit a picture's star, rating (1 to 5; 0 removes it), tags and note. Null keeps a field."""
        with spoken():
            return self._studio.library.edit(
                owner_of(request), id, favourite=favourite, rating=rating, tags=tags, note=note
            )

    def edit_many(
        self,
        request: gr.Request,
        ids: list[str],
        favourite: bool | None = None,
        rating: int | None = None,
        add_tags: list[str] | None = None,
        remove_tags: list[str] | None = None,
    ) -> dict[str, Any]:
        """Edit up to 1,000 pictures in the same way, all or none."""
        with spoken():
            return self._studio.library.edit_many(
                owner_of(request), ids, favourite=favourite, rating=rating, add_tags=add_tags, remove_tags=remove_tags
            )

    def delete_many(self, request: gr.Request, ids: list[str]) -> dict[str, Any]:
        """Move up to 1,000 pictures to the trash, all or none."""
        with spoken():
            return self._studio.library.delete_many(owner_of(request), ids)

    def restore_many(self, request: gr.Request, ids: list[str]) -> dict[str, Any]:
        """Restore up to 1,000 pictures from the trash, all or none."""
        with spoken():
            return self._studio.library.restore_many(owner_of(request), ids)

    def delete(self, request: gr.Request, id: str) -> dict[str, Any]:
        """Move a picture to the trash. `/restore` restores it."""
        with spoken():
            return self._studio.library.delete(owner_of(request), id)

    def restore(self, request: gr.Request, id: str) -> dict[str, Any]:
        """Restore a picture from the trash."""
        with spoken():
            return self._studio.library.restore(owner_of(request), id)

    def purge(
        self, request: gr.Request, ids: list[str] | None = None, dry_run: bool = False, until: str | None = None
    ) -> dict[str, Any]:
        """Empty your trash, or with `ids` remove these pictures from it. This is permanent.

        `dry_run` only reports `gone`, `bytes`, `leaning` (remaining pictures that start from a removed one), `staying`
        (pictures of unfinished jobs), and the moment `until`. Passed to the next call, `until` spares pictures trashed
        later.
        """
        with spoken():
            return self._studio.library.purge(owner_of(request), ids, dry_run=dry_run, until=until)

    def tags(self, request: gr.Request, beginning: str = "") -> dict[str, Any]:
        """Your tags with this prefix and their counts."""
        with spoken():
            return self._studio.library.tags(owner_of(request), beginning)

    def ancestry(self, request: gr.Request, id: str) -> dict[str, Any]:
        """The pictures that a picture was made from and those made from it: `nodes`, and `edges` with their relation."""
        with spoken():
            return self._studio.library.ancestry(owner_of(request), id)

    def compare(self, request: gr.Request, id: str, other: str) -> dict[str, Any]:
        """Compare two pictures: settings, prompts word by word, environment, and pixels."""
        with spoken():
            return self._studio.library.compare(owner_of(request), id, other)

    def share(self, request: gr.Request, id: str, days: int = 30) -> dict[str, Any]:
        """Create a link to one picture for `days` days. Anybody with the link can see it."""
        with spoken():
            return self._studio.sharing.create(owner_of(request), id, days, base_url=base_url_of(request))

    def unshare(self, request: gr.Request, token: str) -> dict[str, Any]:
        """Revoke a link."""
        with spoken():
            return self._studio.sharing.revoke(owner_of(request), token, base_url=base_url_of(request))
