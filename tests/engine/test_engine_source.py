"""Beginning with a picture: the way that is left to go, forward by forward, and by the arithmetic of diffusers' own pipeline for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import ZImageImg2ImgPipeline
from PIL import Image, ImageOps

from studio.engine.latents import encode, fitted, start

HASH = "ab" * 32


@contextmanager
def forwards(pipe: Any) -> Iterator[list[float]]:
    """What the transformer is told of the time in each forward."""
    seen: list[float] = []
    hook = pipe.transformer.register_forward_pre_hook(
        lambda module, args, told: seen.append(float((told["t"] if "t" in told else args[1])[0])), with_kwargs=True
    )
    try:
        yield seen
    finally:
        hook.remove()


@pytest.fixture
def source(desk: Any) -> Image.Image:
    """A real picture, drawn by Pocket."""
    image: Image.Image = desk.draw(prompt="a cat on a blue background", seed=3).image
    return image


def begun(desk: Any, source: Image.Image, **changes: Any) -> Image.Image:
    recipe = replace(desk.recipe, source=HASH, **changes)
    return desk.engine.generate(recipe, on_step=lambda event: None, cancelled=lambda: False, source=source).image  # type: ignore[no-any-return]


@pytest.mark.parametrize(("strength", "steps"), [(0.5, 4), (0.3, 1), (0.95, 7)])
def test_every_step_is_a_forward_and_they_are_the_last_of_a_whole_way(
    desk: Any, source: Image.Image, strength: float, steps: int
) -> None:
    with forwards(desk.engine.pipeline) as seen:
        begun(desk, source, strength=strength, steps=steps)
    shift = desk.recipe.shift
    levels = [strength * (steps - index) / steps for index in range(steps)]
    assert seen == pytest.approx([1 - shift * one / (1 + (shift - 1) * one) for one in levels], abs=1e-3)
    assert len(seen) == steps


def test_it_is_the_picture_that_diffusers_own_pipeline_draws(desk: Any, source: Image.Image) -> None:
    loaded = desk.engine._ready()
    pipe, recipe = loaded.pipe, replace(desk.recipe, source=HASH, strength=0.5, steps=4, seed=9)
    latents, levels = start(loaded, recipe, source)
    assert levels is not None and len(levels) == 4
    noise = torch.randn(latents.shape, generator=torch.Generator("cpu").manual_seed(9))
    pipe.scheduler.set_shift(recipe.shift)
    pipe.scheduler.set_timesteps(sigmas=[1, 7 / 8, 6 / 8, 5 / 8, *levels], mu=1.0)
    theirs = pipe.scheduler.scale_noise(encode(pipe, source).float(), pipe.scheduler.timesteps[4:5], noise)
    assert torch.allclose(latents, theirs, atol=1e-5)
    sibling = ZImageImg2ImgPipeline(**pipe.components)
    drawn = sibling(
        prompt_embeds=[loaded.prompts(recipe.prompt)], image=source, latents=latents, strength=0.5, num_inference_steps=8,
        guidance_scale=0.0, height=recipe.height, width=recipe.width,
    ).images[0]  # fmt: skip
    mine = np.asarray(begun(desk, source, strength=0.5, steps=4, seed=9), dtype=float)
    assert np.abs(mine - np.asarray(drawn, dtype=float)).max() <= 1


def test_a_picture_comes_back_from_its_latents(desk: Any, source: Image.Image) -> None:
    near = np.asarray(begun(desk, source, strength=0.05, steps=1), dtype=float)
    assert np.abs(near - np.asarray(source, dtype=float)).mean() < 8


def test_a_source_of_any_shape_is_cut_and_never_stretched() -> None:
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste("blue", (100, 0, 200, 100))
    red, green, blue = fitted(wide, 96, 96).getextrema()
    assert (
        red[1] <= 8 and green == (0, 0) and blue[0] >= 247
    )  # the middle; at its edges the filter looks a little beyond
    assert fitted(wide, 96, 96).size == (96, 96) and fitted(wide.convert("L"), 64, 80).mode == "RGB"
    assert fitted(wide, 300, 100).tobytes() == wide.tobytes() == ImageOps.fit(wide, (300, 100)).tobytes()


def test_a_plain_picture_is_as_before_one_that_begins_with_another(own_desk: Any, source: Image.Image) -> None:
    before = own_desk.pixels()
    first = begun(own_desk, source, strength=0.6)
    assert begun(own_desk, source, strength=0.6).tobytes() == first.tobytes()
    assert own_desk.pixels() == before
