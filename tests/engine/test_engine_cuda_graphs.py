"""Recorded calls: when one is made, what tells two apart, and that what comes back is the caller's own.

A stand-in records on the processor by a CUDA graph's rules: it computes again from where its inputs and the weights lay, into one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from studio.engine.memory.placement import tile, untile
from studio.engine.speed import cuda_graphs
from studio.engine.speed.cuda_graphs import KEPT, Replayed
from studio.engine.speed.tuning_cache import Speed


class StandIn:
    made = 0

    def __init__(self, forward: Any, args: Any, kwargs: Any, tensors: list[torch.Tensor], *place: Any) -> None:
        StandIn.made += 1
        self._forward, self._inputs = forward, [each.clone() for each in tensors]
        places = iter(self._inputs)
        self._args = cuda_graphs._with(args, places)
        self._kwargs = {name: cuda_graphs._with(kwargs[name], places) for name in sorted(kwargs)}
        module = forward.__self__
        self._weights = [(each, each.data) for each in module.parameters()]
        self._out: Any = None

    def replay(self, tensors: list[torch.Tensor]) -> Any:
        for place, given in zip(self._inputs, tensors, strict=True):
            place.copy_(given)
        now = [each.data for each, _ in self._weights]
        for each, then in self._weights:
            each.data = then
        found = self._forward(*self._args, **self._kwargs)
        for (each, _), data in zip(self._weights, now, strict=True):
            each.data = data
        if self._out is None:
            self._out = found
        for old, new in zip(_flat(self._out), _flat(found), strict=True):
            old.copy_(new)
        return cuda_graphs._copied(self._out)


def _flat(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    parts = value.values() if isinstance(value, Mapping) else value
    return [each for one in parts if one is not None for each in _flat(one)]


@pytest.fixture(autouse=True)
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_graphs, "_Recording", StandIn)
    monkeypatch.setattr(cuda_graphs, "_free", lambda: 2**60)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: None)
    monkeypatch.setattr(torch.cuda, "Stream", lambda: None)
    monkeypatch.setattr(StandIn, "made", 0)


class Both(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 3)

    def forward(self, values: list[torch.Tensor], times: int = 1, more: object = None) -> list[torch.Tensor]:
        return [times * self.inner(each) for each in values]


def test_a_call_is_recorded_once_its_shapes_came_often_enough() -> None:
    module = Both()
    replayed = Replayed(module, after=2)
    given = [torch.ones(2, 3), torch.zeros(1, 3)]
    with torch.no_grad():
        right = module(given)
        assert StandIn.made == 0, "it is off"
        replayed.on = True
        for count in (0, 0, 1, 1):
            assert all(torch.equal(a, b) for a, b in zip(module(given), right, strict=True))
            assert StandIn.made == count
        for other in (
            dict(times=2),
            dict(values=[torch.ones(2, 3)]),
            dict(values=[[torch.ones(2, 3)], torch.zeros(1, 3)][1:]),
        ):
            for _ in range(3):
                module(**{"values": given, **other})
        assert StandIn.made == 4, "another value, another list: another recording"
        replayed.mode = "compiled"
        for _ in range(3):
            module(given)
        assert StandIn.made == 5
        for _ in range(5):
            module(given, more=object())
        assert StandIn.made == 5, "what cannot be told apart passes through"
    module(given)[0].sum().backward()
    assert module.inner.weight.grad is not None, "with gradients too"


def test_what_comes_back_is_not_written_over_by_the_next_call() -> None:
    module = Both()
    replayed = Replayed(module, after=0)
    replayed.on = True
    with torch.no_grad():
        first = module([torch.ones(1, 3)])[0]
        kept = first.clone()
        module([5 * torch.ones(1, 3)])
    assert torch.equal(first, kept)


def test_the_oldest_recording_goes_and_all_of_them_when_they_are_cleared() -> None:
    module = Both()
    replayed = Replayed(module, after=0)
    replayed.on = True
    with torch.no_grad():
        for size in range(1, KEPT + 3):
            module([torch.ones(size, 3)])
    assert len(replayed._graphs) == KEPT
    assert replayed.clear() and not replayed._graphs and not replayed.clear()
    replayed.leave()
    assert module.forward([torch.ones(1, 3)])[0].requires_grad


def test_pictures_are_the_same_recorded_or_not_whole_or_in_tiles_and_after_the_weights_moved(own_desk: Any) -> None:
    loaded = own_desk.engine._ready()
    ways, vae = loaded.ways, loaded.pipe.vae
    plain = own_desk.pixels()
    tile(vae)
    tiled = np.asarray(own_desk.draw().image, dtype=float)
    untile(vae)
    ways.graphs = {
        "transformer": Replayed(loaded.pipe.transformer, after=1),
        "text_encoder": Replayed(loaded.pipe.text_encoder, after=0),
        "decoder": Replayed(vae.decoder, after=0),
    }
    ways.use(Speed(graphs=True))
    assert own_desk.pixels() == own_desk.pixels() == plain and StandIn.made >= 2
    made = StandIn.made
    loaded.prompts.clear()
    assert own_desk.pixels() == plain and StandIn.made == made + 1, (
        "a prompt that comes again is encoded by a recording"
    )
    old = vae.decoder.conv_in.weight.data
    ways.lay(True)
    vae.decoder.conv_in.weight.data = old.clone()
    old.zero_()  # as memory that was given back is used by others
    ways.lay(False)
    assert own_desk.pixels() == plain
    tile(vae)
    assert np.array_equal(np.asarray(own_desk.draw().image, dtype=float), tiled)
    untile(vae)
    ways.still()
    assert ways.now.graphs is False and own_desk.pixels() == plain
