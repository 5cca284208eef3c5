"""Which background a picture has, by its border, where no thing stands; by day or in the night style.

It knows no things and no letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import numpy as np
import numpy.typing as npt

from pocket.world import COLOURS, PLAIN, VIEWS, Background, Pixels, Style, painted

Floats = npt.NDArray[np.float32]

LARGEST_ERROR = 24.0
"""Largest mean distance of the border from a background, in RGB units, each pixel's cut at FAR."""
FAR = 60.0
NEAR = 45.0
NEAR_SHARE = 0.9
"""The part of the border that must be this near: the background is whole."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A background, and whether it is painted in the night style."""

    background: Background
    night: bool

    def pixels(self, width: int, height: int) -> Pixels:
        style: Style = "night" if self.night else "flat"
        return painted(self.background, style, width, height)


@lru_cache(maxsize=1)
def _grounds() -> tuple[Ground, ...]:
    """Every background there is, by day and by night."""
    pairs = [
        Background(pattern=pattern, colours=pair)
        for pattern in ("two-tone", "gradient")
        for pair in permutations(COLOURS, 2)
    ]
    return tuple(
        Ground(background=background, night=night) for night in (False, True) for background in (*PLAIN, *VIEWS, *pairs)
    )


def _border(pixels: npt.NDArray[np.generic]) -> Floats:
    """Every other pixel of the second line from each edge, (n, 3)."""
    lines = (pixels[1, ::2], pixels[-2, ::2], pixels[::2, 1], pixels[::2, -2])
    return np.concatenate(lines).astype(np.float32)


@lru_cache(maxsize=16)
def _borders(width: int, height: int) -> Floats:
    """The borders of all backgrounds: (grounds, n, 3)."""
    return np.stack([_border(ground.pixels(width, height)) for ground in _grounds()])


def read_ground(pixels: Pixels) -> Ground | None:
    """The background whose border the picture has, or None where it has none of ours."""
    height, width = pixels.shape[:2]
    apart = np.linalg.norm(_borders(width, height) - _border(pixels), axis=-1)
    errors = np.minimum(apart, FAR).mean(axis=1)
    best = int(errors.argmin())
    if errors[best] > LARGEST_ERROR or (apart[best] < NEAR).mean() < NEAR_SHARE:
        return None
    return _grounds()[best]
