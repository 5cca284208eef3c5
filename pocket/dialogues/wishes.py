"""Plain wishes, and wishes that leave something out: the background, a count, both, or the things themselves.

What is left out is chosen, and `solve` says so. It knows no sums and no riddles.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from pocket.captions import en_parts, long_caption, short_caption, zh_parts
from pocket.dialogues.answers import (
    Asked,
    Dialogue,
    answer,
    chosen_background,
    chosen_letters,
    counts,
    joined,
    letters_told,
    named,
    quoted,
    sentences,
    told_background,
    told_extras,
    told_things,
)
from pocket.dialogues.frames import ended, grounded, groundless, polite, with_extras
from pocket.words import ZH_NAMES, Language
from pocket.world import EVERYTHING, KINDS, Mix, Scene, Text, draw_scene, draw_words, legible_colours

LONG_SHARE = 0.1
"""How often a plain wish already has the form of the final prompt, which passes through."""
FEW = Mix(rows=0, placed=0, related=0, sized=0, latin=0.05, chinese=0.05, styled=0.08)
"""Scenes for wishes in which a count is left out."""


def _told(scene: Scene, language: Language, *, ground: bool, letters: bool) -> str:
    """What must survive of a plain wish."""
    background = told_background(scene.background, language) if ground else ""
    return joined((told_things(scene, language), background, *told_extras(scene, language, letters=letters)), language)


def _unsaid(scene: Scene, *names: str, letters: bool) -> frozenset[str]:
    """What is open: the names, and the letters' colour where it was not told."""
    return frozenset((*names, "letters") if scene.text is not None and not letters else names)


def plain_of(scene: Scene, wish: str, language: Language) -> Dialogue:
    """The dialogue of a complete wish."""
    letters = letters_told(wish, scene)
    keep = _told(scene, language, ground=True, letters=letters)
    choice = "" if letters else chosen_letters(scene, language)
    solve = sentences((counts(scene, language), choice), language)
    return Dialogue(
        kind="plain",
        language=language,
        wish=wish,
        answer=answer(scene, language, keep, solve),
        scene=scene,
        asked=Asked(open=_unsaid(scene, letters=letters)),
    )


def plain(language: Language, rng: Random, held_out: bool = False) -> Dialogue:
    """A complete wish in any form of captions."""
    scene = draw_scene(rng, EVERYTHING, held_out=held_out)
    if rng.random() < LONG_SHARE:
        return plain_of(scene, long_caption(scene, language), language)
    return plain_of(scene, polite(short_caption(scene, language, rng), language, rng), language)


def without_background(language: Language, rng: Random, held_out: bool = False) -> Dialogue:
    """A wish that names no background: one is chosen."""
    scene = draw_scene(rng, EVERYTHING, held_out=held_out)
    wish = polite(ended(groundless(scene, language, rng), language, rng), language, rng)
    letters = letters_told(wish, scene)
    keep = _told(scene, language, ground=False, letters=letters)
    choice = "" if letters else chosen_letters(scene, language)
    solve = sentences((counts(scene, language), chosen_background(scene, language), choice), language)
    return Dialogue(
        kind="background",
        language=language,
        wish=wish,
        answer=answer(scene, language, keep, solve),
        scene=scene,
        asked=Asked(open=_unsaid(scene, "background", letters=letters)),
    )


# Words for how many, without a number, with the least and the most that they mean here.
EN_SOME: tuple[tuple[str, int, int], ...] = (
    ("{}", 2, 9), ("{}", 2, 9), ("some {}", 2, 9), ("some {}", 2, 9), ("a few {}", 2, 4), ("several {}", 3, 9),
    ("a couple of {}", 2, 2), ("a pair of {}", 2, 2), ("many {}", 5, 9), ("lots of {}", 5, 9), ("a group of {}", 3, 9),
)  # fmt: skip
ZH_SOME: tuple[tuple[str, int, int], ...] = (
    ("{n}", 1, 9), ("{n}", 1, 9), ("一些{n}", 2, 9), ("几{c}{n}", 2, 9), ("好几{c}{n}", 3, 9), ("一对{n}", 2, 2),
    ("许多{n}", 5, 9), ("很多{n}", 5, 9), ("一群{n}", 3, 9), ("好多{n}", 5, 9), ("两三{c}{n}", 2, 3),
)  # fmt: skip
USUAL_CHOICE = 4
"""A count that is left open is chosen up to so many, where more are not asked for."""


def _left_out(things: tuple[tuple[str, int], ...], language: Language, rng: Random) -> tuple[str, int, int] | None:
    """Words for the first kind without its count, with the range that they mean; None where its count is not in it."""
    kind, count = things[0]
    some, least, most = rng.choice(ZH_SOME if language == "zh" else EN_SOME)
    if not least <= count <= most or count > max(least, USUAL_CHOICE):
        return None
    if language == "zh":
        return some.format(n=ZH_NAMES[kind][0], c=ZH_NAMES[kind][1][0]), least, most
    return some.format(named(kind, "en")), least, most


