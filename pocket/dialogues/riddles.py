"""Chickens and rabbits in a cage: heads and legs are told, the counts are to be found, the way is written out.

The way is: as if all had two legs; then one after the other has four instead, until the legs are as many as told. Every
line of it is a step that other riddles hold too, those of fish, of bees and of other animals, so that a model can find
pairs that it never saw and cannot do by knowing the others by heart. It knows no sums.
"""

from __future__ import annotations

from random import Random

from pocket.dialogues.answers import Dialogue, named
from pocket.dialogues.finish import finished
from pocket.dialogues.frames import en_number, zh_number
from pocket.words import Language

MOST_HEADS = 9
PAIRS: tuple[tuple[int, int], ...] = tuple(
    (heads, 2 * heads + 2 * fours) for heads in range(2, MOST_HEADS + 1) for fours in range(1, heads)
)
"""Heads and legs of every riddle with at least one animal of each sort: 36."""
HELD_OUT_PAIRS: tuple[tuple[int, int], ...] = (
    (3, 10),
    (4, 14),
    (5, 16),
    (6, 14),
    (6, 22),
    (7, 20),
    (8, 24),
    (9, 22),
    (9, 30),
)
"""A quarter of them, that training never asks, of whatever animals: one or two for every number of heads from 3 on, few
legs and many, and never the only pair with so many legs; so heads and legs are known each by itself, and only the rule
finds their answer."""
ONE_SORT = 0.12
"""How often all animals are of one sort."""
OTHER_ANIMALS = 0.6
"""How often the animals are others than chickens and rabbits."""
ANIMALS: dict[int, tuple[str, ...]] = {
    0: ("fish", "whale"),
    2: ("chicken", "duck", "goose", "bird", "penguin", "owl"),
    4: ("rabbit", "cat", "dog", "pig", "cow", "horse", "sheep", "fox", "frog", "lion", "panda", "turtle", "deer"),
    6: ("bee", "butterfly"),
}
"""Animals by their legs."""
SORTS: tuple[tuple[int, int], ...] = ((2, 4), (2, 4), (0, 2), (0, 4), (2, 6), (4, 6))
"""The legs of the two sorts of animals in a riddle of others than chickens and rabbits."""

EN_FORMS: tuple[str, ...] = (
    "{two} and {four} in a cage: {h} heads, {l} legs, draw them",
    "a cage holds {two} and {four} with {h} heads and {l} legs",
    "there are {h} heads and {l} legs, {two} and {four}; draw them",
    "draw the {two} and {four}: {h} heads and {l} feet",
    "{two} and {four} have {h} heads and {l} legs in all",
    "a farmer counts {h} heads and {l} legs among his {two} and {four}",
    "{h} heads and {l} legs: {two} and {four} in one cage",
    "how many {two} and {four} are there with {h} heads and {l} legs? Draw them",
    "{two} and {four}, together {h} heads and {l} legs",
    "{h} animals, {two} and {four}, stand on {l} legs",
    "in a yard are {two} and {four}. I count {h} heads and {l} legs",
    "{two} and {four} share a cage. Heads: {h}. Legs: {l}",
    "if {two} and {four} have {l} legs and {h} heads, how many of each?",
)
ZH_FORMS: tuple[str, ...] = (
    "{pair}同笼，头{h}个，脚{l}只，画出来",
    "{pair}同笼，有{h}个头，{l}只脚，画出{two}和{four}",
    "笼子里有{two}和{four}，共{h}个头，{l}条腿，{two}和{four}各几只？画出来",
    "{two}和{four}一共{h}个头{l}只脚",
    "今有{pair}同笼，上有{h}头，下有{l}足，问{two}{four}各几何",
    "{two}和{four}共{h}只，有{l}条腿",
    "院子里有{two}和{four}，数头有{h}个，数脚有{l}只",
    "农夫养了{two}和{four}，{h}个头，{l}条腿，请画出来",
    "{h}个头，{l}只脚，{two}和{four}关在一个笼子里",
    "笼中{two}与{four}，头数{h}，脚数{l}",
    "有{l}条腿、{h}个头的{two}和{four}",
    "{two}和{four}在一起，共有{l}只脚，{h}个头，各有几只",
)


