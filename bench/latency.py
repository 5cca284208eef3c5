"""How long a picture takes, through the engine as it tunes itself, beside the plain quick-start script, in one run.

`python -m bench.latency` makes the released models with random weights on the GPU that is there (`--small`: tiny ones, to try the
measurement anywhere). For each size it draws with the plain pipeline (all of it on the
device, torch's own attention, nothing compiled), then lets the engine measure and choose, and draws again. It prints medians from the
prompt to the picture in memory, their ratio, what the denoising loop computes a second against the rate of a large matrix product, and
what a preview of each step adds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from bench import fullsize

if TYPE_CHECKING:
    from studio.engine.base import GeneratedImage
    from studio.engine.loading.loader import Loaded

STEPS = 8
MATRIX = 8192


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--small", action="store_true", help="tiny models instead of full-size ones")
    parser.add_argument("--pictures", type=int, default=10, help="pictures a median (default 10)")
    parser.add_argument("--sides", type=int, nargs="+", default=[1024, 512], help="pixels a side (default 1024 512)")
    measure(parser.parse_args())


def measure(options: argparse.Namespace) -> None:
    """The table, a line for each side."""
    import torch

    from studio.engine import device as devices
    from studio.engine.speed.tuning import tune

    device = devices.choose("auto")
    pipe = fullsize.build(device.name, device.dtype, small=options.small)
    counts = ", ".join(f"{name} {count / 1e6:,.0f} M" for name, count in fullsize.sizes(pipe).items())
    print(f"{device.title}, torch {torch.__version__}, {device.numbers}; {counts}")
    rate = matrix_rate(device.name, device.dtype, MATRIX if device.accelerator else 1024)
    print(f"matrix product: {rate / 1e12:.1f} TFLOP/s")
    plain = {side: timed(partial(draw_plain, pipe, side), options.pictures) for side in options.sides}
    loaded = loaded_from(pipe, device, native=max(options.sides))
    first = drawn(loaded, options.sides[0], 1)
    eager = {side: timed(partial(draw_ours, loaded, side), options.pictures) for side in options.sides}
    begun = time.perf_counter()
    tune(loaded, None, lambda: False)
    print(f"measured and prepared in {time.perf_counter() - begun:.0f} s")
    print(f"chosen: {loaded.ways.now}")
    for one in loaded.report.trials if loaded.report else ():
        print(
            f"  {one.name} {one.value}: {1e3 * one.seconds:.1f} ms, plain {1e3 * one.plain:.1f} ms, numbers differ by {one.difference:.1e}"
        )
    print("side   plain s  engine s  ratio  tuned s  ratio  step ms  TFLOP/s  of the matrix rate  a step's preview")
    for side in options.sides:
        steps: list[float] = []
        ours = timed(partial(draw_ours, loaded, side, steps=steps), options.pictures)
        watched = timed(partial(draw_ours, loaded, side, look=True), options.pictures)
        step = statistics.median(steps)
        done = fullsize.operations(pipe, side) / step
        print(
            f"{side:5}  {plain[side]:7.3f}  {eager[side]:8.3f}  {eager[side] / plain[side]:5.2f}  {ours:7.3f}  {ours / plain[side]:5.2f}"
            f"  {1e3 * step:7.1f}  {done / 1e12:7.1f}  {done / rate:18.0%}  {(watched - ours) / STEPS / step:16.1%}"
        )
    again = [drawn(loaded, options.sides[0], 1) for _ in range(4)]
    rerun = drawn(loaded, options.sides[0], 1, like=first.environment)
    same = len({one.image.tobytes() for one in again}) == 1
    print(
        f"one recipe drawn four times: {'identical' if same else 'DIFFERENT'}; the first picture, before anything was measured, drawn"
    )
    print(f"again in its own ways: {'identical' if rerun.image.tobytes() == first.image.tobytes() else 'DIFFERENT'}")
    facts = again[-1].environment
    print("drawn with:", ", ".join(f"{name} {facts[name]}" for name in asdict(loaded.ways.now)))


def timed(draw: Callable[[int], object], pictures: int) -> float:
    """The median seconds of a picture, after two that do not count."""
    draw(0)
    draw(1)
    seconds = []
    for seed in range(2, 2 + pictures):
        begun = time.perf_counter()
        draw(seed)
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def draw_plain(pipe: Any, side: int, seed: int) -> object:
    """As the quick-start script does; a new prompt each time, as in the engine."""
    import torch

    generator = torch.Generator(pipe.device.type).manual_seed(seed)
    prompt = f"{seed} rabbits on a purple background"
    return pipe(
        prompt, height=side, width=side, num_inference_steps=STEPS, guidance_scale=0.0, generator=generator
    ).images[0]


def draw_ours(loaded: Loaded, side: int, seed: int, steps: list[float] | None = None, *, look: bool = False) -> object:
    """Through the engine's own drawing; `steps` gathers the seconds between two steps; `look`: with a preview of each."""
    return drawn(loaded, side, seed, steps, look=look).image


