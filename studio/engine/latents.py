"""Latents: what drawing begins with, be it noise alone or a picture of which a part is left.

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
    """The latents that drawing begins with, fp32 [1, channels, height / 8, width / 8], and the noise levels of its steps.

    The levels are those before the shift, from 1 down; None for the scheduler's own, which go all the way. With a source they are as
    many as the recipe has steps, from its strength down: the very levels of the last steps of a way that begins at 1, so that every
    forward counts. Raises EngineError where the recipe names a source that is not given.
    """
    if recipe.source is None:
        return noise(loaded, recipe), None
    if source is None or recipe.strength is None:
        raise EngineError("The picture that this one begins with is not here any more.")
    levels = torch.linspace(recipe.strength, recipe.strength / recipe.steps, recipe.steps).tolist()
    first = recipe.shift * levels[0] / (1 + (recipe.shift - 1) * levels[0])  # as the scheduler shifts it
    clean = encode(loaded.pipe, fitted(source, recipe.width, recipe.height)).float().cpu()
    return (1 - first) * clean + first * noise(loaded, recipe), levels


def fitted(source: Image.Image, width: int, height: int) -> Image.Image:
    """`source` in RGB at this size, cut at its edges where its shape is another, so that nothing is stretched."""
    image = source.convert("RGB")
    return (
        image
        if image.size == (width, height)
        else ImageOps.fit(image, (width, height), method=Image.Resampling.LANCZOS)
    )


def encode(pipe: Any, image: Image.Image) -> torch.Tensor:
    """The likeliest latents [1, channels, height / 8, width / 8] of a picture, by the pipeline's own arithmetic; none by chance."""
    vae = pipe.vae
    with torch.no_grad():
        device = next(vae.parameters()).device
        pixels = pipe.image_processor.preprocess(image).to(device, vae.dtype)
        found = vae.encode(pixels).latent_dist.mode()
        latents: torch.Tensor = (found - (vae.config.shift_factor or 0.0)) * vae.config.scaling_factor
        return latents


def noise(loaded: Loaded, recipe: Recipe) -> torch.Tensor:
    """Noise for a picture, fp32 [1, channels, height / 8, width / 8] on the CPU.

    By the seed law it follows from seeds and size alone, on every device. torch's generator on the CPU takes the lower
    32 bits of a seed: two seeds that differ by a multiple of 2^32 are one.
    """
    scale = loaded.pipe.vae_scale_factor
    shape = (1, loaded.pipe.transformer.config.in_channels, recipe.height // scale, recipe.width // scale)

    def drawn(seed: int) -> torch.Tensor:
        return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed), dtype=torch.float32)

    first, *others = [weight * drawn(seed) for seed, weight in _weights(recipe).items()]
    return sum(others, start=first)


def _weights(recipe: Recipe) -> dict[int, float]:
    """How much of each seed's noise there is; the squares sum to one, so that the sum is normal noise again.

    A variation goes from one noise towards the next on the arc between them: cos(s pi / 2) of the one and sin(s pi / 2) of the other
    at strength s.
    """
    seeds = [*(seed for seed, _ in recipe.variation_of), recipe.seed]
    weights = {seeds[0]: 1.0}
    for (_, strength), seed in zip(recipe.variation_of, seeds[1:], strict=True):
        weights = {known: weight * math.cos(strength * math.pi / 2) for known, weight in weights.items()}
        weights[seed] = weights.get(seed, 0.0) + math.sin(strength * math.pi / 2)
        length = math.hypot(*weights.values())
        weights = {known: weight / length for known, weight in weights.items()}
    return weights
