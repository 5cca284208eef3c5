"""Recipes, sizes and orders: one JSON form, the seed of each picture, presets that the transformer can draw."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.checkpoint import CheckpointInfo, Defaults
from studio.domain.recipe import SEED_MAX, Adapter, Recipe
from studio.domain.request import EnhancementRequest, GenerationRequest
from studio.domain.sizes import RATIOS, fitting, shapes
from studio.domain.spec import JobSpec
from studio.errors import InvalidRequest

RECIPE = Recipe(prompt="a cat", seed=5, width=128, height=96, steps=8, guidance=0.0, shift=3.0, checkpoint="pocket")
TURBO = CheckpointInfo(
    name="turbo",
    title="Z-Image-Turbo",
    source="somewhere",
    defaults=Defaults(steps=8, guidance=0.0, shift=3.0, native=1024, negative_prompt=False),
    template="chain",
)


@given(prompt=st.text(), negative=st.text(), seed=st.integers(0, SEED_MAX), guidance=st.floats(0, 20))
def test_the_json_form_reads_back(prompt: str, negative: str, seed: int, guidance: float) -> None:
    recipe = Recipe(
        prompt=prompt, negative_prompt=negative, seed=seed, width=64, height=64, steps=1, guidance=guidance, shift=3.0,
        checkpoint="pocket", revision="abc",
    )  # fmt: skip
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


def test_what_a_picture_begins_with_and_its_adapters_read_back_and_are_told_only_where_there_are_any() -> None:
    adapters = (Adapter(name="ink", weight=0.8, sha256="ab"), Adapter(name="fur", weight=-1.0))
    recipe = replace(RECIPE, source="cd" * 32, strength=0.4, adapters=adapters, variation_of=((7, 0.2),))
    told = json.loads(json.dumps(recipe.to_json()))
    assert told["adapters"][0] == {"name": "ink", "weight": 0.8, "sha256": "ab"} and told["strength"] == 0.4
    assert Recipe.from_json(told) == recipe
    assert {"source", "strength", "adapters", "variation_of"} & {*RECIPE.to_json()} == set()
    with pytest.raises(ValueError, match="a name, a weight and a sha256"):
        Recipe.from_json({**told, "adapters": [{"name": "ink"}]})


def test_a_newer_format_and_unknown_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="format 2"):
        Recipe.from_json({**RECIPE.to_json(), "format": 2})
    with pytest.raises(ValueError, match="no colour"):
        Recipe.from_json({**RECIPE.to_json(), "colour": "red"})


def test_picture_k_has_seed_plus_k() -> None:
    assert [RECIPE.picture(k).seed for k in range(4)] == [5, 6, 7, 8]
    assert RECIPE.picture(0) == RECIPE
    assert replace(RECIPE, seed=SEED_MAX).picture(1).seed == 0


@given(width=st.integers(1, 20_000), height=st.integers(1, 20_000))
def test_a_size_for_any_picture_can_be_drawn(width: int, height: int) -> None:
    sides = fitting(width, height, 1024)
    assert all(64 <= side <= 2048 and side % 16 == 0 for side in sides)
    assert fitting(3000, 2000, 1024) == (1248, 832) and fitting(5, 5, 128) == (128, 128)


@pytest.mark.parametrize("native", [128, 256, 512, 768])
def test_presets_keep_ratio_area_and_multiples(native: int) -> None:
    for preset, (across, down) in zip(shapes(native), RATIOS, strict=True):
        assert preset.width % 16 == preset.height % 16 == 0
        assert abs(preset.width * preset.height / native**2 - 1) < 0.12
        assert abs(preset.width / preset.height / (across / down) - 1) < 0.12


def test_an_order_takes_the_checkpoints_defaults_and_a_seed_of_its_own() -> None:
    order = JobSpec.of(GenerationRequest.of(prompt="a cat"), TURBO)
    recipe = order.recipe
    assert (recipe.width, recipe.height, recipe.steps, recipe.guidance, recipe.shift) == (1024, 1024, 8, 0.0, 3.0)
    assert 0 <= recipe.seed <= SEED_MAX
    assert JobSpec.of(GenerationRequest.of(prompt="a cat"), TURBO).recipe.seed != recipe.seed
    assert JobSpec.from_json(json.loads(json.dumps(order.to_json()))) == order


def test_a_spec_of_version_0_1_is_read() -> None:
    old = {
        "prompt": "a cat", "original_prompt": "cat", "enhance": False, "negative_prompt": "", "seed": 7, "width": 128, "height": 96,
        "steps": 8, "guidance": 0.0, "shift": 3.0, "checkpoint": "pocket", "enhancement": "e1", "enhancement_seed": 7,
        "cfg_normalization": False, "cfg_truncation": 1.0, "variation_of": [[5, 0.25]], "source": "p1", "source_sha256": "ab" * 32,
        "strength": 0.5, "adapters": [["ink", 0.8]], "parent": "p1", "rerun": False, "style": "", "length": "auto", "locks": ["cat"],
        "template": "", "spread": True, "prompts": ["a", "b"], "instruction": "", "refines": None, "before": "",
    }  # fmt: skip
    spec = JobSpec.from_json(old)
    assert (spec.recipe.prompt, spec.original_prompt, spec.recipe.source, spec.source) == (
        "a cat",
        "cat",
        "ab" * 32,
        "p1",
    )
    assert spec.recipe.variation_of == ((5, 0.25),) and spec.recipe.adapters == (Adapter(name="ink", weight=0.8),)
    assert spec.enhancement == EnhancementRequest(enabled=False, id="e1", keep_words=("cat",), rewrite_each=True)
    assert spec.prompts == ("a", "b") and spec.refers_to == ("p1", "e1", "p1")
    assert JobSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_seed_zero_and_zero_guidance_are_values_and_not_absence() -> None:
    order = JobSpec.of(GenerationRequest.of(prompt="a cat", seed=0, guidance=0, enhance=False), TURBO)
    assert order.recipe.seed == 0
    assert order.recipe.guidance == 0.0


def test_a_negative_prompt_that_would_do_nothing_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="negative_prompt must be empty where guidance is 0"):
        JobSpec.of(GenerationRequest.of(prompt="a cat", negative_prompt="blur", enhance=False), TURBO)
    assert (
        JobSpec.of(
            GenerationRequest.of(prompt="a cat", negative_prompt="blur", guidance=4, enhance=False), TURBO
        ).recipe.guidance
        == 4.0
    )
