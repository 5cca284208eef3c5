"""Captions: everything that is not usual is told, in both languages, and what is told reads back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from pocket.captions import caption, long_caption, short_caption
from pocket.reading import Told, parse
from pocket.words import LANGUAGES, Language, en_arrangement, has_cjk, zh_arrangement
from pocket.world import (
    KIND,
    LETTER_COLOURS,
    PLACES,
    RELATIONS,
    ROWS,
    SKILLS,
    STYLES,
    VIEWS,
    Background,
    Mix,
    Scene,
    Text,
    draw_scene,
    plain,
)


def one_of_each() -> Iterator[Scene]:
    """A scene for everything that can be told."""
    base = Scene(things=(("cat", 2), ("rocket", 1)), background=plain("purple"))
    yield base
    for background in (*VIEWS, *(Background(pattern=p, colours=("red", "white")) for p in ("two-tone", "gradient"))):
        yield replace(base, background=background)
    for relation in RELATIONS:
        yield replace(base, relation=relation)
        yield replace(base, things=(("cat", 1), ("dog", 1), ("umbrella", 1)), relation=relation)
    for place in PLACES:
        yield replace(base, place=place)
    for size in ("small", "big"):
        yield replace(base, size=size)
    for style in STYLES:
        yield replace(base, style=style)
    for colour in LETTER_COLOURS:
        for words in ("HeLlo", "春", "红色", "two"):
            if set(words) != {"红", "色"}:
                yield replace(base, text=Text(words=words, colour=colour))
    for total, choices in ROWS.items():
        for rows in choices:
            if total > 1:
                yield Scene(things=(("goose", total),), background=plain("red"), rows=rows)


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_can_be_told_reads_back(language: Language) -> None:
    rng = Random(1)
    for scene in one_of_each():
        assert parse(long_caption(scene, language)).scene() == scene, long_caption(scene, language)
        for _ in range(12):
            text = short_caption(scene, language, rng)
            assert parse(text).scene() == scene, text


@pytest.mark.parametrize("language", LANGUAGES)
def test_captions_of_drawn_scenes_read_back(language: Language) -> None:
    rng = Random(language)
    for mix in (Mix(), *SKILLS.values()):
        for _ in range(150):
            scene = draw_scene(rng, mix)
            for text in (long_caption(scene, language), caption(scene, language, rng)):
                assert parse(text).scene() == scene, text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_is_told_and_read_in_every_number(language: Language) -> None:
    for kind in KIND:
        for count in range(1, 10):
            scene = Scene(things=((kind, count),), background=plain("blue"))
            text = long_caption(scene, language)
            assert parse(text).things == scene.things, text
            assert has_cjk(text) == (language == "zh")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_scenes_share_a_long_caption(language: Language) -> None:
    captions = [long_caption(scene, language) for scene in one_of_each() if scene.style == "flat"]
    scenes = [scene for scene in one_of_each() if scene.style == "flat"]
    assert len(set(captions)) == len(set(scenes))


def test_arrangements_are_told_in_different_words() -> None:
    for choices in ROWS.values():
        for tell in (en_arrangement, zh_arrangement):
            assert len({tell(rows) for rows in choices}) == len(choices)


def test_short_captions_vary() -> None:
    scene = Scene(things=(("cat", 2), ("rocket", 1)), background=plain("purple"), relation="left of")
    for language in LANGUAGES:
        rng = Random(2)
        assert len({short_caption(scene, language, rng) for _ in range(200)}) > 100


def test_captions_as_people_write_them_are_read() -> None:
    two_cats = (("cat", 2),)
    assert parse("3 kittens on a red background") == Told(things=(("cat", 3),), background=plain("red"))
    assert parse("两只小猫，红色背景") == Told(things=two_cats, background=plain("red"), size="small")
    assert parse("a cat to the left of a rocket, blue background").relation == "left of"
    assert parse("the cat is above the dog").relation is None
    assert parse("one dog and one cat on blue, the cat above the dog").relation == "below"
    assert parse('two cats with the word "HELLO" in red on a yellow background') == Told(
        things=two_cats, background=plain("yellow"), words="HELLO", letters="red"
    )
    assert parse("两只猫，写着“春”，草地背景") == Told(
        things=two_cats, background=Background(pattern="grass"), words="春"
    )
    assert parse('一朵花，写着"HAPPY"，绿色背景').words == "HAPPY"


def test_quoted_words_are_not_read_as_things_or_colours() -> None:
    told = parse('two cats on a white background with the word "red"')
    assert told.background == plain("white") and told.words == "red" and told.letters is None
    assert parse("一只猫，写着“红”，白色背景").background == plain("white")


def test_what_is_not_said_is_not_read() -> None:
    assert parse("rabbits on a background") == Told()
    assert parse("three rabbits").scene() is None
    assert parse("ten unicorns on a red background").things == ()
    assert parse("eleven").things == ()


def test_long_captions_stay_short() -> None:
    """Pieces of text as the tokenizer cuts them before it merges: at most some sixty."""
    rng = Random(4)
    for language in LANGUAGES:
        longest = max(len(long_caption(draw_scene(rng), language)) for _ in range(2000))
        assert longest < (200 if language == "en" else 75), language


def test_a_caption_is_silent_about_what_is_usual() -> None:
    scene = Scene(things=(("cat", 3),), background=plain("red"), text=Text(words="HI", colour="white"))
    rng = Random(3)
    shorts = [parse(short_caption(scene, "en", rng)) for _ in range(100)]
    assert {told.letters for told in shorts} == {None, "white"}
    unusual = replace(scene, text=Text(words="HI", colour="black"))
    assert {parse(short_caption(unusual, "en", rng)).letters for _ in range(100)} == {"black"}
