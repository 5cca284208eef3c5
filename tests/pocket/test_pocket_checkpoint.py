"""What is shipped: it loads in stock diffusers, is small, is made of the real classes, and draws."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from random import Random

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel
from transformers import AutoTokenizer, PreTrainedTokenizerFast, Qwen3ForCausalLM, Qwen3Model

from pocket.captions import long_caption, short_caption
from pocket.export import CHECKPOINT, LARGEST_TOTAL, check, size_of
from pocket.judge import Verdict, read
from pocket.language import enhancer_text
from pocket.measure import Trial, Way, draw, load, meets_bars, score, table, trials
from pocket.measure_language import answers, held_out_dialogues, is_right, riddles_right, shuffled
from pocket.transformer import encode_captions
from pocket.world import SIDE, SKILLS, Scene, plain

BASE = CHECKPOINT.with_name("checkpoint-base")
RIGHT = Verdict(background=True, style=True, kinds=True, counts=True, places=True, size=True, text=True, ink=True)


@cache
def pipeline() -> ZImagePipeline:
    return load(CHECKPOINT)


def test_the_checkpoints_are_small_and_whole() -> None:
    assert size_of(CHECKPOINT) + size_of(BASE) <= LARGEST_TOTAL == 40 * 1024 * 1024
    files = [file for folder in (CHECKPOINT, BASE) for file in folder.rglob("*") if file.is_file()]
    assert max(file.stat().st_size for file in files) < 16 * 1024 * 1024
    check(CHECKPOINT, BASE)
    for file in files:
        assert file.suffix != ".json" or "_name_or_path" not in json.loads(file.read_text(encoding="utf-8"))


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
    scene = Scene(things=(("rabbit", 3),), background=plain("purple"))
    asked = [
        Trial(skill="counts", scene=scene, language=language, prompt=long_caption(scene, language), seed=seed)
        for seed, language in enumerate(("en", "en", "zh", "zh"))
    ]
    results, seconds = draw(pipeline(), asked, Way(batch=2), width=width, height=height)
    assert seconds > 0
    assert {result.pixels.shape for result in results} == {(height, width, 3)}
    assert sum(result.verdict.right for result in results) >= 3


def test_the_same_seed_draws_the_same_pixels_and_another_does_not() -> None:
    trial = trials("en", 1, 1)[0]
    other = replace(trial, seed=trial.seed + 1)
    (first, again, different), _ = draw(pipeline(), [trial, trial, other])
    assert (first.pixels == again.pixels).all()
    assert np.abs(first.pixels.astype(int) - different.pixels.astype(int)).mean() > 1


def test_seeds_differ_in_where_and_how_large_a_thing_stands() -> None:
    scene = Scene(things=(("cat", 1),), background=plain("purple"))
    prompt = short_caption(scene, "en", Random(0))
    asked = [Trial(skill="kinds", scene=scene, language="en", prompt=prompt, seed=seed) for seed in range(8)]
    results, _ = draw(pipeline(), asked, Way(batch=4))
    found = [read(result.pixels).things for result in results]
    middles = [things[0].middle for things in found if len(things) == 1]
    assert len(middles) >= 7
    for along in zip(*middles, strict=True):
        assert max(along) - min(along) > SIDE / 16, middles


def test_trials_are_held_out_and_repeatable_and_ask_for_every_skill() -> None:
    asked = trials("zh", 50, 7)
    assert all(trial.scene.held_out for trial in asked)
    assert {trial.skill for trial in asked} == set(SKILLS)
    assert asked == trials("zh", 50, 7) and asked != trials("zh", 50, 8)
    assert {trial.prompt for trial in trials("zh", 50, 7, long=True)}.isdisjoint(trial.prompt for trial in asked)


def test_the_table_and_the_bars_count_what_was_right() -> None:
    results, _ = draw(pipeline(), trials("en", 8, 3))
    assert "counts" in table("en", results) and "90 %" in table("en", results)
    right = [replace(result, verdict=RIGHT) for result in results]
    assert meets_bars(right) and "100.0 %" in table("en", right)
    wrong = [replace(result, verdict=replace(RIGHT, counts=False)) for result in results]
    assert not meets_bars(wrong) and 0 < score(wrong) < score(right) == 1


@cache
def language() -> tuple[PreTrainedTokenizerFast, Qwen3ForCausalLM]:
    tokenizer = AutoTokenizer.from_pretrained(CHECKPOINT / "tokenizer", local_files_only=True)
    return tokenizer, Qwen3ForCausalLM.from_pretrained(CHECKPOINT / "text_encoder", local_files_only=True).eval()


def test_the_language_model_answers_wishes_that_it_never_saw() -> None:
    tokenizer, model = language()
    asked = [one for kind in ("plain", "sum", "count") for one in held_out_dialogues(4, 1, kind)]
    found = answers(model, tokenizer, [enhancer_text(tokenizer, dialogue) for dialogue in asked])
    assert all(answer.ended for answer in found)
    assert sum(is_right(dialogue, answer.text) for dialogue, answer in zip(asked, found, strict=True)) >= 11


def test_riddles_are_solved_by_the_weights_and_by_nothing_beside_them() -> None:
    tokenizer, model = language()
    assert riddles_right(model, tokenizer) >= 0.7  # the measure's bar is higher; this guards what is reached
    assert riddles_right(shuffled(model), tokenizer) == 0


def test_guidance_draws_the_base_and_its_negative_prompt_lowers_a_colour() -> None:
    base = load(BASE)

    def blue(negative: str) -> float:
        """How far the pictures of a prompt that names no background lean to blue, from -255 to 255."""
        images = base(
            ["two cats"] * 4,
            negative_prompt=[negative] * 4,
            width=128,
            height=128,
            num_inference_steps=16,
            guidance_scale=1.5,
            generator=[torch.Generator().manual_seed(seed) for seed in range(4)],
        ).images
        red, _, of_blue = np.stack([np.asarray(image.convert("RGB"), dtype=float) for image in images]).mean((0, 1, 2))
        return float(of_blue - red)

    against = blue("a blue background")
    assert against < blue("a red background") - 10 and against < blue("") - 5
