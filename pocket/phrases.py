"""How backgrounds, places, relations, words on the picture and styles are told: tables that write and read captions.

In every tuple the first phrase is the canonical one, of the long form. `{a}` and `{b}` are colours, `{w}` the quoted
words, `{c}` the letters' colour. It knows no order of sentences.
"""

from __future__ import annotations

from pocket.world import Pattern, Place, Relation, Style

EN_GROUNDS: dict[Pattern, tuple[str, ...]] = {
    "plain": (
        "on a plain {a} background",
        "on a {a} background",
        "on a {a} background",
        "on a {a} background",
        "against a {a} background",
        "in front of a {a} background",
        "on {a}",
    ),
    "two-tone": (
        "on a two-tone background of {a} above {b}",
        "on a background half {a}, half {b}",
        "on a two-tone background, {a} over {b}",
        "on a background with {a} above and {b} below",
    ),
    "gradient": (
        "on a gradient background from {a} to {b}",
        "on a background that fades from {a} to {b}",
        "on a {a} to {b} gradient",
        "on a gradient from {a} to {b}",
    ),
    "day sky": ("in the day sky", "in the bright sky", "on a day sky background", "in a daytime sky"),
    "night sky": (
        "in the night sky",
        "in the starry sky",
        "on a night sky background",
        "under the stars of a night sky",
    ),
    "grass": ("on the grass", "on a meadow", "on a grass background", "in the grass"),
    "sea": ("on the sea", "at sea", "by the sea", "on a sea background", "on the ocean"),
}
"""Backgrounds after the things: `three cats on a red background`."""

EN_BACKS: dict[Pattern, tuple[str, ...]] = {
    "plain": ("{a} background", "{a} background", "plain {a} background"),
    "two-tone": (
        "two-tone background of {a} above {b}",
        "half {a}, half {b} background",
        "two-tone {a} and {b} background",
    ),
    "gradient": ("{a} to {b} gradient background", "gradient background from {a} to {b}"),
    "day sky": ("day sky background", "bright day sky"),
    "night sky": ("night sky background", "starry night sky"),
    "grass": ("grass background", "meadow background"),
    "sea": ("sea background", "ocean background"),
}
"""Backgrounds as nouns: `a red background with three cats`; `three cats, red background`."""

ZH_BACKS: dict[Pattern, tuple[str, ...]] = {
    "plain": ("纯{a}背景", "{a}背景", "{a}背景", "{a}背景", "{a}的背景"),
    "two-tone": ("上{a}下{b}的双色背景", "上{a}下{b}的背景", "上半{a}下半{b}的背景"),
    "gradient": ("从{a}到{b}的渐变背景", "{a}渐变到{b}的背景", "{a}到{b}的渐变背景"),
    "day sky": ("白天的天空背景", "白天的天空", "晴朗的天空", "晴空"),
    "night sky": ("夜空背景", "夜空", "星空", "夜晚的天空"),
    "grass": ("草地背景", "草地", "草坪", "绿草地"),
    "sea": ("大海背景", "大海", "海面", "海上背景"),
}
ZH_INSIDE: dict[Pattern, str] = {"day sky": "中", "night sky": "中"}
"""The word for being in a background, where it is not 上."""

EN_PLACES: dict[Place, tuple[str, ...]] = {
    "left": ("on the left", "on the left side", "at the left", "in the left half"),
    "right": ("on the right", "on the right side", "at the right", "in the right half"),
    "top": ("at the top", "in the upper half", "on top of the picture"),
    "bottom": ("at the bottom", "in the lower half"),
    "middle": ("in the middle", "in the centre", "in the center"),
}
ZH_PLACES: dict[Place, tuple[str, ...]] = {
    "left": ("在左边", "在左侧", "在画面左边", "位于左边"),
    "right": ("在右边", "在右侧", "在画面右边", "位于右边"),
    "top": ("在上方", "在顶部", "在画面上方", "位于上方"),
    "bottom": ("在下方", "在底部", "在画面下方", "位于下方"),
    "middle": ("在中间", "在中央", "居中", "位于中间"),
}

EN_RELATIONS: dict[Relation, tuple[str, ...]] = {
    "left of": ("to the left of", "left of", "on the left of"),
    "right of": ("to the right of", "right of", "on the right of"),
    "above": ("above", "over"),
    "below": ("below", "under", "beneath"),
}
"""Between two kinds: `a cat to the left of a rocket`."""
ZH_RELATIONS: dict[Relation, tuple[str, ...]] = {
    "left of": ("左边", "的左边", "左侧", "的左侧"),
    "right of": ("右边", "的右边", "右侧", "的右侧"),
    "above": ("上面", "的上面", "上方", "的上方"),
    "below": ("下面", "的下面", "下方", "的下方"),
}
"""After the second kind: `一只猫在一枚火箭左边`."""
EN_ORDERS: dict[Relation, str] = {"left of": "from left to right", "above": "from top to bottom"}
ZH_ORDERS: dict[Relation, str] = {"left of": "从左到右", "above": "从上到下"}
"""All kinds in the order told; the canonical form for three."""

EN_TEXTS: tuple[str, ...] = (
    'with the word "{w}" in {c}',
    'with "{w}" written in {c}',
    'with the {c} word "{w}"',
    'that says "{w}" in {c}',
    'and the word "{w}" in {c} letters',
    'with {c} text "{w}"',
)
EN_TEXTS_SILENT: tuple[str, ...] = (
    'with the word "{w}"',
    'that says "{w}"',
    'and the word "{w}"',
    'with the text "{w}"',
    'with "{w}" written below',
)
"""Without a colour: then the letters are black or white, as can be read best."""
ZH_TEXTS: tuple[str, ...] = (
    "写着{c}的“{w}”",
    "下面写着{c}的“{w}”",
    "有{c}的字“{w}”",
    "配{c}文字“{w}”",
)
ZH_TEXTS_SILENT: tuple[str, ...] = ("写着“{w}”", "下面写着“{w}”", "配字“{w}”", "有字“{w}”", "文字“{w}”")

EN_STYLES: dict[Style, tuple[str, ...]] = {
    "flat": ("flat style", "in a flat style"),
    "outlined": ("outlined style", "in an outlined style", "with thick outlines", "outlined"),
    "night": ("night style", "at night", "in a night style", "glowing at night"),
    "pencil": ("pencil drawing", "in pencil", "in a pencil style", "drawn in grey pencil", "as a pencil sketch"),
}
ZH_STYLES: dict[Style, tuple[str, ...]] = {
    "flat": ("平面风格", "扁平风格"),
    "outlined": ("描边风格", "带粗描边", "粗线描边"),
    "night": ("夜晚风格", "夜里发光", "夜色风格"),
    "pencil": ("铅笔画风格", "铅笔画", "铅笔素描", "灰色铅笔画"),
}
