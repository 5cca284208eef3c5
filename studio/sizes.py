"""Shapes and sizes: which width and height belong to a ratio at a checkpoint's native size.

Pure arithmetic. Sides are pixels and multiples of 16, as the transformer's patches over the 8x latents require.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

SIDE_MIN, SIDE_MAX, SIDE_STEP = 64, 2048, 16
RATIOS: tuple[tuple[int, int], ...] = ((1, 1), (3, 4), (4, 3), (2, 3), (3, 2), (9, 16), (16, 9))


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A preset that the page offers."""

    name: str  # "3:4"
    width: int
    height: int


def shape(ratio: tuple[int, int], native: int) -> Shape:
    """The preset of about `native` x `native` area in this ratio, its sides rounded to multiples of 16."""
    across, down = ratio
    scale = sqrt(across / down)
    return Shape(name=f"{across}:{down}", width=_fit(native * scale), height=_fit(native / scale))


def shapes(native: int) -> tuple[Shape, ...]:
    """All presets for a checkpoint whose native side is `native` pixels."""
    return tuple(shape(ratio, native) for ratio in RATIOS)


def _fit(side: float) -> int:
    return max(SIDE_MIN, min(SIDE_MAX, round(side / SIDE_STEP) * SIDE_STEP))
