"""Reads captions back into what they say, long ones and short ones, by the tables that write them.

It judges captions and the language model's prompts, and is no general reader of language. It knows no pixels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from pocket.phrases import (
    EN_BACKS,
    EN_GROUNDS,
    EN_ORDERS,
    EN_PLACES,
    EN_RELATIONS,
    EN_STYLES,
    ZH_BACKS,
    ZH_ORDERS,
    ZH_PLACES,
    ZH_RELATIONS,
    ZH_STYLES,
)
from pocket.words import (
    EN_NUMBERS,
    EN_OTHER_COLOURS,
    EN_SIZES,
    ZH_COLOURS,
    ZH_NUMBERS,
    ZH_OTHER_COLOURS,
    ZH_SIZES,
    en_arrangement,
    has_cjk,
    zh_arrangement,
)
from pocket.world import (
    COLOURS,
    KIND,
    LETTER_COLOURS,
    ROWS,
    Background,
    Pattern,
    Place,
    Relation,
    Scene,
    Size,
    Style,
    Text,
    legible_colours,
)

Name = TypeVar("Name", bound=str)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a caption tells; None where it is silent. `size` is None also where it is told of some things only."""

    things: tuple[tuple[str, int], ...] = ()
    background: Background | None = None
    size: Size | None = None
    rows: tuple[int, ...] | None = None
    place: Place | None = None
    relation: Relation | None = None
    words: str | None = None
    letters: str | None = None
    style: Style | None = None

    def scene(self) -> Scene | None:
        """The scene that is told, with the usual where the caption is silent, or None where none can be drawn from it."""
        if self.background is None:
            return None
        style = self.style or "flat"
        try:
            text = None
            if self.words is not None:
                text = Text(words=self.words, colour=self.letters or legible_colours(self.background, style)[0])
            return Scene(
                things=self.things,
                background=self.background,
                size=self.size or "usual",
                rows=self.rows,
                place=self.place,
                relation=self.relation,
                text=text,
                style=style,
            )
        except ValueError:
            return None


EN_COLOURS: dict[str, str] = {colour: colour for colour in COLOURS} | EN_OTHER_COLOURS
ZH_COLOUR_WORDS: dict[str, str] = {word: colour for colour, word in ZH_COLOURS.items()} | ZH_OTHER_COLOURS


def _either(words: Iterable[str]) -> str:
    """A pattern for any of the words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(set(words), key=len, reverse=True))


def _cut(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]}|{text[match.end() :]}"


@lru_cache(maxsize=2)
def _grounds(chinese: bool) -> tuple[tuple[Pattern, re.Pattern[str]], ...]:
    """A pattern for every phrase of a background, those that say most first."""
    found: list[tuple[Pattern, str]] = []
    if chinese:
        colour = _either(ZH_COLOUR_WORDS)
        found = [(pattern, phrase) for pattern, phrases in ZH_BACKS.items() for phrase in phrases]
    else:
        colour = _either(EN_COLOURS)
        found = [
            (pattern, phrase)
            for table in (EN_GROUNDS, EN_BACKS)
            for pattern, phrases in table.items()
            for phrase in phrases
        ]
    order: list[Pattern] = ["two-tone", "gradient", "day sky", "night sky", "grass", "sea", "plain"]
    found = sorted(set(found), key=lambda row: (order.index(row[0]), -len(row[1])))
    made = []
    for pattern, phrase in found:
        inner = re.escape(phrase).replace(r"\{a\}", f"(?P<a>{colour})").replace(r"\{b\}", f"(?P<b>{colour})")
        made.append((pattern, re.compile(inner if chinese else rf"\b{inner}\b")))
    return tuple(made)


def _read_background(text: str, chinese: bool) -> tuple[str, Background | None]:
    words = ZH_COLOUR_WORDS if chinese else EN_COLOURS
    for pattern, phrase in _grounds(chinese):
        match = phrase.search(text)
        if match:
            colours = tuple(words[word] for word in match.groupdict().values() if word)
            if len(set(colours)) == len(colours):
                return _cut(text, match), Background(pattern=pattern, colours=colours)
    edge = "" if chinese else r"\b"
    alone = list(re.finditer(rf"{edge}(?:{_either(words)}){edge}", text))
    if len(alone) == 1:
        return _cut(text, alone[0]), Background(colours=(words[alone[0].group()],))
    return text, None


_QUOTED = re.compile(r'["“]([^"“”]+)["”]')
_EN_INK = _either(LETTER_COLOURS)
_ZH_INKS = {ZH_COLOURS[colour]: colour for colour in LETTER_COLOURS}


def _read_words(text: str) -> tuple[str, str | None, str | None]:
    """The text without what it says of quoted words, those words, and the letters' colour."""
    match = _QUOTED.search(text)
    if match is None:
        return text, None, None
    before, after = text[: match.start()], text[match.end() :]
    colour: str | None = None
    if found := re.search(rf"(写着|有|配)?({_either(_ZH_INKS)})(的字|文字|的)?$", before):
        colour, before = _ZH_INKS[found.group(2)], before[: found.start()]
    elif found := re.search(rf"\b(?:the |with )({_EN_INK}) (?:words?|letters|text) $", before, re.IGNORECASE):
        colour, before = found.group(1).lower(), before[: found.start()]
    elif found := re.match(rf"(?: written)? in ({_EN_INK})\b(?: letters)?", after, re.IGNORECASE):
        colour, after = found.group(1).lower(), after[found.end() :]
    elif found := re.match(rf"，?({_either(_ZH_INKS)})的?字", after):
        colour, after = _ZH_INKS[found.group(1)], after[found.end() :]
    after = re.sub(r"^ written below", "", after)
    before = re.sub(r"(下面|上面)?(写着|配字|有字|文字)$", "", before)
    return f"{before}|{after}", match.group(1), colour


