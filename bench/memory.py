"""What fits into how much memory: a 1024 x 1024 picture under caps of 24, 16, 12 and 8 GiB, after the enhancer has talked.

`python -m bench.memory` measures each cap in a process of its own (`torch.cuda.set_per_process_memory_fraction`), with the released models
and random weights made in the machine's memory and placed as the plan for that cap says. It prints the plan, its estimate, the real peak
and the seconds of a first picture and of one more. Without a CUDA device it prints the plans alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from bench import fullsize

if TYPE_CHECKING:
    from studio.engine.loading import Loaded

CAPS = (24, 16, 12, 8)
SIDE = 1024
WORDS = 16  # tokens that the language model writes before


def main() -> None:
    """Measure every cap and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--cap", type=float, help="measure this cap in this process, in GiB")
    parser.add_argument("--caps", type=float, nargs="+", default=list(CAPS), help="caps in GiB (default 24 16 12 8)")
    parser.add_argument("--small", action="store_true", help="tiny models instead of full-size ones")
    options = parser.parse_args()
    if options.cap is not None:
        measure(options.cap, small=options.small)
        return
    for cap in options.caps:
        command = [sys.executable, "-m", "bench.memory", "--cap", str(cap), *(["--small"] if options.small else [])]
        done = subprocess.run(command, check=False)
        if done.returncode:
            print(f"{cap:g} GiB: ended with code {done.returncode}", flush=True)


def measure(cap: float, *, small: bool) -> None:
    """One cap: place, talk, draw twice, and tell."""
    import torch

    from bench.latency import draw_ours, loaded_from
    from studio.engine import device as devices

    device = devices.choose("auto")
    if device.kind != "cuda":
        show_plans(cap)
        return
    index = torch.device(device.name)
    total = torch.cuda.get_device_properties(index).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, cap * 2**30 / total), index)
    pipe = fullsize.build("cpu", device.dtype, small=small)
    loaded = loaded_from(pipe, device, native=SIDE, memory_gb=cap * 2**30 / 1e9)
    torch.cuda.reset_peak_memory_stats(index)
    talk(loaded)
    times = []
    for seed in range(2):
        begun = time.perf_counter()
        draw_ours(loaded, SIDE, seed)
        times.append(time.perf_counter() - begun)
    peak = torch.cuda.max_memory_allocated(index) / 2**30
    print(
        f"{cap:g} GiB: peak {peak:.1f} GiB, first picture {times[0]:.1f} s, next {times[1]:.1f} s, {loaded.plan.why}",
        flush=True,
    )


def talk(loaded: Loaded) -> None:
    """Let the language model inside the encoder write some words, as the enhancer does before a picture."""
    from enhancer.contract import Sampling
    from enhancer.errors import NoPrompt
    from enhancer.resident import ResidentChat

    chat = ResidentChat(loaded.pipe.text_encoder, loaded.pipe.tokenizer, name="random", revision="")
    sampling = Sampling(seed=0, temperature=0.7, top_p=0.8, max_tokens=WORDS)
    with suppress(NoPrompt):  # random weights seldom end an answer, which is no fault here
        for _ in chat.stream([{"role": "user", "content": "a cat"}], sampling, lambda: False):
            pass


def show_plans(cap: float) -> None:
    """What would be planned for a CUDA card of this size."""
    from studio.engine.memory import Room, Weights, plan

    released = Weights(transformer=6_155_000_000, text_encoder=4_022_000_000, vae=84_000_000, block=180_000_000)
    found = plan(released, Room(kind="cuda", have_gb=cap * 2**30 / 1e9, numbers="bf16", small=("int8", "4 bit")))
    print(
        f"{cap:g} GiB: planned only, no CUDA device here: {found.why} (estimated peak {found.peak_gb:.1f} GB)",
        flush=True,
    )


if __name__ == "__main__":
    main()
