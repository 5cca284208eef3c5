"""Puts a scene on a picture: where each thing and each letter stands, in pixels, never touching.

It says how large things are and which arrangement is the usual one. It knows no pixels' colours.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from random import Random

from pocket.world.lettering import ADVANCE, CHINESE_HEIGHT, LATIN_CELL, LATIN_HEIGHT, band_top, scale_of
from pocket.world.lettering import CELL as LETTER_CELL
from pocket.world.scene import Place, Scene, Size

SIDE = 128
SHAPES: dict[str, tuple[int, int]] = {
    "1:1": (128, 128),
    "4:3": (144, 112),
    "3:4": (112, 144),
    "3:2": (160, 112),
    "2:3": (112, 160),
    "16:9": (176, 96),
    "9:16": (96, 176),
}
"""Width and height of each shape at the area of a square of SIDE; sides are multiples of 16."""
MAX_ROWS = 4

ROWS: dict[int, tuple[tuple[int, ...], ...]] = {
    1: ((1,),),
    2: ((2,), (1, 1)),
    3: ((2, 1), (1, 2), (3,), (1, 1, 1)),
    4: ((2, 2), (4,), (1, 1, 1, 1)),
    5: ((3, 2), (2, 3), (2, 2, 1), (2, 1, 2), (5,)),
    6: ((3, 3), (2, 2, 2), (6,)),
    7: ((3, 2, 2), (2, 3, 2), (2, 2, 3), (4, 3), (3, 4), (2, 2, 2, 1)),
    8: ((3, 3, 2), (3, 2, 3), (2, 3, 3), (4, 4), (2, 2, 2, 2)),
    9: ((3, 3, 3), (5, 4), (4, 5), (3, 2, 2, 2)),
}
"""The arrangements of so many things: how many stand in each row from above."""

PARTS: dict[Place, tuple[float, float, float, float]] = {
    "left": (0.0, 0.0, 0.5, 1.0),
    "right": (0.5, 0.0, 1.0, 1.0),
    "top": (0.0, 0.0, 1.0, 0.5),
    "bottom": (0.0, 0.5, 1.0, 1.0),
    "middle": (0.19, 0.19, 0.81, 0.81),
}
"""Left, top, right and bottom of the part of a picture that a place names."""

# Parts of the room that a thing has in its cell: the least and the largest, by how many there are.
FACTORS: dict[Size, dict[int, tuple[float, float]]] = {
    "small": {1: (0.32, 0.38), 2: (0.42, 0.49)},
    "usual": {1: (0.58, 0.68), 2: (0.72, 0.82), 5: (0.84, 0.96)},
    "big": {1: (0.92, 1.0), 2: (0.95, 1.0)},
}
FREE, FREE_FEW = 0.07, 0.12
"""How far a thing moves from its cell's centre, in parts of the picture; few things of which no place is told move further."""
LARGEST_PART = 0.8
"""The largest part of the picture's shorter side that one thing takes."""
LEAST_SIDE = 21
"""The smallest thing that a drawn scene may have at the area of a square of SIDE, in pixels."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """A part of a picture in pixels."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Spot:
    """One thing's square on the picture: its kind, left, top and side, in pixels."""

    kind: str
    left: int
    top: int
    size: int

    @property
    def centre(self) -> tuple[float, float]:
        return self.left + self.size / 2, self.top + self.size / 2


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One letter's cell on the picture, in pixels."""

    character: str
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A scene put on a picture of a size: every thing in reading order of its group, and every letter."""

    scene: Scene
    width: int
    height: int
    spots: tuple[Spot, ...]
    letters: tuple[Letter, ...]


@dataclass(frozen=True, kw_only=True)
class Group:
    """Things that share one grid: its part of the picture, its rows, and the kinds in reading order."""

    box: Box
    rows: tuple[int, ...]
    kinds: tuple[str, ...]

    @property
    def cell(self) -> float:
        return _cell(self.rows, self.box.width, self.box.height)


def _cell(rows: tuple[int, ...], width: float, height: float) -> float:
    return min(width / max(rows), height / len(rows))


def gap_of(width: int, height: int) -> float:
    """Clear pixels that stay between two things, and between a thing and the edge, in a picture of this size."""
    return 0.055 * min(width, height)


def row_choices(total: int, width: float = SIDE, height: float = SIDE) -> tuple[tuple[int, ...], ...]:
    """The arrangements that suit a box's shape: those whose things are not much smaller than the best one's."""
    best = max(_cell(rows, width, height) for rows in ROWS[total])
    return tuple(rows for rows in ROWS[total] if _cell(rows, width, height) >= 0.66 * best)


def usual_rows(total: int, width: float = SIDE, height: float = SIDE) -> tuple[int, ...]:
    """The one arrangement that a caption need not tell: the first with the largest things."""
    return max(ROWS[total], key=lambda rows: _cell(rows, width, height))


def room_box(scene: Scene, width: int, height: int) -> Box:
    """The part of the picture that is the things': above the letters, and what the scene's place names of it."""
    tall = band_top(width, height) if scene.text else height
    if scene.place is None or (scene.place == "middle" and scene.total == 1):
        return Box(left=0, top=0, width=width, height=tall)
    left, top, right, bottom = PARTS[scene.place]
    return Box(left=left * width, top=top * tall, width=(right - left) * width, height=(bottom - top) * tall)


def groups(scene: Scene, width: int, height: int) -> tuple[Group, ...]:
    """The grids of a scene: one, or one for each kind where they stand in a relation, side by side or stacked."""
    box = room_box(scene, width, height)
    if scene.relation is None:
        rows = scene.rows or usual_rows(scene.total, box.width, box.height)
        return (Group(box=box, rows=rows, kinds=tuple(kind for kind, count in scene.things for _ in range(count))),)
    ordered = scene.things if scene.relation in ("left of", "above") else scene.things[::-1]
    across = scene.relation in ("left of", "right of")
    best: tuple[Group, ...] = ()
    for lines in range(1, MAX_ROWS):  # so many things of a kind stand across the relation's direction
        depths = [-(-count // lines) for _, count in ordered]
        made: list[Group] = []
        start = 0.0
        for (kind, count), depth in zip(ordered, depths, strict=True):
            share = depth / sum(depths)
            part = (
                Box(left=box.left + start * box.width, top=box.top, width=share * box.width, height=box.height)
                if across
                else Box(left=box.left, top=box.top + start * box.height, width=box.width, height=share * box.height)
            )
            made.append(Group(box=part, rows=usual_rows(count, part.width, part.height), kinds=(kind,) * count))
            start += share
        if not best or min(group.cell for group in made) > min(group.cell for group in best):
            best = tuple(made)
    return best


def size_range(scene: Scene, width: int, height: int, size: Size | None = None) -> tuple[float, float]:
    """The least and the largest side of the scene's things, in pixels, or of those of another size told."""
    gap = gap_of(width, height)
    cell = min(group.cell for group in groups(scene, width, height))
    room = min(cell - gap, LARGEST_PART * min(width, height))
    steps = FACTORS[size or scene.size]
    least, largest = steps[max(step for step in steps if step <= scene.total)]
    return least * room, largest * room


