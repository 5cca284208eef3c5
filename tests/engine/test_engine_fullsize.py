"""The measurements' own models: the released configurations, made tiny here, draw through the engine; and what is counted is right."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bench import fullsize, latency, memory
from studio.engine.device import Device
from studio.engine.speed.execution_options import ExecutionOptions, shape
from studio.engine.speed.tuning import stepped
from studio.engine.speed.tuning_cache import Speed


@pytest.fixture(scope="module")
def pipe() -> object:
    return fullsize.build("cpu", torch.float32, small=True)


def test_the_operations_of_a_step_are_those_that_torch_counts(pipe: object) -> None:
    side = 256
    ways = ExecutionOptions(pipe, Device(name="cpu", title="cpu", dtype=torch.float32), still=True)
    step = stepped(ways, shape(side, side, 64))
    ways.use(Speed(attention="_native_math"))  # torch counts no fused attention of a processor
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        step()
    ways.use(Speed())
    counted, told = counter.get_total_flops(), fullsize.operations(pipe, side)
    assert told == pytest.approx(counted, rel=0.05), "but for embedding, modulation and the last layer"


def test_random_weights_draw_through_the_engine_and_talk(pipe: object) -> None:
    loaded = latency.loaded_from(pipe, Device(name="cpu", title="cpu", dtype=torch.float32), native=128)
    drawn = np.asarray(latency.draw_ours(loaded, 128, 3))
    assert drawn.shape == (128, 128, 3) and drawn.std() > 0
    memory.talk(loaded)


def test_the_released_sizes_are_as_published() -> None:
    """Made without memory: 6.15 and 4.02 thousand million parameters, and 84 million."""
    from diffusers import AutoencoderKL, ZImageTransformer2DModel
    from transformers import Qwen3Config, Qwen3Model

    with torch.device("meta"):
        transformer = ZImageTransformer2DModel(**fullsize.TRANSFORMER)
        encoder = Qwen3Model(Qwen3Config(**fullsize.ENCODER))
        vae = AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, use_quant_conv=False,
            use_post_quant_conv=False, **fullsize.VAE,
        )  # fmt: skip
    counts = [sum(p.numel() for p in part.parameters()) / 1e9 for part in (transformer, encoder, vae)]
    assert counts == pytest.approx([6.155, 4.022, 0.084], rel=0.003)
    assert max(sum(p.numel() for p in layer.parameters()) for layer in transformer.layers) / 1e6 == pytest.approx(
        181, rel=0.02
    )
