"""Import and export on behalf of an owner.

Knows no HTTP and no page: readable files in, bytes out. Imports end at the disk quota.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO

from typing_extensions import Unpack

from storage import Storage
from storage.metadata.readers import FILE_MAX, parse_metadata
from storage.transfer.exporter import Progress
from storage.transfer.image_export import ENDINGS, MIME
from studio.errors import InvalidRequest
from studio.services import serializers
from studio.services.folder_import import STOPPED
from studio.services.library import Filters, page_request
from studio.services.serializers import View
from studio.validation import (
    check_session,
    check_text,
    checked_id,
    kept_id,
    translate_errors,
)
from studio.worker.quota import Quota

IDS_MAX = 100_000  # pictures of one selection
ZIP = b"PK"  # first bytes of a ZIP


class Transfer:
    """The use cases over one storage. Safe from any thread."""

    def __init__(self, storage: Storage, quota: Quota) -> None:
        self._storage, self._quota = storage, quota

    @property
    def folder(self) -> Path:
        """The folder for uploads while they are read."""
        return self._storage.folder

    def export(
        self,
        owner: str,
        *,
        ids: Sequence[object] | None = None,
        progress: Progress | None = None,
        **filters: Unpack[Filters],
    ) -> Iterator[bytes]:
        """Export the pictures `ids`, the matching ones, or all outside the trash. Yields the bytes of a ZIP.

        Raises InvalidRequest and NotFound before the first byte.
        """
        if ids is not None:
            if len(ids) > IDS_MAX:
                raise InvalidRequest("ids", "at_most", len(ids), most=IDS_MAX)
            chosen: list[str] | None = [kept_id("ids", id) for id in ids]
        else:
            chosen = None
        wanted = page_request(owner, filters)
        narrowed = wanted.query or wanted.favourite or wanted.tag is not None or wanted.collection is not None
        with translate_errors():
            if ids is None and narrowed:
                chosen = list(self._storage.pictures.matching(wanted))
            return self._storage.exporter.export(owner, chosen, progress=progress)

    def exported(self, owner: str, picture_id: str, ending: str) -> tuple[bytes, str]:
        """A picture as png, jpg or webp with the configured metadata, and its media type."""
        if ending not in ENDINGS:
            raise InvalidRequest("format", "one_of", ending, names=", ".join(ENDINGS))
        kind = ENDINGS[ending]
        with translate_errors():
            return self._storage.exported(owner, checked_id("id", picture_id), kind), MIME[kind]

    def preview(self, owner: str, file: IO[bytes], name: str, *, progress: Progress | None = None) -> View:
        """Preview an import: the number of pictures of an archive, or a picture's parsed metadata. Stores nothing."""
        check_text("name", name, empty=True)
        with translate_errors():
            if _is_zip(file, name):
                return serializers.import_preview(self._storage.importer.preview(owner, file, progress=progress))
            return serializers.parsed_metadata(parse_metadata(file.read(FILE_MAX + 1), name))

    def import_file(
        self,
        owner: str,
        file: IO[bytes],
        name: str,
        *,
        progress: Progress | None = None,
        stop: Callable[[], bool] = lambda: False,
        made: datetime | None = None,
    ) -> View:
        """Import an archive or a single picture. A second import adds nothing. `made` is the file's time, used if the picture
        has none.

        An archive that reaches the quota, or is stopped, reports it in `ended` and keeps what came before. Raises Refused
        if nothing can begin.
        """
        check_text("name", name, empty=True)
        self._quota.check()
        with translate_errors():
            if _is_zip(file, name):
                importer = self._storage.importer
                return serializers.import_result(
                    importer.import_archive(
                        owner,
                        file,
                        progress=progress,
                        room=lambda size: STOPPED if stop() else self._quota.reserve(size),
                    )
                )
            data = file.read(FILE_MAX + 1)
            picture, found, _ = self._storage.importer.import_file(
                owner, data, name, room=self._quota.reserve, made=made
            )
        return {**serializers.parsed_metadata(found), "picture": serializers.picture(picture)}

    def source(self, owner: str, file: IO[bytes], name: str, *, private: bool | str = False) -> View:
        """Find the picture with a file's pixels, or import it as a starting image, privately if requested.

        Raises StudioError for a file that is not an image.
        """
        check_text("name", name, empty=True)
        check_session("private", private)
        file.seek(0)
        data = file.read(FILE_MAX + 1)
        with translate_errors():
            if private:
                mark = private if isinstance(private, str) else None
                return serializers.picture(self._storage.private.import_source(owner, data, name, session=mark))
            self._quota.check()
            found, _, _ = self._storage.importer.import_file(owner, data, name, doubles=False, room=self._quota.reserve)
            if found.deleted_at is not None:
                found = self._storage.pictures.restore(owner, found.id)
        return serializers.picture(found)


def _is_zip(file: IO[bytes], name: str) -> bool:
    """Whether the file begins like a ZIP or has its extension. Errors then speak of a ZIP."""
    file.seek(0)
    head = file.read(2)
    file.seek(0)
    return head == ZIP or name.lower().endswith(".zip")
