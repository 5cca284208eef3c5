"""Filters: the index tokens of a picture's fields, and the filters that look for them. Pure.

    seed:42 steps:8 size:1024x1024 guidance:4 checkpoint:turbo lora:ink tag:"new york" rating:>=4
    is:favourite has:note in:"a collection" after:2026-01-01 before:2026-06 on:2026-03-14

A leading minus negates a filter. Days are those of a time zone, UTC by default. `after:` includes its day and `before:`
excludes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from operator import eq, ge, gt, le, lt

from locales import Localized
from storage.errors import BadQuery

KEY_SHIFT = 8
IS = {
    "favourite": "favourite", "starred": "favourite", "square": "square", "landscape": "landscape", "portrait": "portrait",
    "rerun": "rerun", "imported": "imported", "edited": "edited", "missing": "missing",
}  # fmt: skip
HAS = {
    "enhancement": "enhancement",
    "note": "note",
    "tag": "tagged",
    "tags": "tagged",
    "parent": "parent",
    "lora": "lora",
}
NAMES = (
    "seed",
    "steps",
    "size",
    "guidance",
    "checkpoint",
    "lora",
    "tag",
    "rating",
    "is",
    "has",
    "in",
    "after",
    "before",
    "on",
)

_SEPARATORS = re.compile(r"[^\w]|_")
_RATED = re.compile(r"(>=|<=|>|<|=)?([0-5])|none")
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


@dataclass(frozen=True, kw_only=True)
class FilterableFields:
    """The fields of a picture that filters can find."""

    seed: int
    steps: int
    width: int
    height: int
    guidance: float
    checkpoint: str
    rating: int = 0
    tags: Sequence[str] = ()  # case-folded
    collections: Sequence[str] = ()  # ids
    loras: Sequence[str] = ()
    favourite: bool = False
    enhancement: bool = False
    edited: bool = False
    parent: bool = False
    note: bool = False
    missing: bool = False
    kind: str = ""  # of its job


@dataclass(frozen=True, kw_only=True)
class Filter:
    """A parsed filter: any of `tokens`, keys from `low` up to but excluding `high`, or the name of a collection."""

    tokens: tuple[str, ...] = ()
    prefix: bool = False  # the last token is a prefix
    low: int | None = None
    high: int | None = None
    collection: str | None = None


def key_of(moment: datetime) -> int:
    """The first key of a picture made at `moment`: milliseconds, with room for several in each."""
    return (max(0, int(moment.timestamp() * 1000)) << KEY_SHIFT) if moment.year >= 1970 else 0


def moment_of(key: int) -> datetime:
    """The creation time of a key, to the millisecond."""
    return datetime.fromtimestamp((key >> KEY_SHIFT) / 1000, timezone.utc)


def tokens(facts: FilterableFields) -> str:
    """The fields as space-separated tokens of letters, digits and non-ASCII characters."""
    found = [
        f"seed{facts.seed}", f"steps{facts.steps}", f"size{facts.width}x{facts.height}", _guidance(facts.guidance),
        "square" if facts.width == facts.height else "landscape" if facts.width > facts.height else "portrait",
        *_named("checkpoint", facts.checkpoint), f"rating{facts.rating}",
    ]  # fmt: skip
    there = {
        "favourite": facts.favourite, "enhancement": facts.enhancement, "edited": facts.edited, "parent": facts.parent,
        "note": facts.note, "missing": facts.missing, "tagged": bool(facts.tags), "lora": bool(facts.loras),
        "rerun": facts.kind == "rerun", "imported": facts.kind == "import",
    }  # fmt: skip
    found += [token for token, holds in there.items() if holds]
    found += [_tag(tag) for tag in facts.tags]
    found += [in_collection(id) for id in facts.collections]
    for name in facts.loras:
        found += _named("lora", name)
    return " ".join(dict.fromkeys(found))


def in_collection(id: str) -> str:
    """The token of pictures in the collection `id`."""
    return f"in{id}"


def read(name: str, value: str, zone: tzinfo = timezone.utc) -> Filter | None:
    """Parse the filter `name:value` with a folded value; None while the value is missing. Raises BadQuery.

    Days begin and end in `zone`.
    """
    if not value.strip(" <>="):
        return None
    return _DATED[name](value, zone) if name in _DATED else _READ[name](value)


def _seed(value: str) -> Filter:
    return Filter(tokens=(f"seed{_whole('seed', value)}",))


def _steps(value: str) -> Filter:
    return Filter(tokens=(f"steps{_whole('steps', value)}",))


def _size(value: str) -> Filter:
    found = re.fullmatch(r"(\d{1,6})[x×*](\d{1,6})", value)
    if not found:
        raise _bad("size", "size", value)
    return Filter(tokens=(f"size{int(found[1])}x{int(found[2])}",))


def _guided(value: str) -> Filter:
    try:
        return Filter(tokens=(_guidance(float(value)),))
    except ValueError:
        raise _bad("guidance", "any_number", value) from None


def _rating(value: str) -> Filter:
    found = _RATED.fullmatch(value)
    if not found:
        raise _bad("rating", "rating_filter", value)
    how, stars = found[1] or "=", int(found[2] or 0)
    holds = {"=": eq, ">=": ge, ">": gt, "<=": le, "<": lt}[how]
    return Filter(tokens=tuple(f"rating{n}" for n in range(6) if holds(n, stars)) or ("norating",))


def _is(value: str) -> Filter:
    if value not in IS:
        raise _bad("is", "one_of", value, names=", ".join(IS))
    return Filter(tokens=(IS[value],))


def _has(value: str) -> Filter:
    if value not in HAS:
        raise _bad("has", "one_of", value, names=", ".join(HAS))
    return Filter(tokens=(HAS[value],))


def _days(name: str, value: str, zone: tzinfo) -> tuple[datetime, datetime | None]:
    """The start and end of a typed day, month or year; None if it is not a date."""
    found = _DAY.fullmatch(value)
    try:
        if not found:
            raise ValueError
        year, month, day = int(found[1]), int(found[2] or 1), int(found[3] or 1)
        begin = datetime(year, month, day, tzinfo=zone)
    except ValueError:
        raise _bad(name, "date_filter", value) from None
    try:
        if found[3]:
            return begin, begin + timedelta(days=1)
        return begin, (begin + timedelta(days=32)).replace(day=1) if found[2] else begin.replace(year=year + 1)
    except (ValueError, OverflowError):
        return begin, None


def _after(value: str, zone: tzinfo) -> Filter:
    return Filter(low=key_of(_days("after", value, zone)[0]))


def _before(value: str, zone: tzinfo) -> Filter:
    return Filter(high=key_of(_days("before", value, zone)[0]))


def _on(value: str, zone: tzinfo) -> Filter:
    begin, end = _days("on", value, zone)
    return Filter(low=key_of(begin), high=None if end is None else key_of(end))


_READ: dict[str, Callable[[str], Filter]] = {
    "seed": _seed,
    "steps": _steps,
    "size": _size,
    "guidance": _guided,
    "checkpoint": lambda value: _prefixed("checkpoint", value),
    "lora": lambda value: _prefixed("lora", value),
    "tag": lambda value: Filter(tokens=(_tag(value),)),
    "rating": _rating,
    "is": _is,
    "has": _has,
    "in": lambda value: Filter(collection=value),
}
_DATED = {"after": _after, "before": _before, "on": _on}


def _prefixed(what: str, value: str) -> Filter:
    joined = "".join(_parts(value))
    if not joined:
        raise _bad(what, "letter_or_digit", value)
    return Filter(tokens=(f"{what}{joined}",), prefix=True)


def _named(what: str, name: str) -> list[str]:
    """A name as a token, as a whole and from each of its parts on, so that `turbo` finds `z-image-turbo`."""
    parts = _parts(name.casefold())
    return [f"{what}{one}" for one in dict.fromkeys(["".join(parts), *parts])] if parts else []


def _parts(name: str) -> list[str]:
    return [part for part in _SEPARATORS.split(name) if part]


def _tag(folded: str) -> str:
    return "tag" + re.sub("[\x00-\x7f]", lambda one: one[0] if one[0].isalnum() else "·", folded)


def _guidance(value: float) -> str:
    return f"guidance{value:g}".replace(".", "·").replace("-", "·")


def _whole(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 20):
        raise _bad(name, "whole_number", value)
    return int(value)


def _bad(name: str, rule: str, value: str, **values: object) -> BadQuery:
    return BadQuery("filter_invalid", name=name, rule=Localized(f"rule.{rule}", **values), value=value[:60])
