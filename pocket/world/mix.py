"""Draws random scenes by a mix of skills, so that training can begin easily and a measure can ask for one skill.

It knows no pixels and no captions.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from pocket.world.characters import CHARACTERS, CHINESE_WORDS, LATIN, LATIN_WORDS
from pocket.world.kinds import KINDS
from pocket.world.layout import SIDE, fits, room_box, row_choices
from pocket.world.lettering import legible_colours
from pocket.world.scene import (
    COLOURS,
    LARGEST_PLACED,
    LARGEST_SIZED,
    MAX_CHINESE,
    MAX_LATIN,
    PLACES,
    PLAIN,
    RELATIONS,
    STYLES,
    VIEWS,
    Background,
    Scene,
    Size,
    Text,
)

MOST_WITH_TEXT = 4
"""Scenes with text are drawn with at most so many things."""


@dataclass(frozen=True, kw_only=True)
class Mix:
    """How often a drawn scene has what; the shares are parts of one.

    Args:
        totals: weights of 1 to 9 things in all.
        kinds: weights of one, two and three kinds, where there are things enough.
        patterned: backgrounds that are not plain.
        sized: small or big things, where there are few.
        rows: an arrangement told; `placed`: a part of the picture told; `related`: a relation between kinds told.
        latin: Latin letters; `chinese`: Chinese characters.
        styled: styles other than flat.
    """

    totals: tuple[float, ...] = (0.16, 0.18, 0.18, 0.16, 0.09, 0.08, 0.06, 0.05, 0.04)
    kinds: tuple[float, float, float] = (0.5, 0.38, 0.12)
    patterned: float = 0.3
    sized: float = 0.12
    rows: float = 0.12
    placed: float = 0.08
    related: float = 0.14
    latin: float = 0.2
    chinese: float = 0.18
    styled: float = 0.15
    only_kinds: tuple[str, ...] = field(default=KINDS)


EVERYTHING = Mix()
"""All skills, as the last part of training draws them."""
BEGINNING = Mix(patterned=0, sized=0, rows=0, placed=0, related=0, latin=0, chinese=0, styled=0)
"""Counts and kinds on plain backgrounds in the usual arrangement: where training begins."""

SKILLS: dict[str, Mix] = {
    "background": replace(BEGINNING, patterned=0.6, totals=(0.4, 0.3, 0.2, 0.1, 0, 0, 0, 0, 0)),
    "kinds": replace(BEGINNING, kinds=(0.3, 0.45, 0.25), totals=(0.25, 0.3, 0.25, 0.2, 0, 0, 0, 0, 0)),
    "counts": replace(BEGINNING, totals=(1, 1, 1, 1, 1, 1, 1, 1, 1)),
    "sizes": replace(BEGINNING, sized=1, totals=(0.4, 0.3, 0.2, 0.1, 0, 0, 0, 0, 0)),
    "places": replace(BEGINNING, rows=0.2, placed=0.3, related=0.5, kinds=(0.4, 0.45, 0.15)),
    "latin": replace(BEGINNING, latin=1),
    "chinese": replace(BEGINNING, chinese=1),
    "styles": replace(BEGINNING, styled=1, patterned=0.2),
}
"""A mix for each skill of the measure: scenes that need it, and little else."""


def blend(first: Mix, second: Mix, part: float) -> Mix:
    """A mix between two: `part` 0 is the first and 1 the second; the kinds are the second's."""

    def between(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[float, ...]:
        return tuple((1 - part) * x + part * y for x, y in zip(a, b, strict=True))

    shares = ("patterned", "sized", "rows", "placed", "related", "latin", "chinese", "styled")
    one, two, three = between(first.kinds, second.kinds)
    mixed = {name: (1 - part) * getattr(first, name) + part * getattr(second, name) for name in shares}
    return replace(second, totals=between(first.totals, second.totals), kinds=(one, two, three), **mixed)


def draw_words(rng: Random, *, chinese: bool) -> str:
    """Words for a picture: about half of them real ones, the rest random letters, so that all letters are equally known."""
    if chinese:
        if rng.random() < 0.5:
            return rng.choice(CHINESE_WORDS)
        return "".join(rng.sample(CHARACTERS, rng.choice((1, 1, 2, 2, 3, MAX_CHINESE))))
    if rng.random() < 0.5:
        word = rng.choice(LATIN_WORDS)
        return rng.choice((word, word, word.capitalize(), word.lower()))
    length = rng.randint(1, MAX_LATIN)
    letters = rng.choice((LATIN[:26], LATIN[:26], LATIN[26:], LATIN))
    return "".join(rng.choices(letters, k=length))


def draw_background(rng: Random, mix: Mix = EVERYTHING) -> Background:
    if rng.random() >= mix.patterned:
        return rng.choice(PLAIN)
    if rng.random() < 0.5:
        return rng.choice(VIEWS)
    upper, lower = rng.sample(tuple(COLOURS), 2)
    return Background(pattern=rng.choice(("two-tone", "gradient")), colours=(upper, lower))


def _draw_things(rng: Random, mix: Mix, most: int, *, several: bool) -> tuple[tuple[str, int], ...]:
    """Kinds and counts of at most `most` things; `several`: of two kinds at least."""
    least = 2 if several else 1
    total = rng.choices(range(least, most + 1), mix.totals[least - 1 : most])[0]
    weights = list(mix.kinds)
    if several:
        weights[0] = 0.0
        if not any(weights[1:]):
            weights[1] = 1.0
    number = min(total, rng.choices((1, 2, 3), weights)[0])
    kinds = rng.sample(mix.only_kinds, number)
    cuts = sorted(rng.sample(range(1, total), number - 1))
    counts = [after - before for before, after in zip((0, *cuts), (*cuts, total), strict=True)]
    return tuple(zip(kinds, counts, strict=True))


def _draw_once(rng: Random, mix: Mix, width: int, height: int) -> Scene:
    arrangement = rng.choices(
        ("usual", "rows", "place", "relation"),
        (max(0.0, 1 - mix.rows - mix.placed - mix.related), mix.rows, mix.placed, mix.related),
    )[0]
    script = rng.choices(("", "latin", "chinese"), (max(0.0, 1 - mix.latin - mix.chinese), mix.latin, mix.chinese))[0]
    place = rng.choice(PLACES) if arrangement == "place" else None
    sized = rng.random() < mix.sized
    most = min(MOST_WITH_TEXT if script else 9, LARGEST_PLACED[place] if place else 9, LARGEST_SIZED if sized else 9)
    things = _draw_things(rng, mix, most, several=arrangement == "relation")
    background = draw_background(rng, mix)
    style = rng.choice(STYLES[1:]) if rng.random() < mix.styled else "flat"
    if style == "night" and background.pattern in ("day sky", "night sky"):
        style = "outlined"
    text = None
    if script:
        colours = legible_colours(background, style)
        colour = colours[0] if rng.random() < 0.5 else rng.choice(colours)
        text = Text(words=draw_words(rng, chinese=script == "chinese"), colour=colour)
    size: Size = rng.choice(("small", "big")) if sized else "usual"
    relation = rng.choice(RELATIONS) if arrangement == "relation" else None
    if relation and len(things) == 3:
        relation = rng.choice(("left of", "above"))
    scene = Scene(
        things=things, background=background, size=size, place=place, relation=relation, text=text, style=style
    )
    if arrangement == "rows" and scene.total > 1:
        box = room_box(scene, width, height)
        scene = replace(scene, rows=rng.choice(row_choices(scene.total, box.width, box.height)))
    return scene


def draw_scene(
    rng: Random, mix: Mix = EVERYTHING, *, width: int = SIDE, height: int = SIDE, held_out: bool = False
) -> Scene:
    """A random scene that fits a picture of a size: of the training's side by default, of the held-out side if asked."""
    while True:
        scene = _draw_once(rng, mix, width, height)
        if scene.held_out == held_out and fits(scene, width, height):
            return scene
