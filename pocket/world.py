"""The world that Pocket draws: one or two kinds of things, one to four of each, on a plain background.

A scene says what there is; a layout says where; `render` makes the pixels from the glyph bitmaps beside this file.
It knows no caption, no language and no torch.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
from PIL import Image

GLYPHS = Path(__file__).with_name("glyphs")
SIDE = 128
GAP = 8
"""Clear pixels that stay between two things, and between a thing and the edge, at the native size."""
MIN_CELL = 39
"""Cells smaller than this (pixels) are used only where a picture has no room for larger ones."""
MAX_COUNT = 4

KINDS: tuple[str, ...] = (
    "cat",
    "dog",
    "rabbit",
    "chicken",
    "fish",
    "apple",
    "star",
    "moon",
    "sun",
    "tree",
    "flower",
    "house",
    "car",
    "rocket",
    "ball",
    "balloon",
)

BACKGROUNDS: dict[str, tuple[int, int, int]] = {
    "red": (156, 38, 54),
    "blue": (66, 112, 200),
    "green": (82, 158, 88),
    "yellow": (244, 226, 132),
    "white": (244, 244, 244),
    "black": (28, 28, 32),
    "purple": (132, 82, 176),
    "pink": (226, 110, 164),
}

# Totals up to four make 95 % of the samples; more things need smaller pictures of each and are harder to draw.
TOTAL_WEIGHTS: dict[int, float] = {1: 0.16, 2: 0.24, 3: 0.29, 4: 0.26, 5: 0.02, 6: 0.015, 7: 0.01, 8: 0.005}

ROWS: dict[int, tuple[tuple[int, ...], ...]] = {
    1: ((1,),),
    2: ((2,), (1, 1)),
    3: ((2, 1), (1, 2), (3,), (1, 1, 1)),
    4: ((2, 2), (4,), (1, 1, 1, 1)),
    5: ((3, 2), (2, 3), (2, 2, 1), (2, 1, 2)),
    6: ((3, 3), (2, 2, 2)),
    7: ((3, 2, 2), (2, 3, 2), (2, 2, 3), (4, 3), (3, 4), (2, 2, 2, 1)),
    8: ((3, 3, 2), (3, 2, 3), (2, 3, 3), (4, 4), (2, 2, 2, 2)),
}

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a picture shows. `things` are (kind, count) pairs in reading order: the first kind stands first."""

    things: tuple[tuple[str, int], ...]
    background: str

    def __post_init__(self) -> None:
        kinds = [kind for kind, _ in self.things]
        if not 1 <= len(kinds) <= 2 or len(set(kinds)) != len(kinds) or not set(kinds) <= set(KINDS):
            raise ValueError(f"a scene has one or two different kinds out of {KINDS}; got {kinds}")
        if not all(1 <= count <= MAX_COUNT for _, count in self.things):
            raise ValueError(f"a scene has 1 to {MAX_COUNT} things of a kind; got {self.things}")
        if self.background not in BACKGROUNDS:
            raise ValueError(f"a background is one of {tuple(BACKGROUNDS)}; got {self.background!r}")

    @property
    def total(self) -> int:
        return sum(count for _, count in self.things)

    @property
    def held_out(self) -> bool:
        """Whether training never sees this combination of kinds, counts and background (about one in ten)."""
        text = ",".join(f"{count} {kind}" for kind, count in sorted(self.things)) + " on " + self.background
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % 10 == 0


@dataclass(frozen=True, kw_only=True)
class Place:
    """One thing's square on the picture: its kind, left, top and side, in pixels."""

    kind: str
    left: int
    top: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A scene put on a picture of a size: `rows` are the counts row by row from above."""

    scene: Scene
    width: int
    height: int
    rows: tuple[int, ...]
    places: tuple[Place, ...]


def draw_scene(rng: Random, *, held_out: bool = False) -> Scene:
    """A random scene: of the training's side by default, of the held-out side if asked."""
    while True:
        total = rng.choices(tuple(TOTAL_WEIGHTS), tuple(TOTAL_WEIGHTS.values()))[0]
        background = rng.choice(tuple(BACKGROUNDS))
        first, second = rng.sample(KINDS, 2)
        things: tuple[tuple[str, int], ...]
        if total == 1 or (total <= MAX_COUNT and rng.random() < 0.5):
            things = ((first, total),)
        else:
            count = rng.randint(max(1, total - MAX_COUNT), min(MAX_COUNT, total - 1))
            things = ((first, count), (second, total - count))
        scene = Scene(things=things, background=background)
        if scene.held_out == held_out:
            return scene


