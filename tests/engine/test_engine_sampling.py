"""Recipe to picture with Pocket: steps are forwards, the seed law, previews, caches, and stock diffusers beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import ZImagePipeline
from PIL import Image

from pocket import world
from studio.engine.latents import noise
from studio.engine.preview import estimate, fit, invented
from studio.engine.prompt_cache import ENTRIES, ROOMS


@contextmanager
def forwards(module: Any) -> Iterator[list[int]]:
    """Counts how many pictures each forward of `module` is given."""
    seen: list[int] = []
    handle = module.register_forward_hook(lambda module, args, result: seen.append(len(args[0]) if args else 0))
    try:
        yield seen
    finally:
        handle.remove()


@pytest.fixture(scope="module")
def stock(pocket: Any) -> Any:
    """The checkpoint as anybody loads it, without a line of ours."""
    pipe = ZImagePipeline.from_pretrained(pocket, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def plain(stock: Any, recipe: Any, **options: Any) -> bytes:
    """What stock diffusers draws; the padding of its prompts, which is thrown away, is as long as ours."""
    generator = torch.Generator("cpu").manual_seed(recipe.seed)
    found = stock(
        recipe.prompt, recipe.height, recipe.width, num_inference_steps=recipe.steps, guidance_scale=recipe.guidance,
        generator=generator, max_sequence_length=ROOMS[0], **options,
    )  # fmt: skip
    return found.images[0].tobytes()


@pytest.mark.parametrize("steps", [1, 4, 8])
def test_steps_are_forwards_of_the_transformer(desk: Any, steps: int) -> None:
    with forwards(desk.engine.pipeline.transformer) as seen:
        desk.draw(steps=steps)
    assert seen == [1] * steps


def test_with_guidance_each_step_is_one_forward_of_two(desk: Any) -> None:
    with forwards(desk.engine.pipeline.transformer) as seen:
        desk.draw(steps=3, guidance=4.0, negative_prompt="a cat")
    assert seen == [2] * 3


def test_it_draws_what_stock_diffusers_draws(desk: Any, stock: Any) -> None:
    """The same pixels for the same seed, steps and size: the engine adds watching and caching, and changes nothing."""
    assert desk.draw(width=96, height=160).image.tobytes() == plain(
        stock, desk.recipe.__class__(**{**vars(desk.recipe), "width": 96, "height": 160})
    )


def test_with_its_own_padding_stock_diffusers_draws_the_same_but_for_rounding(desk: Any, stock: Any) -> None:
    ours = np.asarray(desk.draw(steps=8).image).astype(int)
    generator = torch.Generator("cpu").manual_seed(desk.recipe.seed)
    found = stock(desk.recipe.prompt, 128, 128, num_inference_steps=8, guidance_scale=0.0, generator=generator)
    off = np.abs(np.asarray(found.images[0]).astype(int) - ours)
    assert off.max() <= 1 and (off > 0).mean() < 0.001


def test_it_draws_what_stock_diffusers_draws_with_guidance(desk: Any, stock: Any) -> None:
    recipe = desk.recipe.__class__(**{**vars(desk.recipe), "guidance": 3.0, "negative_prompt": "a cat"})
    ours = desk.draw(guidance=3.0, negative_prompt="a cat").image.tobytes()
    assert ours == plain(stock, recipe, negative_prompt="a cat")
    assert ours != plain(stock, recipe, negative_prompt="a moon")


def test_guidance_can_end_early_and_be_held_to_the_prompt_s_own_length(desk: Any, stock: Any) -> None:
    """As stock diffusers has both, over the same steps; a part of the way that is not guided costs half the work."""
    guided = {"guidance": 3.0, "negative_prompt": "a cat", "steps": 4}
    recipe = desk.recipe.__class__(**{**vars(desk.recipe), **guided})
    full = desk.draw(**guided).image.tobytes()
    for options in ({"cfg_truncation": 0.3}, {"cfg_normalization": True}):
        ours = desk.draw(**guided, **options).image.tobytes()
        assert ours == plain(stock, recipe, negative_prompt="a cat", **options) != full
    assert desk.draw(**guided, cfg_truncation=0.0).image.tobytes() != full


def test_the_recipe_s_shift_is_the_schedule_s(desk: Any, stock: Any) -> None:
    scheduler = desk.engine.pipeline.scheduler
    desk.draw(steps=8, shift=3.0)
    assert scheduler.sigmas.tolist() == pytest.approx([1, 0.9545, 0.9, 0.8333, 0.75, 0.6429, 0.5, 0.3, 0], abs=1e-4)
    desk.draw(steps=2, shift=6.0)
    assert scheduler.sigmas.tolist() == pytest.approx([1, 6 * 0.5 / (1 + 5 * 0.5), 0], abs=1e-6)
    stock.scheduler.set_shift(6.0)
    try:
        assert desk.draw(shift=6.0).image.tobytes() == plain(stock, desk.recipe)
    finally:
        stock.scheduler.set_shift(3.0)


def test_the_noise_follows_from_the_seed_alone_and_is_drawn_on_the_cpu(desk: Any) -> None:
    loaded = desk.engine._ready()
    before = torch.random.get_rng_state()
    drawn = noise(loaded, desk.recipe)
    assert drawn.dtype == torch.float32 and drawn.device.type == "cpu"
    assert torch.equal(drawn, torch.randn(drawn.shape, generator=torch.Generator().manual_seed(desk.recipe.seed)))
    assert torch.equal(before, torch.random.get_rng_state()), "nobody else's numbers may change"


def test_the_last_preview_is_of_the_picture_itself(desk: Any) -> None:
    """x0 after the last step is what the VAE decodes; before it, it is not yet."""
    estimates, given = [], []

    def look(pipe: Any, index: int, timestep: Any, tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
        estimates.append(estimate(pipe.scheduler, tensors["latents"], tensors["noise_pred"]))
        given.append(tensors["latents"])
        return {}

    pipe = desk.engine.pipeline
    pipe(
        ["a cat"], 128, 128, num_inference_steps=4, guidance_scale=0.0, generator=torch.Generator().manual_seed(1),
        callback_on_step_end=look, callback_on_step_end_tensor_inputs=["latents", "noise_pred"], output_type="latent",
    )  # fmt: skip
    assert torch.equal(estimates[-1], given[-1])
    assert all(not torch.allclose(early, given[-1]) for early in estimates[:-1])


@pytest.mark.parametrize("background", ["purple", "green", "white"])
def test_a_preview_looks_like_the_picture(desk: Any, background: str) -> None:
    """Mean difference of 16x16 averages to a decoded picture of Pocket's world: what stands where, in which colour."""
    scene = world.Scene(things=(("rabbit", 1), ("apple", 2)), background=world.plain(background))
    pixels = torch.from_numpy(world.picture(scene, Random(1)).copy()).permute(2, 0, 1)[None] / 127.5 - 1
    vae, preview = desk.engine.pipeline.vae, desk.engine._ready().preview
    with torch.no_grad():
        encoded = vae.encode(pixels).latent_dist.mode()
        decoded = (vae.decode(encoded).sample[0].clamp(-1, 1) + 1) * 127.5
        shown = preview((encoded - vae.config.shift_factor) * vae.config.scaling_factor)
    wanted = torch.nn.functional.avg_pool2d(decoded, 8).permute(1, 2, 0)
    got = torch.tensor(list(shown.resize((16, 16), Image.Resampling.BOX).tobytes())).reshape(16, 16, 3)
    difference, upside_down = (got - wanted).abs().mean(), (got.flip(0) - wanted).abs().mean()
    assert difference < 24
    assert difference < upside_down


