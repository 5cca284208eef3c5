"""What the resident model says next: over a cache that grows, and over one of a fixed size, as it is recorded on a card."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import Qwen3ForCausalLM, Qwen3Model

from enhancer.models.decoding import ROOM, Decoding, Growing, Recorded, cache_bytes, decoding
from enhancer.models.resident import with_head

POCKET = Path(__file__).resolve().parents[2] / "pocket" / "checkpoint" / "text_encoder"
PROMPT = list(range(40, 70))


@pytest.fixture(scope="module")
def model() -> Qwen3ForCausalLM:
    return with_head(Qwen3Model.from_pretrained(POCKET, local_files_only=True, dtype=torch.float32))


def said(steps: Decoding, count: int) -> tuple[list[int], list[torch.Tensor]]:
    """The likeliest tokens one after the other, and all logits."""
    logits = [steps.begin(PROMPT)]
    for _ in range(count):
        logits.append(steps.next(int(logits[-1].argmax())))
    return [int(one.argmax()) for one in logits], logits


def test_a_fixed_cache_says_what_a_growing_one_says(model: Qwen3ForCausalLM) -> None:
    (grown, one), (fixed, other) = said(Growing(model), 24), said(Recorded(model, ROOM), 24)
    assert grown == fixed
    assert max(float((a - b).abs().max()) for a, b in zip(one, other, strict=True)) < 1e-3


def test_each_conversation_begins_anew(model: Qwen3ForCausalLM) -> None:
    for kind in (Growing, lambda model: Recorded(model, ROOM)):
        assert said(kind(model), 6)[0] == said(kind(model), 6)[0]


def test_off_a_card_the_cache_grows(model: Qwen3ForCausalLM) -> None:
    assert isinstance(decoding(model, 100), Growing)
    config = model.config
    each = 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim * 4
    assert cache_bytes(model, 100) == 100 * each


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="steps are recorded on a CUDA device only")
def test_a_recorded_step_says_the_same(model: Qwen3ForCausalLM) -> None:
    eager, _ = said(Growing(model), 24)
    there: nn.Module = with_head(model.model.to("cuda"))
    steps = decoding(there, 100)  # type: ignore[arg-type]
    assert isinstance(steps, Recorded)
    assert said(steps, 24)[0] == eager and steps._graph is not None
    model.model.to("cpu")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="steps are recorded on a CUDA device only")
def test_a_recorded_step_is_recorded_anew_where_the_weights_have_moved_between_two_words(
    model: Qwen3ForCausalLM,
) -> None:
    eager, _ = said(Growing(model), 24)
    there: nn.Module = with_head(model.model.to("cuda"))
    steps = decoding(there, 100)  # type: ignore[arg-type]
    tokens = [int(steps.begin(PROMPT).argmax())]
    for at in range(24):
        if at == 8:  # as when a picture is drawn meanwhile and parts take turns
            held = [torch.zeros_like(one, device="cuda") for one in model.model.to("cpu").parameters()]
            model.model.to("cuda")
            del held
        tokens.append(int(steps.next(tokens[-1]).argmax()))
        if at == 9:
            assert isinstance(steps, Recorded) and steps._graph is not None
    assert tokens == eager
    model.model.to("cpu")
