"""`python -m pocket.train` makes Pocket again from nothing: language model, practice, VAE, its decoder, base, turbo, export.

Each stage is resumed where it was killed and skipped once it is done; the state lies outside the work tree. It holds
the two plans, for two idle cores and for one GPU, and no training itself.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pocket import begin, export, train_language, train_practice, train_transformer, train_turbo, train_vae
from pocket.training import Plan, default_state_folder, device, train_in_processes


@dataclass(frozen=True, kw_only=True)
class Stage:
    """How long a stage is and how much it sees in a step; on a CPU each of two processes sees so much."""

    steps: int
    size: int


CPU: dict[str, Stage] = {
    "language": Stage(steps=3000, size=32),
    "practice": Stage(steps=1500, size=32),
    "vae": Stage(steps=5000, size=8),
    "decoder": Stage(steps=2000, size=8),
    "transformer": Stage(steps=20000, size=64),
    "turbo": Stage(steps=2000, size=32),
}
"""Hours of two idle cores: two for the language model and one for its practice, one for the VAE and its decoder, some six for the base,
two for the turbo."""
GPU: dict[str, Stage] = {
    "language": Stage(steps=3000, size=256),
    "practice": Stage(steps=600, size=256),
    "vae": Stage(steps=4000, size=32),
    "decoder": Stage(steps=1500, size=32),
    "transformer": Stage(steps=12000, size=256),
    "turbo": Stage(steps=1200, size=256),
}
"""Meant for some ten minutes of a large GPU; it has never been run on one."""
STAGES = (*CPU, "export")
TRAIN: dict[str, Callable[..., None]] = {
    "language": train_language.train,
    "practice": train_practice.train,
    "vae": train_vae.train,
    "decoder": train_vae.train,
    "transformer": train_transformer.train,
    "turbo": train_turbo.train,
}


def run_stage(name: str, options: argparse.Namespace) -> None:
    """Trains or exports one stage; a training that is done says so at once."""
    state: Path = options.state
    if name == "export":
        export.export(state, options.out, options.seed)
        return
    cuda = torch.cuda.is_available()
    stage = (GPU if cuda else CPU)[name]
    plan = Plan(steps=options.steps or stage.steps, minutes=options.minutes)
    given: dict[str, Any] = {"seed": options.seed, "size": options.batch or stage.size}
    ahead: dict[str, Any] = {"drawing": options.drawing if cuda else 0}
    if name in ("vae", "decoder"):
        given["decoder_only"], ahead = name == "decoder", {}
    elif name == "language":
        train_language.prepared_tokenizer(state, options.seed)
    elif name == "practice":
        train_practice.prepare(state)
    else:
        train_transformer.make_pools(state, options.seed, device(), options.pool)
        given["compiled"] = options.compile == "yes" or (options.compile == "auto" and shutil.which("g++") is not None)
        given["pool_scale"] = options.pool
    train = TRAIN[name]
    if not cuda and options.threads > 1:
        train_in_processes(train, state, plan, options.threads, **given)
    else:
        train(state, plan, **given, **ahead)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m pocket.train", description="Trains Pocket, the miniature of Z-Image, and exports it."
    )
    made.add_argument("--stage", choices=STAGES, action="append", help="only this stage; can be repeated")
    made.add_argument("--threads", type=int, default=2, help="CPU threads (default 2)")
    made.add_argument("--minutes", type=float, help="end a stage after so many minutes instead of all its steps")
    made.add_argument("--steps", type=int, help="steps of a stage instead of the plan's")
    made.add_argument("--batch", type=int, help="what a step sees, of each CPU process, instead of the plan's")
    made.add_argument("--pool", type=float, default=1.0, help="scenes made ahead, as a part of the usual number")
    made.add_argument("--drawing", type=int, default=8, help="processes that draw words ahead for a GPU (default 8)")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--state", type=Path, default=default_state_folder(), help="where the training keeps its state")
    made.add_argument(
        "--begin", type=Path, metavar="CHECKPOINT", help="begin from these weights, in a state that is still empty"
    )
    made.add_argument("--out", type=Path, default=export.CHECKPOINT, help="where the checkpoint is written")
    made.add_argument(
        "--compile", choices=("auto", "yes", "no"), default="auto", help="compile the transformer's blocks"
    )
    return made


def main() -> None:
    made = parser()
    options = made.parse_args()
    torch.set_num_threads(options.threads)
    if options.begin and not options.stage:
        made.error(
            "--begin wants --stage: without it the language model would be trained anew, and nothing taken up would fit it"
        )
    if options.begin:
        begin.take_up(options.state, options.begin)
    for stage in options.stage or STAGES:
        run_stage(stage, options)


if __name__ == "__main__":
    main()
