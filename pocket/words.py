"""The words of Pocket's two languages: kinds, counts, classifiers, colours, arrangements.

It says how a thing is called, never how a sentence is built, and knows no pixels.
"""

from __future__ import annotations

from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

EN_PLURALS: dict[str, str] = {
    "cat": "cats",
    "dog": "dogs",
    "rabbit": "rabbits",
    "chicken": "chickens",
    "fish": "fish",
    "apple": "apples",
    "star": "stars",
    "moon": "moons",
    "sun": "suns",
    "tree": "trees",
    "flower": "flowers",
    "house": "houses",
    "car": "cars",
    "rocket": "rockets",
    "ball": "balls",
    "balloon": "balloons",
}
EN_NUMBERS: tuple[str, ...] = ("zero", "one", "two", "three", "four")

# Name, then the classifiers that go with it beside the general 个; the first is the one that Pocket writes itself.
ZH_NAMES: dict[str, tuple[str, str]] = {
    "cat": ("猫", "只"),
    "dog": ("狗", "只条"),
    "rabbit": ("兔子", "只"),
    "chicken": ("鸡", "只"),
    "fish": ("鱼", "条只"),
    "apple": ("苹果", "个颗"),
    "star": ("星星", "颗"),
    "moon": ("月亮", "个轮"),
    "sun": ("太阳", "个轮"),
    "tree": ("树", "棵"),
    "flower": ("花", "朵"),
    "house": ("房子", "座栋"),
    "car": ("汽车", "辆"),
    "rocket": ("火箭", "枚"),
    "ball": ("球", "个"),
    "balloon": ("气球", "个只"),
}
ZH_NUMBERS: tuple[str, ...] = ("零", "一", "两", "三", "四")
ZH_COLOURS: dict[str, str] = {
    "red": "红色",
    "blue": "蓝色",
    "green": "绿色",
    "yellow": "黄色",
    "white": "白色",
    "black": "黑色",
    "purple": "紫色",
    "pink": "粉色",
}
ZH_WORDS: tuple[str, ...] = (
    *(name for name, _ in ZH_NAMES.values() if len(name) > 1),
    *ZH_COLOURS.values(),
    "背景",
    "上面",
    "下面",
    "光线",
    "柔和",
    "均匀",
    "间距",
)
"""Words of two characters that the tokenizer keeps whole, so that a long caption stays within 32 tokens."""


def has_cjk(text: str) -> bool:
    """Whether a text contains a Chinese character: then it is answered in Chinese."""
    return any("\u4e00" <= character <= "\u9fff" or "\u3400" <= character <= "\u4dbf" for character in text)


def en_thing(kind: str, count: int, number: str | None = None) -> str:
    """`three rabbits`, or with a number of the caller's own: `3 rabbits`, `a rabbit`."""
    if number == "a":
        number = "an" if kind[0] in "aeiou" else "a"
    return f"{number or EN_NUMBERS[count]} {kind if count == 1 else EN_PLURALS[kind]}"


def zh_thing(kind: str, count: int, number: str | None = None, classifier: str | None = None) -> str:
    """`三只兔子`, or with a number or classifier of the caller's own: `3个兔子`."""
    name, classifiers = ZH_NAMES[kind]
    return f"{number or ZH_NUMBERS[count]}{classifier or classifiers[0]}{name}"


def en_arrangement(rows: tuple[int, ...]) -> str:
    """How rows are told in English, without a capital: `two above and one below`."""
    match rows:
        case (1,):
            return "in the middle"
        case (1, 1):
            return "one above the other"
        case (2,):
            return "side by side"
        case (_,):
            return "in one row"
        case (above, below):
            return f"{EN_NUMBERS[above]} above and {EN_NUMBERS[below]} below"
        case _ if max(rows) == 1:
            return "in one column"
        case _:
            return f"in {EN_NUMBERS[len(rows)]} rows"


def zh_arrangement(rows: tuple[int, ...]) -> str:
    """How rows are told in Chinese: `上面两个，下面一个`."""
    match rows:
        case (1,):
            return "居中"
        case (1, 1):
            return "上下排列"
        case (2,):
            return "左右并排"
        case (_,):
            return "排成一行"
        case (above, below):
            return f"上面{ZH_NUMBERS[above]}个，下面{ZH_NUMBERS[below]}个"
        case _ if max(rows) == 1:
            return "排成一列"
        case _:
            return f"排成{ZH_NUMBERS[len(rows)]}行"
