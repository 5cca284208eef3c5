"""The dialogues: every answer reads back as its scene and does what its wish says, and what is held out stays out."""

from __future__ import annotations

import re
from itertools import pairwise
from random import Random

import pytest

from enhancer.templates import language as asked_language
from pocket.dialogues import HELD_OUT_PAIRS, MAKERS, SECTIONS, draw_dialogue, is_held_out, read_prompt, read_sections
from pocket.dialogues.poems import poem, scene_things
from pocket.dialogues.riddles import ANIMALS, EN_FORMS, PAIRS, SORTS, ZH_FORMS, ask, solution
from pocket.dialogues.sums import SUMS, little_sum
from pocket.dialogues.vague import THEMES
from pocket.dialogues.verses import verses
from pocket.measure_language import is_right, is_well_formed, keeps
from pocket.reading import parse
from pocket.words import LANGUAGES, Language, has_cjk
from pocket.world import KINDS, MAX_COUNT, fits

STEP = re.compile(r"(\d+(?: [-+x/] \d+)+) = (\d+)")


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_has_its_sections_and_its_prompt_is_the_scene(kind: str, language: Language) -> None:
    rng = Random(f"{kind}/{language}")
    for _ in range(20):
        dialogue = draw_dialogue(rng, kind=kind, language=language)
        sections = read_sections(dialogue.answer)
        assert sections is not None and tuple(sections) == SECTIONS
        told = read_prompt(dialogue.answer)
        assert told is not None and told.scene() == dialogue.scene, dialogue.answer
        assert has_cjk(re.sub(r'["“][^"“”]*["”]', "", sections["prompt"])) == (language == "zh")
        assert fits(dialogue.scene)
        assert asked_language(dialogue.wish) == language, dialogue.wish
        assert is_right(dialogue, dialogue.answer) and keeps(dialogue, told), dialogue


@pytest.mark.parametrize("kind", MAKERS)
def test_quoted_words_stand_verbatim_in_wish_text_and_prompt(kind: str) -> None:
    rng = Random(f"quoted/{kind}")
    found = 0
    for _ in range(300 if kind in ("sum", "riddle") else 80):
        dialogue = draw_dialogue(rng, kind=kind)
        sections = read_sections(dialogue.answer)
        assert sections is not None
        if dialogue.scene.text is None:
            assert sections["text"] in ("none", "无")
            continue
        found += 1
        for text in (sections["text"], sections["prompt"]):
            assert re.findall(r'["“]([^"“”]+)["”]', text) == [dialogue.scene.text.words]
        if kind != "vague":
            assert dialogue.scene.text.words in dialogue.wish
    assert found or kind in ("poem", "many")


LEGS = {kind: legs for legs, kinds in ANIMALS.items() for kind in kinds}


def test_training_never_sees_what_is_held_out() -> None:
    rng = Random(6)
    for _ in range(20_000):
        dialogue = draw_dialogue(rng)
        assert dialogue.kind == "poem" or not is_held_out(dialogue)
        if dialogue.kind == "riddle":
            assert dialogue.riddle is not None and dialogue.riddle not in HELD_OUT_PAIRS
            legs = sum(LEGS[kind] * count for kind, count in dialogue.scene.things)
            assert dialogue.riddle == (dialogue.scene.total, legs)


def test_the_held_out_pairs_are_a_quarter_and_never_the_only_ones_with_their_numbers() -> None:
    assert len(PAIRS) == 36 and len(HELD_OUT_PAIRS) == 9 and set(HELD_OUT_PAIRS) < set(PAIRS)
    left = set(PAIRS) - set(HELD_OUT_PAIRS)
    assert {heads for heads, _ in HELD_OUT_PAIRS} <= {heads for heads, _ in left}
    assert {legs for _, legs in HELD_OUT_PAIRS} <= {legs for _, legs in left}


@pytest.mark.parametrize("kind", [kind for kind in MAKERS if kind != "poem"])
def test_the_measure_draws_only_what_is_held_out(kind: str) -> None:
    rng = Random(f"held out/{kind}")
    assert all(is_held_out(draw_dialogue(rng, kind=kind, held_out=True)) for _ in range(4))


