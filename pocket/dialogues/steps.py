"""Counting by steps: from a number to another, so much at a time, and as many things as there are steps.

It is the riddles' way without heads and legs: add, look whether what is wanted is reached, go on or stop. There are too
many triples of numbers to know any by heart. It knows no riddles.
"""

from __future__ import annotations

from random import Random

from pocket.dialogues.answers import Dialogue, named
from pocket.dialogues.finish import finished
from pocket.dialogues.frames import number
from pocket.words import Language, zh_thing
from pocket.world import KINDS, MAX_COUNT

LARGEST_START, LARGEST_STEP = 40, 6
LARGEST_END = 59
"""The largest number that is told."""

EN_FORMS: tuple[str, ...] = (
    "count from {s} to {t} by {d} and draw one of the {kinds} for each step",
    "a frog jumps from {s} to {t}, {d} at a time; as many {kinds} as it jumps",
    "start at {s} and add {d} until it is {t}: that many {kinds}",
    "from {s} to {t} in steps of {d}: as many {kinds} as steps",
    "I have {s} coins and get {d} a day. Draw {kinds}, as many as days until I have {t}",
    "how often must I add {d} to {s} to get {t}? Draw that many {kinds}",
    "{s}, then {d} more each time, up to {t}: {kinds}, one for each time",
)
ZH_FORMS: tuple[str, ...] = (
    "从{s}开始，每次加{d}，加到{t}，加几次画{some}",
    "青蛙从{s}跳到{t}，每次跳{d}，跳几次就画{some}",
    "我有{s}块钱，每天多{d}块，到{t}块要几天，画{some}",
    "从{s}数到{t}，每步{d}，有几步画{some}",
    "{s}加几次{d}得{t}？画{some}",
    "从{s}到{t}，一次多{d}，几次就画{some}",
)


def solution(start: int, step: int, end: int, kind: str, language: Language) -> str:
    """The way to the count, in the lines of the riddles."""
    times = (end - start) // step
    sums = [(one, start + one * step) for one in range(1, times + 1)]
    name = named(kind, language)
    if language == "zh":
        walk = "；".join(f"{one} 次得 {sum_}，要 {end}" for one, sum_ in sums)
        return f"从 {start} 起，每次多 {step}：{walk}。{name} {times}。"
    walk = ", ".join(f"{one} make{'s' if one == 1 else ''} {sum_} of {end}" for one, sum_ in sums)
    return f"From {start}, each time with {step} more, {walk}. {name.capitalize()}: {times}."


def steps(language: Language, rng: Random) -> Dialogue:
    """From any number to any other that so many equal steps lead to."""
    times, step = rng.randint(1, MAX_COUNT), rng.randint(1, LARGEST_STEP)
    start = rng.randint(0, min(LARGEST_START, LARGEST_END - times * step))
    end, kind = start + times * step, rng.choice(KINDS)
    digits = rng.random() < 0.7
    s, d, t = (number(one, language, rng, digits=float(digits)) for one in (start, step, end))
    form = rng.choice(ZH_FORMS if language == "zh" else EN_FORMS)
    wish = form.format(s=s, d=d, t=t, kinds=named(kind, "en"), some=zh_thing(kind, times, "几"))
    if language == "zh":
        keep = f"从 {start} 到 {end}，每次 {step}；{named(kind, language)}"
    else:
        keep = f"from {start} to {end} by {step}; {named(kind, language)}"
    return finished(
        "steps",
        language,
        rng,
        things=((kind, times),),
        wish=wish,
        keep=keep,
        solve=solution(start, step, end, kind, language),
        framed=False,
    )
