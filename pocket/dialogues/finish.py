"""Ends what sums, riddles and their like begin: a background is told or chosen, and now and then words or a style.

It knows no arithmetic.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from pocket.dialogues.answers import (
    Asked,
    Dialogue,
    answer,
    chosen_background,
    chosen_letters,
    joined,
    letters_told,
    sentences,
    told_background,
    told_extras,
)
from pocket.dialogues.frames import ended, grounded, polite, with_extras
from pocket.words import Language
from pocket.world import PLAIN, STYLES, VIEWS, Background, Scene, Style, Text, draw_words, fits, legible_colours

TOLD = 0.5
"""How often a riddle or sum tells its background."""
NOTHING_OPEN = Asked()
WORDS, STYLED = 0.15, 0.06
MOST_WITH_WORDS = 4


def any_background(rng: Random) -> Background:
    """Plain mostly; a view now and then."""
    return rng.choice(PLAIN) if rng.random() < 0.75 else rng.choice(VIEWS)


def _scene(
    language: Language,
    rng: Random,
    things: tuple[tuple[str, int], ...],
    background: Background,
    rows: tuple[int, ...] | None,
    *,
    bare: bool,
) -> Scene:
    """The scene of settled things; now and then with a style or words, if it is not to be bare."""
    style: Style = rng.choice(STYLES[1:]) if not bare and rng.random() < STYLED else "flat"
    plain = Scene(things=things, background=background, rows=rows, style=style)
    if bare or rows is not None or plain.total > MOST_WITH_WORDS or rng.random() >= WORDS:
        return plain
    words = draw_words(rng, chinese=(rng.random() < 0.8) == (language == "zh"))
    written = replace(plain, text=Text(words=words, colour=legible_colours(background, style)[0]))
    return written if fits(written) else plain


def finished(
    kind: str,
    language: Language,
    rng: Random,
    *,
    things: tuple[tuple[str, int], ...],
    wish: str,
    keep: str,
    solve: str,
    background: Background | None = None,
    rows: tuple[int, ...] | None = None,
    asked: Asked = NOTHING_OPEN,
    bare: bool = False,
    framed: bool = True,
    riddle: tuple[int, int] | None = None,
) -> Dialogue:
    """The dialogue of a wish whose things are settled.

    Args:
        kind: the dialogue's kind.
        language: of wish and answer.
        rng: decides what is told beside the things.
        things: the kinds and counts that are to be drawn.
        wish: what is told of them.
        keep: what must survive of that.
        solve: how the things were found.
        background: the background to be chosen, if not any.
        rows: an arrangement that the wish tells.
        asked: what may be chosen of the things.
        bare: nothing else is told.
        framed: a polite frame may stand around it.
        riddle: heads and legs.
    """
    told = background is None and not bare and rng.random() < TOLD
    background = background or any_background(rng)
    scene = _scene(language, rng, things, background, rows, bare=bare)
    if told:
        wish = grounded(wish, background, language, rng)
    if scene.text is not None or scene.style != "flat":
        wish = with_extras(wish, scene, language, rng)
    if not bare:
        wish = polite(ended(wish, language, rng), language, rng, plain=0.75 if framed else 1.0)
    letters = letters_told(wish, scene)
    extras = told_extras(scene, language, letters=letters) if rows is None else ()
    keep = joined((keep, told_background(background, language) if told else "", *extras), language)
    chosen = ("" if told else chosen_background(scene, language), "" if letters else chosen_letters(scene, language))
    solve = sentences((solve, *chosen), language)
    open_ = set(asked.open) | (set() if told else {"background"})
    if scene.text is not None and not letters:
        open_.add("letters")
    return Dialogue(
        kind=kind,
        language=language,
        wish=wish,
        answer=answer(scene, language, keep, solve),
        scene=scene,
        asked=replace(asked, open=frozenset(open_)),
        riddle=riddle,
    )
