"""What the studio adds to a picture: `/generate` against the bare pipeline call plus saving a PNG.

`python -m bench.overhead`. One run, in pairs that take turns, the same recipe in both, all prompts distinct so that no cache
helps, enhancer off. It prints a line a pair, then the medians, and the ratio last. The bar is 1.15 for a wish alone. With
`--queued 20` each pair is so many pictures: the studio is given all wishes at once, and the bar is 1.05 a picture. With `--repeated` it
generates one prompt repeatedly through the studio, and prints how much time the cached embedding saves.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.serving import ROOT, filed, last_of, last_shot, studio

if TYPE_CHECKING:
    import httpx
    from diffusers import ZImagePipeline

KINDS = ("cat", "dog", "rabbit", "chicken", "fish", "apple", "star", "moon", "sun", "tree", "flower", "house", "car")
COLOURS = ("red", "blue", "green", "yellow", "white", "black", "purple", "pink")
WARM = 2  # pairs that are not counted
QUEUED_PAIRS = 7

Draw = Callable[[str, int], float]  # prompt and seed to the seconds that it took
Pair = tuple[float, float]  # seconds alone, seconds through the studio


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.overhead", description=__doc__)
    parser.add_argument("--pairs", type=int, default=20, help="pairs to measure (default 20)")
    parser.add_argument("--queued", type=int, metavar="N", help="N pictures a pair, all wishes filed at once (7 pairs)")
    parser.add_argument(
        "--repeated", action="store_true", help="the same prompt again, against new ones, through the studio"
    )
    options = parser.parse_args()
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    with drawers() as (alone, served, client):
        if options.queued:
            tell(queued(alone, client, options.queued, QUEUED_PAIRS))
        elif options.repeated:
            repeated(served, options.pairs)
        else:
            tell(measure(alone, served, options.pairs))


@contextmanager
def drawers() -> Iterator[tuple[Draw, Draw, httpx.Client]]:
    """The two ways to draw: the pipeline alone, in this process, and a studio in a process of its own; and the way to the latter."""
    import httpx

    with (
        tempfile.TemporaryDirectory() as folder,
        studio() as url,
        httpx.Client(base_url=url, trust_env=False, timeout=120) as client,
    ):
        yield partial(bare, pipeline(), Path(folder) / "picture.png"), partial(through, client), client


def pipeline() -> ZImagePipeline:
    """Pocket's pipeline, as a script would load it."""
    import torch
    from diffusers import ZImagePipeline

    folder = ROOT / "pocket" / "checkpoint"
    pipe = ZImagePipeline.from_pretrained(folder, torch_dtype=torch.float32, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def bare(pipe: ZImagePipeline, file: Path, prompt: str, seed: int) -> float:
    """Seconds that the pipeline takes for a picture and its PNG."""
    import torch

    side = pipe.vae.config.sample_size
    begun = time.perf_counter()
    generator = torch.Generator("cpu").manual_seed(seed)
    drawn = pipe(prompt, height=side, width=side, num_inference_steps=8, guidance_scale=0.0, generator=generator)
    drawn.images[0].save(file)
    return time.perf_counter() - begun


def through(client: httpx.Client, prompt: str, seed: int) -> float:
    """Seconds from the wish to its last message."""
    begun = time.perf_counter()
    last_of(client, "generate", prompt=prompt, enhance=False, seed=seed)
    return time.perf_counter() - begun


def prompts() -> list[str]:
    """Distinct prompts in a fixed order."""
    found = [f"a {kind} on a {colour} background" for kind in KINDS for colour in COLOURS]
    random.Random(0).shuffle(found)
    return found


def queued(alone: Draw, client: httpx.Client, count: int, pairs: int) -> Iterator[Pair]:
    """Seconds a picture, `count` of them one after another alone, and filed all at once in the studio."""
    asked = iter(prompts() * (1 + 2 * pairs * count // len(KINDS) // len(COLOURS)))
    alone(next(asked), 0)
    last_of(client, "generate", prompt=next(asked), enhance=False, seed=0)
    for _ in range(pairs):
        single = sum(alone(next(asked), seed) for seed in range(count)) / count
        begun = time.perf_counter()
        wishes = [filed(client, "generate", prompt=next(asked), enhance=False, seed=seed) for seed in range(count)]
        for wish in wishes:
            last_shot(client, "generate", wish)
        yield single, (time.perf_counter() - begun) / count


def repeated(served: Draw, pairs: int) -> None:
    """Print what a prompt takes that the studio has encoded before, against one that it has not."""
    asked = prompts()
    for seed in range(WARM):
        served(asked.pop(), seed)
    known = asked.pop()
    served(known, WARM)
    rows = [(served(asked[n % len(asked)], n), served(known, n)) for n in range(pairs)]
    fresh, again = (statistics.median(column) for column in zip(*rows, strict=True))
    print(
        f"median new prompt {fresh * 1000:.0f} ms, median known prompt {again * 1000:.0f} ms, ratio {again / fresh:.3f}"
    )


def measure(alone: Draw, served: Draw, pairs: int) -> Iterator[Pair]:
    """The pairs as they are measured, after some that warm both up."""
    asked = prompts()
    for seed in range(WARM):
        alone(asked.pop(), seed)
        served(asked.pop(), seed)
    for seed in range(pairs):
        prompt = asked[seed % len(asked)]
        yield alone(prompt, seed), served(prompt, seed)


def tell(rows: Iterator[Pair]) -> None:
    """Print a line a pair as it comes, then the medians, and the ratio last."""
    seen: list[Pair] = []
    for alone, served in rows:
        seen.append((alone, served))
        times = f"bare {alone * 1000:6.0f} ms  studio {served * 1000:6.0f} ms"
        print(f"pair {len(seen):2}  {times}  ratio {served / alone:.3f}", flush=True)
    alone, served = (statistics.median(column) for column in zip(*seen, strict=True))
    print(f"median bare {alone * 1000:.0f} ms, median studio {served * 1000:.0f} ms")
    print(f"ratio {statistics.median(served / alone for alone, served in seen):.3f}")


if __name__ == "__main__":
    main()