def _read_named(text: str, table: Mapping[Name, tuple[str, ...]], chinese: bool) -> tuple[str, Name | None]:
    """Cuts out the longest phrase of a table that the text holds."""
    phrases = {phrase: name for name, phrases in table.items() for phrase in phrases}
    edge = "" if chinese else r"\b"
    match = re.search(rf"{edge}(?:{_either(phrases)}){edge}", text)
    return (_cut(text, match), phrases[match.group()]) if match else (text, None)


_EN_KINDS = {
    name: kind.name
    for kind in KIND.values()
    for name in (kind.name, kind.plural, *(word for pair in kind.others for word in pair))
}
_ZH_KINDS = {name: kind.name for kind in KIND.values() for name in (kind.zh, *kind.zh_others)}
_EN_COUNTS = {"a": 1, "an": 1} | {word: n for n, word in enumerate(EN_NUMBERS)} | {str(n): n for n in range(10)}
_ZH_COUNTS = {"二": 2} | {word: n for n, word in enumerate(ZH_NUMBERS)} | {str(n): n for n in range(10)}
_EN_SIZE = {word: size for size, words in EN_SIZES.items() for word in words if word}
_ZH_SIZE = {word: size for size, words in ZH_SIZES.items() for word in words if word}
_CLASSIFIERS = "".join(sorted({c for kind in KIND.values() for c in kind.classifiers} | {"个"}))
_EN_THING = re.compile(rf"\b({_either(_EN_COUNTS)}) (?:({_either(_EN_SIZE)}) )?({_either(_EN_KINDS)})\b")
_ZH_THING = re.compile(rf"([{''.join(_ZH_COUNTS)}])[{_CLASSIFIERS}]({_either(_ZH_SIZE)})??({_either(_ZH_KINDS)})")


def _read_things(text: str, chinese: bool) -> tuple[tuple[tuple[str, int], ...], Size | None, list[tuple[int, int]]]:
    """Kinds with counts in the order told, the size where it is told of all, and where they stand in the text."""
    pattern, counts, sizes, kinds = (
        (_ZH_THING, _ZH_COUNTS, _ZH_SIZE, _ZH_KINDS) if chinese else (_EN_THING, _EN_COUNTS, _EN_SIZE, _EN_KINDS)
    )
    matches = list(pattern.finditer(text))
    things = tuple((kinds[match.group(3)], counts[match.group(1)]) for match in matches)
    told = {sizes.get(match.group(2) or "") for match in matches}
    return things, told.pop() if len(told) == 1 else None, [match.span() for match in matches]


def _read_rows(text: str, total: int, chinese: bool) -> tuple[str, tuple[int, ...] | None]:
    """The arrangement of so many things that the text tells."""
    phrases = {(zh_arrangement if chinese else en_arrangement)(rows): rows for rows in ROWS.get(total, ()) if total > 1}
    if not chinese:
        phrases["in a row"] = (total,)
    for phrase in sorted(phrases, key=len, reverse=True):
        if phrase in text and total > 1:
            return text.replace(phrase, "|", 1), phrases[phrase]
    return text, None


_BACK: dict[Relation, Relation] = {
    "left of": "right of",
    "right of": "left of",
    "above": "below",
    "below": "above",
}


def _read_relation(text: str, things: tuple[tuple[str, int], ...], chinese: bool) -> Relation | None:
    """The relation of each kind to the next in the order told, also where a clause names them the other way round."""
    if len(things) < 2:
        return None
    for relation, order in (ZH_ORDERS if chinese else EN_ORDERS).items():
        if order in text:
            return relation
    kinds = _ZH_KINDS if chinese else _EN_KINDS
    words = {
        phrase: name for name, phrases in (ZH_RELATIONS if chinese else EN_RELATIONS).items() for phrase in phrases
    }
    name, word = _either(kinds), _either(words)
    if chinese:
        found = re.search(
            rf"({name})在(?:[{''.join(_ZH_COUNTS)}][{_CLASSIFIERS}])?(?:{_either(_ZH_SIZE)})??({name})({word})", text
        )
    else:
        found = re.search(
            rf"\b({name}) (?:is |are )?({word}) (?:the |{_either(_EN_COUNTS).replace('|', ' |')} )(?:(?:{_either(_EN_SIZE)}) )?({name})\b",
            text,
        )
    if found is None:
        return None
    first, second, told = found.group(1), found.group(2 if chinese else 3), found.group(3 if chinese else 2)
    pair = kinds[first], kinds[second]
    order_told = [kind for kind, _ in things]
    if pair == (order_told[0], order_told[1]):
        return words[told]
    return _BACK[words[told]] if pair == (order_told[1], order_told[0]) else None


def parse(text: str) -> Told:
    """What a caption tells, in either language."""
    rest, words, letters = _read_words(text)
    chinese = has_cjk(rest)
    rest = rest if chinese else rest.lower()
    rest, style = _read_named(rest, ZH_STYLES if chinese else EN_STYLES, chinese)
    rest, background = _read_background(rest, chinese)
    things, size, _ = _read_things(rest, chinese)
    rest, rows = _read_rows(rest, sum(count for _, count in things), chinese)
    relation = _read_relation(rest, things, chinese) if rows is None else None
    place = None
    if rows is None and relation is None:
        rest, place = _read_named(rest, ZH_PLACES if chinese else EN_PLACES, chinese)
    return Told(
        things=things,
        background=background,
        size=size,
        rows=rows,
        place=place,
        relation=relation,
        words=words,
        letters=letters,
        style=style,
    )
