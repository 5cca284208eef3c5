"""How people wrap a wish, and how a wish is told in part: without its background, or without a count.

It knows no answers.
"""

from __future__ import annotations

from random import Random

# The parts of a short caption are the captions' own affair; a wish without a background is made of the same ones.
from pocket.captions import _en_body, _extras, _zh_body, capital, en_back, en_ground, zh_back
from pocket.words import EN_NUMBERS, Language
from pocket.world import Background, Scene

EN_POLITE = (
    "draw {}",
    "draw me {}",
    "please draw {}",
    "{} please",
    "{}, please",
    "I want {}",
    "I would like {}",
    "make a picture of {}",
    "show me {}",
    "can you draw {}?",
    "could you paint {}?",
    "paint {}",
    "an image of {}",
    "a drawing of {}",
    "create {}",
    "I'd like to see {}",
    "give me {}",
)
ZH_POLITE = (
    "画{}",
    "请画{}",
    "我想要{}",
    "给我画{}",
    "帮我画{}",
    "请给我{}",
    "来一张：{}",
    "我要{}",
    "画一张图：{}",
    "请帮我画{}",
    "能画{}吗",
    "我想看{}",
    "生成{}",
    "画一下{}",
)


def polite(wish: str, language: Language, rng: Random, *, plain: float = 0.55) -> str:
    """A wish as it is, or in a polite frame."""
    if rng.random() < plain:
        return wish
    if language == "zh":
        return rng.choice(ZH_POLITE).format(wish.removesuffix("。"))
    wish = wish.removesuffix(".")
    if wish[:1].isupper() and not wish[1:2].isupper():
        wish = wish[:1].lower() + wish[1:]
    text = rng.choice(EN_POLITE).format(wish)
    return capital(text) if rng.random() < 0.3 else text


def ended(wish: str, language: Language, rng: Random) -> str:
    """A wish with or without a stop and, in English, a capital."""
    if wish[-1] in "?.？。":
        return wish
    if language == "zh":
        return wish + ("。" if rng.random() < 0.2 else "")
    return (capital(wish) if rng.random() < 0.3 else wish) + ("." if rng.random() < 0.2 else "")


def groundless(scene: Scene, language: Language, rng: Random) -> str:
    """All of a scene but its background, as a person would tell it."""
    if language == "zh":
        return "，".join((_zh_body(scene, rng), *_extras(scene, "zh", rng)))
    text = _en_body(scene, rng)
    for part in _extras(scene, "en", rng):
        text += (" " if part.startswith(("with", "that", "and")) and rng.random() < 0.6 else ", ") + part
    return text


def grounded(wish: str, background: Background, language: Language, rng: Random) -> str:
    """A wish with its background put before or after it."""
    if language == "zh":
        back = zh_back(background, rng)
        return rng.choice((f"{wish}，{back}", f"{wish}，{back}", f"{back}，{wish}", f"{wish}，背景是{back}"))
    if wish[-1] in "?.":
        return f"{wish} {capital(en_ground(background, rng))}"
    if rng.random() < 0.5:
        return f"{wish}, {en_back(background, rng)}"
    return f"{wish}, {en_ground(background, rng)}" if rng.random() < 0.5 else f"{wish} {en_ground(background, rng)}"


def with_extras(wish: str, scene: Scene, language: Language, rng: Random) -> str:
    """A wish with the scene's words and style behind it."""
    return ("，" if language == "zh" else ", ").join((wish, *_extras(scene, language, rng)))


def number(count: int, language: Language, rng: Random, *, digits: float = 0.5) -> str:
    """A number as a digit or a word, as riddles tell it."""
    if rng.random() < digits:
        return str(count)
    return zh_number(count) if language == "zh" else en_number(count)


_TENS = ("", "", "twenty", "thirty", "forty", "fifty")
_TEENS = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip


def en_number(count: int) -> str:
    """0 to 59 in words."""
    if count < 10:
        return EN_NUMBERS[count]
    if count < 20:
        return _TEENS[count - 10]
    tens, ones = divmod(count, 10)
    return _TENS[tens] + (f"-{EN_NUMBERS[ones]}" if ones else "")


def zh_number(count: int) -> str:
    """0 to 99 in characters, as counted: 二十二, 十四, but 两."""
    if count < 10:
        return "零一两三四五六七八九"[count]
    tens, ones = divmod(count, 10)
    plain = "零一二三四五六七八九"
    return ("" if tens == 1 else plain[tens]) + "十" + (plain[ones] if ones else "")
