"""Starting latents: noise, or a noised starting image.

Knows a loaded pipeline and recipes; knows no queue and no file.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from PIL import Image, ImageOps

from studio.domain.recipe import Recipe
from studio.engine.loading.loader import Loaded
from studio.errors import EngineError


def start(loaded: Loaded, recipe: Recipe, source: Image.Image | None) -> tuple[torch.Tensor, list[float] | None]:
    """The starting latents, fp32 [1, channels, height / 8, width / 8], and the sigmas of the steps before the shift, from 1
    down.

    None as sigmas means the scheduler's own. With a starting image there are as many sigmas as steps, from the strength
    down: the last levels of a longer schedule, so that every forward counts. Raises EngineError if the recipe's starting
    image is missing.
    """
    if recipe.source is None:
        return noise(loaded, recipe), None
    if source is None or recipe.strength is None:
        raise EngineError("source_missing")
    levels = torch.linspace(recipe.strength, recipe.strength / recipe.steps, recipe.steps).tolist()
    first = recipe.shift * levels[0] / (1 + (recipe.shift - 1) * levels[0])  # as the scheduler shifts it
    clean = encode(loaded.pipe, fitted(source, recipe.width, recipe.height)).float().cpu()
    return (1 - first) * clean + first * noise(loaded, recipe), levels


def fitted(source: Image.Image, width: int, height: int) -> Image.Image:
    """`source` in RGB at this size, cropped to the ratio."""
    image = source.convert("RGB")
    return (
        image
        if image.size == (width, height)
        else ImageOps.fit(image, (width, height), method=Image.Resampling.LANCZOS)
    )


def encode(pipe: Any, image: Image.Image) -> torch.Tensor:
    """The mode of the VAE's latents of an image, [1, channels, height / 8, width / 8], as the pipeline scales them. Not
    sampled."""
    vae = pipe.vae
    with torch.no_grad():
        device = next(vae.parameters()).device
        pixels = pipe.image_processor.preprocess(image).to(device, vae.dtype)
        found = vae.encode(pixels).latent_dist.mode()
        latents: torch.Tensor = (found - (vae.config.shift_factor or 0.0)) * vae.config.scaling_factor
        return latents


def noise(loaded: Loaded, recipe: Recipe) -> torch.Tensor:
    """Noise, fp32 [1, channels, height / 8, width / 8], on the CPU.

    It depends on seeds and size only, on every device. torch's CPU generator reads the lower 32 bits of a seed, so seeds
    that differ by a multiple of 2^32 are equal.
    """
    scale = loaded.pipe.vae_scale_factor
    shape = (1, loaded.pipe.transformer.config.in_channels, recipe.height // scale, recipe.width // scale)

    def drawn(seed: int) -> torch.Tensor:
        return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed), dtype=torch.float32)

    first, *others = [weight * drawn(seed) for seed, weight in _weights(recipe).items()]
    return sum(others, start=first)


def _weights(recipe: Recipe) -> dict[int, float]:
    """The weight of each seed's noise. The squares sum to one, so that the sum is normal noise.

    A variation moves on the arc between two noises: cos(s pi / 2) of one and sin(s pi / 2) of the other at strength s.
    """
    seeds = [*(seed for seed, _ in recipe.variation_of), recipe.seed]
    weights = {seeds[0]: 1.0}
    for (_, strength), seed in zip(recipe.variation_of, seeds[1:], strict=True):
        weights = {known: weight * math.cos(strength * math.pi / 2) for known, weight in weights.items()}
        weights[seed] = weights.get(seed, 0.0) + math.sin(strength * math.pi / 2)
        length = math.hypot(*weights.values())
        weights = {known: weight / length for known, weight in weights.items()}
    return weights