def without_count(language: Language, rng: Random, held_out: bool = False) -> Dialogue:
    """A wish that says `some rabbits`, `rabbits` or `a few rabbits`, often also without a background."""
    while True:
        scene = draw_scene(rng, FEW, held_out=held_out)
        if left := _left_out(scene.things, language, rng):
            break
    words, least, most = left
    chinese = language == "zh"
    parts = (zh_parts if chinese else en_parts)(scene.things, rng)
    parts[0] = words
    order = list(parts)
    rng.shuffle(order)
    wish = ("和" if chinese else " and ").join(order) if len(order) < 3 else ("、" if chinese else ", ").join(order)
    told = rng.random() < 0.6
    if told:
        wish = grounded(wish, scene.background, language, rng)
    wish = polite(ended(with_extras(wish, scene, language, rng), language, rng), language, rng)
    letters = letters_told(wish, scene)
    rest = replace(scene, things=scene.things[1:]) if len(scene.things) > 1 else None
    background = told_background(scene.background, language) if told else ""
    kept = (words, told_things(rest, language) if rest else "", background)
    keep = joined((*kept, *told_extras(scene, language, letters=letters)), language)
    solve = sentences(
        (
            _counts_chosen(scene, language),
            counts(rest, language) if rest else "",
            "" if told else chosen_background(scene, language),
            "" if letters else chosen_letters(scene, language),
        ),
        language,
    )
    return Dialogue(
        kind="count",
        language=language,
        wish=wish,
        answer=answer(scene, language, keep, solve),
        scene=scene,
        asked=Asked(
            open=_unsaid(scene, *(("counts",) if told else ("counts", "background")), letters=letters),
            between=((scene.things[0][0], least, most), *((kind, n, n) for kind, n in scene.things[1:])),
        ),
    )


def _counts_chosen(scene: Scene, language: Language) -> str:
    kind, count = scene.things[0]
    if language == "zh":
        return f"没有说{named(kind, language)}的数量，选 {count}。"
    return f"No count of {named(kind, language)} is named; chosen: {count}."


EN_WORDS_ONLY = (
    'the word "{w}"', 'write "{w}"', 'a sign that says "{w}"', '"{w}"', 'a card with "{w}"', 'text "{w}"',
    'a poster that says "{w}"', 'the letters "{w}"',
)  # fmt: skip
ZH_WORDS_ONLY = (
    "写“{w}”",
    "写上“{w}”",
    "“{w}”两个字",
    "一张写着“{w}”的卡片",
    "文字“{w}”",
    "“{w}”",
    "海报，写着“{w}”",
    "写字“{w}”",
)


def words_only(language: Language, rng: Random) -> Dialogue:
    """A wish for words alone, with or without a background: a thing above them is chosen."""
    base = draw_scene(rng, replace(EVERYTHING, latin=0, chinese=0, rows=0, placed=0, related=0, sized=0))
    things = ((rng.choice(KINDS), rng.choice((1, 1, 1, 2, 3))),)
    form = rng.choice(ZH_WORDS_ONLY if language == "zh" else EN_WORDS_ONLY)
    # Where a wish is nothing but its words, they tell the language that it is answered in.
    own = form in ('"{w}"', "“{w}”") or rng.random() < 0.75
    words = draw_words(rng, chinese=own == (language == "zh"))
    if "两个字" in form and len(words) != 2:
        form = "写“{w}”"
    usual = legible_colours(base.background, "flat")[0]
    scene = Scene(things=things, background=base.background, text=Text(words=words, colour=usual))
    wish = form.format(w=words)
    if rng.random() < 0.3 and language == "zh":
        wish = wish.replace("“", '"').replace("”", '"')
    told = rng.random() < 0.5
    if told:
        wish = grounded(wish, scene.background, language, rng)
    wish = polite(ended(wish, language, rng), language, rng)
    keep = joined((quoted(words, language), told_background(scene.background, language) if told else ""), language)
    thing = told_things(scene, language)
    solve = sentences(
        (
            f"没有说画什么，选{thing}。" if language == "zh" else f"No thing is named; chosen: {thing}.",
            "" if told else chosen_background(scene, language),
            chosen_letters(scene, language),
        ),
        language,
    )
    return Dialogue(
        kind="words",
        language=language,
        wish=wish,
        answer=answer(scene, language, keep, solve),
        scene=scene,
        asked=Asked(open=frozenset({"kinds", "counts", "letters"} | (set() if told else {"background"}))),
    )
