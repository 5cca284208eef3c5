"""Adapters in requests and pictures: parsing, validation, and finding the adapters of a re-run.

Knows the engine's list of files and recipes; knows no storage and no page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from studio.domain.recipe import Adapter
from studio.domain.recipe import adapters as read
from studio.engine.base import AdapterInfo, Engine
from studio.errors import InvalidRequest, Refused

Pairs = tuple[tuple[str, float], ...]
Line = dict[str, object]
SHORT = 10  # digits of a hash for display
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
            raise InvalidRequest("adapters", f"must have at most {TYPED_MAX:,} characters", said)
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
        rule = "must be a name and a weight, such as ink 0.8, with commas between several"
        raise InvalidRequest("adapters", rule, rest)
    return tuple(found)


def check(engine: Engine, checkpoint: str, wanted: Sequence[tuple[str, float]]) -> None:
    """Raises InvalidRequest for an unknown name, and for an adapter known not to fit the checkpoint."""
    here = {one.name: one for one in engine.adapters(checkpoint)} if wanted else {}
    for name, _ in wanted:
        if name not in here:
            raise InvalidRequest("adapters", "must name files that are here", name)
        if here[name].fits is False:
            raise InvalidRequest(
                "adapters", f"must fit {engine.info(checkpoint).title}, and {here[name].problem}", name
            )


def resolve_for_rerun(engine: Engine, checkpoint: str, recipe: Mapping[str, object], *, whole: bool) -> Pairs:
    """A picture's adapters under their current names, found by hash, else by name.

    Missing adapters are left out; with `whole`, Refused names them. The recipe must be complete.
    """
    wanted = read(recipe.get("adapters", ()))
    here = engine.adapters(checkpoint) if wanted else ()
    found: list[tuple[str, float]] = []
    for one in wanted:
        same, name = _same(one, here), one.name
        if same is not None:
            name = same.name
        elif not any(other.name == name for other in here):
            if whole:
                raise Refused(
                    f"The adapter {name}, which drew this picture, is not here: nothing can be drawn like it."
                )
            continue
        elif whole and one.sha256:
            raise Refused(
                f"The adapter {name} is another file than the one that drew this picture: nothing can be drawn like it."
            )
        if name not in dict(found):
            found.append((name, one.weight))
    return tuple(found)


def _same(one: Adapter, here: Sequence[AdapterInfo]) -> AdapterInfo | None:
    """The file that an adapter was. Checks the file of the same name first, since hashing takes time."""
    nearest = sorted(here, key=lambda other: other.name != one.name)
    return next((other for other in nearest if one.sha256 and other.sha256 == one.sha256), None)


def adapter_differences(
    was: Mapping[str, object], now: Mapping[str, object], *, absent: str | None = None
) -> list[Line]:
    """The differing adapters of two recipes as lines of what, was and is. `absent` stands for a missing one."""
    before, after = _told(was), _told(now)
    lines: list[Line] = []
    for one in before:
        other = next((each for each in after if one.sha256 and each.sha256 == one.sha256), None)
        other = other or next((each for each in after if each.name == one.name), None)
        if other is not None:
            after.remove(other)
        if other is None or (other.weight, other.sha256) != (one.weight, one.sha256):
            lines.append(
                {"what": f"adapter {one.name}", "was": _line(one), "is": absent if other is None else _line(other)}
            )
    return lines + [{"what": f"adapter {one.name}", "was": absent, "is": _line(one)} for one in after]


def _told(recipe: Mapping[str, object]) -> list[Adapter]:
    try:
        return list(read(recipe.get("adapters", ())))
    except ValueError:  # an imported recipe may contain anything
        return []


def _line(one: Adapter) -> str:
    short = f" ({one.sha256[:SHORT]})" if one.sha256 else ""
    return f"{one.weight:g}{short}"
