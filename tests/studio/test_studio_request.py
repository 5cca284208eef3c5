"""Wishes: what is refused, and that the sentence names parameter, rule and value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.domain.recipe import SEED_MAX
from studio.domain.request import PROMPT_MAX, GenerationRequest, new_seed
from studio.errors import InvalidRequest

REFUSED = [
    ("prompt", "", "prompt must not be empty"),
    ("prompt", "  \n", "prompt must not be empty"),
    ("prompt", 7, "prompt must be a text (got 7)"),
    ("prompt", "a" * (PROMPT_MAX + 1), "prompt must have at most 20,000 characters"),
    ("prompt", "a\x00b", "prompt must not contain null characters"),
    ("prompt", "\ud800", "prompt must not contain null characters or halves"),
    ("enhance", "yes", "enhance must be true or false (got yes)"),
    ("enhance", 1, "enhance must be true or false (got 1)"),
    ("seed", -1, "seed must be from 0 to 9007199254740991 (got -1)"),
    ("seed", SEED_MAX + 1, "seed must be from 0"),
    ("seed", 1.5, "seed must be a whole number"),
    ("seed", "1", "seed must be a whole number"),
    ("width", 1000, "width must be a multiple of 16 (got 1000)"),
    ("width", 48, "width must be from 64 to 2048 (got 48)"),
    ("height", 2064, "height must be from 64 to 2048 (got 2064)"),
    ("height", True, "height must be a whole number"),
    ("steps", 0, "steps must be from 1 to 50 (got 0)"),
    ("steps", 51, "steps must be from 1 to 50 (got 51)"),
    ("guidance", -0.1, "guidance must be from 0 to 20"),
    ("guidance", float("nan"), "guidance must be a number"),
    ("guidance", float("inf"), "guidance must be a number"),
    ("guidance", "4", "guidance must be a number"),
    ("guidance", 10**400, "guidance must be from 0 to 20"),
    ("count", 0, "count must be from 1 to 64 (got 0)"),
    ("count", 10**6, "count must be from 1 to 64 (got 1000000)"),
    ("negative_prompt", None, "negative_prompt must be a text"),
    ("checkpoint", "", "checkpoint must be a name"),
    ("checkpoint", "x" * 501, "checkpoint must be a name"),
    ("shift", 0, "shift must be from 0.1 to 20 (got 0)"),
    ("cfg_truncation", 1.01, "cfg_truncation must be from 0 to 1 (got 1.01)"),
    ("cfg_normalization", 1, "cfg_normalization must be true or false (got 1)"),
    ("enhancement", 3, "enhancement must be a name"),
    ("source", 3, "source must be a name"),
    ("strength", 0.5, "strength must be null without a source image"),
    ("strength", 0, "strength must be a strength above 0"),
    ("strength", 1, "strength must be below 1"),
    ("strength", "much", "strength must be a number"),
    ("adapters", "ink", "adapters must be a name and a weight, such as ink 0.8"),
    ("adapters", [("ink", 1.0)] * 9, "adapters must be at most 8 pairs"),
    ("adapters", ["ink"], "adapters must be pairs of a name and a weight (got ink)"),
    ("adapters", [(7, 1.0)], "adapters must be pairs of a name and a weight"),
    ("adapters", [("ink", None)], "adapters must each have a weight"),
    ("adapters", [("ink", 0)], "adapters must have weights other than 0"),
    ("adapters", [("ink", 4.5)], "adapters must be from -4 to 4 (got 4.5)"),
    ("adapters", [("ink", 1), ("ink", 2)], "adapters must not name one twice (got ink)"),
]


@pytest.mark.parametrize(("name", "value", "sentence"), REFUSED)
def test_a_broken_rule_is_named(name: str, value: object, sentence: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        GenerationRequest.of(**{"prompt": "a cat", name: value})
    assert str(refused.value).startswith(sentence)
    assert refused.value.name == name
    assert len(str(refused.value)) < 300


@given(st.text(min_size=1, max_size=300).filter(lambda s: s.strip() and "\x00" not in s))
def test_any_text_is_a_prompt(prompt: str) -> None:
    assert GenerationRequest.of(prompt=prompt).prompt == prompt


@pytest.mark.parametrize("name", ["width", "height"])
@pytest.mark.parametrize("side", range(64, 2049, 16))
def test_every_multiple_of_16_is_a_side(name: str, side: int) -> None:
    assert GenerationRequest.of(prompt="a cat", **{name: side}).flatten()[name] == side


def test_seeds_differ_and_stay_in_range() -> None:
    seeds = {new_seed() for _ in range(1000)}
    assert len(seeds) == 1000
    assert min(seeds) >= 0 and max(seeds) <= SEED_MAX
