"""Whether found things stand and measure as a scene tells: rows, part of the picture, relations, size.

It knows no pixels, only the squares of things.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log

from pocket.judge.things import Found
from pocket.world.layout import FACTORS, PARTS, ROWS, Box, room_box, size_range
from pocket.world.scene import Place, Relation, Scene, Size

OVER = 0.04
"""How far a thing may reach over its part of the picture, as a part of the picture's side."""
MIDDLE = 0.15
"""How far a single thing may stand off the middle."""
APART = 0.25
"""How far two groups' nearest middles must be apart, as a part of the things' mean size."""


def _cells(rows: tuple[int, ...], box: Box) -> list[tuple[float, float]]:
    """The middles of a grid's cells, row by row."""
    return [
        (box.left + box.width * (column + 0.5) / columns, box.top + box.height * (row + 0.5) / len(rows))
        for row, columns in enumerate(rows)
        for column in range(columns)
    ]


def _distance(rows: tuple[int, ...], box: Box, middles: Sequence[tuple[float, float]]) -> float:
    """How far things stand from a grid's cells: the mean square, things taken row by row from above."""
    left = sorted(middles, key=lambda middle: middle[1])
    ordered: list[tuple[float, float]] = []
    for columns in rows:
        ordered += sorted(left[:columns])
        left = left[columns:]
    return sum(
        (x - cell_x) ** 2 + (y - cell_y) ** 2
        for (x, y), (cell_x, cell_y) in zip(ordered, _cells(rows, box), strict=True)
    )


def stands_in_rows(scene: Scene, things: Sequence[Found], width: int, height: int) -> bool:
    """Whether the things' places are nearer to the scene's rows than to any other arrangement of so many."""
    if scene.rows is None or len(things) != scene.total:
        return False
    box = room_box(scene, width, height)
    middles = [thing.middle for thing in things]
    choices = {*ROWS[scene.total], scene.rows}
    return min(choices, key=lambda rows: _distance(rows, box, middles)) == scene.rows


def stands_in_part(place: Place, scene: Scene, things: Sequence[Found], width: int, height: int) -> bool:
    """Whether all things stand inside a part of the room that the scene has for them."""
    whole = Scene(things=scene.things, background=scene.background, text=scene.text)
    box = room_box(whole, width, height)
    if place == "middle" and len(things) == 1:
        x, y = things[0].middle
        return (
            abs(x - box.left - box.width / 2) <= MIDDLE * box.width
            and abs(y - box.top - box.height / 2) <= MIDDLE * box.height
        )
    left, top, right, bottom = PARTS[place]
    return bool(things) and all(
        thing.left >= box.left + (left - OVER) * box.width
        and thing.top >= box.top + (top - OVER) * box.height
        and thing.left + thing.size <= box.left + (right + OVER) * box.width
        and thing.top + thing.size <= box.top + (bottom + OVER) * box.height
        for thing in things
    )


def stand_in_relation(relation: Relation, kinds: Sequence[str], things: Sequence[Found]) -> bool:
    """Whether all things of each kind stand in the relation to all of the next kind."""
    axis = 0 if relation in ("left of", "right of") else 1
    places = {kind: [thing.middle[axis] for thing in things if thing.kind == kind] for kind in kinds}
    if not all(places.values()):
        return False
    margin = APART * sum(thing.size for thing in things) / len(things)
    for first, second in pairwise(kinds):
        before, after = (first, second) if relation in ("left of", "above") else (second, first)
        if max(places[before]) + margin > min(places[after]):
            return False
    return True


def is_arranged(scene: Scene, things: Sequence[Found], width: int, height: int) -> bool:
    """Whether the things stand as the scene tells; a scene that tells nothing leaves them free."""
    if scene.rows is not None:
        return stands_in_rows(scene, things, width, height)
    if scene.place is not None:
        return stands_in_part(scene.place, scene, things, width, height)
    if scene.relation is not None:
        return stand_in_relation(scene.relation, [kind for kind, _ in scene.things], things)
    return True


def has_size(scene: Scene, things: Sequence[Found], width: int, height: int) -> bool:
    """Whether the things are nearer to the scene's size than to the other sizes that so many could have."""
    told = [size for size, steps in FACTORS.items() if size == "usual" or (scene.total <= 4 and steps)]
    if not things:
        return False
    mean = sum(thing.size for thing in things) / len(things)

    def off(size: Size) -> float:
        least, largest = size_range(scene, width, height, size)
        return abs(log(mean / ((least + largest) / 2)))

    return min(told, key=off) == scene.size
