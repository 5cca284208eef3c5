"""Sums up to nine, each with its arithmetic written out: more, fewer, times, half, plus, minus, the rest, both at once.

Every maker returns the things, the wish, what is kept of it, and the sum. It knows no backgrounds.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from pocket.captions import capital
from pocket.dialogues.answers import Dialogue, named
from pocket.dialogues.counting import GROUPS, Sum, bare, digits, en_told, line, lines, zh_count, zh_told
from pocket.dialogues.finish import finished
from pocket.words import ZH_NAMES, Language, zh_thing
from pocket.world import KINDS, MAX_COUNT, ROWS


def _two(rng: Random) -> tuple[str, str]:
    first, second = rng.sample(KINDS, 2)
    return first, second


def more(language: Language, rng: Random) -> Sum:
    """So many of one kind, and so many more of another."""
    a, b = _two(rng)
    count = rng.randint(1, 4)
    extra = rng.randint(1, MAX_COUNT - 2 * count)
    result = count + extra
    if language == "zh":
        one, other, much = ZH_NAMES[a][0], ZH_NAMES[b][0], zh_count(b, extra)
        wish = rng.choice(
            (
                f"{zh_told(a, count, rng)}，{other}比{one}多{much}",
                f"{other}比{one}多{much}，{one}有{zh_count(a, count)}",
                f"{zh_told(a, count, rng)}和比它多{much}的{other}",
                f"有{zh_told(a, count, rng)}，{other}多{much}",
            )
        )
    else:
        one, other = named(a, "en"), named(b, "en")
        many, some = named(b, "en", extra), named(a, "en", count)
        wish = rng.choice(
            (
                f"{en_told(a, count, rng)} and {digits(extra, rng)} more {many} than {one}",
                f"{digits(extra, rng)} more {many} than {one}, and there {'is' if count == 1 else 'are'} {en_told(a, count, rng)}",
                f"{en_told(a, count, rng)}, and {digits(extra, rng)} more {many} than that",
                f"there are {digits(extra, rng)} more {other} than {one}. {capital(one)}: {digits(count, rng)}",
                f"{other} and {one}: {digits(extra, rng)} more {many}, with {digits(count, rng)} {some}",
            )
        )
    return Sum(
        things=((a, count), (b, result)),
        wish=wish,
        solve=lines([line(a, str(count), language), line(b, f"{count} + {extra} = {result}", language)], language),
    )


def fewer(language: Language, rng: Random) -> Sum:
    """So many of one kind, and so many fewer of another."""
    a, b = _two(rng)
    count = rng.randint(2, 8)
    result = rng.randint(1, min(count - 1, MAX_COUNT - count))
    less = count - result
    if language == "zh":
        one, other, much = ZH_NAMES[a][0], ZH_NAMES[b][0], zh_count(b, less)
        wish = rng.choice(
            (
                f"{zh_told(a, count, rng)}，{other}比{one}少{much}",
                f"{other}比{one}少{much}，{one}有{zh_count(a, count)}",
                f"{zh_told(a, count, rng)}和比它少{much}的{other}",
            )
        )
    else:
        one, many = named(a, "en"), named(b, "en", less)
        wish = rng.choice(
            (
                f"{en_told(a, count, rng)} and {digits(less, rng)} fewer {many} than {one}",
                f"{digits(less, rng)} fewer {many} than {one}, and there are {en_told(a, count, rng)}",
                f"{en_told(a, count, rng)}, and {digits(less, rng)} fewer {many}",
            )
        )
    return Sum(
        things=((a, count), (b, result)),
        wish=wish,
        solve=lines([line(a, str(count), language), line(b, f"{count} - {less} = {result}", language)], language),
    )


EN_TIMES = {2: "twice", 3: "three times", 4: "four times", 5: "five times"}
ZH_TIMES = {2: "两倍", 3: "三倍", 4: "四倍", 5: "五倍"}


def times(language: Language, rng: Random) -> Sum:
    """So many of one kind, and two to five times as many of another."""
    a, b = _two(rng)
    count, factor = rng.choice([(n, f) for n in range(1, 4) for f in EN_TIMES if n + n * f <= MAX_COUNT])
    if language == "zh":
        one, other, word = ZH_NAMES[a][0], ZH_NAMES[b][0], ZH_TIMES[factor]
        wish = rng.choice(
            (
                f"{zh_told(a, count, rng)}，{other}是{one}的{word}",
                f"{other}是{one}的{word}，{one}有{zh_count(a, count)}",
                f"{zh_told(a, count, rng)}，{other}的数量是它的{word}",
            )
        )
    else:
        one, other, word = named(a, "en"), named(b, "en"), EN_TIMES[factor]
        wish = rng.choice(
            (
                f"{en_told(a, count, rng)} and {word} as many {other} as {one}",
                f"{word} as many {other} as {one}, and there {'is' if count == 1 else 'are'} {en_told(a, count, rng)}",
                f"{en_told(a, count, rng)} and {word} as many {other}",
            )
        )
    result = count * factor
    return Sum(
        things=((a, count), (b, result)),
        wish=wish,
        solve=lines([line(a, str(count), language), line(b, f"{count} x {factor} = {result}", language)], language),
    )


def half(language: Language, rng: Random) -> Sum:
    """An even count, and half as many of another kind."""
    a, b = _two(rng)
    count = rng.choice((2, 4, 6))
    if language == "zh":
        one, other = ZH_NAMES[a][0], ZH_NAMES[b][0]
        wish = rng.choice(
            (f"{zh_told(a, count, rng)}，{other}是{one}的一半", f"{zh_told(a, count, rng)}和数量一半的{other}")
        )
    else:
        one, other = named(a, "en"), named(b, "en")
        wish = rng.choice(
            (
                f"{en_told(a, count, rng)} and half as many {other}",
                f"half as many {other} as {one}, and there are {en_told(a, count, rng)}",
            )
        )
    result = count // 2
    return Sum(
        things=((a, count), (b, result)),
        wish=wish,
        solve=lines([line(a, str(count), language), line(b, f"{count} / 2 = {result}", language)], language),
    )


def plus(language: Language, rng: Random) -> Sum:
    """One kind to which more are added."""
    kind = rng.choice(KINDS)
    first = rng.randint(1, MAX_COUNT - 1)
    second = rng.randint(1, MAX_COUNT - first)
    if language == "zh":
        name, much = ZH_NAMES[kind][0], zh_count(kind, second)
        wish = rng.choice(
            (
                f"{zh_told(kind, first, rng)}，又来了{much}",
                f"{zh_told(kind, first, rng)}加{much}",
                f"{first} + {second} {ZH_NAMES[kind][1][0]}{name}",
                f"{zh_told(kind, first, rng)}，再加{much}，一共几{ZH_NAMES[kind][1][0]}",
            )
        )
    else:
        added = digits(second, rng)
        wish = rng.choice(
            (
                f"{en_told(kind, first, rng)} plus {added} more",
                f"{en_told(kind, first, rng)}, then {added} more come",
                f"{first} + {second} {named(kind, 'en')}",
                f"{digits(first, rng)} plus {added} {named(kind, 'en')}",
                f"{en_told(kind, first, rng)} and another {added}",
            )
        )
    return Sum(
        things=((kind, first + second),),
        wish=wish,
        solve=line(kind, f"{first} + {second} = {first + second}", language),
    )


def minus(language: Language, rng: Random) -> Sum:
    """One kind of which some go."""
    kind = rng.choice(KINDS)
    first = rng.randint(2, MAX_COUNT)
    second = rng.randint(1, first - 1)
    if language == "zh":
        name, much, classifier = ZH_NAMES[kind][0], zh_count(kind, second), ZH_NAMES[kind][1][0]
        wish = rng.choice(
            (
                f"{zh_told(kind, first, rng)}，拿走{much}，还剩几{classifier}",
                f"{zh_told(kind, first, rng)}减{much}",
                f"{first} - {second} {classifier}{name}",
                f"{zh_told(kind, first, rng)}，走了{much}",
                f"{zh_told(kind, first, rng)}少了{much}",
            )
        )
    else:
        gone = digits(second, rng)
        wish = rng.choice(
            (
                f"{en_told(kind, first, rng)} minus {gone}",
                f"{en_told(kind, first, rng)}, {gone} taken away",
                f"{first} - {second} {named(kind, 'en')}",
                f"{en_told(kind, first, rng)}, but {gone} {'leaves' if second == 1 else 'leave'}",
                f"{en_told(kind, first, rng)}, {gone} {'goes' if second == 1 else 'go'} away, how many are left?",
            )
        )
    return Sum(
        things=((kind, first - second),),
        wish=wish,
        solve=line(kind, f"{first} - {second} = {first - second}", language),
    )


def rest(language: Language, rng: Random) -> Sum:
    """So many in all, so many of one kind or two, the rest another."""
    one, zh, classifier, kinds = rng.choice(tuple(GROUPS.values()))
    number = 3 if len(kinds) > 2 and rng.random() < 0.3 else 2
    chosen = rng.sample(kinds, number)
    total = rng.randint(number + 1, MAX_COUNT)
    cuts = sorted(rng.sample(range(1, total), number - 1))
    counts = [after - before for before, after in zip((0, *cuts), (*cuts, total), strict=True)]
    things = tuple(zip(chosen, counts, strict=True))
    last = chosen[-1]
    known = " - ".join(str(count) for count in (total, *counts[:-1]))
    if language == "zh":
        whole = zh_thing(chosen[0], total, str(total) if rng.random() < 0.25 else None, classifier, name=zh)
        told = "，".join(f"{zh_count(kind, count)}是{ZH_NAMES[kind][0]}" for kind, count in things[:-1])
        end = rng.choice((f"其余是{ZH_NAMES[last][0]}", f"剩下的是{ZH_NAMES[last][0]}", f"别的都是{ZH_NAMES[last][0]}"))
        wish = rng.choice((f"{whole}，{told}，{end}", f"一共{whole}，{told}，{end}"))
    else:
        whole = f"{digits(total, rng)} {one}s"
        told = " and ".join(
            f"{digits(count, rng)} {'is' if count == 1 else 'are'} {bare(kind, count)}" for kind, count in things[:-1]
        )
        end = rng.choice((f"the rest {named(last, 'en')}", f"the others are {named(last, 'en')}"))
        wish = rng.choice(
            (
                f"{whole}, {told}, {end}",
                f"{whole} in all: {told}, {end}",
                f"altogether {whole}: {told}, {end}",
            )
        )
    parts = [line(kind, str(count), language) for kind, count in things[:-1]]
    return Sum(
        things=things, wish=wish, solve=lines([*parts, line(last, f"{known} = {counts[-1]}", language)], language)
    )


def as_many(language: Language, rng: Random) -> Sum:
    """So many of one kind, and as many of another, or of two others."""
    kinds = rng.sample(KINDS, rng.choice((2, 2, 3)))
    count = rng.randint(1, MAX_COUNT // len(kinds))
    a, *others = kinds
    if language == "zh":
        names = "和".join(ZH_NAMES[kind][0] for kind in others)
        wish = rng.choice((f"{zh_told(a, count, rng)}，{names}也一样多", f"{zh_told(a, count, rng)}和一样多的{names}"))
    else:
        names = " and ".join(named(kind, "en") for kind in others)
        wish = rng.choice(
            (
                f"{en_told(a, count, rng)} and as many {names}",
                f"{en_told(a, count, rng)} and just as many {names}",
                f"as many {names} as {named(a, 'en')}, and there {'is' if count == 1 else 'are'} {en_told(a, count, rng)}",
            )
        )
    steps = [line(a, str(count), language), *(line(kind, f"= {count}", language) for kind in others)]
    return Sum(things=tuple((kind, count) for kind in kinds), wish=wish, solve=lines(steps, language))


def rows(language: Language, rng: Random) -> Sum:
    """So many rows of so many things each: they are drawn in these rows."""
    kind = rng.choice(KINDS)
    even = [rows for some in ROWS.values() for rows in some if len(rows) > 1 and len(set(rows)) == 1 and rows[0] > 1]
    told = rng.choice([rows for rows in even if len(rows) <= 3 and max(rows) <= 3])  # four in a row are too small
    number, each = len(told), told[0]
    if language == "zh":
        wish = rng.choice(
            (
                f"{ZH_NAMES[kind][0]}排成{_zh_rows(number)}行，每行{zh_count(kind, each)}",
                f"{_zh_rows(number)}行{ZH_NAMES[kind][0]}，每行{zh_count(kind, each)}",
            )
        )
    else:
        wish = rng.choice(
            (
                f"{digits(number, rng)} rows of {digits(each, rng)} {named(kind, 'en')}",
                f"{named(kind, 'en')} in {digits(number, rng)} rows of {digits(each, rng)}",
                f"{digits(number, rng)} rows with {digits(each, rng)} {named(kind, 'en')} each",
            )
        )
    solve = line(kind, f"{number} x {each} = {number * each}", language)
    return Sum(things=((kind, number * each),), wish=wish, solve=solve, rows=told)


def _zh_rows(number: int) -> str:
    return "零一两三四"[number]


def both(language: Language, rng: Random) -> Sum:
    """So many in all of two kinds, and so many more of the one than of the other."""
    a, b = _two(rng)
    less = rng.randint(1, 4)
    extra = rng.choice([n for n in range(1, MAX_COUNT) if 2 * less + n <= MAX_COUNT])
    total = 2 * less + extra
    if language == "zh":
        one, other = ZH_NAMES[a][0], ZH_NAMES[b][0]
        wish = rng.choice(
            (
                f"{one}和{other}一共{total}个，{one}比{other}多{extra}个",
                f"{one}和{other}共{total}个，其中{one}多{extra}个",
            )
        )
        middle = f"{total} - {extra} = {2 * less}。"
    else:
        one, other, much = named(a, "en"), named(b, "en"), named(a, "en", extra)
        wish = rng.choice(
            (
                f"{digits(total, rng)} {one} and {other} in all, {digits(extra, rng)} more {much} than {other}",
                f"{one} and {other}, altogether {digits(total, rng)}, with {digits(extra, rng)} more {much} than {other}",
            )
        )
        middle = f"{total} - {extra} = {2 * less}."
    steps = [
        middle,
        line(b, f"{2 * less} / 2 = {less}", language),
        line(a, f"{less} + {extra} = {less + extra}", language),
    ]
    return Sum(things=((a, less + extra), (b, less)), wish=wish, solve=lines(steps, language))


SUMS: dict[str, Callable[[Language, Random], Sum]] = {
    "more": more,
    "fewer": fewer,
    "times": times,
    "half": half,
    "plus": plus,
    "minus": minus,
    "rest": rest,
    "as many": as_many,
    "rows": rows,
    "both": both,
}

OFTENER = ("plus", "minus", "minus")
"""Forms that are drawn once more each time they stand here: riddles end with a difference, whose table is learnt here."""


def little_sum(language: Language, rng: Random, *, form: str | None = None) -> Dialogue:
    """A sum of any form, or of a form."""
    made = SUMS[form or rng.choice((*SUMS, *OFTENER))](language, rng)
    return finished(
        "sum",
        language,
        rng,
        things=made.things,
        wish=made.wish,
        keep=made.wish,
        solve=made.solve,
        rows=made.rows,
    )
