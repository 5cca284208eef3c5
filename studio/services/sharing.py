"""Share links to single pictures.

All methods act on behalf of an owner. Knows no engine, no queue, no gradio and no HTTP.
"""

from __future__ import annotations

from pathlib import Path

from storage import Storage
from storage.records import Picture
from studio.services import serializers
from studio.services.serializers import View
from studio.validation import check_integer, checked_id, kept_id, translate_errors

DAYS_MAX = 365


class Sharing:
    """The use cases over one storage. Safe from any thread."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def create(self, owner: str, picture_id: str, days: int = 30, *, base_url: str) -> View:
        """Create a link to a picture for `days` days (1 to 365)."""
        check_integer("days", days, 1, DAYS_MAX)
        with translate_errors():
            return serializers.share(self._storage.shares.add(owner, kept_id("id", picture_id), days), base_url)

    def of_picture(self, owner: str, picture_id: str, *, base_url: str) -> list[View]:
        """The valid links to a picture, newest first."""
        with translate_errors():
            return [
                serializers.share(one, base_url)
                for one in self._storage.shares.of_picture(owner, checked_id("id", picture_id))
            ]

    def revoke(self, owner: str, token: str, *, base_url: str) -> View:
        """Revoke a link."""
        with translate_errors():
            return serializers.share(self._storage.shares.revoke(owner, checked_id("token", token)), base_url)

    def get(self, token: str) -> tuple[Picture, Path]:
        """The picture behind a link and its file, for anybody. Unknown, expired and revoked links raise the same NotFound."""
        with translate_errors():
            _, found = self._storage.shares.resolve(checked_id("token", token))
            return found, self._storage.pictures.path(found.owner, found.id)
