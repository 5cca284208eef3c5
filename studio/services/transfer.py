"""Taking pictures along and bringing them in, on behalf of an owner.

Knows no HTTP and no page: what comes in is a file that can be read, what goes out is bytes. What comes in ends where the quota does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO

from storage import Storage
from storage.metadata.readers import FILE_MAX, parse_metadata
from storage.transfer.exporter import Progress
from storage.transfer.image_export import ENDINGS, MIME
from studio.domain.request import session, text
from studio.domain.request import zone as checked_zone
from studio.errors import InvalidRequest
from studio.services import serializers
from studio.services.folder_import import STOPPED
from studio.services.serializers import View
from studio.validation import checked_id, kept_id, translate_errors
from studio.worker.quota import Quota

IDS_MAX = 100_000  # pictures of one selection
ZIP = b"PK"  # what a zip begins with


class Transfer:
    """The use cases over one storage. Safe from any thread."""

    def __init__(self, storage: Storage, quota: Quota) -> None:
        self._storage, self._quota = storage, quota

    @property
    def folder(self) -> Path:
        """Where an upload may lie for as long as it is read."""
        return self._storage.folder

    def export(
        self,
        owner: str,
        *,
        ids: Sequence[object] | None = None,
        query: str = "",
        favourite: bool = False,
        tag: str | None = None,
        collection: str | None = None,
        zone: str = "UTC",
        progress: Progress | None = None,
    ) -> Iterator[bytes]:
        """The bytes of a zip with the pictures `ids`, or those that match, or all that are not in the trash.

        Raises InvalidRequest and NotFound before any byte.
        """
        if ids is not None:
            if len(ids) > IDS_MAX:
                raise InvalidRequest("ids", f"must be at most {IDS_MAX:,}", len(ids))
            chosen: list[str] | None = [kept_id("ids", id) for id in ids]
        else:
            text("query", query, empty=True)
            chosen = None
        where = checked_zone("zone", zone)
        with translate_errors():
            if ids is None and (query or favourite or tag is not None or collection is not None):
                found = self._storage.pictures.matching(
                    owner, query=query, favourite=favourite, tag=tag, collection=collection, zone=where
                )
                chosen = list(found)
            return self._storage.exporter.export(owner, chosen, progress=progress)

    def exported(self, owner: str, picture_id: str, ending: str) -> tuple[bytes, str]:
        """One picture as png, jpg or webp, telling what the studio's setting wants, and its media type."""
        if ending not in ENDINGS:
            raise InvalidRequest("format", f"must be one of {', '.join(ENDINGS)}", ending)
        kind = ENDINGS[ending]
        with translate_errors():
            return self._storage.exported(owner, checked_id("id", picture_id), kind), MIME[kind]

    def preview(self, owner: str, file: IO[bytes], name: str, *, progress: Progress | None = None) -> View:
        """What bringing a file in would do: of an archive how many pictures, of a picture what is understood. Keeps nothing."""
        text("name", name, empty=True)
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
        """Bring an archive or a single picture in. Twice brings nothing twice. `made` is when a picture's file was, where it tells no time.

        An archive that comes to the end of the quota, or is told to stop, says so in `ended`, and what came before is kept.
        Raises Refused where nothing can begin.
        """
        text("name", name, empty=True)
        self._quota.check()
        with translate_errors():
            if _is_zip(file, name):
                importer = self._storage.importer
                return serializers.import_result(
                    importer.import_archive(
                        owner, file, progress=progress, room=lambda size: STOPPED if stop() else self._quota.take(size)
                    )
                )
            data = file.read(FILE_MAX + 1)
            picture, found, _ = self._storage.importer.import_file(owner, data, name, room=self._quota.take, made=made)
        return {**serializers.parsed_metadata(found), "picture": serializers.picture(picture)}

    def source(self, owner: str, file: IO[bytes], name: str, *, private: bool | str = False) -> View:
        """Have a picture to draw from: the one that is here with its pixels, or else it is brought in; in private where that is wished.

        Raises StudioError for what is no picture.
        """
        text("name", name, empty=True)
        session("private", private)
        file.seek(0)
        data = file.read(FILE_MAX + 1)
        with translate_errors():
            if private:
                mark = private if isinstance(private, str) else None
                return serializers.picture(self._storage.private.bring(owner, data, name, session=mark))
            self._quota.check()
            found, _, _ = self._storage.importer.import_file(owner, data, name, doubles=False, room=self._quota.take)
            if found.deleted_at is not None:
                found = self._storage.pictures.restore(owner, found.id)
        return serializers.picture(found)


def _is_zip(file: IO[bytes], name: str) -> bool:
    """Whether it begins as a zip, or is called one: what is wrong with it is then said of a zip."""
    file.seek(0)
    head = file.read(2)
    file.seek(0)
    return head == ZIP or name.lower().endswith(".zip")
