"""Parts that take turns on a device: what works is there, nothing changes by the way, and a language model over the encoder follows it."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
import torch
from torch import nn

from enhancer.base import Sampling
from enhancer.models.resident import ResidentChat
from studio.engine.memory import sequential_offload as module
from studio.engine.memory.placement import offload_sequentially
from studio.engine.memory.sequential_offload import SequentialOffload


def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what comes to the processor be a copy, as what comes to a card is."""

    def come(part: module._Part, device: torch.device, locked: bool) -> None:
        part._show([piece.clone() for piece in part._pieces])
        part.there = True

    monkeypatch.setattr(module._Part, "come", come)


def lies(part: nn.Module) -> list[int]:
    """Where a part's tensors are."""
    return [each.data_ptr() for each in (*part.parameters(), *part.buffers())]


def test_a_part_comes_when_it_is_called_and_the_other_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere(monkeypatch)
    monkeypatch.setattr(module, "PIECE", 2000)  # so that a part lies in several, and one tensor is larger than a piece
    torch.manual_seed(0)
    one, two = nn.Sequential(nn.Linear(30, 40), nn.BatchNorm1d(40), nn.Linear(40, 7)).eval(), nn.Linear(30, 3)
    given = torch.randn(5, 30)
    right = one(given), two(given)
    turns = SequentialOffload(torch.device("cpu"))
    turns.add("one", one)
    turns.add("two", two)
    waits = {name: lies(part) for name, part in (("one", one), ("two", two))}
    assert turns.here() is None
    for _ in range(2):
        assert torch.equal(one(given), right[0])
        assert turns.here() == "one" and not set(lies(one)) & set(waits["one"]) and lies(two) == waits["two"]
        assert torch.equal(two(given), right[1])
        assert turns.here() == "two" and not set(lies(two)) & set(waits["two"]) and lies(one) == waits["one"]
    assert one.state_dict().keys() == {
        "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked", "2.weight", "2.bias",
    }  # fmt: skip


def test_a_pipeline_whose_parts_take_turns_draws_and_talks_the_same(
    own_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere(monkeypatch)
    loaded = own_desk.engine._ready()
    sampling = Sampling(seed=3, temperature=0.7, top_p=0.8, max_tokens=400)
    wish = [{"role": "user", "content": "two cats and a dog"}]

    def said() -> str:
        chat = ResidentChat(loaded.pipe.text_encoder, loaded.pipe.tokenizer, name="Pocket", revision="")
        return "".join(islice(chat.stream(wish, sampling, lambda: False), 20))

    pixels, text = own_desk.pixels(), said()
    offload_sequentially(loaded.pipe, torch.device("cpu"), locked=False)
    loaded.prompts.clear()
    assert own_desk.pixels() == pixels
    assert said() == text
    loaded.prompts.clear()
    assert own_desk.pixels() == pixels
