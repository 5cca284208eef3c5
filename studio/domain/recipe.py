"""The recipe: all that determines a picture's pixels, as one immutable object with one JSON form.

Knows no page, no database and no tensors. A recipe is already valid: `studio.domain.request` validates values from outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

SEED_MAX = 2**53 - 1  # the largest integer that JSON readers in browsers keep exact
FORMAT = 1
SELDOM = ("variation_of", "source", "strength", "adapters")  # fields that most recipes do not have


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """Weights added to the transformer's, multiplied by `weight`. `sha256` is the file's hash; empty while unknown."""

    name: str
    weight: float
    sha256: str = ""


ADAPTER = {"name", "weight", "sha256"}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What determines a picture. `checkpoint` and `revision` name the weights; sides are in pixels; `steps` are transformer
    forwards.

    `variation_of` holds pairs of a seed and a strength in (0, 1]. Starting from the noise of the first seed, each strength
    is how far the noise moves toward that of the next seed, and in the end toward `seed`. `source` is the SHA-256 of a
    starting image's pixels, and `strength` in (0, 1) how far sampling moves away from it; both are None without one.
    `adapters` are attached in order. With guidance, `cfg_truncation` in [0, 1] is the part of the way that is guided, and
    `cfg_normalization` limits the guided prediction to the norm of the conditional one.
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
        """The one JSON form. `format` is its version. Fields of SELDOM are left out where they are empty."""
        told = {"format": FORMAT, **asdict(self), "variation_of": [list(pair) for pair in self.variation_of]}
        told["adapters"] = [asdict(one) for one in self.adapters]
        return {name: value for name, value in told.items() if name not in SELDOM or value not in ([], None)}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Recipe:
        """Read `to_json` back. Raises ValueError for a newer format, missing keys or unknown keys."""
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
        """The recipe of picture `index` of a job: seed + index, wrapping at the largest seed. See
        docs/decisions/0003-seeds.md."""
        return replace(self, seed=(self.seed + index) % (SEED_MAX + 1))


def pairs(told: object) -> tuple[tuple[int, float], ...]:
    """Parse `variation_of` from JSON. Raises ValueError."""
    if not isinstance(told, list | tuple) or not all(isinstance(one, list | tuple) and len(one) == 2 for one in told):
        raise ValueError(f"variation_of must be pairs of a seed and a strength (got {told!r}).")
    return tuple((one[0], one[1]) for one in told)


def adapters(told: object) -> tuple[Adapter, ...]:
    """Parse `adapters` from JSON. Raises ValueError."""
    if isinstance(told, list | tuple) and all(isinstance(one, Mapping) and {*one} == ADAPTER for one in told):
        found = tuple(Adapter(**one) for one in told)
        if all(
            isinstance(one.name, str) and isinstance(one.weight, int | float) and isinstance(one.sha256, str)
            for one in found
        ):
            return found
    raise ValueError(f"adapters must each have a name, a weight and a sha256 (got {told!r}).")
