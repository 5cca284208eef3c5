"""Distils the base transformer to eight steps without guidance: the turbo.

Each of the turbo's steps learns to land where the guided base lands by several smaller steps from the same place
(progressive distillation, Salimans and Ho 2022, arXiv 2202.00512; of a guided teacher as in Meng et al. 2022, arXiv
2210.03142), half of the time from noised scenes and half from where the turbo's own steps have led. It knows no data
beyond the base's batches.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import torch
from diffusers import ZImageTransformer2DModel
from torch import Tensor

from pocket import train_language
from pocket.train_transformer import Batches, make_pools, trained_transformer
from pocket.training import Average, Keeper, Optimisers, Plan, Progress, batch_random, device, rate
from pocket.transformer import Captions, quicken, velocity

STAGE = "turbo"
STEPS = 8
SUBSTEPS = 4
"""Steps of the guided base for each of the turbo's: 32 in all, a little finer than the base is drawn with."""
GUIDANCE = 1.5
"""How far the teacher goes beyond the caption's own direction: positive + GUIDANCE * (positive - negative), as in Z-Image's pipeline."""
OWN_SHARE = 0.5
"""The part of the batches that starts from the turbo's own path."""
SHIFT = 3.0


def schedule(steps: int = STEPS, shift: float = SHIFT) -> Tensor:
    """The pipeline's noise levels for so many steps, (steps + 1,), from 1 down to 0."""
    even = torch.linspace(1, 0, steps + 1)
    return shift * even / (1 + (shift - 1) * even)


def guided(teacher: ZImageTransformer2DModel, x: Tensor, sigma: float, texts: Captions, nothing: Captions) -> Tensor:
    """The guided base's direction at `x`, (n, 16, height, width)."""
    with_text = velocity(teacher, x, sigma, texts)
    return with_text + GUIDANCE * (with_text - velocity(teacher, x, sigma, nothing))


def landing(
    teacher: ZImageTransformer2DModel, x: Tensor, begin: float, end: float, texts: Captions, nothing: Captions
) -> Tensor:
    """Where the guided base comes to from `x` at noise `begin`, at noise `end`."""
    levels = torch.linspace(begin, end, SUBSTEPS + 1).tolist()
    for now, then in zip(levels, levels[1:], strict=False):
        x = x + (then - now) * guided(teacher, x, now, texts, nothing)
    return x


def start(
    student: ZImageTransformer2DModel, latents: Tensor, noise: Tensor, step: int, texts: Captions, *, own: bool
) -> Tensor:
    """The place where a step begins: a scene with noise, or where the student's steps before have led."""
    levels = schedule().tolist()
    if not own:
        return (1 - levels[step]) * latents + levels[step] * noise
    x = noise
    for now, then in zip(levels[:step], levels[1 : step + 1], strict=True):
        x = x + (then - now) * velocity(student, x, now, texts)
    return x


def train(
    state: Path, plan: Plan, *, seed: int = 0, size: int = 32, pool_scale: float = 1.0, compiled: bool = False
) -> None:
    """Trains until the plan is done; the averaged weights are in the saved state, where the export finds them."""
    where = device()
    language, tokenizer = train_language.load(state, where)
    batches = Batches(make_pools(state, seed, where, pool_scale), language, tokenizer, seed, size, dropped=0.0)
    teacher = trained_transformer(state, seed).to(where).requires_grad_(False)
    student = copy.deepcopy(teacher).requires_grad_(True)
    optimisers = Optimisers(student, inside=(".attention.", ".feed_forward."), muon=4e-4, adam=2e-4)
    average = Average(student, decay=0.998)
    keeper = Keeper(state / f"{STAGE}.pt", plan, student, optimisers, average)
    keeper.restore()
    for model in (teacher, student):
        quicken(model, compiled=compiled)
    nothing = batches.encode([""] * size)
    levels = schedule().tolist()
    progress = Progress(STAGE, "pictures")
    plan.start_clock()
    while not plan.done:
        rng = batch_random(seed, STAGE, plan.step)
        step, own = rng.randrange(STEPS), rng.random() < OWN_SHARE
        latents, texts, _, noise = batches.draw(replace(plan, minutes=None, steps=max(1, plan.step)))
        with torch.no_grad():
            x = start(student, latents, noise, step, texts, own=own)
            wanted = (landing(teacher, x, levels[step], levels[step + 1], texts, nothing) - x) / (
                levels[step + 1] - levels[step]
            )
        loss = (velocity(student, x, levels[step], texts) - wanted).square().mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimisers.step(rate(plan.fraction))
        plan.advance()
        average.update(student, plan.step)
        progress.add(plan, float(loss.detach()), size)
        keeper.after_step()
    keeper.keep()
