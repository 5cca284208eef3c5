"""What Pocket's trainings share: a plan by steps or minutes, the optimisers, the average of weights, saved state.

It knows no model and no data. Every batch is a function of the seed and the step alone, so that a training that was
killed goes on from its last saved state as if nothing had happened.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor, distributed, multiprocessing, nn

from pocket.muon import Float32Muon

TELL_EVERY = 15.0
"""Seconds between two progress lines."""


def default_state_folder() -> Path:
    """Where training keeps its state: outside the work tree."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "z-image-studio" / "pocket"


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@cache
def has_bf16(kind: str) -> bool:
    """Whether devices of a kind multiply bfloat16 matrices faster than float32. A CPU needs AMX or AVX-512 BF16 for that."""
    return kind != "cpu" or torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def autocast(where: torch.device) -> AbstractContextManager[None]:
    """Mixed precision in bfloat16 where the device is faster with it. Elsewhere everything stays in float32."""
    context: AbstractContextManager[None] = torch.autocast(where.type, torch.bfloat16, enabled=has_bf16(where.type))
    return context


def batch_random(seed: int, stage: str, step: int) -> Random:
    """The random source of one batch: the same for the same seed, stage and step."""
    return Random(f"{seed}/{stage}/{step}")


def batch_generator(rng: Random, where: torch.device) -> torch.Generator:
    """A torch generator seeded from a batch's random source."""
    return torch.Generator(where).manual_seed(rng.getrandbits(62))


@dataclass(kw_only=True)
class Plan:
    """How far a training has come: by steps, and by minutes if it has a time limit (the larger fraction counts).

    Its state is saved every `save_every` seconds and at the end.
    """

    steps: int
    minutes: float | None = None
    save_every: float = 90.0
    step: int = 0
    spent: float = 0.0
    _last: float = field(default_factory=time.monotonic, repr=False)

    def advance(self) -> None:
        """One step is done; its seconds are added to what was spent."""
        now = time.monotonic()
        self.spent += now - self._last
        self._last = now
        self.step += 1

    def start_clock(self) -> None:
        self._last = time.monotonic()

    @property
    def fraction(self) -> float:
        by_time = 0.0 if self.minutes is None else self.spent / (60 * self.minutes)
        return min(1.0, max(self.step / self.steps, by_time))

    @property
    def done(self) -> bool:
        return self.fraction >= 1

    @property
    def seconds_left(self) -> float:
        return self.spent / max(self.fraction, 1e-9) - self.spent if self.step else float("nan")


def rate(fraction: float, *, warmup: float = 0.02, hold: float = 0.25) -> float:
    """The learning rate's factor: a short rise, a plateau until `hold`, then a straight way down to zero."""
    if fraction < warmup:
        return (fraction + 1e-3) / (warmup + 1e-3)
    return 1.0 if fraction < hold else max(0.0, (1 - fraction) / (1 - hold))


class Optimisers:
    """Muon for the matrices inside the blocks, AdamW for everything else, under one schedule.

    Muon: Jordan et al. 2024, with the update's size matched to AdamW's (Liu et al. 2025, arXiv 2502.16982).
    """

    def __init__(
        self, model: nn.Module, *, inside: Iterable[str], muon: float, adam: float, decay: float = 0.01
    ) -> None:
        names = tuple(inside)
        matrices: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            is_matrix = parameter.ndim == 2 and any(part in name for part in names)
            (matrices if is_matrix else rest).append(parameter)
        self.parts: list[torch.optim.Optimizer] = []
        if matrices:
            kind = torch.optim.Muon if has_bf16(matrices[0].device.type) else Float32Muon
            self.parts.append(kind(matrices, lr=muon, weight_decay=decay, adjust_lr_fn="match_rms_adamw"))
        if rest:
            self.parts.append(torch.optim.AdamW(rest, lr=adam, betas=(0.9, 0.98), weight_decay=decay))
        self.rates = [[group["lr"] for group in part.param_groups] for part in self.parts]

    def step(self, factor: float) -> None:
        for part, rates in zip(self.parts, self.rates, strict=True):
            for group, lr in zip(part.param_groups, rates, strict=True):
                group["lr"] = lr * factor
            part.step()
            part.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict[str, Any]]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        for part, state in zip(self.parts, states, strict=True):
            part.load_state_dict(state)


class Average:
    """The exponential moving average of a model's weights; its memory grows with the steps up to `decay`."""

    def __init__(self, model: nn.Module, decay: float = 0.999) -> None:
        self.decay = decay
        self.weights = {name: p.detach().clone().float() for name, p in model.named_parameters()}

    def update(self, model: nn.Module, step: int) -> None:
        with torch.no_grad():
            keep = min(self.decay, (1 + step) / (12 + step))
            own = list(self.weights.values())
            torch._foreach_lerp_(own, [p.detach() for p in model.parameters()], 1 - keep)

    def state_dict(self) -> dict[str, Tensor]:
        return self.weights

    def load_state_dict(self, weights: dict[str, Tensor]) -> None:
        for name, tensor in weights.items():
            self.weights[name].copy_(tensor)


