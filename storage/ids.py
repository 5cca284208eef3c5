"""New ids and the present moment, the two things taken from outside; and what can be an id at all."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timezone

from storage.errors import NotFound

SEED_MAX = 2**53 - 1
"""The greatest seed that a page shows exactly."""

PRIVATE = "p"  # what the ids of private things begin with: no hexadecimal digit
_PRIVATE = re.compile(PRIVATE + "[0-9a-f]{24}")


def new_id() -> str:
    """24 letters and digits that nobody guesses (96 bits)."""
    return secrets.token_hex(12)


def private_id() -> str:
    """The id of something private: it says so, and is as hard to guess."""
    return f"{PRIVATE}{new_id()}"


def is_private(id: object) -> bool:
    """Whether this is the id of something private."""
    return isinstance(id, str) and _PRIVATE.fullmatch(id) is not None


def public_id(id: str) -> str:
    """The id that something has where it is kept: what was private and is brought in is so no longer."""
    return id.removeprefix(PRIVATE) if is_private(id) else id


def checked_id(what: str, id: object) -> str:
    """`id`, if it is a text that could be one: requests bring anything. Raises NotFound."""
    if not isinstance(id, str) or not id.isascii():
        raise NotFound(what, ascii(id))
    return id


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(timezone.utc)
