"""The memory plan over a table of cards, and each way of holding a checkpoint that a processor can show, drawn with Pocket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.engine.device import Device, free_gb
from studio.engine.engine import ResidentEngine
from studio.engine.loading.loader import Loaded, load, planned, weights
from studio.engine.memory.placement import may_be_small, software, stream
from studio.engine.memory.plan import (
    BYTES,
    Kind,
    MemoryBudget,
    Numbers,
    Plan,
    Weights,
    candidate_plans,
    plan,
    with_sequential_offload,
)
from studio.settings import ROOT

POCKET = ROOT / "pocket" / "checkpoint"
RELEASED = Weights(transformer=6_155_000_000, text_encoder=4_022_000_000, vae=84_000_000, block=180_000_000)
ALL: tuple[Numbers, ...] = ("int8", "4 bit")
CONTEXT_GB = 0.6  # what a CUDA context takes of a card before anything is asked

CARDS = [
    # kind, GiB, place, the transformer's numbers, the encoder's, tiles, fits
    ("cuda", 4, "stream", "bf16", "bf16", True, True),
    ("cuda", 6, "turns", "4 bit", "4 bit", True, True),
    ("cuda", 8, "turns", "int8", "int8", True, True),
    ("cuda", 10, "turns", "int8", "bf16", True, True),
    ("cuda", 12, "turns", "int8", "bf16", True, True),
    ("cuda", 16, "turns", "bf16", "bf16", True, True),
    ("cuda", 24, "stay", "bf16", "bf16", True, True),
    ("cuda", 32, "stay", "bf16", "bf16", False, True),
    ("cuda", 48, "stay", "bf16", "bf16", False, True),
    ("cuda", 80, "stay", "bf16", "bf16", False, True),
    ("cuda", 141, "stay", "bf16", "bf16", False, True),
    ("mps", 8, "stay", "int8", "int8", True, False),
    ("mps", 16, "stay", "int8", "int8", True, True),
    ("mps", 32, "stay", "bf16", "bf16", False, True),
    ("cpu", 8, "stay", "int8", "int8", True, False),
    ("cpu", 16, "stay", "int8", "int8", True, True),
    ("cpu", 32, "stay", "bf16", "bf16", True, True),
    ("cpu", 64, "stay", "fp32", "fp32", False, True),
]


def room(kind: Kind, gib: float, small: tuple[Numbers, ...] = ALL) -> MemoryBudget:
    have = gib * 2**30 / 1e9 - (CONTEXT_GB if kind == "cuda" else 0)
    possible = tuple(one for one in small if kind == "cuda" or one == "int8")
    return MemoryBudget(kind=kind, have_gb=have, numbers="fp32" if kind == "cpu" else "bf16", small=possible)


@pytest.mark.parametrize(("kind", "gib", "place", "numbers", "encoder", "tiling", "fits"), CARDS)
def test_each_card_has_its_plan(
    kind: Kind, gib: float, place: str, numbers: str, encoder: str, tiling: bool, fits: bool
) -> None:
    there = room(kind, gib)
    found = plan(RELEASED, there)
    assert (found.place, found.numbers, found.encoder_numbers, found.tiling, found.fits) == (
        place, numbers, encoder, tiling, fits,
    )  # fmt: skip
    assert there.have_gb is not None
    if fits:
        assert found.peak_gb < there.have_gb
        better = found.others[: found.others.index(next(one for one in found.others if one.fits))]
        assert all(one.peak_gb > 0.9 * there.have_gb for one in better), "the best that fits is taken"
    else:
        assert "it may not be enough" in found.why
    if found.peak_gb != found.others[0].peak_gb:
        assert f"{there.have_gb:.0f} GB are free" in found.why


def test_a_larger_card_is_never_planned_worse() -> None:
    for kind in ("cuda", "mps", "cpu"):
        ranks = []
        for gib in range(3, 145):
            found = plan(RELEASED, room(kind, gib))
            ranks.append([_key(one) for one in found.others].index(_key(found)))
        assert ranks == sorted(ranks, reverse=True), kind
        assert ranks[-1] == 0


def test_without_the_software_for_small_numbers_blocks_are_streamed() -> None:
    found = plan(RELEASED, room("cuda", 8, ("int8",)))
    assert found.numbers == "int8" and not found.hint
    assert "bitsandbytes" in plan(RELEASED, room("cuda", 6, ("int8",))).hint
    assert plan(RELEASED, room("cuda", 6, ("int8",))).place == "stream"


def test_where_the_memory_cannot_be_told_everything_stays() -> None:
    found = plan(RELEASED, MemoryBudget(kind="mps", have_gb=None, numbers="bf16"))
    assert found.place == "stay" and not found.tiling and found.why == "everything stays on the device"


def test_smaller_numbers_take_less_and_moving_costs_seconds() -> None:
    by = {
        (one.place, one.numbers, one.encoder_numbers, one.tiling): one
        for one in candidate_plans(RELEASED, room("cuda", 8))
    }
    assert by["turns", "4 bit", "4 bit", True].peak_gb < by["turns", "int8", "int8", True].peak_gb
    assert by["turns", "int8", "int8", True].peak_gb < by["turns", "bf16", "bf16", True].peak_gb
    turns = by["turns", "bf16", "bf16", True]
    assert turns.prompt_s == pytest.approx((4.022 + 6.155) * BYTES["bf16"] / 10, rel=0.01)
    assert turns.picture_s == 0 < by["turns", "4 bit", "4 bit", True].picture_s
    assert by["stream", "bf16", "bf16", True].step_s > 1 > by["turns", "bf16", "bf16", True].step_s == 0


def test_the_machines_own_memory_is_planned_with_too() -> None:
    """Where parts wait beside a card, and where they are read before they stay on it."""
    large = room("cuda", 24)
    assert plan(RELEASED, replace(large, ram_gb=64)).place == "stay"
    assert plan(RELEASED, replace(large, ram_gb=14)).place == "stay", "parts are read one by one"
    assert not plan(RELEASED, replace(large, ram_gb=8)).fits
    short = plan(RELEASED, replace(room("cuda", 80), ram_gb=12))
    assert short.place == "stay" and "12 GB of the machine's own memory, of which 12 GB are free" in short.why
    assert "it may not be enough" in short.why
    found = plan(RELEASED, replace(room("cuda", 16), ram_gb=16))
    assert (found.place, found.numbers) == ("turns", "int8"), "what waits in bf16 would not fit beside the card"


def test_a_plan_that_ran_out_of_memory_is_one_of_those_that_were_weighed() -> None:
    found = with_sequential_offload(plan(RELEASED, room("cuda", 80)), "memory ran out")
    assert found.place == "turns" and found.why == "memory ran out"
    assert any(replace(found, why="", others=()) == one for one in found.others)
    assert with_sequential_offload(plan(RELEASED, room("cpu", 64)), "x").place == "turns"


def test_sizes_are_read_from_the_files() -> None:
    found = weights(POCKET)
    pipe = _load(1.0).pipe
    for part in ("transformer", "text_encoder", "vae"):
        own = sum(each.numel() for each in getattr(pipe, part).parameters())
        assert getattr(found, part) == own, part
    assert found.block == max(sum(p.numel() for p in layer.parameters()) for layer in pipe.transformer.layers)
    assert (found.width, found.native) == (pipe.transformer.config.dim, pipe.vae.config.sample_size)


def test_free_memory_is_told_on_a_processor() -> None:
    free = free_gb(_cpu())
    assert free is not None and 0.1 < free < 10_000


@pytest.mark.parametrize(("memory_gb", "numbers"), [(1.0, "fp32"), (0.05, "bf16"), (0.01, "int8")])
def test_pocket_is_drawn_in_whatever_numbers_the_memory_leaves(
    memory_gb: float, numbers: str, new_engine: Callable[..., ResidentEngine], desk_of: Callable[[ResidentEngine], Any]
) -> None:
    """In smaller numbers pictures differ by little, and their environment says in which they were drawn."""
    exact, other = (new_engine("pocket", memory_gb=gb) for gb in (1.0, memory_gb))
    drawn = []
    for engine in (exact, other):
        engine.start()
        assert engine.wait(120).status == "ready"
        drawing = desk_of(engine).draw()
        drawn.append(np.asarray(drawing.image, dtype=np.float32))
    assert drawing.environment["dtype"] == numbers
    assert drawing.environment["vae_tiling"] is (numbers != "fp32")
    off = np.abs(drawn[0] - drawn[1]).mean()
    assert off == 0 if numbers == "fp32" else 0 < off < 12, off


def test_streamed_blocks_draw_the_same_pixels() -> None:
    """The transformer's blocks come one by one; here from memory to memory, which is the same code."""
    plain, streamed = _load(1.0).pipe, _load(1.0).pipe
    stream(streamed, torch.device("cpu"))
    options = {"num_inference_steps": 2, "guidance_scale": 0.0, "height": 128, "width": 128, "output_type": "np"}
    images = []
    for pipe in (plain, streamed):
        images.append(pipe("a cat", generator=torch.Generator().manual_seed(1), **options).images)
    assert (images[0] == images[1]).all()


def test_only_the_large_matrices_inside_blocks_are_made_small() -> None:
    pipe = _load(1.0).pipe
    small = {name for name, module in pipe.transformer.named_modules() if may_be_small("transformer", module, name)}
    assert small and all(".attention." in name or ".feed_forward." in name for name in small)
    small = {name for name, module in pipe.text_encoder.named_modules() if may_be_small("text_encoder", module, name)}
    assert small and all(name.startswith("layers.") for name in small)
    assert "4 bit" not in software("cpu")


def _key(one: Plan) -> tuple[object, ...]:
    return one.place, one.numbers, one.encoder_numbers, one.tiling


def _cpu() -> Device:
    return Device(name="cpu", title="cpu", dtype=torch.float32)


def _load(memory_gb: float) -> Loaded:
    from studio.engine.catalog import Catalog

    return load(Catalog(pocket=POCKET).info("pocket"), Path(POCKET), _cpu(), memory_gb)


def test_a_plan_of_a_broken_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises((OSError, ValueError)):
        planned(_cpu(), tmp_path, None)
