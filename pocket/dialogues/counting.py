"""Words that sums are told with: numbers, counts, groups of kinds, and the lines of their arithmetic.

It knows no sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from pocket.captions import capital
from pocket.dialogues.answers import named
from pocket.words import EN_NUMBERS, Language, en_thing, zh_thing


@dataclass(frozen=True, kw_only=True)
class Sum:
    """What a sum gives: things, wish, arithmetic, and the rows if it tells any. What is kept is the wish itself."""

    things: tuple[tuple[str, int], ...]
    wish: str
    solve: str
    rows: tuple[int, ...] | None = None


GROUPS: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "animals": (
        "animal",
        "动物",
        "只",
        ("cat", "dog", "rabbit", "chicken", "fox", "frog", "panda", "owl", "sheep", "duck"),
    ),
    "fruits": ("fruit", "水果", "个", ("apple", "lemon", "strawberry", "watermelon", "banana")),
    "flowers": ("flower", "花", "朵", ("sunflower", "lotus")),
    "things": (
        "thing",
        "东西",
        "个",
        ("ball", "balloon", "bell", "gift", "lantern", "clock", "key", "book", "kite", "heart"),
    ),
}
"""Words for several kinds together: singular, Chinese name and classifier, and the kinds."""


def digits(count: int, rng: Random) -> str:
    return str(count) if rng.random() < 0.25 else EN_NUMBERS[count]


def en_told(kind: str, count: int, rng: Random) -> str:
    return en_thing(kind, count, digits(count, rng))


def zh_told(kind: str, count: int, rng: Random) -> str:
    return zh_thing(kind, count, str(count) if rng.random() < 0.25 else None)


def zh_count(kind: str, count: int) -> str:
    """`两只`, without the name."""
    return zh_thing(kind, count, name=" ").strip()


def line(kind: str, sum_: str, language: Language) -> str:
    """`Cats: 2 + 1 = 3.`"""
    if language == "zh":
        return f"{named(kind, language)} {sum_}。"
    return f"{capital(named(kind, language))}: {sum_}."


def lines(parts: list[str], language: Language) -> str:
    return ("" if language == "zh" else " ").join(parts)


def bare(kind: str, count: int) -> str:
    """`a cat` or `cats`."""
    return en_thing(kind, 1, "a") if count == 1 else named(kind, "en")
