"""Validation of single values, ids and tags, and translation of storage's errors into the studio's.

Knows no use case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timezone, tzinfo
from math import isfinite
from zoneinfo import ZoneInfo

from storage import errors as storage_errors
from storage.ids import is_private
from studio.domain.request import NAME_MAX, PROMPT_MAX, is_session_id, is_storable
from studio.errors import InvalidRequest, NotFound, QueueFull, Refused, StudioError

HOME = "home"  # the owner of everything where everybody is one owner
TAGS_MAX, TAG_MAX = 32, 40
IDS_MAX = 1_000


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translate storage's errors into the studio's."""
    try:
        yield
    except storage_errors.NotFound as error:
        raise NotFound(error.what, error.id) from error
    except storage_errors.QueueFull as error:
        raise QueueFull(error.message) from error
    except storage_errors.Damaged as error:  # paths are for the host only
        raise StudioError(error.BRIEF) from error
    except storage_errors.InsufficientSpace as error:
        raise Refused(error.message) from error
    except storage_errors.StorageError as error:
        raise StudioError(error.message) from error


def checked_id(name: str, value: object) -> str:
    """Return `value` as an id. Raises InvalidRequest that names the parameter `name`."""
    if not isinstance(value, str) or not 0 < len(value) <= 100 or not value.isascii():
        raise InvalidRequest(name, "id", ascii(value) if isinstance(value, str) else value)
    return value


def kept_id(name: str, value: object) -> str:
    """Like `checked_id`, for stored things. Raises Refused for a private id."""
    if is_private(value):
        raise Refused("private_not_kept")
    return checked_id(name, value)


def checked_ids(values: object, most: int = IDS_MAX) -> list[str]:
    """Return `values` as ids, for the parameter `ids`. Raises InvalidRequest."""
    if not isinstance(values, list | tuple) or not 0 < len(values) <= most:
        raise InvalidRequest("ids", "ids_at_most", values, most=most)
    return [kept_id("ids", value) for value in values]


def checked_tags(tags: object) -> tuple[str, ...]:
    """Return tags without duplicates and extra spaces. Raises InvalidRequest."""
    if not isinstance(tags, list) or len(tags) > TAGS_MAX:
        raise InvalidRequest("tags", "texts_at_most", tags, most=TAGS_MAX)
    for tag in tags:
        check_text("tags", tag)
        if len(tag) > TAG_MAX:
            raise InvalidRequest("tags", "each_at_most", tag, most=TAG_MAX)
    return tuple(dict.fromkeys(" ".join(tag.split()) for tag in tags))


def check_text(name: str, value: object, *, empty: bool = False) -> None:
    """Raises InvalidRequest unless `value` is a text of 1 (or 0) to PROMPT_MAX characters that UTF-8 can encode."""
    if not isinstance(value, str):
        raise InvalidRequest(name, "text", value)
    if not empty and not value.strip():
        raise InvalidRequest(name, "empty", value)
    if len(value) > PROMPT_MAX:
        raise InvalidRequest(name, "characters_at_most", value, most=PROMPT_MAX)
    if not is_storable(value):
        raise InvalidRequest(name, "control_characters", ascii(value))


def check_name(name: str, value: object) -> None:
    """Raises InvalidRequest unless `value` is a short text or None."""
    if value is not None and not (isinstance(value, str) and 0 < len(value) <= NAME_MAX and is_storable(value)):
        raise InvalidRequest(name, "name", ascii(value) if isinstance(value, str) else value)


def check_flag(name: str, value: object) -> None:
    """Raises InvalidRequest unless `value` is true or false."""
    if not isinstance(value, bool):
        raise InvalidRequest(name, "boolean", value)


def check_integer(name: str, value: object, least: int, most: int, *, optional: bool = False) -> None:
    """Raises InvalidRequest unless `value` is a whole number in [least, most], or with `optional` None."""
    if optional and value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidRequest(name, "integer", value, least=str(least), most=str(most))
    if not least <= value <= most:
        raise InvalidRequest(name, "range", value, least=str(least), most=str(most))


def check_strength(name: str, value: object) -> None:
    """Raises InvalidRequest unless `value` is a number in (0, 1]."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise InvalidRequest(name, "number", value, least="0", most="1")
    if not 0 <= value <= 1:
        raise InvalidRequest(name, "range", value, least="0", most="1")
    if not value:
        raise InvalidRequest(name, "strength", value)


def check_session(name: str, value: object) -> None:
    """Raises InvalidRequest unless `value` is true, false, or the id of a private session."""
    if not isinstance(value, bool) and not is_session_id(value):
        raise InvalidRequest(name, "session", value)


def checked_zone(name: str, value: object) -> tzinfo:
    """The time zone of this name. Raises InvalidRequest for a name that this machine does not know."""
    try:
        if not isinstance(value, str) or not re.fullmatch(r"[\w+-]{1,30}(/[\w+-]{1,30}){0,3}", value, re.ASCII):
            raise ValueError
        return timezone.utc if value == "UTC" else ZoneInfo(value)
    except (ValueError, KeyError, OSError):
        raise InvalidRequest(name, "zone", value) from None
