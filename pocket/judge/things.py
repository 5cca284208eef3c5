"""Which things a picture shows, each compared with every kind's bitmap on the same background and in every style.

No learned part: a rough comparison at a small size finds the likely kinds, a closer one at full size decides. It knows
no scenes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pocket.judge.regions import Region, grow, regions
from pocket.world import KINDS, Style
from pocket.world.render import DARK
from pocket.world.styles import glyph

Floats = npt.NDArray[np.float32]
Colour = tuple[int, int, int]

DIFFERENT, CLOSER = 36.0, 18.0
"""RGB distance from the background from which on a pixel belongs to a thing: at the first and at the second look."""
JOIN = 2
"""Pixels by which parts grow before they are joined: detached parts of a bitmap become one."""
LEAST_SIDE, LEAST_AREA = 9, 45
"""What is smaller (pixels) is no thing but a star, a wave or a speck."""
LARGEST_ERROR = 0.5
"""Largest error of a match; 1 is as bad as an empty background."""
CLEAR_LEAD = 0.95
"""The best match's error must be below this part of the second kind's."""
ROUGH, NATIVE = 16, 48
"""The sides at which kinds are compared roughly, and from which those are made."""
EDGE = 2
"""Pixels around a bitmap into which it softens."""
LIKELY = 4
"""How many of the likeliest kinds are compared closely."""
COLOUR_STEP = 20
"""Backgrounds' colours are rounded to this for rough comparisons."""
DAY_STYLES: tuple[Style, ...] = ("flat", "outlined", "pencil")


@dataclass(frozen=True, kw_only=True)
class Found:
    """One thing on a picture: the kind and style that it matches best, and its square in pixels.

    `kind` is None where no kind is near, or none clearly nearer than another.
    """

    kind: str | None
    style: Style
    error: float
    left: float
    top: float
    size: float

    @property
    def middle(self) -> tuple[float, float]:
        """Its middle, (x, y)."""
        return self.left + self.size / 2, self.top + self.size / 2


@dataclass(frozen=True, kw_only=True)
class Roughs:
    """All kinds in one style on one colour: small pictures of their boxes' difference from it, and those boxes."""

    pictures: Floats  # (kinds, ROUGH * ROUGH * 3)
    boxes: Floats  # (kinds, 4): top, left, bottom, right as parts of the bitmap's side


def _reduced(difference: Floats, box: tuple[int, int, int, int]) -> Floats:
    """A box (top, left, bottom, right) of a difference, sampled as ROUGH x ROUGH means of four points each, made flat."""
    top, left, bottom, right = box
    steps = (np.arange(2 * ROUGH) + 0.5) / (2 * ROUGH)
    rows = (top + steps * (bottom - top)).astype(np.intp)
    columns = (left + steps * (right - left)).astype(np.intp)
    points = difference[rows[:, None], columns].reshape(ROUGH, 2, ROUGH, 2, 3)
    means: Floats = points.mean(axis=(1, 3), dtype=np.float32)
    return means.ravel()


@lru_cache(maxsize=8)
def _natives(style: Style, dark: bool) -> Floats:
    """Every kind at NATIVE size, colour and alpha, softened: (kinds, NATIVE, NATIVE, 4)."""
    made = [_soft(np.concatenate(glyph(kind, NATIVE, style, dark=dark), axis=-1)) for kind in KINDS]
    return np.stack(made)


