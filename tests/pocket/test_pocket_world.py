"""The world: what a scene may be, where its things and letters stand, and what training never sees."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest

from pocket.world import (
    BEGINNING,
    CHARACTERS,
    COLOURS,
    KIND,
    KINDS,
    LATIN,
    PLACES,
    PLAIN,
    RELATIONS,
    ROWS,
    SHAPES,
    SIDE,
    SIZES,
    SKILLS,
    STYLES,
    VIEWS,
    Background,
    Layout,
    Mix,
    Scene,
    Text,
    blend,
    draw_scene,
    fits,
    lay_out,
    legible_colours,
    painted,
    picture,
    plain,
    render,
    row_choices,
    size_range,
    usual_rows,
)
from pocket.world.layout import FREE, FREE_FEW, PARTS
from pocket.world.lettering import band_top
from pocket.world.styles import glyph

SIZES_OF_PICTURES = [*SHAPES.values(), (256, 256)]


def layouts(count: int, width: int = SIDE, height: int = SIDE, mix: Mix | None = None) -> list[Layout]:
    rng = Random(f"{width}/{height}")
    scenes = [draw_scene(rng, mix or Mix(), width=width, height=height) for _ in range(count)]
    return [lay_out(scene, rng, width, height) for scene in scenes]


def counted(total: int, **told: Any) -> Scene:
    return Scene(things=(("cat", total),), background=plain("red"), **told)


def test_the_world_is_as_large_as_it_says() -> None:
    assert len(KINDS) >= 64 and len(set(KINDS)) == len(KINDS)
    assert len(PLAIN) == 8 and len({background.pattern for background in (*PLAIN, *VIEWS)}) + 2 == 7
    assert len(set(CHARACTERS)) == len(CHARACTERS) >= 100
    assert len(LATIN) == 52
    assert len(STYLES) >= 3


@pytest.mark.parametrize(("width", "height"), SIZES_OF_PICTURES)
def test_things_and_letters_never_touch_and_stay_inside(width: int, height: int) -> None:
    for layout in layouts(150, width, height):
        taken = np.zeros((height, width), dtype=int)
        for spot in layout.spots:
            assert spot.left >= 2 and spot.top >= 2
            assert spot.left + spot.size <= width - 2 and spot.top + spot.size <= height - 2
            taken[spot.top - 2 : spot.top + spot.size + 2, spot.left - 2 : spot.left + spot.size + 2] += 1
        lefts = [letter.left for letter in layout.letters]
        for letter in layout.letters:
            assert letter.left >= 0 and letter.left + letter.width <= width and letter.top + letter.height <= height
            taken[letter.top : letter.top + letter.height, letter.left : letter.left + letter.width] |= 1
            assert letter.top >= band_top(width, height)
        assert lefts == sorted(lefts)
        assert taken.max() == 1, layout
        if layout.letters:
            assert all(spot.top + spot.size + 2 <= layout.letters[0].top for spot in layout.spots), layout


def test_a_layout_holds_exactly_what_its_scene_tells() -> None:
    for layout in layouts(300):
        kinds = [spot.kind for spot in layout.spots]
        assert sorted(kinds) == sorted(kind for kind, count in layout.scene.things for _ in range(count))
        if layout.scene.relation is None:  # in reading order
            assert kinds == [kind for kind, count in layout.scene.things for _ in range(count)]
        words = "".join(letter.character for letter in layout.letters)
        assert words == (layout.scene.text.words if layout.scene.text else "")


def test_things_told_in_a_relation_stand_in_it() -> None:
    rng = Random(1)
    for relation in RELATIONS:
        scene = Scene(things=(("cat", 2), ("rocket", 1)), background=plain("blue"), relation=relation)
        spots = lay_out(scene, rng).spots
        axis = "left" if relation in ("left of", "right of") else "top"
        cats = [getattr(spot, axis) + spot.size / 2 for spot in spots if spot.kind == "cat"]
        rockets = [getattr(spot, axis) + spot.size / 2 for spot in spots if spot.kind == "rocket"]
        if relation in ("left of", "above"):
            assert max(cats) < min(rockets)
        else:
            assert min(cats) > max(rockets)


@pytest.mark.parametrize("place", PLACES)
def test_things_told_in_a_part_of_the_picture_stand_there(place: Any) -> None:
    left, top, right, bottom = PARTS[place]
    for seed in range(20):
        layout = lay_out(counted(2, place=place), Random(seed))
        for spot in layout.spots:
            assert left * SIDE <= spot.left and spot.left + spot.size <= right * SIDE
            assert top * SIDE <= spot.top and spot.top + spot.size <= bottom * SIDE


def test_small_usual_and_big_things_never_have_the_same_size() -> None:
    for total, (width, height) in product((1, 2, 3, 4), SHAPES.values()):
        ranges = [size_range(counted(total, size=size), width, height) for size in SIZES]
        assert ranges[0][1] < 0.85 * ranges[1][0] and ranges[1][1] < 0.9 * ranges[2][0], (total, width, height)


def test_few_things_are_drawn_larger_than_many_and_none_too_small() -> None:
    means = [np.mean([spot.size for spot in lay_out(counted(total), Random(0)).spots]) for total in (1, 4, 9)]
    assert means == sorted(means, reverse=True)
    assert min(spot.size for layout in layouts(400) for spot in layout.spots) >= 20


@pytest.mark.parametrize(("width", "height"), SIZES_OF_PICTURES)
def test_a_scene_that_tells_no_arrangement_has_the_usual_one(width: int, height: int) -> None:
    for total in ROWS:
        assert usual_rows(total, width, height) in row_choices(total, width, height)
        scene = counted(total)
        rows = usual_rows(total, width, height)
        usual, told = (lay_out(one, Random(2), width, height) for one in (scene, replace(scene, rows=rows)))
        further = (FREE_FEW - FREE) * max(width, height) + 1  # few things move further where no place is told
        for one, other in zip(usual.spots, told.spots, strict=True):
            assert (one.kind, one.size) == (other.kind, other.size)
            assert max(abs(one.left - other.left), abs(one.top - other.top)) <= further


def test_seeds_move_few_things_visibly() -> None:
    for total in (1, 2):
        seen = [lay_out(counted(total), Random(seed)).spots[0] for seed in range(40)]
        assert max(spot.top for spot in seen) - min(spot.top for spot in seen) > 0.15 * SIDE


def test_every_kind_can_be_told_from_every_background_and_style() -> None:
    for style, background in product(STYLES, (*PLAIN, *VIEWS)):
        behind = painted(background, style, SIDE, SIDE).astype(float)
        ground = behind[64, 64]
        for kind in KINDS:
            colour, alpha = glyph(kind, 48, style, dark=bool(ground.mean() < 72))
            different = np.linalg.norm(colour - alpha * ground, axis=-1) > 24
            assert different.sum() > 220, (kind, style, str(background))


def test_kinds_differ_clearly_at_forty_pixels() -> None:
    seen = {kind: np.concatenate(glyph(kind, 40), axis=-1) * [1, 1, 1, 255] for kind in KINDS}
    for number, first in enumerate(KINDS):
        for second in KINDS[:number]:
            apart = np.sqrt(np.square(seen[first] - seen[second]).sum(axis=-1)).mean()
            assert apart > 60, (first, second, apart)


def test_backgrounds_are_well_apart_by_day_and_by_night() -> None:
    colours = [np.array(colour, dtype=float) for colour in COLOURS.values()]
    distances = [np.linalg.norm(a - b) for i, a in enumerate(colours) for b in colours[:i]]
    assert min(distances) > 75
    views = [painted(view, style, 64, 64).astype(float) for view in (*PLAIN, *VIEWS) for style in ("flat", "night")]
    for number, one in enumerate(views):
        assert min((np.abs(one - other).mean() for other in views[:number]), default=99) > 8


def test_letters_can_be_read_in_every_colour_that_is_called_legible() -> None:
    for background in (*PLAIN, *VIEWS, Background(pattern="two-tone", colours=("white", "black"))):
        for style in STYLES:
            colours = legible_colours(background, style)
            assert colours[0] in ("black", "white")
    assert legible_colours(plain("white"), "flat")[0] == "black"
    assert legible_colours(plain("black"), "flat")[0] == "white"
    assert "red" not in legible_colours(plain("red"), "flat")
    assert "yellow" not in legible_colours(plain("white"), "flat")


def test_a_picture_is_the_same_for_the_same_random_source() -> None:
    for layout in layouts(20):
        assert (render(layout) == render(layout)).all()
    scene = counted(3)
    assert (picture(scene, Random(3)) == picture(scene, Random(3))).all()
    assert (picture(scene, Random(3)) != picture(scene, Random(4))).any()


def test_rendering_paints_only_inside_the_places() -> None:
    for layout in layouts(60):
        outside = np.ones((layout.height, layout.width), dtype=bool)
        for spot in layout.spots:
            outside[spot.top : spot.top + spot.size, spot.left : spot.left + spot.size] = False
        for letter in layout.letters:
            outside[letter.top : letter.top + letter.height, letter.left : letter.left + letter.width] = False
        behind = painted(layout.scene.background, layout.scene.style, layout.width, layout.height)
        assert (render(layout)[outside] == behind[outside]).all()


def test_styles_change_the_picture_and_nothing_else() -> None:
    scene = Scene(things=(("cat", 2),), background=plain("green"))
    drawn = [lay_out(replace(scene, style=style), Random(5)) for style in STYLES]
    assert len({layout.spots for layout in drawn}) == 1
    pictures = [render(layout).astype(float) for layout in drawn]
    for number, one in enumerate(pictures):
        assert min((np.abs(one - other).mean() for other in pictures[:number]), default=9) > 2


def test_training_never_draws_a_held_out_scene_and_the_measure_draws_no_other() -> None:
    rng = Random(5)
    assert not any(draw_scene(rng).held_out for _ in range(1500))
    assert all(draw_scene(rng, held_out=True).held_out for _ in range(150))


def test_a_tenth_of_things_relations_and_words_is_held_out() -> None:
    one = Scene(things=(("cat", 2), ("dog", 1)), background=plain("red"))
    assert one.held_out == replace(one, things=one.things[::-1]).held_out
    scenes = [Scene(things=((kind, n),), background=b) for kind in KINDS for n in range(1, 5) for b in PLAIN]
    assert 0.06 < sum(scene.held_out for scene in scenes) / len(scenes) < 0.14
    free = next(scene for scene in scenes if not scene.held_out)
    words = [replace(free, text=Text(words=a + b, colour="white")) for a in LATIN for b in LATIN[:20]]
    assert 0.06 < sum(scene.held_out for scene in words) / len(words) < 0.14


def test_a_mix_draws_what_it_weighs() -> None:
    rng = Random(6)
    beginning = [draw_scene(rng, BEGINNING) for _ in range(200)]
    assert all(scene.background in PLAIN and scene.text is None and scene.style == "flat" for scene in beginning)
    assert all(scene.rows is None and scene.place is None and scene.relation is None for scene in beginning)
    assert {scene.total for scene in beginning} == set(range(1, 10))
    needs = {
        "sizes": lambda scene: scene.size != "usual",
        "places": lambda scene: scene.total == 1 or scene.rows or scene.place or scene.relation,
        "latin": lambda scene: scene.text and not scene.text.chinese,
        "chinese": lambda scene: scene.text and scene.text.chinese,
        "styles": lambda scene: scene.style != "flat",
    }
    for skill, need in needs.items():
        assert all(need(draw_scene(rng, SKILLS[skill])) for _ in range(60)), skill
    half = blend(BEGINNING, SKILLS["latin"], 0.5)
    assert 0.3 < sum(draw_scene(rng, half).text is not None for _ in range(200)) / 200 < 0.7


def test_every_drawn_scene_fits_its_picture() -> None:
    for width, height in SHAPES.values():
        rng = Random(width)
        assert all(fits(draw_scene(rng, width=width, height=height), width, height) for _ in range(100))


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"things": ()}, "different kinds"),
        ({"things": (("cat", 10),)}, "things in all"),
        ({"things": (("cat", 5), ("dog", 5))}, "things in all"),
        ({"things": (("cat", 0),)}, "things in all"),
        ({"things": (("cat", 1), ("cat", 1))}, "different kinds"),
        ({"things": (("unicorn", 1),)}, "different kinds"),
        ({"rows": (2, 2)}, "rows must add up"),
        ({"rows": (3,), "place": "left"}, "not several"),
        ({"relation": "left of"}, "needs two kinds"),
        ({"things": (("cat", 4),), "place": "left"}, "a place is"),
        ({"things": (("cat", 9),), "size": "small"}, "a size is"),
        ({"style": "baroque"}, "a style is"),
        ({"things": (("cat", 7),), "text": Text(words="HI", colour="white")}, "text leaves room"),
    ],
)
def test_what_the_world_cannot_show_is_refused(told: dict[str, Any], reason: str) -> None:
    scene = {"things": (("cat", 3),), "background": plain("red")} | told
    with pytest.raises(ValueError, match=reason):
        Scene(**scene)


@pytest.mark.parametrize("words", ["", "SEVENTH", "A1", "春A", "春夏秋冬花", "魑"])
def test_words_that_cannot_be_written_are_refused(words: str) -> None:
    with pytest.raises(ValueError, match="a text is"):
        Text(words=words, colour="red")


def test_backgrounds_have_their_patterns_colours() -> None:
    for colours in ((), ("red", "blue"), ("mauve",)):
        with pytest.raises(ValueError, match="different colours"):
            Background(colours=colours)
    with pytest.raises(ValueError, match="different colours"):
        Background(pattern="two-tone", colours=("red", "red"))
    with pytest.raises(ValueError, match="a background is"):
        Background(pattern="tartan")  # type: ignore[arg-type]


def test_names_of_kinds_mean_one_kind_each() -> None:
    english = [name for kind in KIND.values() for pair in ((kind.name, kind.plural), *kind.others) for name in {*pair}]
    chinese = [name for kind in KIND.values() for name in (kind.zh, *kind.zh_others)]
    assert len(set(english)) == len(english)
    assert len(set(chinese)) == len(chinese)