class LinearVae:
    """An autoencoder that is linear, so that a fit of its decoder must be exact: 16 means of colour over each 8x8 square."""

    device, dtype = torch.device("cpu"), torch.float32

    def parameters(self) -> list[torch.Tensor]:
        return [torch.empty(10**7, device="meta")]  # as many as a large one, which is not decoded for previews

    class config:
        scaling_factor, shift_factor = 0.5, 0.25

    def __init__(self) -> None:
        self.mix = torch.randn(16, 12, generator=torch.Generator().manual_seed(3))

    def encode(self, pictures: torch.Tensor) -> Any:
        quarters = torch.nn.functional.pixel_unshuffle(torch.nn.functional.avg_pool2d(pictures, 4), 2)
        self.latents = torch.einsum("oi,bihw->bohw", self.mix, quarters)
        return SimpleNamespace(latent_dist=SimpleNamespace(mode=lambda: self.latents))


def test_the_preview_s_map_is_the_least_squares_one() -> None:
    vae = LinearVae()
    preview = fit(vae, native=1024)
    wanted = invented()[:1]
    latents = (vae.encode(wanted).latent_dist.mode() - 0.25) * 0.5
    shown = preview(latents)
    assert shown.size == (128, 128)
    small = torch.nn.functional.avg_pool2d((wanted + 1) * 127.5, 4)[0].permute(1, 2, 0)
    got = torch.tensor(list(shown.resize((32, 32), Image.Resampling.BOX).tobytes())).reshape(32, 32, 3)
    assert (got - small).abs().mean() < 4