@lru_cache(maxsize=512)
def roughs(style: Style, colour: Colour, threshold: float) -> Roughs:
    """Every kind on a colour, small; `threshold` is the RGB distance from it at which a pixel belongs to a thing."""
    ground = np.asarray(colour, dtype=np.float32)
    natives = _natives(style, style == "outlined" and bool(ground.mean() < DARK))
    differences = natives[..., :3] - natives[..., 3:] * ground
    masks = np.square(differences).sum(axis=-1) > threshold**2
    down, across = masks.any(axis=2), masks.any(axis=1)
    boxes = np.stack(
        [
            down.argmax(axis=1),
            across.argmax(axis=1),
            NATIVE - down[:, ::-1].argmax(axis=1),
            NATIVE - across[:, ::-1].argmax(axis=1),
        ],
        axis=1,
    )
    pictures = [
        _reduced(difference, (int(top), int(left), int(bottom), int(right)))
        for difference, (top, left, bottom, right) in zip(differences, boxes, strict=True)
    ]
    return Roughs(pictures=np.stack(pictures), boxes=boxes.astype(np.float32) / np.float32(NATIVE))


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """What of a picture differs from its background, softened, and that background, both (height, width, 3).

    Both have `pad` more pixels on all sides, in which nothing differs. `threshold` is the RGB distance from which on a
    pixel belongs to a thing.
    """

    difference: Floats
    ground: Floats
    pad: int
    threshold: float


def _soft(values: Floats) -> Floats:
    """Softened by about a pixel along the first two axes, so that a comparison asks no sharper edges than a model draws."""
    height, width = values.shape[:2]
    padded = np.pad(values, ((2, 2), (2, 2), (0, 0)))
    down = padded[0:height] + padded[4:]
    down += 4 * (padded[1 : height + 1] + padded[3 : height + 3])
    down += 6 * padded[2 : height + 2]
    both = down[:, 0:width] + down[:, 4:]
    both += 4 * (down[:, 1 : width + 1] + down[:, 3 : width + 3])
    both += 6 * down[:, 2 : width + 2]
    both *= np.float32(1 / 256)
    return both


@lru_cache(maxsize=3072)
def _soft_glyph(kind: str, size: int, style: Style, dark: bool) -> tuple[Floats, Floats]:
    """A kind's colour and alpha, softened, with EDGE more pixels on all sides."""
    colour, alpha = glyph(kind, size, style, dark=dark)
    frame = ((EDGE, EDGE), (EDGE, EDGE), (0, 0))
    both = _soft(np.pad(np.concatenate([colour, alpha], axis=-1), frame))
    return both[..., :3].copy(), both[..., 3:].copy()


def _likely(canvas: Canvas, region: Region, style: Style, kinds: int) -> list[tuple[str, float, float, float]]:
    """The likeliest kinds of a region in a style, each with the left, top and size of its square (padded pixels)."""
    pad = canvas.pad
    box = (region.top + pad, region.left + pad, region.bottom + pad, region.right + pad)
    window = canvas.ground[box[0] : box[2], box[1] : box[3]]
    middle = window.reshape(-1, 3).mean(axis=0)
    red, green, blue = (int(COLOUR_STEP * round(float(value) / COLOUR_STEP)) for value in middle)
    table = roughs(style, (red, green, blue), canvas.threshold)
    seen = _reduced(canvas.difference, box)
    apart = np.square(table.pictures - seen).sum(axis=1)
    scale = np.square(table.pictures).sum(axis=1) + np.square(seen).sum() + 1e-6
    height, width = box[2] - box[0], box[3] - box[1]
    tall, wide = table.boxes[:, 2] - table.boxes[:, 0], table.boxes[:, 3] - table.boxes[:, 1]
    shape = np.log((height / width) / (tall / wide))
    order = np.argsort(apart / scale + np.square(shape))[:kinds]
    likely = []
    for number in order:
        top, left, bottom, right = (float(edge) for edge in table.boxes[number])
        size = 0.5 * (height / (bottom - top) + width / (right - left))
        x = (box[1] + box[3]) / 2 - size * (left + right) / 2
        y = (box[0] + box[2]) / 2 - size * (top + bottom) / 2
        likely.append((KINDS[number], x, y, size))
    return likely


