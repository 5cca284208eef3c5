"""Captions of scenes in English and Chinese, short ones as people write them and the long one that Pocket writes.

`parse` reads such a caption back into a scene's words; it judges captions and the language model's prompts, and is no
general reader of language. It knows no pixels and no model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from pocket.words import (
    EN_NUMBERS,
    EN_PLURALS,
    ZH_COLOURS,
    ZH_NAMES,
    ZH_NUMBERS,
    Language,
    en_arrangement,
    en_thing,
    has_cjk,
    zh_arrangement,
    zh_thing,
)
from pocket.world import BACKGROUNDS, Scene

COLOUR_LAST_SHARE = 0.35
"""The part of Chinese training captions, besides chance, in which the colour's name comes last: in its own state a colour differs
three times less than in that of a word behind it, and without this share such captions came out in any colour."""
LONG_SHARE = 0.25
"""The part of the usual scenes' captions that have the long form."""

Things = Sequence[tuple[str, int]]

EN_SHORT = (
    "{things} on a {colour} background",
    "{things} on a {colour} background",
    "{things} on a {colour} background",
    "a {colour} background with {things}",
    "{things}, {colour} background",
    "{things} on {colour}",
    "{colour} background, {things}",
    "{things} against a {colour} background",
    "a picture of {things} on a {colour} background",
    "{things} on a plain {colour} background",
)
ZH_COLOUR_LAST = "画面上有{things}，背景是{colour}"
ZH_SHORT = (
    "{things}，{colour}背景",
    "{things}，{colour}背景",
    "{colour}背景上有{things}",
    "{colour}背景上有{things}",
    "{things}在{colour}背景上",
    "{colour}背景，{things}",
    "{colour}的背景，{things}",
    "{colour}背景上的{things}",
    ZH_COLOUR_LAST,
    "{things}，纯{colour}背景",
)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def en_things(things: Things, rng: Random | None = None) -> str:
    """`two rabbits and one chicken`; with `rng` also digits, articles and other ways to join."""
    if rng is None:
        return " and ".join(en_thing(kind, count) for kind, count in things)
    digits = rng.random() < 0.2
    parts = []
    for kind, count in things:
        number = str(count) if digits else None
        if count == 1 and rng.random() < 0.5:
            number = "a"
        parts.append(en_thing(kind, count, number))
    return rng.choice((" and ", " and ", " and ", ", ", " with ", " next to ")).join(parts)


def zh_things(things: Things, rng: Random | None = None) -> str:
    """`两只兔子和一只鸡`; with `rng` also digits, 二, other classifiers and other ways to join."""
    if rng is None:
        return "和".join(zh_thing(kind, count) for kind, count in things)
    digits = rng.random() < 0.2
    parts = []
    for kind, count in things:
        number = str(count) if digits else None
        if count == 2 and not digits and rng.random() < 0.1:
            number = "二"
        own = ZH_NAMES[kind][1]
        classifier = rng.choice((own[0], own[0], own[-1], "个"))
        parts.append(zh_thing(kind, count, number, classifier))
    return rng.choice(("和", "和", "和", "、", "与", "，")).join(parts)


def short_caption(scene: Scene, language: Language, rng: Random, zh_forms: tuple[str, ...] = ZH_SHORT) -> str:
    """A caption as a person would write it, in one of many forms."""
    if language == "zh":
        text = rng.choice(zh_forms).format(things=zh_things(scene.things, rng), colour=ZH_COLOURS[scene.background])
        return text + ("。" if rng.random() < 0.2 else "")
    text = rng.choice(EN_SHORT).format(things=en_things(scene.things, rng), colour=scene.background)
    return (capital(text) if rng.random() < 0.3 else text) + ("." if rng.random() < 0.2 else "")


def long_caption(scene: Scene, language: Language, rows: tuple[int, ...] | None = None, *, light: bool = True) -> str:
    """The form in which Pocket's language model writes its final prompt; `rows` adds the arrangement's words."""
    if language == "zh":
        parts = [zh_things(scene.things), f"纯{ZH_COLOURS[scene.background]}背景"]
        parts += [zh_arrangement(rows)] if rows else []
        parts += ["光线柔和均匀"] if light else []
        return "，".join(parts) + "。"
    parts = [f"{capital(en_things(scene.things))} on a plain {scene.background} background"]
    parts += [en_arrangement(rows)] if rows else []
    parts += ["soft even light"] if light else []
    return ", ".join(parts) + "."


def caption(scene: Scene, rows: tuple[int, ...], language: Language, rng: Random, *, usual: bool = True) -> str:
    """A caption for the transformer's training: short or long, the long one at times without a part.

    An arrangement that is not `usual` is always told, so that a caption that is silent leaves none open.
    """
    if not usual or rng.random() < LONG_SHARE:
        told = rows if not usual or rng.random() < 0.85 else None
        return long_caption(scene, language, told, light=rng.random() < 0.85)
    forms = (ZH_COLOUR_LAST,) if rng.random() < COLOUR_LAST_SHARE else ZH_SHORT
    return short_caption(scene, language, rng, forms)


_EN_KINDS = {name: kind for kind, plural in EN_PLURALS.items() for name in (kind, plural)}
_EN_COUNTS = {"a": 1, "an": 1} | {word: n for n, word in enumerate(EN_NUMBERS)} | {str(n): n for n in range(10)}
_ZH_KINDS = {name: kind for kind, (name, _) in ZH_NAMES.items()}
_ZH_COUNTS = {"二": 2} | {word: n for n, word in enumerate(ZH_NUMBERS)} | {str(n): n for n in range(10)}
_EN_THING = re.compile(
    rf"\b({'|'.join(_EN_COUNTS)}) ({'|'.join(sorted(_EN_KINDS, key=len, reverse=True))})\b", re.IGNORECASE
)
_ZH_CLASSIFIERS = "".join(sorted({c for _, classifiers in ZH_NAMES.values() for c in classifiers} | {"个"}))
_ZH_THING = re.compile(
    rf"([{''.join(_ZH_COUNTS)}])[{_ZH_CLASSIFIERS}]({'|'.join(sorted(_ZH_KINDS, key=len, reverse=True))})"
)


def parse(text: str) -> tuple[tuple[tuple[str, int], ...], str | None]:
    """The (kind, count) pairs that a caption tells, in its order, and its background, or None where it names none."""
    if has_cjk(text):
        things = tuple((_ZH_KINDS[name], _ZH_COUNTS[count]) for count, name in _ZH_THING.findall(text))
        colours = [colour for colour, word in ZH_COLOURS.items() if word in text]
    else:
        things = tuple((_EN_KINDS[name.lower()], _EN_COUNTS[count.lower()]) for count, name in _EN_THING.findall(text))
        colours = [colour for colour in BACKGROUNDS if re.search(rf"\b{colour}\b", text, re.IGNORECASE)]
    return things, colours[0] if len(colours) == 1 else None