def test_a_large_picture_has_a_small_preview(desk: Any) -> None:
    preview = desk.engine._ready().preview
    assert preview(torch.zeros(1, 16, 128, 64)).size == (128, 256)
    assert preview(torch.zeros(1, 16, 8, 16)).size == (128, 64)


def test_a_known_prompt_is_not_encoded_again_and_its_picture_is_the_same(desk: Any) -> None:
    prompt = "two fish and one star, never drawn before"
    with forwards(desk.engine.pipeline.text_encoder) as encoded:
        first = desk.pixels(prompt=prompt)
        assert len(encoded) == 1
        assert desk.pixels(prompt=prompt) == first
        assert len(encoded) == 1
    desk.engine._ready().prompts.clear()
    assert desk.pixels(prompt=prompt) == first


@pytest.mark.parametrize("words", [0, 1, 20, 60, 85, 100, 130, 400])
def test_a_short_prompt_costs_a_short_forward_and_gives_the_pipelines_numbers(
    desk: Any, stock: Any, words: int
) -> None:
    """Equal but for rounding, which other processors may do otherwise at other lengths."""
    prompt = " ".join(["a cat"] * words)
    seen: list[int] = []

    def note(module: Any, args: Any, kwargs: Any) -> None:
        seen.append(kwargs["input_ids"].shape[1])

    handle = desk.engine.pipeline.text_encoder.register_forward_pre_hook(note, with_kwargs=True)
    try:
        found = desk.engine._ready().prompts(prompt)
    finally:
        handle.remove()
    with torch.no_grad():
        wanted = stock.encode_prompt([prompt], do_classifier_free_guidance=False)[0][0]
    assert found.shape == wanted.shape
    assert torch.allclose(found, wanted, rtol=0, atol=1e-5 * float(wanted.std()))
    (room,) = seen
    assert room == min(room for room in ROOMS if room > len(wanted) or room == ROOMS[-1]), (
        "something is masked, as there"
    )


def test_the_cache_of_prompts_is_bounded(desk: Any) -> None:
    prompts = desk.engine._ready().prompts
    for index in range(ENTRIES + 3):
        prompts(f"{index} cats")
    assert len(prompts) == ENTRIES
    prompts.clear()


@pytest.mark.parametrize(
    "prompt",
    ["{braces} ${value} %s {{x}}", "<|im_end|>\n<|im_start|>system", "\U0001f407" * 50, "word " * 4000, "一", " \n "],
)
def test_any_text_is_a_prompt(desk: Any, prompt: str) -> None:
    assert desk.draw(prompt=prompt, steps=1).image.size == (128, 128)


def test_the_smallest_and_an_extreme_shape(desk: Any) -> None:
    assert desk.draw(width=64, height=64, steps=1).image.size == (64, 64)
    assert desk.draw(width=512, height=64, steps=1).image.size == (512, 64)


def test_the_environment_tells_what_drew(desk: Any) -> None:
    environment = desk.draw(steps=1).environment
    assert environment["dtype"] == "fp32"
    assert environment["threads"] == torch.get_num_threads()
    assert environment["torch"] == torch.__version__
    assert environment["revision"] == desk.engine.state.revision
    assert (environment["vae_tiling"], environment["offload"], environment["less_memory"]) == (False, False, False)


def test_a_variation_stays_as_near_as_its_strength_says(desk: Any) -> None:
    """Nearer to the picture that it varies than another seed's is, the more so the smaller the strength; all of it is that seed's."""
    whole = np.asarray(desk.draw(seed=7, steps=8).image).astype(float)
    off = []
    for strength in (0.05, 0.2, 0.5):
        varied = np.asarray(desk.draw(seed=99, steps=8, variation_of=((7, strength),)).image).astype(float)
        off.append(np.abs(varied - whole).mean())
    other = desk.draw(seed=99, steps=8).image
    assert 0 < off[0] < off[1] < off[2] < 1.5 * np.abs(np.asarray(other).astype(float) - whole).mean()
    assert desk.draw(seed=99, steps=8, variation_of=((7, 1.0),)).image.tobytes() == other.tobytes()


def test_the_noise_of_a_variation_is_normal_noise(desk: Any) -> None:
    for way in (((7, 0.5),), ((7, 0.3), (8, 0.6)), ((1, 0.1), (2, 0.9), (3, 0.5))):
        found = noise(desk.engine._ready(), replace(desk.recipe, width=512, height=512, variation_of=way))
        assert abs(float(found.std()) - 1) < 0.02 and abs(float(found.mean())) < 0.02, way
