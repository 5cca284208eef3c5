"""Rule-based checks: whether a rewritten prompt kept what the request named.

Checks quoted text, counts, colors and names, in English and Chinese. What the reasoning solved, such as the legs of a
riddle, is not required. Pure text: knows no model. Prefers a missed loss to a false one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from enhancer.numbers import CLASSIFIERS, HAN_NUMBER, WORDS, singular, value

Kind = Literal["lock", "text", "count", "colour", "name"]
KINDS: tuple[Kind, ...] = ("lock", "text", "count", "colour", "name")


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing to keep, as the request names it, and whether it was kept."""

    kind: Kind
    wanted: str
    held: bool


QUOTES = (
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
_SAME = {
    "gray": "grey", "golden": "gold", "crimson": "red", "scarlet": "red", "maroon": "red", "violet": "purple", "lavender": "purple",
    "indigo": "purple", "magenta": "pink", "navy": "blue", "teal": "blue", "turquoise": "blue", "cyan": "blue", "olive": "green",
    "ivory": "white", "beige": "brown", "khaki": "brown",
}  # fmt: skip
"""A shade may be told by the colour that it is one of: that is no loss which a picture shows."""
_COLOUR = re.compile(rf"\b({'|'.join(COLOURS)}|gray)\b", re.IGNORECASE)
_HAN_COLOUR = re.compile(r"(?<![粉橘橙紫玫])(?:([红橙黄绿蓝紫粉棕黑白灰金银青])色|([红橙黄绿蓝紫粉棕黑白灰])的)")

_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_STOPS = re.compile(
    r"an?|the|and|or|but|with|without|on|in|at|of|by|to|from|under|over|above|below|beside|behind|before|between|near|into|onto|around|"
    r"through|that|which|who|whose|is|are|was|were|be|being|has|have|as|for|than|then|while|when|where|each|every|all",
    re.IGNORECASE,
)
_SIZES = re.compile("big|large|small|tiny|huge|little|tall|short|old|young|new", re.IGNORECASE)
_SCENERY = frozenset({
    "background", "backdrop", "scene", "picture", "photo", "photograph", "painting", "drawing", "style", "view", "word", "text", "plain",
    "left", "right", "middle", "centre", "center", "top", "bottom", "foreground", "front", "soft", "light",
})  # fmt: skip
_REASONED = frozenset(
    {"plus", "minu", "minus", "more", "fewer", "less", "time", "extra"}
)  # a number beside these counts nothing alone
_NOUN_WORDS = 3  # largest distance between a number and its noun
_COUNT = re.compile(rf"({HAN_NUMBER})([{CLASSIFIERS}])([\u3400-\u9fff]{{1,8}})")
_ABOUT = re.compile(
    r"(?:at (?:most|least)|(?:no|not) (?:more|fewer|less) than|up to|about|around|至少|最多|至多|不超过|大约|大概|到|至)\s*$",
    re.IGNORECASE,
)
_VAGUE = re.compile("[一二两三四五六七八九]{2,}")  # two or three, as one expression
_PARTICLES = re.compile(r"[的在和与跟着了是有上下里中旁边前后]")
_NAME = re.compile(r"\b[A-Z][\w’'-]+(?:\s+(?:of\s+|the\s+|de\s+|van\s+|von\s+)?[A-Z][\w’'-]+)*")
_PEOPLES = re.compile(
    r"(?:ese|ish|ian|ean|ican|French|Dutch|Greek|German)$"
)  # Chinese and English: adjectives, not names


def check_prompt(wish: str, result: str, *, solve: str = "", keep_words: tuple[str, ...] = ()) -> tuple[Check, ...]:
    """All things in `wish` to keep, in the order of KINDS, without duplicates.

    `keep_words` are keywords that must stay, compared without case. `solve` is the reasoning: what it names and the result does
    not was solved, and is not required.
    """
    solved = solve.casefold()
    plain, said = _without_quotes(wish), _without_quotes(result)
    spoken = result.casefold()
    found = [
        *(Check(kind="lock", wanted=word, held=word.casefold() in spoken) for word in keep_words),
        *(Check(kind="text", wanted=text, held=text in result) for text in quoted(wish)),
        *_english_counts(plain, said, solved),
        *_chinese_counts(plain, said, solved),
        *_colours(plain, said, solved),
        *_names(plain, result, solved),
    ]
    return tuple(dict.fromkeys(found))


def lost(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """The checks that failed."""
    return tuple(check for check in checks if not check.held)


def quoted(text: str) -> list[str]:
    """The quoted texts in either language, in order, without duplicates."""
    found = [(match.start(), match[1]) for quotes in QUOTES for match in quotes.finditer(text)]
    return list(dict.fromkeys(inside for _, inside in sorted(found) if inside.strip()))


def _without_quotes(text: str) -> str:
    for quotes in QUOTES:
        text = quotes.sub(" ; ", text)
    return _TITLE.sub(" ; ", text)


def _tokens(text: str) -> list[str]:
    """Words, and each mark between them as ';'."""
    return [match[0] for match in re.finditer(rf"{_WORD.pattern}|[^\s\w]", text)]


def _counted(text: str) -> Iterator[tuple[int, list[str], str]]:
    """Each number with the words that it may count, and its wording: (3, [red, rabbits], 'three red rabbits')."""
    tokens = _tokens(text)
    for index, token in enumerate(tokens):
        if _ABOUT.search(" ".join(tokens[max(0, index - 3) : index])):
            continue
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


def _english_counts(wish: str, result: str, solve: str) -> Iterator[Check]:
    there: dict[str, set[int]] = {}
    for number, words, _ in _counted(result):
        for word in words:
            there.setdefault(singular(word), set()).add(number)
    for noun in re.findall(r"\b(?:an?|single)\s+(?:[a-z-]+\s+){0,2}?([a-z-]+)", result.casefold()):
        there.setdefault(singular(noun), set()).add(1)
    spoken = {singular(token) for token in _tokens(result)}
    for number, words, told in _counted(wish):
        nouns = [singular(word) for word in words if not _SIZES.fullmatch(word) and not _COLOUR.fullmatch(word)]
        if not nouns:
            continue
        known = [noun for noun in nouns if noun in spoken]
        numbers = set().union(*(there.get(noun, set()) for noun in nouns))
        alone = number == 1 and not known and not _REASONED & set(nouns)
        if alone and not _single(result, wish) and 1 not in _numbers(f"{result} {solve}"):
            yield Check(kind="count", wanted=told, held=False)  # under another name: nothing else is single there
            continue
        yield from _count(told, number, numbers, known=bool(known), result=result, solve=solve)


def _single(result: str, wish: str) -> set[str]:
    """The nouns that the result names once, except those of the request and of every picture."""
    nouns = re.findall(r"\b(?:an?|the|single)\s+((?:[a-z-]+\s+){0,2}[a-z-]+)", result.casefold())
    words = {singular(word) for phrase in nouns for word in phrase.split() if not _COLOUR.fullmatch(word)}
    return words - {singular(token) for token in _tokens(wish)} - _SCENERY


def _chinese_counts(wish: str, result: str, solve: str) -> Iterator[Check]:
    there = [(value(match[1]), _PARTICLES.sub("", match[3])) for match in _counts(result)]
    for match in _counts(wish):
        nouns = [part for part in _PARTICLES.split(_HAN_COLOUR.sub("的", match[3])) if part]
        number = value(match[1])
        if not nouns or number is None or _VAGUE.fullmatch(match[1]) or _ABOUT.search(wish[: match.start()]):
            continue
        noun = nouns[0]
        pairs = [noun[at : at + 2] for at in range(max(1, len(noun) - 1))]  # the word after a noun may belong to it
        numbers = {found for found, after in there if found is not None and any(pair in after for pair in pairs)}
        known = bool(numbers) or any(
            pair in (result if len(pair) > 1 else after) for pair in pairs for _, after in there
        )
        yield from _count(f"{match[1]}{match[2]}{noun}", number, numbers, known=known, result=result, solve=solve)


def _count(told: str, number: int, numbers: set[int], *, known: bool, result: str, solve: str) -> Iterator[Check]:
    """Whether a count was kept. `numbers` are the result's counts of it; `known`: the result mentions it."""
    solved = _numbers(solve)
    if number in numbers:
        yield Check(kind="count", wanted=told, held=True)
    elif numbers and number in solved and numbers & solved:
        return  # the reasoning changed the number
    elif not known and (number in _numbers(result) or number in solved or number == 1):
        return  # under another name, or solved
    elif number > 1 or numbers:
        yield Check(kind="count", wanted=told, held=False)


def _numbers(text: str) -> set[int]:
    """All numbers in a text, in digits or words of either language."""
    words = (value(token) for token in [*_tokens(text), *re.findall(HAN_NUMBER, text)])
    return {number for number in words if number is not None}


def _counts(text: str) -> Iterator[re.Match[str]]:
    """Numbers with classifiers, overlapping ones included."""
    at = 0
    while match := _COUNT.search(text, at):
        yield match
        at = match.start(3)


def _colours(wish: str, result: str, solved: str) -> Iterator[Check]:
    there = {match[1].casefold() for match in _COLOUR.finditer(result)}
    there |= {_SAME.get(colour, colour) for colour in there}
    for match in _COLOUR.finditer(wish):
        colour = match[1].casefold()
        held = _SAME.get(colour, colour) in there
        if held or colour not in solved:
            yield Check(kind="colour", wanted=match[1], held=held)
    for match in _HAN_COLOUR.finditer(wish):
        colour = match[1] or match[2]
        if colour in result or f"{colour}色" not in solved:
            yield Check(kind="colour", wanted=f"{colour}色", held=colour in result)


def _names(wish: str, result: str, solved: str) -> Iterator[Check]:
    spoken = result.casefold()
    for match in _NAME.finditer(wish):
        name, begins = match[0], not wish[: match.start()].strip() or re.search(r"[.!?:;\n]\s*$", wish[: match.start()])
        if begins:  # any sentence begins with a capital, so only words after the first are names
            _, _, name = name.partition(" ")
        held = name.casefold() in spoken
        if (
            len(name) < 2
            or name.isupper()
            or _PEOPLES.search(name)
            or wish[: match.start()].endswith(" by ")
            or value(name) is not None
            or (not held and name.casefold() in solved)
        ):
            continue
        yield Check(kind="name", wanted=name, held=held)
    for match in _TITLE.finditer(wish):
        yield Check(kind="name", wanted=match[1], held=match[1] in result)
