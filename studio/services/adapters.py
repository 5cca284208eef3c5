"""Adapters in requests and pictures: validation, and finding the adapters of a re-run.

Knows the engine's list of files and recipes; knows no storage and no page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studio.domain.recipe import Adapter
from studio.domain.recipe import adapters as read
from studio.engine.base import AdapterInfo, Engine
from studio.errors import InvalidRequest, Refused

Line = dict[str, object]
SHORT = 10  # digits of a hash for display


def check(engine: Engine, checkpoint: str, wanted: Sequence[tuple[str, float]]) -> None:
    """Raises InvalidRequest for an unknown name, and for an adapter known not to fit the checkpoint."""
    here = {one.name: one for one in engine.adapters(checkpoint)} if wanted else {}
    for name, _ in wanted:
        if name not in here:
            raise InvalidRequest("adapters", "adapter_here", name)
        if here[name].fits is False:
            raise InvalidRequest(
                "adapters", "adapter_fits", name, title=engine.info(checkpoint).title, why=here[name].problem
            )


def resolve_for_rerun(
    engine: Engine, checkpoint: str, recipe: Mapping[str, object], *, whole: bool
) -> tuple[Adapter, ...]:
    """A picture's adapters under their current names, found by hash, else by name.

    Missing adapters are left out; with `whole`, Refused names them. The recipe must be complete.
    """
    wanted = read(recipe.get("adapters", ()))
    here = engine.adapters(checkpoint) if wanted else ()
    found: dict[str, Adapter] = {}
    for one in wanted:
        same, name = _same(one, here), one.name
        if same is not None:
            name = same.name
        elif not any(other.name == name for other in here):
            if whole:
                raise Refused("adapter_gone", name=name)
            continue
        elif whole and one.sha256:
            raise Refused("adapter_changed", name=name)
        found.setdefault(name, Adapter(name=name, weight=one.weight))
    return tuple(found.values())


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
