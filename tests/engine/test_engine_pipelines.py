"""What comes next stands on the same weights: other pipelines over the resident parts.

No use case asks for them yet. These tests hold the ground that they will stand on: nothing is loaded twice, and the resident pipeline
draws afterwards what it drew before, in wide numbers and in small ones, and also where parts take turns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from diffusers import ZImageImg2ImgPipeline, ZImageInpaintPipeline
from PIL import Image

from studio.engine.memory.int8 import Int8Linear
from studio.engine.memory.placement import offload_sequentially, to_int8

SIBLINGS = (ZImageImg2ImgPipeline, ZImageInpaintPipeline)
HELD = ("wide", "int8", "turns")


def hold(pipe: Any, how: str) -> None:
    if how == "int8":
        to_int8(pipe.transformer, "transformer")
    elif how == "turns":
        offload_sequentially(pipe, torch.device("cpu"), locked=False)


@pytest.mark.parametrize("how", HELD)
@pytest.mark.parametrize("kind", SIBLINGS, ids=lambda kind: kind.__name__)
def test_a_sibling_works_over_the_resident_parts(own_desk: Any, kind: Any, how: str) -> None:
    loaded = own_desk.engine._ready()
    hold(loaded.pipe, how)
    loaded.prompts.clear()
    before = own_desk.pixels()
    sibling = kind(**loaded.pipe.components)
    assert sibling.transformer is loaded.pipe.transformer and sibling.vae is loaded.pipe.vae
    source = Image.new("RGB", (128, 128), (200, 40, 40))
    more = {"mask_image": Image.new("L", (128, 128), 255)} if kind is ZImageInpaintPipeline else {}
    drawn = sibling(
        prompt_embeds=[loaded.prompts("a cat on a blue background")], image=source, strength=0.8, num_inference_steps=4,
        guidance_scale=0.0, generator=torch.Generator().manual_seed(1), height=128, width=128, **more,
    ).images[0]  # fmt: skip
    assert float(np.asarray(drawn, dtype=float).std()) > 5
    assert own_desk.pixels() == before


def test_weights_in_8_bits_are_off_by_less_than_half_a_step() -> None:
    torch.manual_seed(0)
    wide = torch.nn.Linear(64, 32)
    with torch.no_grad():
        wide.weight[3] = 0  # a row of nothing has no scale of its own
    small = Int8Linear(wide)
    assert small.weight.dtype == torch.int8 and small.scale.shape == (32,)
    off = (small.weight.float() * small.scale[:, None] - wide.weight).abs()
    assert bool((off <= small.scale[:, None] / 2 + 1e-7).all())
    given = torch.randn(5, 64)
    assert torch.allclose(small(given), wide(given), atol=0.05)
    assert small(given.bfloat16()).dtype == torch.bfloat16
