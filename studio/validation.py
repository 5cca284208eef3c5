"""Validation of ids and tags, and translation of storage's errors into the studio's.

Knows no use case.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from storage import errors as storage_errors
from storage.ids import is_private
from studio.domain.request import text
from studio.errors import InvalidRequest, NotFound, QueueFull, Refused, StudioError

HOME = "home"  # the owner of everything where everybody is one owner
TAGS_MAX, TAG_MAX = 32, 40
IDS_MAX = 1_000
NOT_KEPT = "A private picture is not kept: look at it, download it, draw from it; nothing can be noted or shared of it."


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translate storage's errors into the studio's."""
    try:
        yield
    except storage_errors.NotFound as error:
        raise NotFound(error.what, error.id) from error
    except storage_errors.QueueFull as error:
        raise QueueFull(str(error)) from error
    except storage_errors.Damaged as error:  # paths are for the host only
        raise StudioError(error.BRIEF) from error
    except storage_errors.InsufficientSpace as error:
        raise Refused(str(error)) from error
    except storage_errors.StorageError as error:
        raise StudioError(str(error)) from error


def checked_id(name: str, value: object) -> str:
    """Return `value` as an id. Raises InvalidRequest that names the parameter `name`."""
    if not isinstance(value, str) or not 0 < len(value) <= 100 or not value.isascii():
        raise InvalidRequest(
            name, "must be an id that this studio gave", ascii(value) if isinstance(value, str) else value
        )
    return value


def kept_id(name: str, value: object) -> str:
    """Like `checked_id`, for stored things. Raises Refused for a private id."""
    if is_private(value):
        raise Refused(NOT_KEPT)
    return checked_id(name, value)


def checked_ids(values: object, most: int = IDS_MAX) -> list[str]:
    """Return `values` as ids, for the parameter `ids`. Raises InvalidRequest."""
    if not isinstance(values, list | tuple) or not 0 < len(values) <= most:
        raise InvalidRequest("ids", f"must be a list of 1 to {most:,} ids", values)
    return [kept_id("ids", value) for value in values]


def checked_tags(tags: object) -> tuple[str, ...]:
    """Return tags without duplicates and extra spaces. Raises InvalidRequest."""
    if not isinstance(tags, list) or len(tags) > TAGS_MAX:
        raise InvalidRequest("tags", f"must be a list of at most {TAGS_MAX} texts", tags)
    for tag in tags:
        text("tags", tag)
        if len(tag) > TAG_MAX:
            raise InvalidRequest("tags", f"must each have at most {TAG_MAX} characters", tag)
    return tuple(dict.fromkeys(" ".join(tag.split()) for tag in tags))
