"""New ids and the present moment, the two things taken from outside; and what can be an id at all."""

from __future__ import annotations

import secrets
from datetime import datetime, timezone

from storage.errors import NotFound

SEED_MAX = 2**53 - 1
"""The greatest seed that a page shows exactly."""


def new_id() -> str:
    """24 letters and digits that nobody guesses (96 bits)."""
    return secrets.token_hex(12)


def checked_id(what: str, id: object) -> str:
    """`id`, if it is a text that could be one: requests bring anything. Raises NotFound."""
    if not isinstance(id, str) or not id.isascii():
        raise NotFound(what, ascii(id))
    return id


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(timezone.utc)
