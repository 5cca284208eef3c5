"""Judges a picture by its pixels: its background, and which things it shows, against the world's own glyphs.

No learned part: the background is the border's median; things are what differs from it, joined across small gaps;
each is compared with every glyph on that background at its own size. It knows no captions and no model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pocket.world import BACKGROUNDS, KINDS, Pixels, Scene, glyph

Box = tuple[int, int, int, int]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

BACKGROUND_ERROR = 30.0
"""Largest distance of the border's median from a background's colour, in RGB units."""
BORDER_SHARE = 0.9
"""The part of the border that must be near that colour: the background is plain."""
DIFFERENT = 36.0
"""RGB distance from the background at which a pixel belongs to a thing."""
JOIN = 2
"""Pixels by which masks grow before parts are joined: detached parts of a glyph become one."""
LEAST_SIDE = 9
LARGEST_ERROR = 0.65
"""Largest error of a match; 1 is as bad as an empty background."""
CLEAR_LEAD = 0.93
"""The best match's error must be below this part of the second kind's."""

CLOSER_LOOKS = 4
"""How many of the likeliest kinds are compared at several sizes and places."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One thing on a picture: the kind it matches best, None where none is near, and its box in pixels."""

    kind: str | None
    error: float
    box: Box


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a picture shows: the name of its background, None where there is none of ours, and its things."""

    background: str | None
    things: tuple[Found, ...]

    @property
    def counts(self) -> Counter[str | None]:
        return Counter(thing.kind for thing in self.things)

    def shows(self, scene: Scene) -> bool:
        """Whether kinds and counts are the scene's, nothing missing and nothing more."""
        return self.counts == Counter(dict(scene.things))


def read_background(pixels: Pixels) -> str | None:
    """The background whose colour the picture's border has, or None."""
    edge = 3
    border = np.concatenate(
        [part.reshape(-1, 3) for part in (pixels[:edge], pixels[-edge:], pixels[:, :edge], pixels[:, -edge:])]
    ).astype(np.float32)
    middle = np.median(border, axis=0)
    distances = {name: float(np.linalg.norm(middle - colour)) for name, colour in BACKGROUNDS.items()}
    best = min(distances, key=lambda name: distances[name])
    near = np.linalg.norm(border - np.asarray(BACKGROUNDS[best], dtype=np.float32), axis=1) < 1.5 * BACKGROUND_ERROR
    return best if distances[best] <= BACKGROUND_ERROR and near.mean() >= BORDER_SHARE else None


def grow(mask: Mask, by: int) -> Mask:
    """The mask widened by `by` pixels in all directions."""
    padded = np.pad(mask, by)
    height, width = mask.shape
    wide = np.zeros((height + 2 * by, width), dtype=bool)
    for shift in range(2 * by + 1):
        wide |= padded[:, shift : shift + width]
    tall = np.zeros_like(mask)
    for shift in range(2 * by + 1):
        tall |= wide[shift : shift + height]
    return tall


def parts(mask: Mask) -> Iterator[Mask]:
    """The connected parts of a mask, one mask each."""
    left = mask.copy()
    height, width = mask.shape
    while left.any():
        start = divmod(int(left.argmax()), width)
        part = np.zeros_like(mask)
        stack = [start]
        left[start] = False
        while stack:
            y, x = stack.pop()
            part[y, x] = True
            for ny, nx in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if 0 <= ny < height and 0 <= nx < width and left[ny, nx]:
                    left[ny, nx] = False
                    stack.append((ny, nx))
        yield part


@lru_cache(maxsize=4096)
def on_background(kind: str, size: int, background: str) -> tuple[Floats, Box]:
    """A glyph painted on a background (size, size, 3), and the box (top, left, bottom, right) that differs from it."""
    colour, alpha = glyph(kind, size)
    plain = np.asarray(BACKGROUNDS[background], dtype=np.float32)
    painted = colour + plain * (1 - alpha)
    rows, columns = np.nonzero(np.linalg.norm(painted - plain, axis=-1) > DIFFERENT)
    box = (int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1)
    return painted, box


