"""The wishes that the enhancer is measured by: as many as promised, answered, and none asked twice; and how answers are judged."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from bench.enhancer import (
    COUNTS,
    HARD,
    Outcome,
    Wish,
    drawn_lines,
    meets_bars,
    outcome,
    shown,
    table,
    wishes,
)
from pocket.reading import parse
from pocket.words import LANGUAGES
from pocket.world import Pixels, Scene, picture


def test_half_are_plain_and_both_languages_are_asked_alike() -> None:
    asked = wishes()
    counts = Counter((one.kind, one.language) for one in asked)
    assert len(asked) >= 600
    assert counts == {(kind, language): COUNTS[kind] for kind in COUNTS for language in LANGUAGES}
    assert 2 * sum(one.kind == "plain" for one in asked) == len(asked)
    assert len({COUNTS[kind] for kind in HARD}) == 1


@pytest.mark.parametrize("count", [12, 60, 120])
def test_any_beginning_has_all_kinds_in_their_shares(count: int) -> None:
    counts = Counter((one.kind, one.language) for one in wishes()[:count])
    assert counts == {
        (kind, language): count // (4 if kind == "plain" else 12) for kind in COUNTS for language in LANGUAGES
    }


def test_nothing_is_asked_twice() -> None:
    counts = Counter(one.wish.casefold().strip(" .。") for one in wishes())
    assert [wish for wish, count in counts.items() if count > 1] == []


def test_every_solved_prompt_is_a_scene_that_its_wish_allows() -> None:
    for one in wishes():
        assert one.allows(one.scene), one


def test_plain_wishes_leave_nothing_out_and_say_it_in_other_words_than_the_answer() -> None:
    for one in wishes():
        if one.kind == "plain":
            assert not one.open and not one.kinds and one.wish != one.solved, one


def test_all_are_held_out_from_training() -> None:
    riddles = {tuple(dict(one.scene.things)[kind] for kind in ("chicken", "rabbit")) for one in _of("riddle")}
    assert riddles == {(1, 2), (1, 3), (2, 3), (5, 1), (1, 5), (4, 3), (4, 4), (7, 2), (3, 6)}
    assert all(one.scene.held_out for kind in ("plain", "sum", "vague") for one in _of(kind))


def test_the_file_is_what_is_drawn_anew() -> None:
    from bench.enhancer import FILE

    assert FILE.read_text(encoding="utf-8").splitlines() == drawn_lines()


def test_what_a_wish_leaves_open_may_differ_and_nothing_else() -> None:
    vague, riddle = _first("vague", "something cute"), next(one for one in _of("riddle") if "background" in one.open)
    assert vague.allows(_scene("Five rabbits and one fox on a plain pink background."))
    assert not vague.allows(_scene("One rocket on a plain pink background."))
    other = "blue" if riddle.scene.background.colours != ("blue",) else "red"
    ground = _scene(f"One cat on a plain {other} background.").background
    assert riddle.allows(replace(riddle.scene, background=ground))
    assert not riddle.allows(replace(riddle.scene, things=(("chicken", 1), ("rabbit", 8))))
    plain = _of("plain")[0]
    assert not plain.allows(replace(plain.scene, background=ground))


def test_what_is_open_is_read_in_the_picture_of_the_wish_itself() -> None:
    vague = _first("vague", "something cute")
    cute, other = _scene("Two rabbits on a plain pink background."), _scene("One rocket on a plain pink background.")
    assert shown(vague, _picture(cute)) == cute
    right = outcome(
        vague, "One rabbit on a plain pink background.", _picture(cute), _picture(other), _picture(vague.scene)
    )
    assert (right.off, right.on, right.by_hand, right.allowed) == (True, False, True, True)
    wrong = outcome(vague, "One rocket on a plain pink background.", _picture(other), _picture(other), _picture(other))
    assert not (wrong.off or wrong.on or wrong.by_hand or wrong.allowed)
    nothing = outcome(vague, "", _picture(other), _picture(cute), _picture(other))
    assert not (nothing.on or nothing.allowed)


def test_the_bars() -> None:
    good = [_outcome(one, off=one.kind == "plain", on=True) for one in wishes()]
    assert meets_bars(good) and "MISSED" not in table(good)
    assert not meets_bars([replace(one, off=True) for one in good])
    assert not meets_bars([replace(one, on=one.wish.kind == "plain") for one in good])
    assert not meets_bars([replace(one, on=one.wish.kind != "plain") for one in good])


def _outcome(wish: Wish, *, off: bool, on: bool) -> Outcome:
    return Outcome(wish=wish, off=off, on=on, by_hand=True, prompt="", allowed=on)


def _of(kind: str) -> list[Wish]:
    return [one for one in wishes() if one.kind == kind]


def _first(kind: str, like: str) -> Wish:
    """The first wish of a kind with these words, or with any of their theme."""
    known = [one for one in _of(kind) if {"rabbit", "panda", "fox"} <= one.kinds and "background" in one.open]
    return next((one for one in known if like in one.wish), known[0])


def _scene(prompt: str) -> Scene:
    scene = parse(prompt).scene()
    assert scene is not None
    return scene


def _picture(scene: Scene) -> Pixels:
    return picture(scene, Random(1))
