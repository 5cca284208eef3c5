"""Chickens and rabbits in a cage: heads and legs are told, the counts are to be found, the way is written out.

The way is: as if all had two legs; then one after the other has four instead, until the legs are as many as told. Every
line of it is a step that other riddles hold too, so that a model can find pairs that it never saw. It knows no sums.
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
OTHER_ANIMALS = 0.3
"""How often the animals are others than chickens and rabbits."""
TWO_LEGS = ("chicken", "duck", "goose", "bird", "penguin", "owl")
FOUR_LEGS = ("rabbit", "cat", "dog", "pig", "cow", "horse", "sheep", "fox", "frog", "lion", "panda", "turtle", "deer")

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


def draw_pair(rng: Random, *, held_out: bool) -> tuple[int, int]:
    """Heads and legs; those with one sort of animal only are never held out."""
    if held_out:
        return rng.choice(HELD_OUT_PAIRS)
    if rng.random() < ONE_SORT:
        heads = rng.randint(2, MOST_HEADS)
        return heads, heads * (2 if rng.random() < 0.6 else 4)
    while True:
        # The larger numbers have more pairs and are harder; with a draw of heads first all are met often enough.
        heads = rng.randint(2, MOST_HEADS)
        pair = heads, 2 * heads + 2 * rng.randint(1, heads - 1)
        if pair not in HELD_OUT_PAIRS:
            return pair


def _numbers(heads: int, legs: int, language: Language, rng: Random) -> tuple[str, str]:
    """Both in digits, or both in words."""
    if rng.random() < 0.7:
        return str(heads), str(legs)
    if language == "zh":
        return "两" if heads == 2 else zh_number(heads), zh_number(legs)
    return en_number(heads), en_number(legs)


def solution(heads: int, legs: int, two: str, four: str, language: Language) -> str:
    """The way to the counts, each step a line of a small table."""
    fours = (legs - 2 * heads) // 2
    twos = heads - fours
    steps = [(number, 2 * heads + 2 * number) for number in range(1, fours + 1)]
    if language == "zh":
        pair, other = named(two, language), named(four, language)
        start = f"若 {heads} 只全是{pair}：{heads} x 2 = {2 * heads} 只脚，"
        if not steps:
            return f"{start}正好 {legs}。{other} 0，{pair} {heads}。"
        walk = "，".join(f"{number} 只 {sum_}" for number, sum_ in steps)
        return f"{start}要 {legs}。换成{other}每只多 2：{walk}。{other} {fours}。{pair} {heads} - {fours} = {twos}。"
    start = f"If all {heads} were {named(two, language)}: {heads} x 2 = {2 * heads} legs,"
    others = named(four, language)
    if not steps:
        return f"{start} just {legs}. {others.capitalize()}: 0. {named(two, language).capitalize()}: {heads}."
    walk = ", ".join(f"{number} make{'s' if number == 1 else ''} {sum_}" for number, sum_ in steps)
    return (
        f"{start} but {legs} are told. Of {others}, each with 2 more, {walk}. {others.capitalize()}: {fours}. "
        f"{named(two, language).capitalize()}: {heads} - {fours} = {twos}."
    )


def ask(
    heads: int, legs: int, language: Language, rng: Random, *, form: int | None = None, usual: bool = False
) -> Dialogue:
    """A riddle of a pair, in a phrasing or any; `usual`: of chickens and rabbits, and nothing else told."""
    two, four = "chicken", "rabbit"
    if not usual and rng.random() < OTHER_ANIMALS:
        two, four = rng.choice(TWO_LEGS), rng.choice(FOUR_LEGS)
    fours = (legs - 2 * heads) // 2
    things = tuple((kind, count) for kind, count in ((two, heads - fours), (four, fours)) if count)
    forms = ZH_FORMS if language == "zh" else EN_FORMS
    h, l = _numbers(heads, legs, language, rng)  # noqa: E741 (legs)
    names = named(two, language), named(four, language)
    pair = "鸡兔" if (two, four) == ("chicken", "rabbit") else "".join(names)
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
        solve=solution(heads, legs, two, four, language),
        bare=usual,
        framed=False,
        riddle=(heads, legs),
    )


def riddle(language: Language, rng: Random, held_out: bool = False) -> Dialogue:
    """A riddle in any phrasing, of a pair that training never asks if so asked."""
    heads, legs = draw_pair(rng, held_out=held_out)
    return ask(heads, legs, language, rng)
