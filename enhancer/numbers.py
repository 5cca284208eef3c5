"""Number words in English and Chinese, and the nouns that they count. Pure text."""

from __future__ import annotations

import re

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_OTHERS = {"single": 1, "pair": 2, "couple": 2, "dozen": 12, "hundred": 100, "thousand": 1000, "million": 1_000_000}
WORDS: dict[str, int] = {
    **{word: value for value, word in enumerate(_ONES.split())},
    **{word: 10 * value for value, word in enumerate(_TENS.split(), start=2)},
    **_OTHERS,
}
_DIGITS = {
    **{sign: value for value, sign in enumerate("零一二三四五六七八九")},
    "〇": 0,
    "两": 2,
    "俩": 2,
    "壹": 1,
    "贰": 2,
    "叁": 3,
}
_UNITS = {"十": 10, "百": 100, "千": 1000}
HAN_NUMBER = "[0-9０-９]+|[零〇一二两俩三四五六七八九十百千]+"
CLASSIFIERS = "只个条匹头朵棵辆座把张本件杯瓶颗位名群双对幅艘架台盏枝支根块片粒束串栋间扇面滴盘碗盆团尾株艘顶口道封袋盒匙列份部段轮支"

_IRREGULAR = {
    "men": "man", "women": "woman", "children": "child", "people": "person", "mice": "mouse", "geese": "goose", "feet": "foot",
    "teeth": "tooth", "wolves": "wolf", "knives": "knife", "leaves": "leaf", "loaves": "loaf", "oxen": "ox", "buses": "bus",
    "shelves": "shelf", "scarves": "scarf", "lenses": "lens", "shoes": "shoe", "toes": "toe", "canoes": "canoe", "cacti": "cactus",
}  # fmt: skip


def value(word: str) -> int | None:
    """The value of an English word or Chinese numeral, such as 3, three, twenty-one, 二十一; None for anything else."""
    word = word.strip().casefold()
    if word.isdecimal():
        return int(word)
    if word in WORDS:
        return WORDS[word]
    tens, dash, ones = word.partition("-")
    if dash and WORDS.get(tens, 0) in range(20, 100, 10) and 0 < WORDS.get(ones, 0) < 10:
        return WORDS[tens] + WORDS[ones]
    return _han(word)


def _han(word: str) -> int | None:
    """二十一 is 21, 一百零三 is 103."""
    total, digit = 0, None
    if not word or any(sign not in _DIGITS and sign not in _UNITS for sign in word):
        return None
    for sign in word:
        if sign in _UNITS:
            total += (1 if digit is None else digit) * _UNITS[sign]
            digit = 0
        else:
            digit = _DIGITS[sign]
    return total + (digit or 0)


def singular(noun: str) -> str:
    """The lower-case singular of an English noun, by rules and common exceptions."""
    noun = noun.casefold()
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if noun.endswith("ies") and len(noun) > 4:
        return f"{noun[:-3]}y"
    if re.search(r"(?:ss|x|z|ch|sh|o)es$", noun):
        return noun[:-2]
    if noun.endswith("s") and not noun.endswith(("ss", "us", "is")):
        return noun[:-1]
    return noun