def draw_pair(rng: Random, sorts: tuple[int, int] = (2, 4)) -> tuple[int, int]:
    """Heads and legs of training's side, of animals with so many legs; those with one sort of animal only are rare."""
    few, many = sorts
    if rng.random() < ONE_SORT:
        heads = rng.randint(2, MOST_HEADS)
        return heads, heads * (few if few and rng.random() < 0.6 else many)
    while True:
        # The larger numbers have more pairs and are harder; with a draw of heads first all are met often enough.
        heads = rng.randint(2, MOST_HEADS)
        pair = heads, few * heads + (many - few) * rng.randint(1, heads - 1)
        if pair not in HELD_OUT_PAIRS:
            return pair


def _numbers(heads: int, legs: int, language: Language, rng: Random) -> tuple[str, str]:
    """Both in digits, or both in words."""
    if rng.random() < 0.7:
        return str(heads), str(legs)
    if language == "zh":
        return "两" if heads == 2 else zh_number(heads), zh_number(legs)
    return en_number(heads), en_number(legs)


def solution(heads: int, legs: int, kinds: tuple[str, str], sorts: tuple[int, int], language: Language) -> str:
    """The way to the counts, each step a line of a small table."""
    few, many = sorts
    more = many - few
    seconds = (legs - few * heads) // more
    firsts = heads - seconds
    steps = [(number, few * heads + more * number) for number in range(1, seconds + 1)]
    first, second = named(kinds[0], language), named(kinds[1], language)
    # What is reached stands beside what is told each time: whether to go on is seen there, and not known by heart.
    if language == "zh":
        start = f"若 {heads} 只全是{first}：{heads} x {few} = {few * heads} 只脚，要 {legs}"
        if not steps:
            return f"{start}，正好。{second} 0，{first} {heads}。"
        walk = "；".join(f"{number} 只得 {sum_}，要 {legs}" for number, sum_ in steps)
        return (
            f"{start}。换成{second}每只多 {more}：{walk}。{second} {seconds}。{first} {heads} - {seconds} = {firsts}。"
        )
    start = f"If all {heads} were {first}: {heads} x {few} = {few * heads} legs of {legs}"
    if not steps:
        return f"{start}, just right. {second.capitalize()}: 0. {first.capitalize()}: {heads}."
    walk = ", ".join(f"{number} make{'s' if number == 1 else ''} {sum_} of {legs}" for number, sum_ in steps)
    return (
        f"{start}. Of {second}, each with {more} more, {walk}. {second.capitalize()}: {seconds}. "
        f"{first.capitalize()}: {heads} - {seconds} = {firsts}."
    )


def ask(
    heads: int,
    legs: int,
    language: Language,
    rng: Random,
    *,
    kinds: tuple[str, str] = ("chicken", "rabbit"),
    sorts: tuple[int, int] = (2, 4),
    form: int | None = None,
    usual: bool = False,
) -> Dialogue:
    """A riddle of a pair and two kinds with so many legs each, in a phrasing or any; `usual`: nothing else is told."""
    seconds = (legs - sorts[0] * heads) // (sorts[1] - sorts[0])
    things = tuple((kind, count) for kind, count in zip(kinds, (heads - seconds, seconds), strict=True) if count)
    forms = ZH_FORMS if language == "zh" else EN_FORMS
    h, l = _numbers(heads, legs, language, rng)  # noqa: E741 (legs)
    names = named(kinds[0], language), named(kinds[1], language)
    pair = "鸡兔" if kinds == ("chicken", "rabbit") else "".join(names)
    wish = (forms[form % len(forms)] if form is not None else rng.choice(forms)).format(
        two=names[0], four=names[1], pair=pair, h=h, l=l
    )
    if language == "zh":
        keep = f"{names[0]}和{names[1]}；头 {heads}，脚 {legs}"
    else:
        keep = f"{names[0]} and {names[1]}; heads {heads}, legs {legs}"
    return finished(
        "riddle",
        language,
        rng,
        things=things,
        wish=wish,
        keep=keep,
        solve=solution(heads, legs, kinds, sorts, language),
        bare=usual,
        framed=False,
        riddle=(heads, legs),
    )


def riddle(language: Language, rng: Random, held_out: bool = False) -> Dialogue:
    """A riddle in any phrasing; of chickens and rabbits and a pair that training never asks, if so asked."""
    if held_out:
        return ask(*rng.choice(HELD_OUT_PAIRS), language, rng)
    if rng.random() >= OTHER_ANIMALS:
        return ask(*draw_pair(rng), language, rng)
    sorts = rng.choice(SORTS)
    kinds = rng.choice(ANIMALS[sorts[0]]), rng.choice(ANIMALS[sorts[1]])
    return ask(*draw_pair(rng, sorts), language, rng, kinds=kinds, sorts=sorts)
