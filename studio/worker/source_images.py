"""Starting images: finding the one that a request names, and opening it for the worker.

Asks storage on behalf of an owner; knows no engine and no page.
"""

from __future__ import annotations

import io
import re

from PIL import Image

from storage import Storage
from storage.errors import NotFound as NotKept
from storage.files.hashing import pixel_sha256
from storage.records import Picture
from studio.errors import InvalidRequest, StudioError
from studio.validation import checked_id, translate_errors


def find_source(
    storage: Storage, owner: str, told: object, parameter: str = "source", *, private: bool = False
) -> Picture:
    """The owner's picture that `told` names by its id or by the SHA-256 of its pixels.

    A hash finds stored pictures, and with `private` private ones first. Raises NotFound for an id, and InvalidRequest for
    an unknown hash.
    """
    with translate_errors():
        if not isinstance(told, str) or not re.fullmatch("[0-9a-f]{64}", told):
            id = checked_id(parameter, told)
            return storage.of(id).pictures.get(owner, id)
        found = storage.private.pictures.of_pixels(owner, told) if private else None
        found = found or storage.pictures.of_pixels(owner, told)
    if found is None:
        raise InvalidRequest(parameter, "source_here", told)
    return found


def open_source(storage: Storage, owner: str, id: str | None, sha256: str | None) -> Image.Image | None:
    """Open the starting image of a spec in RGB, by id or by its pixels; None if the spec has none.

    Raises StudioError if it is missing or its pixels changed.
    """
    if id is None or sha256 is None:
        return None
    try:
        file = storage.png(owner, id)
    except NotKept:
        found = storage.pictures.of_pixels(owner, sha256)
        if found is None:
            raise StudioError("source_missing") from None
        try:
            file = storage.png(owner, found.id)
        except NotKept:
            raise StudioError("source_missing") from None
    try:
        with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
            pixels = image.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise StudioError("source_damaged") from error
    if pixel_sha256(pixels) != sha256:
        raise StudioError("source_damaged")
    return pixels
