"""A recipe: all that determines a picture's pixels, in one immutable object with one JSON form.

Knows no page, no database and no tensor. A recipe is already valid: `studio.wish` is where values from outside are checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

SEED_MAX = 2**53 - 1  # the largest integer that JSON readers in browsers keep exact
FORMAT = 1
SELDOM = ("variation_of", "source", "strength", "adapters")  # fields that most pictures have nothing of


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """Weights that are added to the transformer's, `weight` times. `sha256` is that of its file; empty where it is not known yet."""

    name: str
    weight: float
    sha256: str = ""


ADAPTER = {"name", "weight", "sha256"}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What is drawn. `checkpoint` and `revision` name the weights; sides are in pixels; `steps` are forwards of the transformer.

    `variation_of` are the seeds that the picture stays near to, the first one first, each with the strength (above 0, up to 1) by which
    the next one, in the end `seed`, takes the noise away from there; with none, the noise is that of `seed` alone. `source` is the
    SHA-256 of the pixels of a picture that drawing begins with, instead of with noise alone, and `strength`, between 0 and 1, how far
    from there it goes; both are None where there is none. `adapters` are put on in their order. With guidance,
    `cfg_truncation` is how far of the way, from 0 to 1, it is guided, and `cfg_normalization` keeps what is guided as
    long as what is not.
    """

    prompt: str
    negative_prompt: str = ""
    seed: int
    width: int
    height: int
    steps: int
    guidance: float
    shift: float
    cfg_normalization: bool = False
    cfg_truncation: float = 1.0
    variation_of: tuple[tuple[int, float], ...] = ()
    source: str | None = None
    strength: float | None = None
    adapters: tuple[Adapter, ...] = ()
    checkpoint: str
    revision: str = ""

    def to_json(self) -> dict[str, object]:
        """The one JSON form; `format` tells later versions how to read it. What a picture has nothing of is not in it."""
        told = {"format": FORMAT, **asdict(self), "variation_of": [list(pair) for pair in self.variation_of]}
        told["adapters"] = [asdict(one) for one in self.adapters]
        return {name: value for name, value in told.items() if name not in SELDOM or value not in ([], None)}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Recipe:
        """Read `to_json` back. Raises ValueError for a newer format or missing keys; unknown keys are refused too."""
        found = dict(data)
        form = found.pop("format", FORMAT)
        if form != FORMAT:
            raise ValueError(f"This recipe has format {form!r}; this studio reads format {FORMAT}.")
        names = {field.name for field in fields(cls)}
        if unknown := set(found) - names:
            raise ValueError(f"A recipe has no {', '.join(sorted(unknown))}.")
        found["variation_of"] = pairs(found.get("variation_of", ()))
        found["adapters"] = adapters(found.get("adapters", ()))
        return cls(**found)  # type: ignore[arg-type]

    def picture(self, index: int) -> Recipe:
        """The recipe of picture `index` of a job: seed + index, wrapping at the largest seed. See docs/decisions/0003-seeds.md."""
        return replace(self, seed=(self.seed + index) % (SEED_MAX + 1))


def pairs(told: object) -> tuple[tuple[int, float], ...]:
    """`variation_of` as JSON tells it, lists for tuples. Raises ValueError for anything else."""
    if not isinstance(told, list | tuple) or not all(isinstance(one, list | tuple) and len(one) == 2 for one in told):
        raise ValueError(f"variation_of must be pairs of a seed and a strength (got {told!r}).")
    return tuple((one[0], one[1]) for one in told)


def adapters(told: object) -> tuple[Adapter, ...]:
    """`adapters` as JSON tells them. Raises ValueError for anything else."""
    if isinstance(told, list | tuple) and all(isinstance(one, Mapping) and {*one} == ADAPTER for one in told):
        found = tuple(Adapter(**one) for one in told)
        if all(
            isinstance(one.name, str) and isinstance(one.weight, int | float) and isinstance(one.sha256, str)
            for one in found
        ):
            return found
    raise ValueError(f"adapters must each have a name, a weight and a sha256 (got {told!r}).")
