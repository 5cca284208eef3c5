"""The judge of pictures: right pictures pass, also softened and squeezed, and wrong ones do not, whatever is wrong."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from pocket.judge import judge, read
from pocket.world import (
    CHARACTERS,
    KINDS,
    LATIN,
    PLACES,
    PLAIN,
    ROWS,
    SHAPES,
    SIZES,
    SKILLS,
    STYLES,
    VIEWS,
    Background,
    Mix,
    Pixels,
    Relation,
    Scene,
    Text,
    draw_scene,
    draw_words,
    fits,
    legible_colours,
    picture,
    plain,
)

OTHER_WAY: dict[Relation, Relation] = {
    "left of": "right of",
    "right of": "left of",
    "above": "below",
    "below": "above",
}
ASIDE: dict[Relation, Relation] = {"left of": "above", "right of": "below", "above": "left of", "below": "right of"}


def worn(pixels: Pixels, seed: int) -> Pixels:
    """A picture softened, squeezed by JPEG with halved colours, and strewn with noise."""
    soft = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(0.8))
    file = io.BytesIO()
    soft.save(file, "JPEG", quality=60)
    noise = np.random.default_rng(seed).normal(0, 5, pixels.shape)
    back: Pixels = (np.asarray(Image.open(file).convert("RGB")) + noise).clip(0, 255).astype(np.uint8)
    return back


def other(rng: Random, choices: Any, *taken: Any) -> Any:
    return rng.choice([choice for choice in choices if choice not in taken])


def wrong_things(scene: Scene, rng: Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """One thing more or fewer, another kind, counts exchanged."""
    number = rng.randrange(len(scene.things))
    kind, count = scene.things[number]

    def exchanged(new: tuple[str, int]) -> tuple[tuple[str, int], ...]:
        return (*scene.things[:number], new, *scene.things[number + 1 :])

    yield "one more", {"things": exchanged((kind, count + 1)), "rows": None}
    yield "one fewer", {"things": exchanged((kind, count - 1)), "rows": None}
    yield "another kind", {"things": exchanged((other(rng, KINDS, *dict(scene.things)), count))}
    if len(scene.things) == 2:
        (first, one), (second, two) = scene.things
        yield "counts exchanged", {"things": ((first, two), (second, one))}


def wrong_looks(scene: Scene, rng: Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """Another background, arrangement, size or style."""
    yield "another background", {"background": other(rng, (*PLAIN, *VIEWS), scene.background)}
    if len(scene.background.colours) == 2:
        yield "upside down", {"background": replace(scene.background, colours=scene.background.colours[::-1])}
    if scene.relation is not None:
        yield "the other way round", {"relation": OTHER_WAY[scene.relation]}
        yield "another relation", {"relation": ASIDE[scene.relation]}
    if scene.rows is not None:
        yield "other rows", {"rows": other(rng, ROWS[scene.total], scene.rows)}
    if scene.place is not None:
        yield "another place", {"place": other(rng, PLACES, scene.place)}
    yield "another size", {"size": other(rng, SIZES, scene.size)}
    yield "another style", {"style": other(rng, STYLES, scene.style)}


def wrong_words(scene: Scene, rng: Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """Words that are missing, shuffled, misspelt, cut short, of another colour, or not asked for."""
    if scene.text is None:
        words = draw_words(rng, chinese=rng.random() < 0.5)
        yield (
            "words not asked for",
            {"text": Text(words=words, colour=legible_colours(scene.background, scene.style)[0])},
        )
        return
    words, number = scene.text.words, rng.randrange(len(scene.text.words))
    letters = list(words)
    rng.shuffle(letters)
    one = other(rng, CHARACTERS if scene.text.chinese else LATIN, words[number])
    told = {
        "letters shuffled": "".join(letters),
        "one letter changed": words[:number] + one + words[number + 1 :],
        "one letter lost": words[:number] + words[number + 1 :],
    }
    yield "no words", {"text": None}
    for name, text in told.items():
        if text:
            yield name, {"text": replace(scene.text, words=text)}
    colours = [c for c in legible_colours(scene.background, scene.style) if c != scene.text.colour]
    if colours:
        yield "another colour of letters", {"text": replace(scene.text, colour=rng.choice(colours))}


def wrong_scenes(scene: Scene, rng: Random) -> Iterator[tuple[str, Scene]]:
    """Scenes that differ from a scene in one thing, named by it; those that cannot be are left out."""
    for wrong in (wrong_things, wrong_looks, wrong_words):
        for name, change in wrong(scene, rng):
            try:
                changed = replace(scene, **change)
            except ValueError:
                continue
            if changed != scene and fits(changed):
                yield name, changed


@lru_cache(maxsize=1)
def asked() -> tuple[Scene, ...]:
    """Scenes of every skill, and of all together."""
    rng = Random(11)
    rows = replace(SKILLS["places"], rows=1, placed=0, related=0)
    grounds = replace(SKILLS["background"], patterned=1)
    mixes = [*SKILLS.values(), SKILLS["places"], SKILLS["latin"], SKILLS["chinese"], rows, grounds, Mix(), Mix()]
    return tuple(draw_scene(rng, mix) for mix in mixes for _ in range(3))


def test_right_pictures_pass() -> None:
    rng = Random(1)
    wrong = [scene for scene in asked() if not judge(picture(scene, rng), scene).right]
    assert len(wrong) <= 0.02 * len(asked()), wrong


def test_right_pictures_pass_when_worn() -> None:
    rng = Random(2)
    pictures = [(scene, worn(picture(scene, rng), seed)) for seed, scene in enumerate(asked())]
    wrong = [(scene, judge(pixels, scene)) for scene, pixels in pictures if not judge(pixels, scene).right]
    assert len(wrong) <= 0.04 * len(pictures), wrong


@pytest.mark.slow
def test_wrong_pictures_are_noticed() -> None:
    rng = Random(3)
    seen: Counter[str] = Counter()
    missed = []
    with_words = [draw_scene(rng, SKILLS[skill]) for skill in ("latin", "chinese") for _ in range(30)]
    for scene in (*asked(), *with_words):
        for name, wrong in wrong_scenes(scene, rng):
            seen[name] += 1
            if judge(picture(wrong, rng), scene).right:
                missed.append((name, scene, wrong))
    assert len(seen) == 18 and sum(seen.values()) > 250, seen
    assert len(missed) <= 0.02 * sum(seen.values()), missed
    for name in ("one more", "one fewer", "another kind", "letters shuffled"):
        assert seen[name] >= 40 and sum(one == name for one, _, _ in missed) <= 0.02 * seen[name], (
            name,
            seen[name],
            missed,
        )


def test_each_skill_has_its_own_verdict() -> None:
    text = Text(words="Moon", colour="white")
    scene = Scene(things=(("cat", 2), ("rocket", 1)), background=plain("purple"), relation="left of", text=text)
    changes: dict[str, dict[str, Any]] = {
        "background": {"background": plain("black")},
        "style": {"style": "outlined"},
        "counts": {"things": (("cat", 1), ("rocket", 1))},
        "places": {"relation": "right of"},
        "text": {"text": replace(text, words="Mono")},
        "ink": {"text": replace(text, colour="yellow")},
    }
    assert judge(picture(scene, Random(0)), scene).right
    for skill, change in changes.items():
        verdict = judge(picture(replace(scene, **change), Random(0)), scene).by_skill()
        assert [name for name, right in verdict.items() if not right and name != "size"] == [skill]
    alone = Scene(things=(("cat", 1),), background=plain("purple"))
    verdict = judge(picture(replace(alone, size="big"), Random(0)), alone).by_skill()
    assert [name for name, right in verdict.items() if not right] == ["size"]


@pytest.mark.parametrize("shape", [*SHAPES.values(), (256, 256)], ids=str)
def test_pictures_of_other_shapes_are_read(shape: tuple[int, int]) -> None:
    rng = Random(4)
    scenes = [draw_scene(rng, width=shape[0], height=shape[1]) for _ in range(6)]
    assert sum(judge(picture(scene, rng, *shape), scene).right for scene in scenes) >= 5


@pytest.mark.parametrize("style", STYLES)
def test_every_kind_is_known_in_every_style(style: Any) -> None:
    rng = Random(5)
    hits = []
    for number in range(0, len(KINDS) - 3, 4):
        things = tuple((kind, 1) for kind in KINDS[number : number + 3])
        scene = Scene(things=things, background=PLAIN[number % 8], style=style)
        hits.append(judge(picture(scene, rng), scene).kinds)
    assert sum(hits) >= len(hits) - 1


def test_every_letter_is_read() -> None:
    rng = Random(6)
    words = [LATIN[start : start + 6] for start in range(0, 52, 6)]
    words += [CHARACTERS[start : start + 4] for start in range(0, len(CHARACTERS), 4)]
    scenes = [
        Scene(things=(("star", 1),), background=background, text=Text(words=word, colour="black"))
        for word, background in zip(words, [plain("yellow"), plain("white"), VIEWS[0]] * 20, strict=False)
    ]
    assert len(scenes) == len(words)
    wrong = [scene.text for scene in scenes if not judge(worn(picture(scene, rng), 1), scene).text]
    assert len(wrong) <= 1, wrong


@pytest.mark.parametrize("seed", range(3))
def test_noise_and_emptiness_show_nothing(seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    assert read(noise).background is None
    assert not judge(noise, asked()[0]).right
    empty = np.full((128, 128, 3), (66, 112, 200), dtype=np.uint8)
    reading = read(empty)
    assert reading.background == plain("blue") and not reading.things and reading.words is None


def test_noise_on_a_plain_background_is_no_thing_of_ours() -> None:
    pixels = np.full((128, 128, 3), (132, 82, 176), dtype=np.uint8)
    pixels[40:80, 40:80] = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    reading = read(pixels)
    assert reading.background == plain("purple")
    assert [thing.kind for thing in reading.things] == [None]


def test_a_background_that_is_not_whole_is_none() -> None:
    pixels = picture(Scene(things=(("cat", 1),), background=plain("green")), Random(0)).copy()
    pixels[:, :40] = (66, 112, 200)
    assert read(pixels).background is None


def test_scribbled_words_are_no_words_and_no_things_where_words_are_asked_for() -> None:
    scene = Scene(things=(("cat", 1),), background=plain("white"), text=Text(words="HELLO", colour="black"))
    pixels = picture(scene, Random(0)).copy()
    band = pixels[92:124, 10:118]
    pixels[92:124, 10:118] = np.random.default_rng(1).permutation(band.reshape(-1, 3)).reshape(band.shape)
    verdict = judge(pixels, scene)
    assert not verdict.text and verdict.kinds and verdict.counts


def test_gradients_and_two_tones_of_the_same_colours_are_told_apart() -> None:
    rng = Random(7)
    for pattern in ("two-tone", "gradient"):
        for colours in (("blue", "purple"), ("red", "pink"), ("white", "yellow")):
            background = Background(pattern=pattern, colours=colours)  # type: ignore[arg-type]
            scene = Scene(things=(("apple", 1),), background=background)
            assert read(worn(picture(scene, rng), 1)).background == background
