"""Many pictures in a row: does the memory stay as it is?

`python -m bench.soak` draws 200 pictures with Pocket through the engine, with other prompts, seeds and sizes, and the same with the plain
pipeline in a process of its own, and prints what each process holds as it goes (and of a card, what is allocated there). The bar: after
the first fifth the engine's grows by less than 5 %. `--count` for more of them.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator

from bench.serving import ROOT

SHAPES = ((128, 128), (144, 112), (176, 96))
KINDS = ("cat", "dog", "rabbit", "fish", "star", "house", "car", "tree")
COLOURS = ("red", "blue", "green", "yellow", "white", "black", "purple", "pink")
GROWTH = 0.05
LINES = 10

Draw = Callable[[str, int, int, int], object]  # prompt, seed, width, height


def main() -> None:
    """Draw, print, and end with code 1 where the engine's memory grew."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="pictures (default 200)")
    parser.add_argument("--one", choices=("engine", "plain"), help="measure this one in this process, and print a list")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(list(held(engine() if options.one == "engine" else plain(), options.count))))
        return
    found = {one: measured(one, options.count) for one in ("engine", "plain")}
    print("picture  engine MB  plain script MB")
    for number in range(0, options.count, max(1, options.count // LINES)):
        print(f"{number:7}  {found['engine'][number]:9.0f}  {found['plain'][number]:15.0f}")
    growth = {one: grown(seen) for one, seen in found.items()}
    print(
        f"after the first fifth the engine's grew by {growth['engine']:+.1%}, the plain script's by {growth['plain']:+.1%}"
    )
    sys.exit(0 if growth["engine"] <= GROWTH else 1)


def measured(one: str, count: int) -> list[float]:
    """What one way of drawing holds after each picture, in a process of its own."""
    command = [sys.executable, "-m", "bench.soak", "--one", one, "--count", str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def grown(seen: list[float]) -> float:
    """By how much the end is above the first fifth."""
    return max(seen[-max(1, len(seen) // 10) :]) / max(seen[: max(1, len(seen) // 5)]) - 1


def engine() -> Draw:
    """Drawing through the studio's engine."""
    from studio.domain.recipe import Recipe
    from studio.engine.engine import EngineOptions, ResidentEngine

    made = ResidentEngine(
        EngineOptions(checkpoint="pocket", device="auto", memory_gb=None, pocket=ROOT / "pocket" / "checkpoint")
    )
    made.start()
    state = made.wait()
    if state.status != "ready":
        raise RuntimeError(state.message)

    def draw(prompt: str, seed: int, width: int, height: int) -> object:
        recipe = Recipe(
            prompt=prompt, seed=seed, width=width, height=height, steps=8, guidance=0.0, shift=3.0, checkpoint="pocket",
        )  # fmt: skip
        return made.generate(recipe, on_step=lambda event: None, cancelled=lambda: False)

    return draw


def plain() -> Draw:
    """Drawing as a script would."""
    import torch

    from bench.overhead import pipeline

    pipe = pipeline()
    if torch.cuda.is_available():
        pipe.to("cuda", torch.bfloat16)

    def draw(prompt: str, seed: int, width: int, height: int) -> object:
        generator = torch.Generator("cpu").manual_seed(seed)
        return pipe(prompt, height=height, width=width, num_inference_steps=8, guidance_scale=0.0, generator=generator)

    return draw


def held(draw: Draw, count: int) -> Iterator[float]:
    """MB that the process holds after each picture, and the card for it."""
    import psutil
    import torch

    process = psutil.Process()
    wishes = itertools.cycle(f"a {kind} on a {colour} background" for kind in KINDS for colour in COLOURS)
    for number, prompt in zip(range(count), wishes, strict=False):
        draw(prompt, number, *SHAPES[number % len(SHAPES)])
        gc.collect()
        card = torch.cuda.memory_allocated() if torch.cuda.is_available() else 0
        yield (process.memory_info().rss + card) / 1e6


if __name__ == "__main__":
    main()
