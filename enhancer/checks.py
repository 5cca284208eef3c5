"""Checks a rewritten prompt against the wish, without asking the model: what the chain had to keep is there, or is named.

Quoted texts letter for letter, numbers of things, colours, names; in English and Chinese. What the reasoning has solved, such as the
legs of a riddle, is no longer asked for. Pure text: knows no model. It would rather miss a loss than report one that is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from enhancer.numbers import CLASSIFIERS, HAN_NUMBER, WORDS, singular, value

Kind = Literal["text", "count", "colour", "name"]
KINDS: tuple[Kind, ...] = ("text", "count", "colour", "name")


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that had to be kept, as the wish says it, and whether it was."""

    kind: Kind
    wanted: str
    held: bool


_QUOTES = (
    re.compile(r'"([^"\n]{1,400})"'), re.compile(r"“([^”\n]{1,400})”"), re.compile(r"「([^」\n]{1,400})」"),
    re.compile(r"『([^』\n]{1,400})』"), re.compile(r"(?<![\w’'])['‘]([^'‘’\n]{1,400})['’](?![\w])"),
)  # fmt: skip
_TITLE = re.compile(r"《([^》\n]{1,200})》")

COLOURS = (
    "red", "orange", "yellow", "green", "blue", "purple", "violet", "pink", "brown", "black", "white", "grey", "gold", "golden",
    "silver", "turquoise", "cyan", "magenta", "beige", "crimson", "scarlet", "maroon", "navy", "teal", "indigo", "lavender", "ivory",
    "khaki",
    "olive",
)  # fmt: skip
_SAME = {"gray": "grey", "golden": "gold"}
_COLOUR = re.compile(rf"\b({'|'.join(COLOURS)}|gray)\b", re.IGNORECASE)
_HAN_COLOUR = re.compile(r"([红橙黄绿蓝紫粉棕黑白灰金银青])色|([红橙黄绿蓝紫粉棕黑白灰])的")

_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_STOPS = re.compile(
    r"an?|the|and|or|but|with|without|on|in|at|of|by|to|from|under|over|above|below|beside|behind|before|between|near|into|onto|around|"
    r"through|that|which|who|whose|is|are|was|were|be|being|has|have|as|for|than|then|while|when|where|each|every|all",
    re.IGNORECASE,
)
_SIZES = re.compile("big|large|small|tiny|huge|little|tall|short|old|young|new", re.IGNORECASE)
_NOUN_WORDS = 3  # a number and its noun stand no further apart
_COUNT = re.compile(rf"({HAN_NUMBER})([{CLASSIFIERS}])([\u3400-\u9fff]{{1,8}})")
_PARTICLES = re.compile(r"[的在和与跟着了是有上下里中旁边前后]")
_NAME = re.compile(r"\b[A-Z][\w’'-]+(?:\s+(?:of\s+|the\s+|de\s+|van\s+|von\s+)?[A-Z][\w’'-]+)*")


def checked(wish: str, result: str, *, solved: bool = False) -> tuple[Check, ...]:
    """Everything in `wish` that had to be kept, in the order of KINDS, each once. `solved`: the reasoning turned the wish into
    something else, so what the result does not speak of at all is not asked for."""
    plain, said = _without_quotes(wish), _without_quotes(result)
    found = [
        *(Check(kind="text", wanted=text, held=text in result) for text in quoted(wish)),
        *_english_counts(plain, said, solved),
        *_chinese_counts(plain, said, solved),
        *_colours(plain, said, solved),
        *_names(plain, result, solved),
    ]
    return tuple(dict.fromkeys(found))


