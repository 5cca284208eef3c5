"""A scene: what a picture shows, as words would tell it. Kinds, counts, background, size, arrangement, text, style.

It knows no pixels, no language and no chance; whether its things find room in a picture is the layout's to say.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, get_args

from pocket.world.characters import CHARACTERS, LATIN
from pocket.world.kinds import KINDS

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (156, 38, 54),
    "blue": (66, 112, 200),
    "green": (82, 158, 88),
    "yellow": (244, 226, 132),
    "white": (244, 244, 244),
    "black": (28, 28, 32),
    "purple": (132, 82, 176),
    "pink": (226, 110, 164),
}
"""The colours of backgrounds."""

LETTER_COLOURS: dict[str, tuple[int, int, int]] = {
    "black": (16, 16, 20),
    "white": (252, 252, 252),
    "red": (206, 26, 38),
    "blue": (24, 60, 190),
    "green": (18, 112, 44),
    "yellow": (255, 220, 40),
}

Pattern = Literal["plain", "two-tone", "gradient", "day sky", "night sky", "grass", "sea"]
Size = Literal["small", "usual", "big"]
Place = Literal["left", "right", "top", "bottom", "middle"]
Relation = Literal["left of", "right of", "above", "below"]
Style = Literal["flat", "outlined", "night", "pencil"]

PATTERNS: tuple[Pattern, ...] = get_args(Pattern)
SIZES: tuple[Size, ...] = get_args(Size)
PLACES: tuple[Place, ...] = get_args(Place)
RELATIONS: tuple[Relation, ...] = get_args(Relation)
STYLES: tuple[Style, ...] = get_args(Style)
COLOURS_OF: dict[Pattern, int] = {"plain": 1, "two-tone": 2, "gradient": 2}
"""How many colours a pattern is told with; the others have none to tell."""

MAX_COUNT = 9
MAX_KINDS = 3
MAX_LATIN, MAX_CHINESE = 6, 4
LARGEST_PLACED = {"left": 3, "right": 3, "top": 3, "bottom": 3, "middle": 4}
"""The most things that a part of the picture takes."""
LARGEST_SIZED = 4
"""The most things that may be told small or big."""
LARGEST_WITH_TEXT = 6


@dataclass(frozen=True, kw_only=True)
class Background:
    """What is behind the things; a two-tone's or gradient's first colour is the upper one."""

    pattern: Pattern = "plain"
    colours: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.pattern not in PATTERNS:
            raise ValueError(f"a background is one of {PATTERNS}; got {self.pattern!r}")
        wanted = COLOURS_OF.get(self.pattern, 0)
        known = set(self.colours) <= set(COLOURS) and len(set(self.colours)) == len(self.colours)
        if len(self.colours) != wanted or not known:
            raise ValueError(
                f"a background that is {self.pattern} has {wanted} different colours out of {tuple(COLOURS)}; "
                f"got {self.colours}"
            )

    def __str__(self) -> str:
        return " ".join((self.pattern, *self.colours))


def plain(colour: str) -> Background:
    """The plain background of a colour."""
    return Background(colours=(colour,))


PLAIN: tuple[Background, ...] = tuple(plain(colour) for colour in COLOURS)
VIEWS: tuple[Background, ...] = tuple(Background(pattern=p) for p in PATTERNS if p not in COLOURS_OF)
"""The four backgrounds that have no colour to tell: day sky, night sky, grass, sea."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """Quoted words below the things, and their colour: up to 6 Latin letters or up to 4 known Chinese characters."""

    words: str
    colour: str

    def __post_init__(self) -> None:
        latin = 1 <= len(self.words) <= MAX_LATIN and set(self.words) <= set(LATIN)
        chinese = 1 <= len(self.words) <= MAX_CHINESE and set(self.words) <= set(CHARACTERS)
        if not latin and not chinese:
            raise ValueError(
                f"a text is 1 to {MAX_LATIN} Latin letters or 1 to {MAX_CHINESE} of the {len(CHARACTERS)} Chinese "
                f"characters that the world knows; got {self.words!r}"
            )
        if self.colour not in LETTER_COLOURS:
            raise ValueError(f"letters are one of {tuple(LETTER_COLOURS)}; got {self.colour!r}")

    @property
    def chinese(self) -> bool:
        return self.words[0] not in LATIN


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a picture shows.

    Args:
        things: one to three (kind, count) pairs in reading order: the first kind stands first.
        background: what is behind them.
        size: small and big are for few things only.
        rows: how many stand in each row from above, or None for the usual arrangement of so many.
        place: the part of the picture in which all of them stand, or None for the whole of it.
        relation: where each kind stands as against the next one, or None. At most one of `rows`, `place` and
            `relation` is told.
        text: words that stand below the things.
        style: how all of it is drawn.
    """

    things: tuple[tuple[str, int], ...]
    background: Background
    size: Size = "usual"
    rows: tuple[int, ...] | None = None
    place: Place | None = None
    relation: Relation | None = None
    text: Text | None = None
    style: Style = "flat"

    def __post_init__(self) -> None:
        kinds = [kind for kind, _ in self.things]
        if not 1 <= len(kinds) <= MAX_KINDS or len(set(kinds)) != len(kinds) or not set(kinds) <= set(KINDS):
            raise ValueError(f"a scene has one to {MAX_KINDS} different kinds that the world knows; got {kinds}")
        if not all(count >= 1 for _, count in self.things) or self.total > MAX_COUNT:
            raise ValueError(f"a scene has 1 to {MAX_COUNT} things in all; got {self.things}")
        if self.size not in SIZES or (self.size != "usual" and self.total > LARGEST_SIZED):
            raise ValueError(f"a size is one of {SIZES}, told of at most {LARGEST_SIZED} things; got {self.size!r}")
        if self.style not in STYLES:
            raise ValueError(f"a style is one of {STYLES}; got {self.style!r}")
        self._check_arrangement()
        if self.text is not None and self.total > LARGEST_WITH_TEXT:
            raise ValueError(f"text leaves room for {LARGEST_WITH_TEXT} things; got {self.total}")

    def _check_arrangement(self) -> None:
        if sum(told is not None for told in (self.rows, self.place, self.relation)) > 1:
            raise ValueError("a scene tells one of rows, place and relation, not several")
        if self.rows is not None and (sum(self.rows) != self.total or min(self.rows) < 1):
            raise ValueError(f"rows must add up to the scene's {self.total} things; got {self.rows}")
        if self.place is not None and (self.place not in PLACES or self.total > LARGEST_PLACED[self.place]):
            raise ValueError(f"a place is one of {PLACES}, for at most {LARGEST_PLACED}; got {self.place!r}")
        if self.relation is not None and (self.relation not in RELATIONS or len(self.things) < 2):
            raise ValueError(f"a relation is one of {RELATIONS} and needs two kinds; got {self.relation!r}")

    @property
    def total(self) -> int:
        return sum(count for _, count in self.things)

    @property
    def held_out(self) -> bool:
        """Whether training never sees this: a combination of kinds, counts and background, kinds in a relation, or words.

        About one in ten of each.
        """
        things = ",".join(f"{count} {kind}" for kind, count in sorted(self.things))
        told = [f"{things} on {self.background}"]
        if self.relation is not None:
            told.append(f" {self.relation} ".join(kind for kind, _ in self.things))
        if self.text is not None:
            told.append(f'"{self.text.words}"')
        return any(_one_in_ten(text) for text in told)


def _one_in_ten(text: str) -> bool:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % 10 == 0
