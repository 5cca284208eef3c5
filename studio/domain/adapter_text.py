"""Adapters as text: `ink 0.8, fur -0.5`, or JSON. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from studio.errors import InvalidRequest

Pairs = tuple[tuple[str, float], ...]
TYPED_MAX = 5_000  # characters of a typed text
_NUMBER = re.compile(r"[+-]?(?:\d{1,9}[.]?\d{0,20}|[.]\d{1,20})")
_BETWEEN = re.compile("([,，;；])")


def parse_adapters(said: object) -> Any:
    """Parse adapters into pairs of a name and a weight, for `GenerationRequest` to check.

    `said` is a mapping, a list of pairs, the JSON of either, or a text such as `ink 0.8, fur -0.5`. Anything else is returned as it
    is. Raises InvalidRequest.
    """
    if isinstance(said, str):
        if len(said) > TYPED_MAX:
            raise InvalidRequest("adapters", "characters_at_most", said, most=TYPED_MAX)
        said = _json(said)
    if isinstance(said, Mapping):
        return tuple(said.items())
    if isinstance(said, list):
        return tuple(tuple(one) if isinstance(one, list) else one for one in said)
    if isinstance(said, str):
        return _pairs(said)
    return () if said is None else said


def format_adapters(pairs: object) -> str:
    """Format pairs, or a picture's adapters, as JSON, since names may contain spaces and commas; empty for none."""
    if not isinstance(pairs, list | tuple):
        return ""
    said = [(one["name"], one["weight"]) if isinstance(one, Mapping) else (one[0], one[1]) for one in pairs]
    kept = [(name, int(weight) if weight == int(weight) else weight) for name, weight in said if isfinite(weight)]
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")) if kept else ""


def _json(said: str) -> object:
    """Parse a text as JSON if it is a list or object; otherwise return it, since a name may begin with a bracket."""
    if said.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(said)
        except (ValueError, RecursionError):
            pass
    return said


def _pairs(said: str) -> Pairs:
    """Parse `ink 0.8, fur -0.5`. A name may contain commas: it ends at a part that ends with a number. Raises
    InvalidRequest."""
    found: list[tuple[str, float]] = []
    held: list[str] = []
    parts = _BETWEEN.split(said)
    for at in range(0, len(parts), 2):
        piece = parts[at].rstrip()
        number = piece.split()[-1] if piece else ""
        before = piece.removesuffix(number)
        if before[-1:].isspace() and _NUMBER.fullmatch(number) and (name := "".join([*held, before]).strip()):
            found.append((name, float(number)))
            held = []
        else:
            held += parts[at : at + 2]
    if rest := "".join(held).strip():
        raise InvalidRequest("adapters", "adapter_typed", rest)
    return tuple(found)