def match_error(
    canvas: Floats, box: Box, kind: str, background: str, *, sizes: Sequence[float], shifts: Sequence[int]
) -> float:
    """How badly a kind explains what is in a box: 0 is exact, 1 as bad as the empty background.

    Args:
        canvas: the picture with every other thing wiped, padded by its own size on all sides.
        box: (top, left, bottom, right) of the thing, in the padded picture's pixels.
        kind: the glyph to try.
        background: the background's name.
        sizes: the glyph's sizes to try, as factors of the one whose own box is as large as the given one.
        shifts: the places to try, in pixels off the middle, both ways.
    """
    top, left, bottom, right = box
    plain = np.asarray(BACKGROUNDS[background], dtype=np.float32)
    window = canvas[top - 6 : bottom + 6, left - 6 : right + 6]
    empty = float(np.square(window - plain).sum()) + 1e-6
    _, own = on_background(kind, 96, background)
    scale = 0.5 * ((bottom - top) / (own[2] - own[0]) + (right - left) / (own[3] - own[1]))
    best = float("inf")
    for size in {max(8, round(96 * scale * factor)) for factor in sizes}:
        painted, inner = on_background(kind, size, background)
        middle_y = (top + bottom) / 2 - (inner[0] + inner[2]) / 2
        middle_x = (left + right) / 2 - (inner[1] + inner[3]) / 2
        for y, x in ((round(middle_y) + dy, round(middle_x) + dx) for dy in shifts for dx in shifts):
            spot = canvas[y : y + size, x : x + size]
            if spot.shape != painted.shape:
                continue
            inside = float(np.square(spot - painted).sum())
            outside = max(0.0, empty - float(np.square(spot - plain).sum()))
            best = min(best, (inside + outside) / empty)
    return best


def best_kind(canvas: Floats, box: Box, background: str) -> tuple[str | None, float]:
    """The kind that explains a box best, None where none does clearly, and its error.

    Every kind is tried roughly, then the most likely ones at several sizes and places.
    """
    rough = {kind: match_error(canvas, box, kind, background, sizes=(1.0,), shifts=(0,)) for kind in KINDS}
    likely = sorted(KINDS, key=lambda kind: rough[kind])[:CLOSER_LOOKS]
    fine = [
        (match_error(canvas, box, kind, background, sizes=(0.92, 0.96, 1.0, 1.04, 1.08), shifts=(-1, 0, 1)), kind)
        for kind in likely
    ]
    (error, kind), (second, _) = sorted(fine)[:2]
    return (kind if error <= LARGEST_ERROR and error <= CLEAR_LEAD * second else None), error


def read(pixels: Pixels) -> Reading:
    """Reads a picture, (height, width, 3) bytes."""
    background = read_background(pixels)
    if background is None:
        return Reading(background=None, things=())
    plain = np.asarray(BACKGROUNDS[background], dtype=np.float32)
    values = pixels.astype(np.float32)
    mask = np.linalg.norm(values - plain, axis=-1) > DIFFERENT
    pad = max(pixels.shape[:2])
    things = []
    for region in parts(grow(mask, JOIN)):
        rows, columns = np.nonzero(region & mask)
        top, left, bottom, right = (
            int(rows.min()),
            int(columns.min()),
            int(rows.max()) + 1,
            int(columns.max()) + 1,
        )
        if max(bottom - top, right - left) < LEAST_SIDE:
            continue
        canvas = np.empty((values.shape[0] + 2 * pad, values.shape[1] + 2 * pad, 3), dtype=np.float32)
        canvas[:] = plain
        canvas[pad:-pad, pad:-pad] = np.where(grow(region, 3)[..., None], values, plain)
        box = (top + pad, left + pad, bottom + pad, right + pad)
        kind, error = best_kind(canvas, box, background)
        things.append(Found(kind=kind, error=error, box=(top, left, bottom, right)))
    return Reading(background=background, things=tuple(things))
