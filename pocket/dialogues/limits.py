"""Wishes that are too much for the small world: more than nine things, or words too long for its letters.

As much as finds room is drawn, and `solve` says so. It knows no strange wishes.
"""

from __future__ import annotations

from random import Random

from pocket.captions import en_things, zh_things
from pocket.dialogues.answers import (
    Asked,
    Dialogue,
    answer,
    chosen_background,
    chosen_letters,
    joined,
    quoted,
    sentences,
    told_background,
)
from pocket.dialogues.finish import any_background, finished
from pocket.dialogues.frames import en_number, ended, grounded, polite
from pocket.phrases import EN_TEXTS_SILENT, ZH_TEXTS_SILENT
from pocket.words import Language, en_thing, zh_thing
from pocket.world import CHARACTERS, KINDS, LATIN, MAX_COUNT, Scene, Text, legible_colours
from pocket.world.characters import LATIN_WORDS
from pocket.world.scene import MAX_CHINESE, MAX_LATIN

LARGEST_ASKED = 39


def too_many(language: Language, rng: Random) -> Dialogue:
    """More things than the world holds: nine are drawn."""
    kind = rng.choice(KINDS)
    count = rng.randint(MAX_COUNT + 1, LARGEST_ASKED)
    chinese = language == "zh"
    if chinese:
        large = rng.choice((str(count), str(count), "一百", "一千", "无数"))
        told = zh_thing(kind, 2, large)
        solve = f"最多画 {MAX_COUNT} 个，画{zh_thing(kind, MAX_COUNT)}。"
    else:
        large = rng.choice((str(count), str(count), en_number(count), "a hundred", "a thousand", "a dozen"))
        told = en_thing(kind, 2, large)
        solve = f"At most {MAX_COUNT} find room: {en_thing(kind, MAX_COUNT)}."
    return finished("many", language, rng, things=((kind, MAX_COUNT),), wish=told, keep=told, solve=solve)


def _long_words(rng: Random, *, chinese: bool) -> tuple[str, str]:
    """Words that are too long, and what of them finds room: the first word or the first letters."""
    if chinese:
        words = "".join(rng.sample(CHARACTERS, rng.randint(MAX_CHINESE + 1, MAX_CHINESE + 4)))
        return words, words[:MAX_CHINESE]
    if rng.random() < 0.6:
        first, *others = rng.sample(LATIN_WORDS, rng.choice((2, 2, 3)))
        words = " ".join((first, *others))
        return (words, first) if rng.random() < 0.7 else (words.title(), first.title())
    alphabet = LATIN[:26] if rng.random() < 0.6 else LATIN[26:]
    words = "".join(rng.choices(alphabet, k=rng.randint(MAX_LATIN + 1, MAX_LATIN + 5)))
    return words, words[:MAX_LATIN]


def too_long(language: Language, rng: Random) -> Dialogue:
    """Words that do not fit: as many of them as do are written."""
    chinese = language == "zh"
    words, short = _long_words(rng, chinese=(rng.random() < 0.8) == chinese)
    background = any_background(rng)
    text = Text(words=short, colour=legible_colours(background, "flat")[0])
    scene = Scene(things=((rng.choice(KINDS), rng.randint(1, 3)),), background=background, text=text)
    thing = (zh_things if chinese else en_things)(scene.things)
    written = rng.choice(ZH_TEXTS_SILENT if chinese else EN_TEXTS_SILENT).format(w=words)
    wish = f"{thing}，{written}" if chinese else f"{thing} {written}"
    told = rng.random() < 0.5
    if told:
        wish = grounded(wish, background, language, rng)
    wish = polite(ended(wish, language, rng), language, rng)
    long, kept = quoted(words, language), quoted(short, language)
    solve = f"{long}太长，写{kept}。" if chinese else f"{long} is too long for this small picture; written: {kept}."
    back = told_background(background, language) if told else ""
    choice = "" if told else chosen_background(scene, language)
    return Dialogue(
        kind="long",
        language=language,
        wish=wish,
        answer=answer(
            scene,
            language,
            joined((thing, long, back), language),
            sentences((solve, choice, chosen_letters(scene, language)), language),
        ),
        scene=scene,
        asked=Asked(open=frozenset({"letters"} | (set() if told else {"background"}))),
    )