def fits(scene: Scene, width: int = SIDE, height: int = SIDE) -> bool:
    """Whether the scene's things are large enough in a picture of this size to be known."""
    return size_range(scene, width, height)[0] >= LEAST_SIDE * sqrt(width * height) / SIDE


def lay_out(scene: Scene, rng: Random, width: int = SIDE, height: int = SIDE) -> Layout:
    """Puts a scene's things into their grids, each moved a little inside its own cell, and its letters below them.

    Args:
        scene: what there is.
        rng: decides sizes and places within what the scene tells.
        width: picture's width in pixels.
        height: picture's height in pixels.
    """
    gap = gap_of(width, height)
    told = scene.place or scene.relation or scene.rows
    free = FREE if told or scene.total > 3 else FREE_FEW
    least, largest = size_range(scene, width, height)
    base = rng.uniform(least, largest)
    spots: list[Spot] = []
    for group in groups(scene, width, height):
        kinds = iter(group.kinds)
        cell_height = group.box.height / len(group.rows)
        for row, columns in enumerate(group.rows):
            cell_width = group.box.width / columns
            for column in range(columns):
                size = max(8, int(min(largest, base * rng.uniform(0.97, 1.03))))
                free_x = max(0.0, min((cell_width - size - gap) / 2, free * width))
                free_y = max(0.0, min((cell_height - size - gap) / 2, free * height))
                left = group.box.left + (column + 0.5) * cell_width - size / 2 + rng.uniform(-free_x, free_x)
                top = group.box.top + (row + 0.5) * cell_height - size / 2 + rng.uniform(-free_y, free_y)
                spots.append(Spot(kind=next(kinds), left=round(left), top=round(top), size=size))
    letters = place_letters(scene, rng, width, height) if scene.text else ()
    return Layout(scene=scene, width=width, height=height, spots=tuple(spots), letters=letters)


def letter_cells(count: int, chinese: bool, width: int, height: int) -> tuple[tuple[int, int, int, int], ...]:
    """Left, top, width and height of the cells of so many letters, centred in their band."""
    scale = scale_of(width, height)
    top = band_top(width, height)
    cell_height = round((CHINESE_HEIGHT if chinese else LATIN_HEIGHT) * scale)
    cell_width = cell_height if chinese else round(cell_height * LATIN_CELL / LETTER_CELL)
    advance = ADVANCE[chinese] * scale
    first = width / 2 - advance * count / 2 + (advance - cell_width) / 2
    level = top + round((height - top - cell_height) / 2)
    return tuple((round(first + advance * i), level, cell_width, cell_height) for i in range(count))


def place_letters(scene: Scene, rng: Random, width: int, height: int) -> tuple[Letter, ...]:
    """The letters of a scene's text, moved together a few pixels to a side."""
    if scene.text is None:
        return ()
    words = scene.text.words
    cells = letter_cells(len(words), scene.text.chinese, width, height)
    free = max(0, min(round(0.03 * width), cells[0][0] - 2))
    aside = rng.randint(-free, free)
    return tuple(
        Letter(character=character, left=left + aside, top=top, width=wide, height=tall)
        for character, (left, top, wide, tall) in zip(words, cells, strict=True)
    )
