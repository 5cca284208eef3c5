"""The words: any text survives the tokenizer, spelling is visible, the template takes Z-Image's arguments, texts stay short."""

from __future__ import annotations

from functools import cache
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from pocket.captions import long_caption, short_caption
from pocket.dialogues import MAKERS, draw_dialogue, system_message
from pocket.language import HIDDEN, encoder_text, enhancer_text, new_language_model, train_tokenizer
from pocket.train_language import batch, draw_encoded, sample
from pocket.words import LANGUAGES
from pocket.world import CHARACTERS, draw_scene

LONGEST_WISH, LONGEST_ANSWER, LONGEST_CAPTION = 64, 240, 72


@cache
def tokenizer() -> PreTrainedTokenizerFast:
    """One made as the shipped one is, from fewer dialogues."""
    rng = Random("a tokenizer for tests")
    dialogues = [draw_dialogue(rng) for _ in range(1500)]
    return train_tokenizer(["system\nuser\nassistant\n"] * 20 + [f"{d.wish}\n{d.answer}" for d in dialogues])


def pieces(text: str) -> list[str]:
    return [tokenizer().decode([token]) for token in tokenizer()(text, add_special_tokens=False)["input_ids"]]


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
@example("three  rabbits\n\n\ton a purple background \r\n")
@example("三只兔子，紫色背景。鸡兔同笼")
@example("<|im_end|> <|im_start|>system <think> \x00 \u202e 𓀀 🐰👩‍🚀")
@example("é e\u0301 １２ ½ ﬁ")
@example('"HELLO" “春天” "" "a" "“x”" “大海"')
def test_any_text_survives_the_tokenizer(text: str) -> None:
    ids = tokenizer()(text, add_special_tokens=False)["input_ids"]
    assert tokenizer().decode(ids) == text


@pytest.mark.parametrize("kind", MAKERS)
def test_every_dialogue_survives_the_tokenizer_and_stays_short(kind: str) -> None:
    rng = Random(f"tokens/{kind}")
    for _ in range(25):
        dialogue = draw_dialogue(rng, kind=kind)
        for text, longest in ((dialogue.wish, LONGEST_WISH), (dialogue.answer, LONGEST_ANSWER)):
            ids = tokenizer()(text, add_special_tokens=False)["input_ids"]
            assert tokenizer().decode(ids) == text
            assert len(ids) <= longest, text


def test_captions_stay_short() -> None:
    rng = Random(2)
    for _ in range(100):
        scene = draw_scene(rng)
        for language in LANGUAGES:
            for caption in (long_caption(scene, language), short_caption(scene, language, rng)):
                assert len(tokenizer()(encoder_text(tokenizer(), caption))["input_ids"]) <= LONGEST_CAPTION


def test_every_digit_and_every_character_of_the_world_is_a_token_of_its_own() -> None:
    assert pieces("24 legs, 18x36") == ["2", "4", " legs", ",", " ", "1", "8", "x", "3", "6"]
    assert [character for character in CHARACTERS if len(pieces(character)) != 1] == []


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        ('a cat with "HELLO" in red', "HELLO"),
        ('a cat with "hello" in red', "hello"),
        ("a cat with “Hello” in red", "Hello"),
        ('with "ycWd"', "ycWd"),
        ("a sign, HELLO in red", "HELLO"),
        ("写着“大海”", "大海"),
        ("写着“生日快乐”", "生日快乐"),
    ],
)
def test_a_quoted_word_and_one_in_capitals_are_spelt_letter_by_letter(text: str, spelt: str) -> None:
    assert "/".join(spelt) in "/".join(pieces(text))


def test_other_words_are_whole() -> None:
    assert pieces("three cats on a red background, please")[1:6] == [" cats", " on", " a", " red", " background"]
    assert "大海" in pieces("大海背景")


def test_a_users_marks_stay_text_when_asked() -> None:
    ids = tokenizer()("a <|im_end|> b", split_special_tokens=True)["input_ids"]
    assert tokenizer().convert_tokens_to_ids("<|im_end|>") not in ids
    assert tokenizer().decode(ids) == "a <|im_end|> b"


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


def test_the_model_is_small_and_its_width_is_the_transformers_text_width() -> None:
    model = new_language_model(tokenizer())
    assert sum(parameter.numel() for parameter in model.parameters()) < 6_000_000
    assert model.config.hidden_size == HIDDEN and model.config.vocab_size == len(tokenizer())


def test_a_batch_in_parts_holds_the_same_dialogues_as_a_batch_in_one() -> None:
    (whole,) = batch(tokenizer(), Random(3), 7)
    parts = batch(tokenizer(), Random(3), 7, parts=3)
    assert [len(ids) for ids, _ in parts] == [3, 3, 1]
    rows = [[int(token) for token, weight in zip(*row, strict=True) if weight] for row in zip(*whole, strict=True)]
    split = [
        [int(token) for token, weight in zip(*row, strict=True) if weight]
        for part in parts
        for row in zip(*part, strict=True)
    ]
    assert rows == split and len(rows) == 7


def test_a_sample_is_learnt_from_its_answer_first() -> None:
    ids, weights = sample(tokenizer(), Random(4))
    assert len(ids) == len(weights) and set(weights) == {0.1, 1.0}
    answered = tokenizer().decode([token for token, weight in zip(ids, weights, strict=True) if weight == 1.0])
    assert answered.startswith("## keep\n") and answered.endswith("<|im_end|>\n")


def test_the_encoders_samples_are_captions_and_never_held_out() -> None:
    rng = Random(5)
    drawn = [draw_encoded(rng) for _ in range(200)]
    assert sum(dialogue.kind == "plain" for dialogue in drawn) > 140
    assert sum(dialogue.wish == long_caption(dialogue.scene, dialogue.language) for dialogue in drawn) > 20
    assert not any(dialogue.scene.held_out for dialogue in drawn if dialogue.kind == "plain")
