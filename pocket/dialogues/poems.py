"""Wishes that are lines of a poem: each image of the line becomes what the world has for it.

It knows no verses of its own; verses.py holds them.
"""

from __future__ import annotations

from random import Random

from pocket.captions import en_things, zh_things
from pocket.dialogues.answers import Asked, Dialogue, answer, joined, told_background
from pocket.dialogues.frames import grounded
from pocket.dialogues.verses import Image, Verse, verses
from pocket.phrases import EN_STYLES, ZH_STYLES
from pocket.words import Language
from pocket.world import Scene, Style

SINGLE_LINE = 0.25
"""How often only one line of a Chinese couplet is told, with the images that it holds."""
PENCIL = 0.15

ZH_FRAMES = (
    "{}",
    "{}",
    "{}",
    "{}。",
    "诗句：{}",
    "画出诗意：{}",
    "{p}的诗：{}",
    "画一首诗：{}",
    "{p}：{}",
    "{}，画出这句诗",
    "古诗：{}",
)
EN_FRAMES = (
    "{}",
    "{}",
    "{}.",
    "a poem: {}",
    "{p}: {}",
    "a line by {p}: {}",
    "draw the poem: {}",
    "an old Chinese verse: {}",
)


def scene_things(images: tuple[Image, ...]) -> tuple[tuple[str, int], ...]:
    """Kinds with counts, images of one kind together."""
    counts: dict[str, int] = {}
    for image in images:
        counts[image.kind] = counts.get(image.kind, 0) + image.count
    return tuple(counts.items())


def excerpt(verse: Verse, language: Language, rng: Random) -> tuple[str, tuple[Image, ...]]:
    """The couplet, or a line of it that holds an image, and the images told."""
    if language == "en":
        return verse.rendering, verse.images
    if len(verse.lines) == 2 and rng.random() < SINGLE_LINE:
        line = rng.choice(verse.lines)
        if images := tuple(image for image in verse.images if image.zh in line):
            return line, images
    return "，".join(verse.lines), verse.images


def _explained(image: Image, language: Language) -> str:
    """`月 -> 一个月亮`."""
    thing = ((image.kind, image.count),)
    if language == "zh":
        return f"{image.zh} -> {zh_things(thing)}"
    return f"{image.en} -> {en_things(thing)}"


def poem(language: Language, rng: Random, *, verse: Verse | None = None) -> Dialogue:
    """A line or couplet; its background is chosen to suit it unless it is told."""
    verse = verse or rng.choice(verses())
    chinese = language == "zh"
    text, images = excerpt(verse, language, rng)
    background = rng.choice(verse.grounds)
    style: Style = "pencil" if rng.random() < PENCIL else "flat"
    scene = Scene(things=scene_things(images), background=background, style=style)
    wish = rng.choice(ZH_FRAMES if chinese else EN_FRAMES).format(text, p=verse.poet if chinese else verse.poet_en)
    told = rng.random() < 0.1
    back = told_background(background, language)
    if told:
        wish = grounded(wish, background, language, rng)
    drawn = (ZH_STYLES if chinese else EN_STYLES)[style][0] if style != "flat" else ""
    steps = [*(_explained(image, language) for image in images), drawn]
    if not told:
        steps.insert(len(images), ("背景 -> " if chinese else "background -> ") + back)
    who = verse.poet if chinese else verse.poet_en
    return Dialogue(
        kind="poem",
        language=language,
        wish=wish,
        answer=answer(
            scene,
            language,
            joined((text, back if told else ""), language),
            (f"{who}。" if chinese else f"{who}. ") + joined(steps, language) + ("。" if chinese else "."),
        ),
        scene=scene,
        asked=Asked(open=frozenset({"style"} | (set() if told else {"background"}))),
    )
