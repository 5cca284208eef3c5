"""Many pictures in a row: does the memory stay as it is?

`python -m bench.soak` draws 200 pictures with Pocket in one process, through the engine, with other prompts, seeds and sizes, and prints
the process's memory as it goes. The bar: after the first fifth it grows by less than 5 %. `--count` for more of them.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import sys
from collections.abc import Iterator

from bench.serving import ROOT

SHAPES = ((128, 128), (144, 112), (176, 96))
KINDS = ("cat", "dog", "rabbit", "fish", "star", "house", "car", "tree")
COLOURS = ("red", "blue", "green", "yellow", "white", "black", "purple", "pink")
GROWTH = 0.05


def main() -> None:
    """Draw, print, and end with code 1 where the memory grew."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="pictures (default 200)")
    count: int = parser.parse_args().count
    seen = list(memory(count))
    settled = max(seen[: max(1, count // 5)])
    last = max(seen[-max(1, count // 10) :])
    print(f"settled at {settled:.0f} MB, {last:.0f} MB at the end: {last / settled - 1:+.1%}")
    sys.exit(0 if last <= settled * (1 + GROWTH) else 1)


def memory(count: int) -> Iterator[float]:
    """MB that the process holds after each picture."""
    import psutil

    from studio.engine.resident import ResidentEngine
    from studio.recipe import Recipe

    engine = ResidentEngine(checkpoint="pocket", device="auto", memory_gb=None, pocket=ROOT / "pocket" / "checkpoint")
    engine.start()
    state = engine.wait()
    if state.status != "ready":
        raise RuntimeError(state.message)
    process = psutil.Process()
    wishes = itertools.cycle(f"a {kind} on a {colour} background" for kind in KINDS for colour in COLOURS)
    try:
        for number, prompt in zip(range(count), wishes, strict=False):
            width, height = SHAPES[number % len(SHAPES)]
            recipe = Recipe(
                prompt=prompt,
                seed=number,
                width=width,
                height=height,
                steps=8,
                guidance=0.0,
                shift=3.0,
                checkpoint="pocket",
            )
            engine.draw(recipe, on_step=lambda event: None, cancelled=lambda: False)
            gc.collect()
            held = process.memory_info().rss / 1e6
            if number % max(1, count // 10) == 0:
                print(f"picture {number:4}  {held:.0f} MB", flush=True)
            yield held
    finally:
        engine.close()


if __name__ == "__main__":
    main()
