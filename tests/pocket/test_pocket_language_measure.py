"""The measure of the language model: what it asks, what it calls right, and what shuffled weights are."""

from __future__ import annotations

from random import Random

import pytest
import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from pocket.dialogues import HELD_OUT_PAIRS, KNOWN, MAKERS, draw_dialogue, is_held_out, read_sections
from pocket.dialogues.riddles import EN_FORMS, ZH_FORMS
from pocket.measure_language import (
    BARS,
    Answer,
    asked_kinds,
    held_out_dialogues,
    judged,
    meets_bars,
    riddles,
    shuffled,
    table,
)
from pocket.words import LANGUAGES, Language


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_held_out_riddle_is_asked_in_every_phrasing(language: Language) -> None:
    asked = riddles(language, 7)
    forms = len(ZH_FORMS if language == "zh" else EN_FORMS)
    assert {dialogue.riddle for dialogue in asked} == set(HELD_OUT_PAIRS)
    assert len(asked) == forms * len(HELD_OUT_PAIRS) >= 90
    assert {kind for dialogue in asked for kind, _ in dialogue.scene.things} == {"chicken", "rabbit"}
    assert len({dialogue.wish for dialogue in riddles(language, 7, 4)}) == 4 * len(HELD_OUT_PAIRS)


def test_the_full_measure_asks_500_wishes_and_every_kind() -> None:
    numbers = asked_kinds(500)
    assert sum(numbers.values()) == 500 and set(numbers) == set(MAKERS) - {"riddle"}
    assert numbers["sum"] >= 80 and min(asked_kinds(20).values()) >= 2


def test_wishes_are_held_out_and_the_same_for_the_same_seed() -> None:
    for kind in ("plain", "sum", "poem"):
        asked = held_out_dialogues(6, 1, kind)
        assert asked == held_out_dialogues(6, 1, kind) != held_out_dialogues(6, 2, kind)
        assert all(kind in KNOWN or is_held_out(dialogue) for dialogue in asked)
        assert {dialogue.language for dialogue in asked} == set(LANGUAGES)


def test_right_answers_meet_the_bars_and_endless_or_wrong_ones_do_not() -> None:
    rng = Random(1)
    dialogues = [draw_dialogue(rng, kind=kind) for kind in MAKERS for _ in range(6)]
    right = [Answer(text=dialogue.answer, ended=True) for dialogue in dialogues]
    verdicts = judged(dialogues, right)
    assert all(verdict.share == 1 for verdict in verdicts.values()) and meets_bars(verdicts)
    assert set(verdicts) == {*BARS, *MAKERS} and "99 %" in table("en", verdicts)
    assert not meets_bars(judged(dialogues, [Answer(text=answer.text, ended=False) for answer in right]))
    turned = judged(dialogues, right[1:] + right[:1])
    assert not meets_bars(turned) and turned["sum"].wrong and turned["kept"].wrong


@pytest.mark.parametrize("kind", ["riddle", "sum"])
def test_a_riddle_or_sum_with_another_count_is_wrong(kind: str) -> None:
    rng = Random(f"another count/{kind}")
    for _ in range(25):
        dialogue = draw_dialogue(rng, kind=kind, language="zh")
        sections = read_sections(dialogue.answer)
        assert sections is not None
        head, prompt = dialogue.answer.split("## prompt\n")
        numbers = "一两三四五六七八九"
        first = prompt[0]
        other = numbers[(numbers.index(first) + 1) % 9]
        wrong = judged([dialogue], [Answer(text=f"{head}## prompt\n{other}{prompt[1:]}", ended=True)])
        assert wrong[kind].right == 0, prompt


def test_shuffled_weights_are_the_same_numbers_in_another_order() -> None:
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=40,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        tie_word_embeddings=True,
    )
    model = Qwen3ForCausalLM(config)
    other = shuffled(model)
    assert other.lm_head.weight.data_ptr() == other.model.embed_tokens.weight.data_ptr()
    for (name, one), two in zip(model.named_parameters(), other.parameters(), strict=True):
        assert torch.equal(one.flatten().sort().values, two.flatten().sort().values)
        assert "norm" in name or not torch.equal(one, two)
    assert all(torch.equal(a, b) for a, b in zip(other.parameters(), shuffled(model).parameters(), strict=True))