def drawn(
    loaded: Loaded,
    side: int,
    seed: int,
    steps: list[float] | None = None,
    *,
    look: bool = False,
    like: Mapping[str, object] | None = None,
) -> GeneratedImage:
    """The same with the environment that drew it; in the ways of `like`, another one."""
    from studio.domain.recipe import Recipe
    from studio.engine.sampling import generate

    before = [0.0]

    def on_step(event: Any) -> None:
        now = time.perf_counter()
        if steps is not None and 1 < event.step < STEPS:  # the last one is waited for
            steps.append(now - before[0])
        before[0] = now
        if look:
            event.preview  # noqa: B018

    recipe = Recipe(
        prompt=f"{seed} rabbits on a purple background", seed=seed, width=side, height=side, steps=STEPS, guidance=0.0, shift=3.0,
        checkpoint=loaded.info.name,
    )  # fmt: skip
    return generate(loaded, recipe, on_step, lambda: False, like)


def loaded_from(pipe: Any, device: Any, *, native: int, memory_gb: float | None = None) -> Loaded:
    """The engine's own object around a pipeline that was made here, all of it on the device or as planned for less memory."""
    from dataclasses import replace

    from studio.engine.catalog import TURBO
    from studio.engine.device import free_gb, ram_gb
    from studio.engine.loading.loader import ready
    from studio.engine.memory.placement import to_int8
    from studio.engine.memory.plan import MemoryBudget, Weights, plan

    counts = fullsize.sizes(pipe)
    weights = Weights(
        **counts,
        block=sum(p.numel() for p in pipe.transformer.layers[0].parameters()),
        width=pipe.transformer.config.dim,
        channels=pipe.vae.config.block_out_channels[1],
        native=native,
    )
    have = memory_gb if memory_gb is not None else (free_gb(device) or 0) + sum(counts.values()) * 2 / 1e9
    room = MemoryBudget(
        kind=device.kind, have_gb=have, numbers=device.numbers, ram_gb=ram_gb() if device.kind == "cuda" else None,
        small=("int8",),  # 4 bits are made while files are read: here are none
    )  # fmt: skip
    found = plan(weights, room)
    print(f"plan: {found.why} (estimated peak {found.peak_gb:.1f} GB)")
    for part, numbers in (("transformer", found.numbers), ("text_encoder", found.encoder_numbers)):
        if numbers == "int8":
            to_int8(getattr(pipe, part), part)
    info = replace(TURBO, defaults=replace(TURBO.defaults, native=native))
    return ready(pipe, info, "random", device, found)


def matrix_rate(device: str, dtype: Any, size: int) -> float:
    """Operations a second of a square matrix product, the best of some rounds."""
    import torch

    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    best = 0.0
    for _ in range(5):
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        begun = time.perf_counter()
        for _ in range(5):
            a @ b
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        best = max(best, 5 * 2 * size**3 / (time.perf_counter() - begun))
    return best


if __name__ == "__main__":
    main()