def _best_size(rows: tuple[int, ...], width: int, height: int) -> float:
    return min(width / max(rows), height / len(rows))


def row_choices(total: int, width: int = SIDE, height: int = SIDE) -> tuple[tuple[int, ...], ...]:
    """The arrangements that suit a picture's shape: those whose things are not much smaller than the best one's."""
    best = max(_best_size(rows, width, height) for rows in ROWS[total])
    least = max(0.66 * best, min(best, MIN_CELL))
    return tuple(rows for rows in ROWS[total] if _best_size(rows, width, height) >= least)


def usual_rows(total: int, width: int = SIDE, height: int = SIDE) -> tuple[int, ...]:
    """The one arrangement that a caption need not tell: the first with the largest things."""
    return max(ROWS[total], key=lambda rows: _best_size(rows, width, height))


def lay_out(
    scene: Scene,
    rng: Random,
    width: int = SIDE,
    height: int = SIDE,
    rows: tuple[int, ...] | None = None,
) -> Layout:
    """Puts a scene's things into rows: big when few, each moved a little inside its own cell, never touching.

    Args:
        scene: what there is; its kinds fill the rows in reading order.
        rng: decides arrangement, sizes and places.
        width: picture's width in pixels.
        height: picture's height in pixels.
        rows: an arrangement to use instead of a drawn one, which is the usual one half of the time; its sum is the
            scene's total.
    """
    if rows is None and rng.random() < 0.5:
        rows = usual_rows(scene.total, width, height)
    rows = rows or rng.choice(row_choices(scene.total, width, height))
    if sum(rows) != scene.total:
        raise ValueError(f"rows must add up to the scene's {scene.total} things; got {rows}")
    room = min(_best_size(rows, width, height) - GAP, 0.56 * min(width, height))
    base = room * rng.uniform(0.84, 0.96)
    kinds = [kind for kind, count in scene.things for _ in range(count)]
    places: list[Place] = []
    cell_height = height / len(rows)
    for row, columns in enumerate(rows):
        cell_width = width / columns
        for column in range(columns):
            size = max(8, int(min(room, base * rng.uniform(0.95, 1.05))))
            free_x = min((cell_width - size - GAP) / 2, 0.07 * width)
            free_y = min((cell_height - size - GAP) / 2, 0.07 * height)
            left = (column + 0.5) * cell_width - size / 2 + rng.uniform(-free_x, free_x)
            top = (row + 0.5) * cell_height - size / 2 + rng.uniform(-free_y, free_y)
            places.append(Place(kind=kinds[len(places)], left=round(left), top=round(top), size=size))
    return Layout(scene=scene, width=width, height=height, rows=rows, places=tuple(places))


@lru_cache(maxsize=2048)
def glyph(kind: str, size: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """A kind's bitmap at a size: its colour already multiplied by alpha (size, size, 3), and alpha (size, size, 1)."""
    with Image.open(GLYPHS / f"{kind}.png") as image:
        rgba = np.asarray(image.convert("RGBA"), dtype=np.float32)
    alpha = rgba[..., 3:] / 255
    planes = np.moveaxis(np.concatenate([rgba[..., :3] * alpha, alpha * 255], axis=-1), -1, 0)
    channels = [np.asarray(Image.fromarray(plane).resize((size, size), Image.Resampling.LANCZOS)) for plane in planes]
    small = np.stack(channels, axis=-1).clip(0, 255).astype(np.float32)
    return small[..., :3], small[..., 3:] / np.float32(255)


def render(layout: Layout) -> Pixels:
    """The picture of a layout: (height, width, 3) bytes."""
    canvas = np.empty((layout.height, layout.width, 3), dtype=np.float32)
    canvas[:] = BACKGROUNDS[layout.scene.background]
    for place in layout.places:
        colour, alpha = glyph(place.kind, place.size)
        spot = canvas[place.top : place.top + place.size, place.left : place.left + place.size]
        spot *= 1 - alpha
        spot += colour
    return (canvas + 0.5).clip(0, 255).astype(np.uint8)


def picture(scene: Scene, rng: Random, width: int = SIDE, height: int = SIDE) -> Pixels:
    """A random picture of a scene: (height, width, 3) bytes."""
    return render(lay_out(scene, rng, width, height))
