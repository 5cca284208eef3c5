"""The world: what a scene may be, where its things stand, what its captions say, and what training never sees."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from pocket.captions import caption, long_caption, parse, short_caption
from pocket.words import LANGUAGES, has_cjk
from pocket.world import (
    BACKGROUNDS,
    KINDS,
    MAX_COUNT,
    ROWS,
    SIDE,
    Layout,
    Scene,
    draw_scene,
    lay_out,
    picture,
    render,
    row_choices,
    usual_rows,
)

SHAPES = [(SIDE, SIDE), (112, 144), (144, 112), (96, 160), (160, 96), (256, 128)]


def layouts(count: int, width: int = SIDE, height: int = SIDE) -> list[Layout]:
    rng = Random(f"{width}/{height}")
    return [lay_out(draw_scene(rng), rng, width, height) for _ in range(count)]


@pytest.mark.parametrize(("width", "height"), SHAPES)
def test_things_never_touch_and_stay_inside(width: int, height: int) -> None:
    for layout in layouts(300, width, height):
        taken = np.zeros((height, width), dtype=int)
        for place in layout.places:
            assert place.left >= 2 and place.top >= 2
            assert place.left + place.size <= width - 2 and place.top + place.size <= height - 2
            taken[place.top - 2 : place.top + place.size + 2, place.left - 2 : place.left + place.size + 2] += 1
        assert taken.max() == 1, layout


def test_a_layout_holds_exactly_the_things_of_its_scene_in_reading_order() -> None:
    for layout in layouts(300):
        kinds = [place.kind for place in layout.places]
        assert kinds == [kind for kind, count in layout.scene.things for _ in range(count)]
        assert sum(layout.rows) == layout.scene.total


def test_few_things_are_drawn_larger_than_many() -> None:
    sizes: dict[int, list[int]] = {total: [] for total in ROWS}
    for layout in layouts(600):
        sizes[layout.scene.total] += [place.size for place in layout.places]
    means = [np.mean(sizes[total]) for total in (1, 4, 8)]
    assert means == sorted(means, reverse=True)
    assert min(size for some in sizes.values() for size in some) >= 24


def test_every_kind_can_be_told_from_every_background() -> None:
    for name, colour in BACKGROUNDS.items():
        for kind in KINDS:
            scene = Scene(things=((kind, 1),), background=name)
            pixels = picture(scene, Random(kind)).astype(float)
            different = np.linalg.norm(pixels - colour, axis=-1) > 36
            assert different.sum() > 300, (name, kind)
            assert (pixels[0, 0] == colour).all()


def test_backgrounds_are_well_apart() -> None:
    colours = [np.array(colour, dtype=float) for colour in BACKGROUNDS.values()]
    distances = [np.linalg.norm(a - b) for i, a in enumerate(colours) for b in colours[:i]]
    assert min(distances) > 75


def test_a_picture_is_the_same_for_the_same_random_source() -> None:
    scene = Scene(things=(("rabbit", 3),), background="purple")
    assert (picture(scene, Random(3)) == picture(scene, Random(3))).all()
    assert (picture(scene, Random(3)) != picture(scene, Random(4))).any()


@pytest.mark.parametrize("language", LANGUAGES)
def test_captions_read_back_as_the_scene(language: str) -> None:
    rng = Random(language)
    for _ in range(1500):
        scene = draw_scene(rng)
        rows = rng.choice(row_choices(scene.total))
        for text in (
            short_caption(scene, language, rng),
            long_caption(scene, language, rows),
            caption(scene, rows, language, rng),
        ):
            assert parse(text) == (scene.things, scene.background), text
            assert has_cjk(text) == (language == "zh")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unusual_arrangement_is_always_told_and_a_usual_one_need_not_be(language: str) -> None:
    rng = Random(8)
    scene = Scene(things=(("cat", 3),), background="red")
    told = {"en": "in one row", "zh": "排成一行"}[language]
    assert all(told in caption(scene, (3,), language, rng, usual=False) for _ in range(100))
    shares = sum(told in caption(scene, (3,), language, rng) for _ in range(300)) / 300
    assert 0.1 < shares < 0.4


@pytest.mark.parametrize(("width", "height"), SHAPES)
def test_the_usual_arrangement_is_a_possible_one_and_half_of_the_scenes_have_it(width: int, height: int) -> None:
    rng = Random(9)
    for total in ROWS:
        usual = usual_rows(total, width, height)
        assert usual in row_choices(total, width, height)
        things = (("cat", total),) if total <= MAX_COUNT else (("cat", MAX_COUNT), ("dog", total - MAX_COUNT))
        scene = Scene(things=things, background="red")
        drawn = [lay_out(scene, rng, width, height).rows for _ in range(200)]
        assert drawn.count(usual) >= 80, total


def test_a_caption_of_another_scene_does_not_read_back() -> None:
    assert parse("three rabbits on a purple background") != ((("rabbit", 2),), "purple")
    assert parse("三只兔子，紫色背景") == ((("rabbit", 3),), "purple")
    assert parse("三个气球，红色背景") == ((("balloon", 3),), "red")
    assert parse("rabbits on a background") == ((), None)


def test_training_never_draws_a_held_out_scene() -> None:
    rng = Random(5)
    drawn = [draw_scene(rng) for _ in range(3000)]
    assert not any(scene.held_out for scene in drawn)
    assert all(draw_scene(rng, held_out=True).held_out for _ in range(300))


def test_holding_out_does_not_depend_on_the_order_of_kinds_and_takes_about_a_tenth() -> None:
    one = Scene(things=(("cat", 2), ("dog", 1)), background="red")
    other = Scene(things=(("dog", 1), ("cat", 2)), background="red")
    assert one.held_out == other.held_out
    scenes = [Scene(things=((kind, n),), background=b) for kind in KINDS for n in range(1, 5) for b in BACKGROUNDS]
    assert 0.06 < sum(scene.held_out for scene in scenes) / len(scenes) < 0.14


@pytest.mark.parametrize(
    ("things", "background"),
    [
        ((), "red"),
        ((("cat", 5),), "red"),
        ((("cat", 0),), "red"),
        ((("cat", 1), ("cat", 1)), "red"),
        ((("unicorn", 1),), "red"),
        ((("cat", 1),), "mauve"),
    ],
)
def test_what_the_world_does_not_know_is_refused(things: tuple[tuple[str, int], ...], background: str) -> None:
    with pytest.raises(ValueError, match=r"scene has|background is"):
        Scene(things=things, background=background)


def test_rows_that_do_not_fit_the_scene_are_refused() -> None:
    with pytest.raises(ValueError, match="rows must add up"):
        lay_out(Scene(things=(("cat", 3),), background="red"), Random(0), rows=(2, 2))


def test_rendering_paints_only_inside_the_places() -> None:
    for layout in layouts(50):
        outside = np.ones((layout.height, layout.width), dtype=bool)
        for place in layout.places:
            outside[place.top : place.top + place.size, place.left : place.left + place.size] = False
        assert (render(layout)[outside] == BACKGROUNDS[layout.scene.background]).all()
