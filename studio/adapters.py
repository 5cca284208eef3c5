"""Adapters in wishes and in pictures: whether a wish's are here and fit, and what became of those that drew a picture.

Knows the engine's list of files and recipes; knows no storage and no page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studio.engine.contract import AdapterInfo, Engine
from studio.errors import InvalidWish, Refused
from studio.recipe import Adapter
from studio.recipe import adapters as read

Pairs = tuple[tuple[str, float], ...]
Line = dict[str, object]
SHORT = 10  # digits of a hash that people compare


def check(engine: Engine, checkpoint: str, wanted: Sequence[tuple[str, float]]) -> None:
    """Raises InvalidWish for a name that is not here, and for one that is known not to fit the checkpoint."""
    here = {one.name: one for one in engine.adapters(checkpoint)} if wanted else {}
    for name, _ in wanted:
        if name not in here:
            raise InvalidWish("adapters", "must name files that are here", name)
        if here[name].fits is False:
            raise InvalidWish("adapters", f"must fit {engine.info(checkpoint).title}, and {here[name].problem}", name)


def again(engine: Engine, checkpoint: str, recipe: Mapping[str, object], *, whole: bool) -> Pairs:
    """A picture's adapters as they are called here now: by their file's hash, so that a renamed one counts, else by name.

    What is not here is left out; where the `whole` has to be as it was, Refused tells which is not. The recipe is known to be whole.
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
    """The file that an adapter was; the one of its name is looked at first, since hashing takes time."""
    nearest = sorted(here, key=lambda other: other.name != one.name)
    return next((other for other in nearest if one.sha256 and other.sha256 == one.sha256), None)


def differing(was: Mapping[str, object], now: Mapping[str, object], *, absent: str | None = None) -> list[Line]:
    """Lines of what, was and is for the adapters of two recipes that are not the same; `absent` stands for one that is not there."""
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
    except ValueError:  # of a picture from elsewhere, whose recipe may be anything
        return []


def _line(one: Adapter) -> str:
    short = f" ({one.sha256[:SHORT]})" if one.sha256 else ""
    return f"{one.weight:g}{short}"