class Together:
    """Several processes, one thread each, that train one model on a batch of their own: their gradients are averaged.

    On a machine that does other work too this is far quicker than threads, which wait for each other in every
    operation; the processes wait once a step.
    """

    def __init__(self, rank: int = 0, workers: int = 1, meeting: Path | None = None) -> None:
        self.rank, self.workers = rank, workers
        self.parent = os.getppid()
        if workers > 1:
            distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=workers)

    @property
    def leads(self) -> bool:
        return self.rank == 0

    @property
    def abandoned(self) -> bool:
        """Whether the process that started the workers is gone: then they stop too and save nothing more."""
        return self.workers > 1 and os.getppid() != self.parent

    def average(self, model: nn.Module, plan: Plan) -> None:
        """Averages the gradients, and the seconds spent, so that all agree on the rate and on the end."""
        with torch.no_grad():
            if self.workers == 1:
                return
            gradients = [p.grad for p in model.parameters() if p.grad is not None]
            flat = torch.cat([gradient.flatten() for gradient in gradients] + [torch.tensor([plan.spent])])
            distributed.all_reduce(flat)
            flat /= self.workers
            plan.spent = float(flat[-1])
            for gradient, part in zip(gradients, flat[:-1].split([g.numel() for g in gradients]), strict=True):
                gradient.copy_(part.view_as(gradient))

    def leave(self) -> None:
        if self.workers > 1:
            distributed.destroy_process_group()


def _work(
    rank: int, workers: int, meeting: str, train: Callable[..., None], state: Path, plan: Plan, options: dict[str, Any]
) -> None:
    """One of several processes that train together."""
    torch.set_num_threads(1)
    together = Together(rank, workers, Path(meeting))
    train(state, plan, **options, together=together)
    together.leave()


def train_in_processes(train: Callable[..., None], state: Path, plan: Plan, workers: int, **options: Any) -> None:
    """Calls a stage's `train` in `workers` processes of one thread, each with a batch of its own; options as for it."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = (workers, f"{folder}/meeting", train, state, plan, options)
        multiprocessing.start_processes(_work, arguments, nprocs=workers, start_method="spawn")


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Writes a state beside its place, then renames it in, so that a kill never leaves half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    torch.save(state, beside)
    os.replace(beside, path)


def load_state(path: Path) -> dict[str, Any] | None:
    """A saved state, or None where there is none yet."""
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


class Keeper:
    """Saves all that a training needs to go on, now and then and at the end, and finds it again at the start."""

    def __init__(self, path: Path, plan: Plan, model: nn.Module, optimisers: Optimisers, average: Average) -> None:
        self.path, self.plan = path, plan
        self.parts = {"model": model, "optimisers": optimisers, "average": average}
        self.kept = plan.spent

    def restore(self) -> bool:
        """Takes up the saved state; False where there is none."""
        saved = load_state(self.path)
        if saved is None:
            return False
        for name, part in self.parts.items():
            part.load_state_dict(saved[name])
        self.plan.step, self.plan.spent = saved["step"], saved["spent"]
        self.kept = self.plan.spent
        return True

    def keep(self) -> None:
        state = {name: part.state_dict() for name, part in self.parts.items()}
        save_state(self.path, state | {"step": self.plan.step, "spent": self.plan.spent})
        self.kept = self.plan.spent

    def after_step(self) -> None:
        """Saves if it is time to."""
        if self.plan.spent - self.kept >= self.plan.save_every:
            self.keep()


class Progress:
    """Prints a line now and then: step, loss (averaged since the last line), speed, time left."""

    def __init__(self, stage: str, unit: str) -> None:
        self.stage, self.unit = stage, unit
        self.losses: list[float] = []
        self.told = time.monotonic()
        self.items = 0

    def add(self, plan: Plan, loss: float | None, items: int, note: str = "") -> None:
        """Counts a step; a loss may be left out, since asking a GPU for it makes the next step wait."""
        if loss is not None:
            self.losses.append(loss)
        self.items += items
        elapsed = time.monotonic() - self.told
        if elapsed < TELL_EVERY and not plan.done:
            return
        mean = sum(self.losses) / len(self.losses) if self.losses else float("nan")
        print(
            f"{self.stage:<12} step {plan.step:>6} of {plan.steps}  loss {mean:.4f}  "
            f"{self.items / max(elapsed, 1e-6):6.1f} {self.unit}/s  spent {plan.spent / 60:.1f} min  "
            f"left {plan.seconds_left / 60:.1f} min{note}",
            file=sys.stdout,
            flush=True,
        )
        self.losses, self.items, self.told = [], 0, time.monotonic()
