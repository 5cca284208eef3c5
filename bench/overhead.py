"""What the studio adds to a picture: `/generate` against the bare pipeline call plus saving a PNG.

`python -m bench.overhead`. One run, in pairs that take turns, the same recipe in both, all prompts distinct so that no cache
helps, enhancer off. It prints a line a pair, then the medians, and the ratio last. The bar is 1.25.
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

from bench.serving import ROOT, last_of, studio

if TYPE_CHECKING:
    import httpx
    from diffusers import ZImagePipeline

KINDS = ("cat", "dog", "rabbit", "chicken", "fish", "apple", "star", "moon", "sun", "tree", "flower", "house", "car")
COLOURS = ("red", "blue", "green", "yellow", "white", "black", "purple", "pink")
WARM = 2  # pairs that are not counted

Draw = Callable[[str, int], float]  # prompt and seed to the seconds that it took
Pair = tuple[float, float]  # seconds alone, seconds through the studio


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.overhead", description=__doc__)
    parser.add_argument("--pairs", type=int, default=20, help="pairs to measure (default 20)")
    pairs: int = parser.parse_args().pairs
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    with drawers() as (alone, served):
        tell(measure(alone, served, pairs))


@contextmanager
def drawers() -> Iterator[tuple[Draw, Draw]]:
    """The two ways to draw: the pipeline alone, in this process, and a studio in a process of its own."""
    import httpx

    with (
        tempfile.TemporaryDirectory() as folder,
        studio() as url,
        httpx.Client(base_url=url, trust_env=False, timeout=120) as client,
    ):
        yield partial(bare, pipeline(), Path(folder) / "picture.png"), partial(through, client)


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


def measure(alone: Draw, served: Draw, pairs: int) -> Iterator[Pair]:
    """The pairs as they are measured, after some that warm both up."""
    prompts = [f"a {kind} on a {colour} background" for kind in KINDS for colour in COLOURS]
    random.Random(0).shuffle(prompts)
    for seed in range(WARM):
        alone(prompts.pop(), seed)
        served(prompts.pop(), seed)
    for seed in range(pairs):
        prompt = prompts[seed % len(prompts)]
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
