"""What fits into how much memory: a 1024 x 1024 picture under caps of 24, 16, 12 and 8 GiB, after the enhancer has talked.

`python -m bench.memory` measures each cap in a process of its own (`torch.cuda.set_per_process_memory_fraction`), with the released models
and random weights made in the machine's memory and placed as the plan for that cap says. It prints the plan, its estimate, the real peak
and the seconds of a first picture and of two more; with `--provoke` memory is then taken away and a picture drawn all the same. Without a
CUDA device it prints the plans alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from bench import fullsize

if TYPE_CHECKING:
    import torch

    from studio.engine.loading.loader import Loaded

CAPS = (24, 16, 12, 8)
SIDE = 1024
WORDS = 16  # tokens that the language model writes before
LEFT = 200 * 2**20  # bytes that are left to a picture to see how it copes


def main() -> None:
    """Measure every cap and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--cap", type=float, help="measure this cap in this process, in GiB")
    parser.add_argument("--caps", type=float, nargs="+", default=list(CAPS), help="caps in GiB (default 24 16 12 8)")
    parser.add_argument("--small", action="store_true", help="tiny models instead of full-size ones")
    parser.add_argument("--plain", action="store_true", help="measure the plain script alone, in this process")
    parser.add_argument("--provoke", action="store_true", help="then take memory away and draw all the same")
    options = parser.parse_args()
    if options.cap is not None:
        measure(options.cap, small=options.small, provoked=options.provoke)
        return
    if options.plain:
        measure_plain(small=options.small)
        return
    further = [name for name in ("small", "provoke") if getattr(options, name)]
    for which in (["--plain"], *(["--cap", str(cap)] for cap in options.caps)):
        command = [sys.executable, "-m", "bench.memory", *which, *(f"--{name}" for name in further)]
        done = subprocess.run(command, check=False)
        if done.returncode:
            print(f"{' '.join(which)}: ended with code {done.returncode}", flush=True)


def measure_plain(*, small: bool) -> None:
    """The quick-start script beside it: everything on the card, without a cap."""
    from bench.latency import draw_plain
    from studio.engine import device as devices

    device = devices.choose("auto")
    if device.kind != "cuda":
        print("plain script: not measured, no CUDA device here", flush=True)
        return
    pipe, device_gb = fullsize.build(device.name, device.dtype, small=small), dict[str, float]()
    with peak(device_gb, "drawing"):
        times = [timed(partial(draw_plain, pipe, SIDE, seed)) for seed in range(2)]
    print(
        f"plain script, no cap: on the card {device_gb['drawing']:.1f} GiB; first picture {times[0]:.1f} s,"
        f" another prompt {times[1]:.1f} s",
        flush=True,
    )


def measure(cap: float, *, small: bool, provoked: bool) -> None:
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
    device_gb = {"weights": torch.cuda.memory_allocated(index) / 2**30}
    with peak(device_gb, "talking"):
        talk(loaded)
    with peak(device_gb, "drawing"):
        times = [timed(partial(draw_ours, loaded, SIDE, seed)) for seed in range(2)]
    with peak(device_gb, "the same prompt"):
        times.append(timed(partial(draw_ours, loaded, SIDE, 1)))
    told = ", ".join(f"{name} {gib:.1f}" for name, gib in device_gb.items())
    print(
        f"{cap:g} GiB: planned {loaded.plan.peak_gb * 1e9 / 2**30:.1f}, on the card {told} GiB; first picture {times[0]:.1f} s, another"
        f" prompt {times[1]:.1f} s, the same prompt {times[2]:.1f} s; {loaded.plan.why}",
        flush=True,
    )
    if provoked:
        provoke(loaded, index)


def provoke(loaded: Loaded, index: torch.device) -> None:
    """Take the memory away that a picture needs, draw it all the same, give the memory back, and draw the next one."""
    import torch

    from bench.latency import drawn
    from studio.errors import OutOfMemory

    torch.cuda.empty_cache()
    limit = torch.cuda.get_per_process_memory_fraction(index) * torch.cuda.get_device_properties(index).total_memory
    left = int(limit) - torch.cuda.memory_reserved(index)
    ballast = [torch.empty(max(0, left - LEFT), dtype=torch.uint8, device=index)]
    for held in (f"{LEFT / 2**20:.0f} MiB left beside the weights", "the memory given back"):
        begun = time.perf_counter()
        try:
            facts = drawn(loaded, SIDE, 7).environment
            said = f"drawn, less_memory {facts['less_memory']}, tiling {facts['vae_tiling']}, {facts['place']}"
        except OutOfMemory as error:
            said = f"refused: {error}"
        print(f"  {held}: {said}, {time.perf_counter() - begun:.1f} s", flush=True)
        ballast.clear()


@contextmanager
def peak(found: dict[str, float], name: str) -> Iterator[None]:
    """The most that is allocated meanwhile, in GiB."""
    import torch

    torch.cuda.reset_peak_memory_stats()
    yield
    torch.cuda.synchronize()
    found[name] = torch.cuda.max_memory_allocated() / 2**30


def timed(run: Callable[[], object]) -> float:
    """Seconds."""
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def talk(loaded: Loaded) -> None:
    """Let the language model inside the encoder write some words, as the enhancer does before a picture."""
    from enhancer.base import Sampling
    from enhancer.errors import NoPrompt
    from enhancer.models.resident import ResidentChat

    chat = ResidentChat(loaded.pipe.text_encoder, loaded.pipe.tokenizer, name="random", revision="")
    sampling = Sampling(seed=0, temperature=0.7, top_p=0.8, max_tokens=WORDS)
    with suppress(NoPrompt):  # random weights seldom end an answer, which is no fault here
        for _ in chat.stream([{"role": "user", "content": "a cat"}], sampling, lambda: False):
            pass


def show_plans(cap: float) -> None:
    """What would be planned for a CUDA card of this size."""
    from studio.engine.memory.plan import MemoryBudget, Weights, plan

    released = Weights(transformer=6_155_000_000, text_encoder=4_022_000_000, vae=84_000_000, block=180_000_000)
    found = plan(
        released, MemoryBudget(kind="cuda", have_gb=cap * 2**30 / 1e9, numbers="bf16", small=("int8", "4 bit"))
    )
    print(
        f"{cap:g} GiB: planned only, no CUDA device here: {found.why} (estimated peak {found.peak_gb:.1f} GB)",
        flush=True,
    )


if __name__ == "__main__":
    main()
