"""`python -m pocket.train` makes Pocket again from nothing: language model, VAE, its decoder, transformer, export.

Each stage is resumed where it was killed and skipped once it is done; the state lies outside the work tree. It holds
the default plan, for two idle cores in about two and a half hours, and no training itself.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import torch

from pocket import export, train_language, train_transformer, train_vae
from pocket.training import Plan, default_state_folder

STAGES = ("language", "vae", "decoder", "transformer", "export")
STEPS: dict[str, int] = {"language": 3000, "vae": 4000, "decoder": 2000, "transformer": 7000}


def run_stage(stage: str, options: argparse.Namespace) -> None:
    """Trains or exports one stage; a training that is done says so at once."""
    state: Path = options.state
    if stage == "export":
        export.export(state, options.out, options.seed)
        return
    plan = Plan(steps=options.steps or STEPS[stage], minutes=options.minutes)
    if stage == "language":
        language: dict[str, Any] = {"seed": options.seed, "size": options.batch}
        if torch.cuda.is_available():
            train_language.train(state, plan, drawing=options.drawing, **language)
        elif options.threads > 1:
            train_language.train_in_processes(state, plan, options.threads, **language)
        else:
            train_language.train(state, plan, **language)
    elif stage in ("vae", "decoder"):
        train_vae.train(state, plan, seed=options.seed, decoder_only=stage == "decoder")
    else:
        compiled = options.compile == "yes" or (options.compile == "auto" and shutil.which("g++") is not None)
        if options.threads > 1 and not torch.cuda.is_available():
            train_transformer.train_in_processes(state, plan, options.threads, seed=options.seed, compiled=compiled)
        else:
            train_transformer.train(state, plan, seed=options.seed, compiled=compiled)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m pocket.train", description="Trains Pocket, the miniature of Z-Image, and exports it."
    )
    made.add_argument("--stage", choices=STAGES, action="append", help="only this stage; can be repeated")
    made.add_argument("--threads", type=int, default=2, help="CPU threads (default 2)")
    made.add_argument("--minutes", type=float, help="end a stage after so many minutes instead of all its steps")
    made.add_argument("--steps", type=int, help="steps of a stage instead of the default plan's")
    made.add_argument("--batch", type=int, help="dialogues a step of the language model, of each CPU process")
    made.add_argument(
        "--drawing",
        type=int,
        default=8,
        help="processes that draw dialogues ahead where the language model is on a GPU",
    )
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--state", type=Path, default=default_state_folder(), help="where the training keeps its state")
    made.add_argument("--out", type=Path, default=export.CHECKPOINT, help="where the checkpoint is written")
    made.add_argument(
        "--compile", choices=("auto", "yes", "no"), default="auto", help="compile the transformer's blocks"
    )
    return made


def main() -> None:
    options = parser().parse_args()
    torch.set_num_threads(options.threads)
    for stage in options.stage or STAGES:
        run_stage(stage, options)


if __name__ == "__main__":
    main()
