"""The words of Pocket's two languages: kinds with counts, sizes, colours, arrangements.

It says how a thing is called, never how a sentence is built, and knows no pixels.
"""

from __future__ import annotations

from typing import Literal

from pocket.world import KIND, Size

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

EN_PLURALS: dict[str, str] = {name: kind.plural for name, kind in KIND.items()}
EN_NUMBERS: tuple[str, ...] = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
EN_SIZES: dict[Size, tuple[str, ...]] = {
    "small": ("small", "little", "tiny"),
    "usual": ("",),
    "big": ("big", "large", "huge"),
}

# Name, then the classifiers that go with it beside the general 个; the first is the one that Pocket writes itself.
ZH_NAMES: dict[str, tuple[str, str]] = {name: (kind.zh, kind.classifiers) for name, kind in KIND.items()}
ZH_NUMBERS: tuple[str, ...] = ("零", "一", "两", "三", "四", "五", "六", "七", "八", "九")
ZH_SIZES: dict[Size, tuple[str, ...]] = {
    "small": ("小", "小小的", "很小的"),
    "usual": ("",),
    "big": ("大", "大大的", "很大的"),
}
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
EN_OTHER_COLOURS: dict[str, str] = {"violet": "purple", "crimson": "red", "rose-pink": "pink"}
ZH_OTHER_COLOURS: dict[str, str] = {"粉红色": "pink", "大红色": "red", "天蓝色": "blue"}
"""Other words for a colour, that mean no other one of the eight."""

ZH_WORDS: tuple[str, ...] = (
    *(kind.zh for kind in KIND.values() if len(kind.zh) == 2),
    *ZH_COLOURS.values(),
    "背景",
    "渐变",
    "双色",
    "天空",
    "夜空",
    "草地",
    "大海",
    "左边",
    "右边",
    "上面",
    "下面",
    "中间",
    "写着",
    "风格",
    "排成",
)
"""Words of two characters that the tokenizer keeps whole, so that a long caption stays short."""


def has_cjk(text: str) -> bool:
    """Whether a text contains a Chinese character: then it is answered in Chinese."""
    return any("\u4e00" <= character <= "\u9fff" or "\u3400" <= character <= "\u4dbf" for character in text)


def en_article(word: str) -> str:
    """`a` or `an`, by the first letter; no word of this world sounds other than it is written, but umbrella is regular too."""
    return "an" if word[0] in "aeiou" else "a"


def en_thing(
    kind: str, count: int, number: str | None = None, size: str = "", name: tuple[str, str] | None = None
) -> str:
    """`three small rabbits`, or with a number, size word or (singular, plural) of the caller's own: `a tiny bunny`."""
    one, many = name or (kind, EN_PLURALS[kind])
    words = f"{size} {one if count == 1 else many}".strip()
    if number == "a":
        number = en_article(words)
    return f"{number or EN_NUMBERS[count]} {words}"


def zh_thing(
    kind: str,
    count: int,
    number: str | None = None,
    classifier: str | None = None,
    size: str = "",
    name: str | None = None,
) -> str:
    """`三只小兔子`, or with a number, classifier, size word or name of the caller's own: `3个大大的兔子`."""
    own, classifiers = ZH_NAMES[kind]
    return f"{number or ZH_NUMBERS[count]}{classifier or classifiers[0]}{size}{name or own}"


def _en_list(words: list[str]) -> str:
    return " and ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]


def en_arrangement(rows: tuple[int, ...]) -> str:
    """How rows are told in English, without a capital: `two above and one below`. No two arrangements share words."""
    match rows:
        case (1,):
            return "alone"
        case (1, 1):
            return "one above the other"
        case (2,):
            return "side by side"
        case (_,):
            return "in one row"
        case _ if max(rows) == 1:
            return "in one column"
        case (above, below):
            return f"{EN_NUMBERS[above]} above and {EN_NUMBERS[below]} below"
        case _ if len(set(rows)) == 1:
            return f"in {EN_NUMBERS[len(rows)]} rows of {EN_NUMBERS[rows[0]]}"
        case _:
            return "in rows of " + _en_list([EN_NUMBERS[count] for count in rows])


def zh_arrangement(rows: tuple[int, ...]) -> str:
    """How rows are told in Chinese: `上面两个，下面一个`. No two arrangements share words."""
    match rows:
        case (1,):
            return "单独一个"
        case (1, 1):
            return "上下排列"
        case (2,):
            return "左右并排"
        case (_,):
            return "排成一行"
        case _ if max(rows) == 1:
            return "排成一列"
        case (above, below):
            return f"上面{ZH_NUMBERS[above]}个，下面{ZH_NUMBERS[below]}个"
        case _ if len(set(rows)) == 1:
            return f"排成{ZH_NUMBERS[len(rows)]}行，每行{ZH_NUMBERS[rows[0]]}个"
        case _:
            return f"排成{ZH_NUMBERS[len(rows)]}行，依次" + "、".join(f"{ZH_NUMBERS[count]}个" for count in rows)
