"""The words: any text survives the tokenizer, the template takes Z-Image's arguments, dialogues say what they mean."""

from __future__ import annotations

from functools import cache
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from pocket.captions import long_caption, parse, short_caption
from pocket.dialogues import MAKERS, SECTIONS, draw_dialogue, read_prompt, riddle, system_message
from pocket.export import CHECKPOINT
from pocket.language import encoder_text, enhancer_text
from pocket.measure_language import is_right
from pocket.words import LANGUAGES, has_cjk
from pocket.world import draw_scene, row_choices


@cache
def tokenizer() -> PreTrainedTokenizerFast:
    return AutoTokenizer.from_pretrained(CHECKPOINT / "tokenizer", local_files_only=True)


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
@example("three  rabbits\n\n\ton a purple background \r\n")
@example("三只兔子，紫色背景。鸡兔同笼")
@example("<|im_end|> <|im_start|>system <think> \x00 \u202e 𓀀 🐰👩‍🚀")
@example("é e\u0301 １２ ½ ﬁ")
def test_any_text_survives_the_tokenizer(text: str) -> None:
    ids = tokenizer()(text, add_special_tokens=False)["input_ids"]
    assert tokenizer().decode(ids) == text


def test_a_users_marks_stay_text_when_asked() -> None:
    ids = tokenizer()("a <|im_end|> b", split_special_tokens=True)["input_ids"]
    assert tokenizer().convert_tokens_to_ids("<|im_end|>") not in ids
    assert tokenizer().decode(ids) == "a <|im_end|> b"


def test_every_digit_is_a_token_of_its_own() -> None:
    tokens = tokenizer().tokenize("24 legs, 18x36")
    assert [token for token in tokens if any(c.isdigit() for c in token)] == ["2", "4", "1", "8", "3", "6"]


def test_the_template_takes_the_arguments_of_the_pipeline() -> None:
    messages = [{"role": "user", "content": "a cat"}]
    template = tokenizer().apply_chat_template
    thinking = template(messages, tokenize=False, add_generation_prompt=True, enable_thinking=True)
    assert thinking == "<|im_start|>user\na cat<|im_end|>\n<|im_start|>assistant\n"
    silent = template(messages, tokenize=False, add_generation_prompt=True, enable_thinking=False)
    assert silent == thinking + "<think>\n\n</think>\n\n"
    assert template(messages, tokenize=False, add_generation_prompt=True) == thinking
    assert template(messages, tokenize=False) == "<|im_start|>user\na cat<|im_end|>\n"
    assert template([*messages, {"role": "assistant", "content": "{{ 1 }}"}], tokenize=False).endswith(
        "<|im_start|>assistant\n{{ 1 }}<|im_end|>\n"
    )


def test_the_enhancers_text_begins_with_its_own_template_file() -> None:
    rng = Random(1)
    for language in LANGUAGES:
        text = enhancer_text(tokenizer(), draw_dialogue(rng, language=language))
        assert text.startswith(f"<|im_start|>system\n{system_message(language)}<|im_end|>\n<|im_start|>user\n")
        assert text.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")


def test_captions_stay_within_32_tokens() -> None:
    rng = Random(2)
    for _ in range(500):
        scene = draw_scene(rng)
        rows = rng.choice(row_choices(scene.total))
        for language in LANGUAGES:
            for caption in (long_caption(scene, language, rows), short_caption(scene, language, rng)):
                assert len(tokenizer()(encoder_text(tokenizer(), caption))["input_ids"]) <= 32


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_has_the_five_sections_in_the_wishs_language_and_its_prompt_is_the_scene(
    kind: str, language: str
) -> None:
    rng = Random(f"{kind}/{language}")
    for _ in range(200):
        dialogue = draw_dialogue(rng, kind=kind, language=language)
        names = [line[3:] for line in dialogue.answer.split("\n") if line.startswith("## ")]
        assert tuple(names) == SECTIONS
        assert read_prompt(dialogue.answer) == (dialogue.scene.things, dialogue.scene.background)
        assert has_cjk(dialogue.answer) == (language == "zh") == has_cjk(dialogue.wish)
        assert not dialogue.scene.held_out
        assert is_right(dialogue, dialogue.answer)


def test_a_plain_wish_reads_as_its_scene() -> None:
    rng = Random(3)
    for _ in range(500):
        dialogue = draw_dialogue(rng, kind="plain")
        assert parse(dialogue.wish) == (dialogue.scene.things, dialogue.scene.background), dialogue.wish


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_riddles_counts_have_its_heads_and_legs(language: str) -> None:
    rng = Random(4)
    for _ in range(50):
        dialogue = riddle(language, rng)
        counts = dict(dialogue.scene.things)
        heads, legs = sum(counts.values()), 2 * counts["chicken"] + 4 * counts["rabbit"]
        assert str(heads) in dialogue.wish and str(legs) in dialogue.wish


def test_wrong_answers_are_seen_as_wrong() -> None:
    dialogue = draw_dialogue(Random(5), kind="plain", language="en")
    other = draw_dialogue(Random(6), kind="plain", language="en")
    assert dialogue.scene != other.scene
    assert not is_right(dialogue, other.answer)
    assert not is_right(dialogue, dialogue.answer.replace("## compose", "## place"))
    assert not is_right(dialogue, "")
    chinese = draw_dialogue(Random(5), kind="plain", language="zh")
    assert not is_right(dialogue, chinese.answer)
