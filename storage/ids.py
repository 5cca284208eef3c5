"""Ids and the current time."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timezone

from storage.errors import NotFound

SEED_MAX = 2**53 - 1
"""The greatest seed that a page shows exactly."""

PRIVATE = "p"  # prefix of private ids; not a hexadecimal digit
_PRIVATE = re.compile(PRIVATE + "[0-9a-f]{24}")


def new_id() -> str:
    """A new unguessable id of 24 letters and digits (96 bits)."""
    return secrets.token_hex(12)


def private_id() -> str:
    """A new unguessable id with the private prefix."""
    return f"{PRIVATE}{new_id()}"


def is_private(id: object) -> bool:
    """Whether `id` is a private id."""
    return isinstance(id, str) and _PRIVATE.fullmatch(id) is not None


def public_id(id: str) -> str:
    """The id under which an imported picture is stored. Private ids lose their prefix."""
    return id.removeprefix(PRIVATE) if is_private(id) else id


def checked_id(what: str, id: object) -> str:
    """Return `id` if it has the form of an id. Raises NotFound."""
    if not isinstance(id, str) or not id.isascii():
        raise NotFound(what, ascii(id))
    return id


def now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(timezone.utc)
