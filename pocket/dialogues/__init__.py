"""Wishes and the reasoned answers that Pocket's language model learns: keep, solve, compose, text, prompt.

A wish is what a person types: a caption, one with something left out, a sum, a riddle, a line of a poem. Here is the
table of kinds with their weights; each kind has its own module. No tokenizer, no model, no pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from pocket.dialogues.answers import SECTIONS, Asked, Dialogue, read_prompt, read_sections, system_message
from pocket.dialogues.choices import compare, nearest, without
from pocket.dialogues.limits import too_long, too_many
from pocket.dialogues.poems import poem
from pocket.dialogues.riddles import HELD_OUT_PAIRS, riddle
from pocket.dialogues.steps import steps
from pocket.dialogues.strange import strange
from pocket.dialogues.sums import little_sum
from pocket.dialogues.vague import vague
from pocket.dialogues.wishes import plain, without_background, without_count, words_only
from pocket.words import LANGUAGES, Language

Maker = Callable[[Language, Random, bool], Dialogue]
"""Makes a dialogue of a language; the last argument: of the held-out side, if it can tell before it is made."""


def _either(maker: Callable[[Language, Random], Dialogue]) -> Maker:
    """A maker whose side is only known afterwards."""
    return lambda language, rng, held_out: maker(language, rng)


MAKERS: dict[str, tuple[float, Maker]] = {
    "plain": (0.22, plain),
    "background": (0.09, without_background),
    "count": (0.08, without_count),
    "words": (0.04, _either(words_only)),
    "vague": (0.08, _either(vague)),
    "sum": (0.13, _either(little_sum)),
    "compare": (0.04, _either(compare)),
    "without": (0.08, _either(without)),
    "riddle": (0.22, riddle),
    "steps": (0.06, _either(steps)),
    "poem": (0.06, _either(poem)),
    "nearest": (0.03, _either(nearest)),
    "many": (0.01, _either(too_many)),
    "long": (0.02, _either(too_long)),
    "strange": (0.02, _either(strange)),
}
"""How often training draws each kind, and what makes one."""
KNOWN = frozenset({"poem"})
"""Kinds whose few scenes are knowledge, not a combination: nothing of them is held out."""


def is_held_out(dialogue: Dialogue) -> bool:
    """Whether training never sees this: a riddle by its pair of numbers, any other wish by its scene."""
    if dialogue.riddle is not None:
        return dialogue.riddle in HELD_OUT_PAIRS
    return dialogue.scene.held_out


def draw_dialogue(
    rng: Random,
    *,
    held_out: bool = False,
    kind: str | None = None,
    language: Language | None = None,
    weights: Mapping[str, float] | None = None,
) -> Dialogue:
    """A random dialogue of training's side, or of the held-out side.

    Args:
        rng: decides all that is not given.
        held_out: draw one that training never sees; of the kinds in KNOWN any.
        kind: one of MAKERS; any by default.
        language: of wish and answer; either by default.
        weights: how likely each kind is, in place of the table's weights.
    """
    spoken: Language = rng.choice(LANGUAGES) if language is None else language
    if kind is None:
        shares = weights or {name: weight for name, (weight, _) in MAKERS.items()}
        kind = rng.choices(tuple(shares), tuple(shares.values()))[0]
    maker = MAKERS[kind][1]
    while True:
        dialogue = maker(spoken, rng, held_out)
        if kind in KNOWN or is_held_out(dialogue) == held_out:
            return dialogue


__all__ = [
    "HELD_OUT_PAIRS",
    "KNOWN",
    "MAKERS",
    "SECTIONS",
    "Asked",
    "Dialogue",
    "draw_dialogue",
    "is_held_out",
    "read_prompt",
    "read_sections",
    "system_message",
]
