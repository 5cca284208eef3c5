"""Image sizes: the width and height of a ratio at a checkpoint's native size.

Pure arithmetic. Sides are in pixels and multiples of 16: the VAE's factor of 8 times the transformer's patch size of 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

SIDE_MIN, SIDE_MAX, SIDE_STEP = 64, 2048, 16
LARGE = 1024  # from this native side on, a checkpoint has the presets of the released family, in three classes
CLASSES: dict[int, tuple[tuple[int, int], ...]] = {
    1024: ((1024, 1024), (1152, 896), (1152, 864), (1248, 832), (1280, 720), (1344, 576)),
    1280: ((1280, 1280), (1440, 1120), (1472, 1104), (1536, 1024), (1536, 864), (1680, 720)),
    1536: ((1536, 1536), (1728, 1344), (1728, 1296), (1872, 1248), (2048, 1152), (2016, 864)),
}  # widths and heights of NAMED, as in the Space of Z-Image-Turbo; portrait presets are these turned
NAMED: tuple[tuple[int, int], ...] = ((1, 1), (9, 7), (4, 3), (3, 2), (16, 9), (21, 9))
RATIOS: tuple[tuple[int, int], ...] = ((1, 1), (3, 4), (4, 3), (2, 3), (3, 2), (9, 16), (16, 9))


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A preset of the page."""

    name: str  # "3:4"
    width: int
    height: int


def shape(ratio: tuple[int, int], native: int) -> Shape:
    """The preset of about `native` x `native` area in this ratio, with sides rounded to multiples of 16."""
    across, down = ratio
    scale = sqrt(across / down)
    return Shape(name=f"{across}:{down}", width=_fit(native * scale), height=_fit(native / scale))


def classes(native: int) -> tuple[int, ...]:
    """The size classes of a checkpoint, by the side of their squares; one for a small checkpoint."""
    return tuple(CLASSES) if native >= LARGE else (native,)


def shapes(native: int, side: int | None = None) -> tuple[Shape, ...]:
    """All presets for a native side in pixels, in the class of squares of `side`. Raises KeyError for an unknown class."""
    if native < LARGE:
        return tuple(shape(ratio, native) for ratio in RATIOS)
    made: list[Shape] = []
    for (across, down), (width, height) in zip(NAMED, CLASSES[LARGE if side is None else side], strict=True):
        made.append(Shape(name=f"{across}:{down}", width=width, height=height))
        if across != down:
            made.append(Shape(name=f"{down}:{across}", width=height, height=width))
    return tuple(made)


def fitting(width: int, height: int, native: int, most: int = SIDE_MAX) -> tuple[int, int]:
    """A width and height of about `native` x `native` area in the ratio of an image, neither above `most`."""
    scale = sqrt(width / height)
    return min(most, _fit(native * scale)), min(most, _fit(native / scale))


def shape_of(width: object, height: object, native: int) -> tuple[str | None, int | None]:
    """The name and class of the preset with this size; None for both if there is none."""
    for side in classes(native):
        for one in shapes(native, side):
            if (one.width, one.height) == (width, height):
                return one.name, side
    return None, None


def _fit(side: float) -> int:
    return max(SIDE_MIN, min(SIDE_MAX, round(side / SIDE_STEP) * SIDE_STEP))
