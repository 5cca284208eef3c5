"""Distils the base transformer to eight steps without guidance: the turbo.

Each of the turbo's steps learns to land where the guided base lands by several smaller steps from the same place
(progressive distillation, Salimans and Ho 2022, arXiv 2202.00512; of a guided teacher as in Meng et al. 2022, arXiv
2210.03142), half of the time from noised scenes and half from where the turbo's own steps have led. It knows no data
beyond the base's batches.
"""

from __future__ import annotations

import copy
from itertools import pairwise
from pathlib import Path

import torch
from diffusers import ZImageTransformer2DModel
from torch import Tensor

from pocket import begin
from pocket.train_transformer import Draws, load_teacher, trained_transformer
from pocket.training import (
    Average,
    Keeper,
    Optimisers,
    Plan,
    Progress,
    Together,
    batch_random,
    device,
    load_state,
    rate,
)
from pocket.transformer import Captions, encode_tokens, quicken, tokenise, velocity

STAGE = "turbo"
STEPS = 8
SUBSTEPS = 4
"""Steps of the guided base for each of the turbo's: 32 in all, a little finer than the base is drawn with."""
GUIDANCE = 1.5
"""How far the teacher goes beyond the caption's own direction: positive + GUIDANCE * (positive - negative), as in Z-Image's pipeline."""
OWN_SHARE = 0.5
"""The part of the batches that starts from the turbo's own path."""
SHIFT = 3.0
MUON, ADAM = 4e-4, 2e-4


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
    for now, then in pairwise(levels):
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
    for now, then in pairwise(levels[: step + 1]):
        x = x + (then - now) * velocity(student, x, now, texts)
    return x


def beginning(state: Path, teacher: ZImageTransformer2DModel) -> ZImageTransformer2DModel:
    """The student's first weights: the teacher's, and on top of them what a turbo had learnt with which the state began."""
    student = copy.deepcopy(teacher).requires_grad_(True)
    base, turbo = begin.transformer(state), begin.transformer(state, "turbo")
    if base is not None and turbo is not None:
        with torch.no_grad():
            for own, before, after in zip(student.parameters(), base.parameters(), turbo.parameters(), strict=True):
                own += (after - before).to(own.device)
    return student


def train(
    state: Path,
    plan: Plan,
    *,
    seed: int = 0,
    size: int = 32,
    pool_scale: float = 1.0,
    compiled: bool = False,
    drawing: int = 0,
    together: Together | None = None,
) -> None:
    """Trains until the plan is done; the averaged weights are in the saved state, where the export finds them."""
    together = together or Together()
    lessons, scenes, tokenizer = load_teacher(state, seed, pool_scale)
    draws = Draws(scenes, tokenizer, seed, size, stage=STAGE, rank=together.rank)
    draws.fraction.value = 1.0
    teacher = trained_transformer(state, seed).to(device()).requires_grad_(False)
    student = beginning(state, teacher)
    optimisers = Optimisers(student, inside=(".attention.", ".feed_forward."), muon=MUON, adam=ADAM)
    average = Average(student, decay=0.998)
    keeper = Keeper(state / f"{STAGE}.pt", plan, student, optimisers, average)
    keeper.restore()
    for model in (teacher, student):
        quicken(model, compiled=compiled)
    nothing = encode_tokens(lessons.language, *tokenise(tokenizer, [""])) * size
    levels = schedule().tolist()
    ahead = iter(draws.ahead(plan.step, drawing))
    progress = Progress(STAGE, "pictures")
    plan.start_clock()
    while not plan.done:
        if together.abandoned:
            return
        rng = batch_random(seed, f"{STAGE}/steps", plan.step)  # the same step in every process: all take as long
        step, own = rng.randrange(STEPS), rng.random() < OWN_SHARE
        lesson = lessons.lesson(next(ahead))
        begin, end = levels[step], levels[step + 1]
        with torch.no_grad():
            x = start(student, lesson.latents, lesson.noise, step, lesson.texts, own=own)
            wanted = (landing(teacher, x, begin, end, lesson.texts, nothing) - x) / (end - begin)
        loss = (lesson.weights * (velocity(student, x, begin, lesson.texts) - wanted).square()).mean()
        loss.backward()
        together.average(student, plan)
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimisers.step(rate(plan.fraction))
        plan.advance()
        if not together.leads:
            continue
        average.update(student, plan.step)
        progress.add(plan, float(loss.detach()) if plan.step % 10 == 0 else None, size * together.workers)
        keeper.after_step()
    if together.leads:
        keeper.keep()


def trained_turbo(state: Path, seed: int = 0) -> ZImageTransformer2DModel:
    """The averaged weights of the last saved state; where there is none, the base's with what the state began with on top."""
    model = beginning(state, trained_transformer(state, seed))
    if saved := load_state(state / f"{STAGE}.pt"):
        model.load_state_dict(saved["model"] | saved["average"])
    return model
