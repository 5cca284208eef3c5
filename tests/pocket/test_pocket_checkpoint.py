"""What is shipped: it loads in stock diffusers, is small, is made of the real classes, and draws."""

from __future__ import annotations

import json
from functools import cache
from random import Random

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel
from transformers import AutoTokenizer, Qwen3ForCausalLM, Qwen3Model

from pocket.captions import long_caption
from pocket.dialogues import riddle
from pocket.export import CHECKPOINT, LARGEST_TOTAL, check, size_of
from pocket.language import enhancer_text
from pocket.measure import Trial, draw, load, meets_bar, table, trials
from pocket.measure_language import answers, held_out_dialogues, is_right
from pocket.transformer import encode_captions
from pocket.world import Scene, usual_rows


@cache
def pipeline() -> ZImagePipeline:
    return load(CHECKPOINT)


def test_the_checkpoint_is_small_and_whole() -> None:
    assert size_of(CHECKPOINT) <= LARGEST_TOTAL == 30 * 1024 * 1024
    assert max(file.stat().st_size for file in CHECKPOINT.rglob("*") if file.is_file()) < 16 * 1024 * 1024
    check(CHECKPOINT)
    for file in CHECKPOINT.rglob("*.json"):
        assert "_name_or_path" not in json.loads(file.read_text(encoding="utf-8"))


def test_it_is_made_of_the_real_classes_in_float32() -> None:
    parts = pipeline().components
    kinds = {name: type(part) for name, part in parts.items()}
    assert kinds["transformer"] is ZImageTransformer2DModel
    assert kinds["text_encoder"] is Qwen3Model
    assert kinds["vae"] is AutoencoderKL
    assert kinds["scheduler"] is FlowMatchEulerDiscreteScheduler
    assert {parts[name].dtype for name in ("transformer", "text_encoder", "vae")} == {torch.float32}
    assert parts["vae"].config.latent_channels == 16 and parts["vae"].config.sample_size == 128
    assert parts["scheduler"].config.shift == 3.0 and not parts["scheduler"].config.use_dynamic_shifting
    assert parts["text_encoder"].config.max_position_embeddings >= 4096


def test_it_loads_in_bfloat16_too() -> None:
    loaded = ZImagePipeline.from_pretrained(CHECKPOINT, dtype=torch.bfloat16, local_files_only=True)
    assert {loaded.transformer.dtype, loaded.text_encoder.dtype, loaded.vae.dtype} == {torch.bfloat16}


def test_the_language_model_has_one_set_of_weights_for_its_two_jobs() -> None:
    model = Qwen3ForCausalLM.from_pretrained(CHECKPOINT / "text_encoder", local_files_only=True)
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
    trunk = pipeline().text_encoder.state_dict()
    for name, weight in model.model.state_dict().items():
        assert torch.equal(weight, trunk[name]), name


@pytest.mark.parametrize("caption", ["three rabbits on a purple background", "三只兔子，紫色背景", "x <|im_end|> 🐰"])
def test_the_trainings_caption_states_are_the_pipelines(caption: str) -> None:
    pipe = pipeline()
    model = Qwen3ForCausalLM.from_pretrained(CHECKPOINT / "text_encoder", local_files_only=True)
    wanted = pipe.encode_prompt([caption], do_classifier_free_guidance=False)[0][0]
    found = encode_captions(model, pipe.tokenizer, [caption, "a longer caption that makes the batch padded"])[0]
    assert found.shape == wanted.shape
    assert torch.allclose(found, wanted, atol=1e-2 * float(wanted.detach().std()))


@pytest.mark.parametrize(("width", "height"), [(128, 128), (160, 96), (112, 144)])
def test_it_draws_what_a_prompt_says(width: int, height: int) -> None:
    scene = Scene(things=(("rabbit", 3),), background="purple")
    rows = usual_rows(3, width, height)
    asked = [
        Trial(scene=scene, language=language, prompt=long_caption(scene, language, rows), seed=seed)
        for seed, language in enumerate(("en", "en", "zh", "zh"))
    ]
    results, seconds = draw(pipeline(), asked, batch=2, width=width, height=height)
    assert seconds > 0
    assert {result.pixels.shape for result in results} == {(height, width, 3)}
    assert sum(result.background and result.things for result in results) >= 3


def test_the_same_seed_draws_the_same_pixels_and_another_does_not() -> None:
    trial = trials("en", 1, 1)[0]
    other = Trial(scene=trial.scene, language="en", prompt=trial.prompt, seed=trial.seed + 1)
    (first, again, different), _ = draw(pipeline(), [trial, trial, other])
    assert (first.pixels == again.pixels).all()
    assert np.abs(first.pixels.astype(int) - different.pixels.astype(int)).mean() > 1


def test_trials_are_held_out_and_repeatable() -> None:
    asked = trials("zh", 50, 7)
    assert all(trial.scene.held_out for trial in asked)
    assert asked == trials("zh", 50, 7) and asked != trials("zh", 50, 8)
    assert {trial.prompt for trial in trials("zh", 50, 7, long=True)}.isdisjoint(trial.prompt for trial in asked)


def test_the_table_and_the_bar_count_what_was_right() -> None:
    results, _ = draw(pipeline(), trials("en", 2, 3))
    assert "things" in table("en", results) and " 2 " in table("en", results)
    right = [result for result in results if result.background and result.things]
    assert meets_bar(right * 10) if right else not meets_bar(results)


def test_the_language_model_answers_a_wish_and_a_riddle() -> None:
    tokenizer = AutoTokenizer.from_pretrained(CHECKPOINT / "tokenizer", local_files_only=True)
    model = Qwen3ForCausalLM.from_pretrained(CHECKPOINT / "text_encoder", local_files_only=True).eval()
    asked = [riddle("en", Random(1)), riddle("zh", Random(1)), *held_out_dialogues(10, 1, "plain")]
    found = answers(model, tokenizer, [enhancer_text(tokenizer, dialogue) for dialogue in asked])
    assert sum(is_right(dialogue, answer) for dialogue, answer in zip(asked, found, strict=True)) >= len(asked) - 1
