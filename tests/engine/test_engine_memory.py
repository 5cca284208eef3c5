"""Memory: what stays where, and what happens when it runs out, with torch's own errors raised inside the real pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from studio.engine import sampling
from studio.engine.device import choose
from studio.engine.memory.sequential_offload import SequentialOffload
from studio.engine.sampling import is_out_of_memory
from studio.errors import EngineError, OutOfMemory


@contextmanager
def raising(module: Any, error: BaseException, *, times: int, after: int = 0) -> Iterator[list[int]]:
    """Lets `module`'s forward raise `error` `times` times, after it went well `after` times."""
    calls: list[int] = []

    def hook(module: Any, args: Any) -> None:
        calls.append(len(calls))
        if after < len(calls) <= after + times:
            raise error

    handle = module.register_forward_pre_hook(hook)
    try:
        yield calls
    finally:
        handle.remove()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("MPS backend out of memory (MPS allocated: 17.5 GB)"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
    ids=["cuda", "mps", "cpu", "python"],
)
@pytest.mark.parametrize("part", ["transformer", "vae.decoder"], ids=["step", "decode"])
def test_out_of_memory_once_is_tried_again_with_less_and_told(desk: Any, error: BaseException, part: str) -> None:
    """In the first step, and in the decoding of the picture."""
    before = desk.pixels()
    with raising(_part(desk, part), error, times=1) as calls:
        drawing = desk.draw()
    assert len(calls) > 1, "it must have been tried again"
    assert drawing.environment["less_memory"] is True
    assert drawing.environment["vae_tiling"] is True
    assert drawing.image.size == (128, 128)
    assert desk.pixels() == before
    assert desk.draw().environment["less_memory"] is False


def test_out_of_memory_twice_fails_this_picture_with_a_sentence_and_the_next_is_drawn(desk: Any) -> None:
    before = desk.pixels()
    error = torch.OutOfMemoryError("CUDA out of memory.")
    with (
        raising(desk.engine.pipeline.transformer, error, times=99) as calls,
        pytest.raises(OutOfMemory, match=r"too little memory for 128 x 128 pixels with Pocket.*\.$") as caught,
    ):
        desk.draw()
    assert len(calls) == 2, "one try, and one with less"
    assert caught.value.__cause__ is None and caught.value.__context__ is None, "a kept traceback would keep tensors"
    assert desk.pixels() == before


def test_out_of_memory_in_a_later_step_begins_again_from_the_first(desk: Any) -> None:
    seen = []
    error = torch.OutOfMemoryError("CUDA out of memory.")
    with raising(desk.engine.pipeline.transformer, error, times=1, after=2):
        desk.engine.generate(desk.recipe, on_step=lambda event: seen.append(event.step), cancelled=lambda: False)
    assert seen == [1, 2, 1, 2, 3]


def test_memory_that_really_runs_out_on_this_machine(desk: Any) -> None:
    """The CPU allocator's own refusal, of a request that no machine can serve."""
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_another_error_is_a_sentence_and_is_not_tried_again(desk: Any) -> None:
    before = desk.pixels()
    error = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    with (
        raising(desk.engine.pipeline.transformer, error, times=99) as calls,
        pytest.raises(EngineError, match="The pipeline failed") as caught,
    ):
        desk.draw()
    assert not isinstance(caught.value, OutOfMemory)
    assert len(calls) == 1
    assert desk.pixels() == before


def test_the_processor_computes_in_fp32_and_what_is_not_there_is_refused() -> None:
    found = choose("cpu")
    assert (found.name, found.numbers, found.accelerator) == ("cpu", "fp32", False)
    if not torch.cuda.is_available():
        with pytest.raises(EngineError, match="'cuda' does not exist; this machine has 'cpu'"):
            choose("cuda")
    with pytest.raises(EngineError, match="'abacus' does not exist"):
        choose("abacus")


def _part(desk: Any, name: str) -> Any:
    first, _, rest = name.partition(".")
    module = getattr(desk.engine.pipeline, first)
    return getattr(module, rest) if rest else module


def test_parts_take_turns_after_memory_ran_out_only_where_they_have_room(
    own_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = own_desk.engine._ready()
    before, plan = own_desk.pixels(), loaded.plan
    monkeypatch.setattr(sampling.devices, "ram_gb", lambda: 0.001)
    sampling.offload_now(loaded)
    assert loaded.plan is plan and not hasattr(loaded.pipe.transformer, "_hf_hook")
    monkeypatch.undo()

    def fails(pipe: Any, device: Any, *, locked: bool) -> None:
        turns = SequentialOffload(device)
        turns.add("text_encoder", pipe.text_encoder)
        raise RuntimeError("can't allocate memory")

    monkeypatch.setattr(sampling, "offload_sequentially", fails)
    sampling.offload_now(loaded)
    loaded.prompts.clear()
    assert loaded.plan is plan and not hasattr(loaded.pipe.text_encoder, "_hf_hook") and own_desk.pixels() == before
    monkeypatch.undo()
    sampling.offload_now(loaded)
    loaded.prompts.clear()
    assert loaded.plan.place == "turns" and own_desk.pixels() == before