def _error(
    canvas: Canvas, energy: Floats, total: float, kind: str, style: Style, square: tuple[int, int, int]
) -> float:
    """How badly a kind in a square (left, top, size) explains what is seen: 0 exact, 1 as bad as nothing there."""
    left, top, size = square
    across, down = slice(left - EDGE, left + size + EDGE), slice(top - EDGE, top + size + EDGE)
    ground = canvas.ground[down, across]
    if min(left, top) < EDGE or ground.shape[:2] != (size + 2 * EDGE, size + 2 * EDGE):
        return float("inf")
    middle = ground[size // 2 + EDGE, size // 2 + EDGE]
    colour, alpha = _soft_glyph(kind, size, style, style == "outlined" and bool(middle.mean() < DARK))
    left_over = canvas.difference[down, across] - colour
    left_over += ground * alpha
    flat = left_over.ravel()
    inside = float(flat @ flat)
    outside = max(0.0, total - float(energy[down, across].sum()))
    return (inside + outside) / total


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How well a kind in a style explains a region: its error and its square (left, top, size) in padded pixels."""

    error: float
    square: tuple[int, int, int]
    kind: str
    style: Style


@dataclass(frozen=True, kw_only=True)
class Alone:
    """A canvas with nothing but one region and what is close around it, and how much that is."""

    canvas: Canvas
    energy: Floats
    total: float

    def error(self, kind: str, style: Style, square: tuple[int, int, int]) -> float:
        return _error(self.canvas, self.energy, self.total, kind, style, square)

    def coarse(self, region: Region, style: Style, kinds: int) -> list[Fit]:
        """The likeliest kinds of a style, each at the best of four sizes, the best first."""
        fits = []
        for kind, x, y, size in _likely(self.canvas, region, style, kinds):
            tries = []
            for factor in (0.94, 1.0, 1.06, 1.13):
                side = max(8, round(size * factor))
                square = (round(x + (size - side) / 2), round(y + (size - side) / 2), side)
                tries.append((self.error(kind, style, square), square))
            error, square = min(tries)
            fits.append(Fit(error=error, square=square, kind=kind, style=style))
        return sorted(fits, key=lambda fit: fit.error)

    def fine(self, fit: Fit) -> Fit:
        """A fit moved and resized by single pixels while that makes it better."""
        for _ in range(5):
            left, top, side = fit.square
            tries = [(left + dx, top + dy, side) for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1))]
            tries += [(left, top, side - 1), (left, top, side + 1), (left - 1, top - 1, side + 2)]
            error, square = min((self.error(fit.kind, fit.style, square), square) for square in tries)
            if error >= fit.error:
                break
            fit = Fit(error=error, square=square, kind=fit.kind, style=fit.style)
        return fit


def _alone(canvas: Canvas, region: Region) -> Alone:
    pad = canvas.pad
    own = np.zeros(canvas.ground.shape[:2], dtype=bool)
    own[region.top + pad : region.bottom + pad, region.left + pad : region.right + pad] = region.mask
    difference = canvas.difference * grow(own, 3)[..., None]
    energy = np.square(difference).sum(axis=-1)
    return Alone(
        canvas=replace(canvas, difference=difference),
        energy=energy,
        total=float(energy.sum()) + 1e-6,
    )


def _style_errors(canvas: Canvas, region: Region, styles: Sequence[Style]) -> dict[Style, float]:
    """Each style's least error for a region."""
    alone = _alone(canvas, region)
    return {style: alone.fine(alone.coarse(region, style, 2)[0]).error for style in styles}


def _fit(canvas: Canvas, region: Region, style: Style) -> Found:
    """The best match of a region in a style."""
    alone = _alone(canvas, region)
    best, *others = alone.coarse(region, style, LIKELY)
    fits = sorted((alone.fine(best), alone.fine(others[0]), *others[1:]), key=lambda fit: fit.error)
    clear = fits[0].error <= LARGEST_ERROR and fits[0].error <= CLEAR_LEAD * fits[1].error
    left, top, size = fits[0].square
    return Found(
        kind=fits[0].kind if clear else None,
        style=style,
        error=fits[0].error,
        left=left - canvas.pad,
        top=top - canvas.pad,
        size=size,
    )


def _large_enough(region: Region, area: float) -> bool:
    return max(region.bottom - region.top, region.right - region.left) >= LEAST_SIDE and region.area >= area


def _read_region(canvas: Canvas, region: Region, style: Style, join: int, area: float) -> list[Found]:
    """The things of a region: one, or several where it is none of ours but falls apart into ones that are."""
    found = _fit(canvas, region, style)
    if found.kind is not None or join == 0:
        return [found]
    inner = [part for part in regions(region.mask, join - 1) if _large_enough(part, area)]
    moved = [
        Region(
            top=part.top + region.top,
            left=part.left + region.left,
            bottom=part.bottom + region.top,
            right=part.right + region.left,
            mask=part.mask,
        )
        for part in inner
    ]
    several: list[Found] = []
    for part in moved:
        if not _explained(part, several):
            several += _read_region(canvas, part, style, join - 1, area)
    return several if several and all(thing.kind is not None for thing in several) else [found]


def read_things(pixels: Floats, ground: Floats, *, night: bool) -> tuple[Style, tuple[Found, ...]]:
    """The style of a picture and its things, the best matches first; both arrays (height, width, 3).

    Where a thing is none of ours, a second look takes in what differs less from the background: a white goose on white
    falls apart at the first.
    """
    first = _look(pixels, ground, DIFFERENT, night=night)
    if all(thing.kind is not None for thing in first[1]):
        return first
    second = _look(pixels, ground, CLOSER, night=night)
    return second if all(thing.kind is not None for thing in second[1]) else first


def _look(pixels: Floats, ground: Floats, threshold: float, *, night: bool) -> tuple[Style, tuple[Found, ...]]:
    """The style in which the two largest things match best, and all things; flat or night where there are none."""
    height, width = pixels.shape[:2]
    difference = pixels - ground
    soft = _soft(difference)
    area = LEAST_AREA * height * width / 128**2
    # In both: a softened border of a background differs by turns on its two sides, which cancels when softened again.
    mask = (np.linalg.norm(difference, axis=-1) > threshold) & (np.linalg.norm(soft, axis=-1) > threshold)
    found_regions = [region for region in regions(mask, JOIN) if _large_enough(region, area)]
    pad = max(height, width) // 2
    frame = ((pad, pad), (pad, pad), (0, 0))
    canvas = Canvas(
        difference=np.pad(soft, frame), ground=np.pad(ground, frame, mode="edge"), pad=pad, threshold=threshold
    )
    styles: tuple[Style, ...] = ("night",) if night else DAY_STYLES
    style: Style = styles[0]
    if len(styles) > 1 and found_regions:
        sums = dict.fromkeys(styles, 0.0)
        for region in found_regions[:2]:
            for name, error in _style_errors(canvas, region, styles).items():
                sums[name] += min(1.0, error)
        style = min(styles, key=lambda name: sums[name])
    things: list[Found] = []
    for region in found_regions:
        if not _explained(region, things):
            things += _read_region(canvas, region, style, JOIN, area)
    return style, _distinct(things)


def _distinct(things: Sequence[Found]) -> tuple[Found, ...]:
    """The things without those that stand in the middle of one that matches better: its own parts, matched alone."""
    kept: list[Found] = []
    for thing in sorted(things, key=lambda found: found.error):
        x, y = thing.middle
        if thing.kind is None or not any(
            other.kind is not None
            and abs(x - other.middle[0]) < other.size / 3
            and abs(y - other.middle[1]) < other.size / 3
            for other in kept
        ):
            kept.append(thing)
    return tuple(kept)


def _explained(region: Region, things: Sequence[Found]) -> bool:
    """Whether a region lies inside the square of a thing that was found: a detached part of it."""
    return any(
        thing.kind is not None
        and region.left >= thing.left - 1
        and region.top >= thing.top - 1
        and region.right <= thing.left + thing.size + 1
        and region.bottom <= thing.top + thing.size + 1
        for thing in things
    )