def calculated(text: str) -> list[int]:
    """The results of all arithmetic in a text; fails where one is wrong."""
    results = []
    for terms, result in STEP.findall(text):
        first, *rest = re.split(r" ([-+x/]) ", terms)
        value = int(first)
        for sign, term in zip(rest[::2], rest[1::2], strict=True):
            number = int(term)
            value = {"+": value + number, "-": value - number, "x": value * number, "/": value // max(1, number)}[sign]
            assert sign != "/" or value * number == int(first)
        assert value == int(result), text
        results.append(value)
    return results


@pytest.mark.parametrize("form", SUMS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sums_arithmetic_is_right_and_gives_its_counts(form: str, language: Language) -> None:
    rng = Random(f"{form}/{language}")
    for _ in range(20):
        dialogue = little_sum(language, rng, form=form)
        sections = read_sections(dialogue.answer)
        assert sections is not None
        results = calculated(sections["solve"])
        if form != "as many":
            assert results and results[-1] in [count for _, count in dialogue.scene.things]
        assert dialogue.scene.total <= MAX_COUNT
        told = re.findall(r"(?:: |\s)(?:= )?(\d+)(?=[.。])", sections["solve"])
        counts = [count for _, count in dialogue.scene.things]
        assert sorted(int(number) for number in told)[-len(counts) :] != [], sections["solve"]
        assert set(counts) <= {int(number) for number in told}, sections["solve"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_riddles_way_is_right_step_by_step(language: Language) -> None:
    rng = Random(f"way/{language}")
    forms = ZH_FORMS if language == "zh" else EN_FORMS
    assert len(set(forms)) >= 10
    for heads, legs in (*PAIRS, *((heads, 2 * heads) for heads in range(2, 10)), (5, 20)):
        dialogue = ask(heads, legs, language, rng, usual=True)
        counts = dict(dialogue.scene.things)
        chickens, rabbits = counts.get("chicken", 0), counts.get("rabbit", 0)
        assert (chickens + rabbits, 2 * chickens + 4 * rabbits) == (heads, legs)
        sections = read_sections(dialogue.answer)
        assert sections is not None
        results = calculated(sections["solve"])
        assert results[0] == 2 * heads and (rabbits == 0 or results[-1] == chickens)
        steps = re.findall(r"(\d) (?:makes? |只得 )(\d+)(?: of |，要 )(\d+)", sections["solve"])
        assert [tuple(map(int, step)) for step in steps] == [
            (n, 2 * heads + 2 * n, legs) for n in range(1, rabbits + 1)
        ]
        assert f"heads {heads}, legs {legs}" in sections["keep"] or f"头 {heads}，脚 {legs}" in sections["keep"]


def test_animals_of_riddles_are_known_and_have_legs_of_one_number() -> None:
    assert set(LEGS) <= set(KINDS) and len(LEGS) == sum(len(kinds) for kinds in ANIMALS.values())


def test_a_way_over_other_legs_is_right_too() -> None:
    for few, many in SORTS:
        way = solution(7, 7 * few + 3 * (many - few), ("bird", "cat"), (few, many), "en")
        assert calculated(way) == [7 * few, 4] and way.endswith("Cats: 3. Birds: 7 - 3 = 4."), way


def test_what_must_not_be_there_is_not() -> None:
    rng = Random(8)
    colours = 0
    for _ in range(150):
        dialogue = draw_dialogue(rng, kind="without")
        assert not dialogue.asked.no_kinds & {kind for kind, _ in dialogue.scene.things}
        assert not dialogue.asked.no_colours & set(dialogue.scene.background.colours)
        colours += bool(dialogue.asked.no_colours)
    assert colours > 25


def test_a_wish_is_asked_in_the_language_that_the_enhancer_takes_it_for() -> None:
    rng = Random(11)
    for _ in range(1500):
        dialogue = draw_dialogue(rng)
        assert asked_language(dialogue.wish) == dialogue.language, dialogue.wish


def test_a_plain_wish_reads_as_its_scene() -> None:
    rng = Random(3)
    for _ in range(120):
        dialogue = draw_dialogue(rng, kind="plain")
        assert parse(dialogue.wish).scene() == dialogue.scene, dialogue.wish


@pytest.mark.parametrize("chinese", [False, True])
def test_themes_are_many_and_known(chinese: bool) -> None:
    phrases = [phrase for theme in THEMES for phrase in (theme.zh if chinese else theme.en)]
    assert len(set(phrases)) == len(phrases) >= 40
    assert all(has_cjk(phrase) == chinese for phrase in phrases)
    for theme in THEMES:
        assert set(theme.kinds) <= set(KINDS) and len(theme.kinds) >= 3


def test_verses_are_many_and_their_images_stand_in_their_lines() -> None:
    assert len({verse.lines for verse in verses()}) == len(verses()) >= 30
    rng = Random(9)
    for verse in verses():
        for image in verse.images:
            assert image.zh in "，".join(verse.lines), verse
            assert re.search(rf"\b{image.en}", verse.rendering, re.IGNORECASE), (verse.rendering, image.en)
        assert sum(count for _, count in scene_things(verse.images)) <= MAX_COUNT
        for language in LANGUAGES:
            dialogue = poem(language, rng, verse=verse)
            assert is_right(dialogue, dialogue.answer) and fits(dialogue.scene)


def test_wrong_answers_are_seen_as_wrong() -> None:
    rng = Random(5)
    seen = 0
    for kind in ("plain", "background", "sum", "riddle", "poem", "nearest", "without"):
        for language in LANGUAGES:
            dialogues = [draw_dialogue(rng, kind=kind, language=language) for _ in range(8)]
            for one, other in pairwise(dialogues):
                if dict(one.scene.things) != dict(other.scene.things):
                    assert one.asked.open >= {"kinds"} or not is_right(one, other.answer)
                    seen += 1
            one = dialogues[0]
            assert not is_well_formed(one, one.answer.replace("## compose", "## place"))
            assert not is_well_formed(one, "") and not is_right(one, "")
            assert not is_well_formed(one, one.answer.split("## prompt")[0])
            assert not is_well_formed(one, re.sub(r"## solve\n[^\n]*", "## solve\n", one.answer))
            other_language: Language = "en" if language == "zh" else "zh"
            assert not is_well_formed(one, draw_dialogue(rng, kind=kind, language=other_language).answer)
    assert seen > 80


def test_a_changed_count_colour_or_letter_is_seen() -> None:
    rng = Random(10)
    dialogue = next(
        d
        for d in iter(lambda: draw_dialogue(rng, kind="plain", language="en"), None)
        if d.scene.text and len(d.scene.text.words) > 2 and d.scene.background.pattern == "plain" and d.scene.total == 2
    )
    text = dialogue.scene.text
    assert text is not None
    shuffled = text.words[1:] + text.words[0]
    assert not is_right(dialogue, dialogue.answer.replace(text.words, shuffled))
    colour = dialogue.scene.background.colours[0]
    other = "green" if colour != "green" else "pink"
    assert not is_right(dialogue, dialogue.answer.replace(f"plain {colour}", f"plain {other}"))
    head, prompt = dialogue.answer.split("## prompt\n")
    for number, wrong in (("Two", "Three"), ("One", "Two")):
        if prompt.startswith(number):
            assert not is_right(dialogue, f"{head}## prompt\n{prompt.replace(number, wrong, 1)}")
