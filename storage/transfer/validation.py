"""Validation of JSON values from untrusted sources. Pure except for the clock.

Errors are BadValue with the field, the rule and the value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from storage.errors import BadValue
from storage.ids import now, public_id

DEPTH_MAX = 40  # levels of a JSON value
VALUES_MAX = 50_000  # values in a JSON value
ID = re.compile(r"[0-9A-Za-z]{8,64}")
Check = Callable[[str, object], object]

_FIRST = datetime(1990, 1, 1, tzinfo=timezone.utc)


def mapping(name: str, value: object) -> dict[str, object]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise BadValue(name, "json_object", value)
    return value


def matching(pattern: re.Pattern[str], rule: str) -> Check:
    """A text that matches a pattern."""

    def check(name: str, value: object) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise BadValue(name, rule, value)
        return value

    return check


def text_to(most: int) -> Check:
    """A text of limited length that a database can store."""

    def check(name: str, value: object) -> str:
        if not isinstance(value, str) or len(value) > most or not encodable(value):
            raise BadValue(name, "text_at_most", value, most=most)
        return value

    return check


def integer_from(least: int, most: int) -> Check:
    """An integer in a range."""

    def check(name: str, value: object) -> int:
        if type(value) is not int or not least <= value <= most:
            raise BadValue(name, "integer", value, least=least, most=most)
        return value

    return check


def number_to(most: float) -> Check:
    """A finite number from 0."""

    def check(name: str, value: object) -> float:
        if type(value) not in (int, float) or not isinstance(value, (int, float)) or not 0 <= value <= most:
            raise BadValue(name, "number_from_0", value, most=f"{most:g}")
        return float(value)

    return check


def moment(name: str, value: object) -> datetime:
    """A time with a zone, converted to UTC."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        found = found.astimezone(timezone.utc) if found and found.tzinfo else None
    except (ValueError, OverflowError):
        found = None
    if found is None or not _FIRST <= found <= now() + timedelta(days=1):
        raise BadValue(name, "time", value, year=str(_FIRST.year))
    return found


def or_none(check: Check) -> Check:
    """None, or what `check` accepts."""
    return lambda name, value: None if value is None else check(name, value)


def flag(name: str, value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise BadValue(name, "boolean", value)
    return value


def any_mapping(name: str, value: object) -> dict[str, object]:
    """A JSON object that is finite and not too deep."""
    found = mapping(name, value)
    waiting: list[tuple[object, int]] = [(found, 0)]
    seen = 0
    while waiting:
        part, depth = waiting.pop()
        seen += 1
        if depth > DEPTH_MAX or seen > VALUES_MAX:
            raise BadValue(name, "values_at_most", type(part).__name__, n=VALUES_MAX, deep=DEPTH_MAX)
        if isinstance(part, float) and not math.isfinite(part):
            raise BadValue(name, "finite", part)
        if isinstance(part, str) and not encodable(part):
            raise BadValue(name, "whole_characters", ascii(part))
        if isinstance(part, dict):
            waiting += [(inner, depth + 1) for pair in part.items() for inner in pair]
        elif isinstance(part, list):
            waiting += [(inner, depth + 1) for inner in part]
    return found


def encodable(text: str) -> bool:
    """Whether a database and a file can store the text."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


_any_id = matching(ID, "an_id")


def an_id(name: str, value: object) -> str:
    """An id in its public form."""
    return public_id(str(_any_id(name, value)))