def lost(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """Those that were not kept."""
    return tuple(check for check in checks if not check.held)


def quoted(text: str) -> list[str]:
    """The texts inside quotation marks of either language, in the order in which they stand, each once."""
    found = [(match.start(), match[1]) for quotes in _QUOTES for match in quotes.finditer(text)]
    return list(dict.fromkeys(inside for _, inside in sorted(found) if inside.strip()))


def _without_quotes(text: str) -> str:
    for quotes in _QUOTES:
        text = quotes.sub(" ; ", text)
    return _TITLE.sub(" ; ", text)


def _tokens(text: str) -> list[str]:
    """Words, and each mark between them as ';'."""
    return [match[0] for match in re.finditer(rf"{_WORD.pattern}|[^\s\w]", text)]


def _counted(text: str) -> Iterator[tuple[int, list[str], str]]:
    """Each number with the words that it may count, and how it is said: (3, [red, rabbits], 'three red rabbits')."""
    tokens = _tokens(text)
    for index, token in enumerate(tokens):
        if token.casefold() not in WORDS and not (token.isdecimal() and len(token) <= 3):
            continue
        number = value(token)
        after: list[str] = []
        for word in tokens[index + 1 : index + 2 + _NOUN_WORDS]:
            if word.casefold() == "of" and token.casefold() in ("pair", "couple", "dozen") and not after:
                continue  # a pair of shoes
            if not word[0].isalpha() or _STOPS.fullmatch(word) or value(word) is not None:
                break
            after.append(word)
        if number is not None and after:
            yield number, after[:_NOUN_WORDS], " ".join([token, *after[:_NOUN_WORDS]])


def _english_counts(wish: str, result: str, solved: bool) -> Iterator[Check]:
    there = {(number, singular(word)) for number, words, _ in _counted(result) for word in words}
    spoken = {singular(token) for token in _tokens(result)}
    alone = {
        singular(noun) for noun in re.findall(r"\b(?:an?|single)\s+(?:[a-z-]+\s+){0,2}?([a-z-]+)", result.casefold())
    }
    for number, words, told in _counted(wish):
        nouns = [singular(word) for word in words if not _SIZES.fullmatch(word) and not _COLOUR.fullmatch(word)]
        known = [noun for noun in nouns if noun in spoken]
        if not nouns or (solved and not known):
            continue
        held = any((number, noun) in there for noun in nouns) or (number == 1 and any(noun in alone for noun in known))
        yield Check(kind="count", wanted=told, held=held)


def _chinese_counts(wish: str, result: str, solved: bool) -> Iterator[Check]:
    there = [(value(match[1]), _PARTICLES.sub("", match[3])) for match in _COUNT.finditer(result)]
    for match in _COUNT.finditer(wish):
        nouns = [part for part in _PARTICLES.split(_HAN_COLOUR.sub("的", match[3])) if part]
        if not nouns:
            continue
        noun = nouns[0]
        if solved and noun not in result:
            continue
        pairs = [
            noun[at : at + 2] for at in range(max(1, len(noun) - 1))
        ]  # what follows a noun may be taken for a part of it
        held = any(number == value(match[1]) and any(pair in after for pair in pairs) for number, after in there)
        yield Check(kind="count", wanted=f"{match[1]}{match[2]}{noun}", held=held)


def _colours(wish: str, result: str, solved: bool) -> Iterator[Check]:
    if solved and not _COLOUR.search(result) and not _HAN_COLOUR.search(result):
        return
    there = {_SAME.get(match[1].casefold(), match[1].casefold()) for match in _COLOUR.finditer(result)}
    for match in _COLOUR.finditer(wish):
        colour = match[1].casefold()
        yield Check(kind="colour", wanted=match[1], held=_SAME.get(colour, colour) in there)
    for match in _HAN_COLOUR.finditer(wish):
        colour = match[1] or match[2]
        yield Check(kind="colour", wanted=f"{colour}色", held=colour in result)


def _names(wish: str, result: str, solved: bool) -> Iterator[Check]:
    spoken = result.casefold()
    for match in _NAME.finditer(wish):
        name, begins = match[0], not wish[: match.start()].strip() or re.search(r"[.!?:;\n]\s*$", wish[: match.start()])
        if begins:  # any sentence begins with a capital: only what stands behind its first word is a name for sure
            _, _, name = name.partition(" ")
        if len(name) < 2 or name.isupper() or value(name) is not None or (solved and name.casefold() not in spoken):
            continue
        yield Check(kind="name", wanted=name, held=name.casefold() in spoken)
    for match in _TITLE.finditer(wish):
        yield Check(kind="name", wanted=match[1], held=match[1] in result)
