"""Tuning: measures the fastest options for the resident checkpoint, applies them, and caches the result.

It tries installed attention backends, the VAE's memory layout, recorded calls and compiled blocks. The worker runs it while
the queue is empty. Knows no queue.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from studio.engine import device as devices
from studio.engine.device import Device
from studio.engine.loading.loader import Loaded
from studio.engine.speed import tuning_cache
from studio.engine.speed.execution_options import ExecutionOptions, Shape, attend, shape
from studio.engine.speed.tuning_cache import Measurement, Report, Speed, chosen

log = logging.getLogger(__name__)

ATTENTION: Mapping[str, tuple[str, ...]] = {
    "cuda": ("native", "_native_cudnn", "_flash_3", "flash"),
    "mps": ("native",),
    "cpu": ("native",),
}
"""diffusers' names of what may be tried on a kind of device. Those that would be fetched from somewhere are not among them."""
PATIENT = 512  # pixels per side; a CPU would measure larger pictures for minutes
ROUNDS = 3
TOKENS = 64  # of a synthetic prompt
PARTS = {"compiled": "transformer", "compiled_vae": "decoder"}
"""What is compiled for each of these ways."""
USUAL = (32, 64, 96, 128, 160)  # padded prompt lengths that are prepared besides those in use


def tune(loaded: Loaded, notes: Path | None, wanted: Callable[[], bool]) -> bool:
    """Measure what is not known, and compile what is known to help. After an error the plain options stay in use.

    Returns False if `wanted` became true first; it starts again when called again.
    """
    native = loaded.info.defaults.native
    if loaded.device.kind == "cpu" and native > PATIENT:
        return True
    try:
        with torch.no_grad():
            return _tune(loaded, notes, native, wanted)
    except RuntimeError as error:  # memory, or a kernel that does not suit this device
        log.warning("measuring what is quickest ended early: %s", str(error).partition("\n")[0])
        loaded.ways.use(Speed())
        loaded.ways.clear()
        devices.release(loaded.device)
        return True
    finally:
        loaded.pipe.maybe_free_model_hooks()  # parts that accelerate moves are moved back; no effect otherwise


def _tune(loaded: Loaded, notes: Path | None, native: int, wanted: Callable[[], bool]) -> bool:
    ways = loaded.ways
    if loaded.report is None:
        report = measure(ways, native, wanted=wanted)
        if report is None:
            return False
        loaded.report = report
        ways.use(report.speed)
    if loaded.device.kind == "cuda" and loaded.plan.numbers in (loaded.plan.computed, "int8"):
        if not all(_compiled(loaded, native, part, wanted) for part in PARTS):
            return False
        if not prepare(ways, native, wanted):
            return False
    tuning_cache.remember(notes, tuning_cache.key(loaded.device, loaded.info.title, loaded.plan), loaded.report)
    return True


def _compiled(loaded: Loaded, native: int, part: str, wanted: Callable[[], bool]) -> bool:
    """Compile a part if that is known to help, or find out. Returns False if `wanted` became true."""
    ways, report = loaded.ways, loaded.report or Report()
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "z-image-studio" / "compiled"
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache))  # read when something is compiled
    helps = getattr(report.speed, part) or not report.tried(part)
    if not helps or getattr(ways.now, part) or part in ways.hopeless:
        return True
    try:
        found = measure_compiled(ways, native, report, part, wanted)
    except RuntimeError as error:  # no compiler or no memory: the rest stays as measured
        log.warning("%s could not be had here: %s", part, str(error).partition("\n")[0])
        ways.plain(PARTS[part])
        ways.hopeless.add(part)
        return True
    loaded.report = found or report
    return found is not None


def measure(
    ways: ExecutionOptions,
    native: int,
    *,
    backends: tuple[str, ...] | None = None,
    wanted: Callable[[], bool] = lambda: False,
) -> Report | None:
    """Measure each option against the plain one on a picture of the native size, uncompiled. The options in use are restored.

    None if `wanted` became true.
    """
    pipe, device = ways.pipe, ways.device
    trials: list[Measurement] = []
    with ways.using(Speed()):
        step, decode = stepped(ways, shape(native, native, TOKENS)), decoded(ways, native, native)
        others = [name for name in backends or ATTENTION[device.kind] if name != "native"]
        plain, right = _timed(step, device) if others else (0.0, torch.empty(0))
        for name in others:
            if wanted():
                return None
            if attend(pipe, name):
                trials += _trial("attention", name, step, device, plain, right)
        attend(pipe, "native")
        if wanted():
            return None
        if ways.graphs:
            trials += _recorded(ways, stepped(ways, shape(native // 2, native // 2, TOKENS)))
        plain, right = _timed(decode, device)
        ways.lay(True)
        trials += _trial("channels_last", "yes", decode, device, plain, right)
    return Report(speed=chosen(trials, exact=device.kind == "cpu"), trials=tuple(trials))


def measure_compiled(
    ways: ExecutionOptions, native: int, before: Report, part: str, wanted: Callable[[], bool] = lambda: False
) -> Report | None:
    """Compile the transformer's blocks (`compiled`) or the decoder's (`compiled_vae`), and measure whether that helps if
    unknown.

    If it does not, they run uncompiled. None if `wanted` became true first.
    """
    decoder = part == "compiled_vae"
    run = decoded(ways, native, native) if decoder else stepped(ways, shape(native, native, TOKENS))
    name = PARTS[part]
    with _still(ways):
        plain, right = (0.0, torch.empty(0)) if before.tried(part) else _timed(run, ways.device)
        if decoder:
            ways.lay(True)
        with torch.compiler.set_stance("default"):
            if not ways.compile(name, run, wanted):
                return None
            trials = () if before.tried(part) else _trial(part, "yes", run, ways.device, plain, right)
    report = Report(trials=(*before.trials, *trials))
    report = replace(report, speed=chosen(report.trials))
    if not getattr(report.speed, part):
        ways.plain(name)
    ways.use(replace(ways.now, **{part: getattr(report.speed, part)}))
    return report


def prepare(ways: ExecutionOptions, native: int, wanted: Callable[[], bool]) -> bool:
    """Run compiled code once for each used shape and the usual ones of the native size, so that no picture waits.

    Returns False if `wanted` became true first.
    """
    if not (ways.now.compiled or ways.now.compiled_vae):
        return True
    usual = [] if ways.ready else [shape(native, native, each) for each in USUAL]
    for each in [*ways.cold(), *usual]:
        if wanted():
            return False
        try:
            with _still(ways), torch.compiler.set_stance("default"):
                if ways.now.compiled_vae and not ways.decodes(each):
                    ways.lay(True)
                    decoded(ways, each.height, each.width)()
                if ways.now.compiled:
                    stepped(ways, each)()
        except RuntimeError as error:
            log.warning("%s could not be prepared: %s", each, str(error).partition("\n")[0])
            ways.hopeless.add(each)
        else:
            ways.prepared(each)
    return True


@contextmanager
def _still(ways: ExecutionOptions) -> Iterator[None]:
    """Context without recording that sets the options again at its end."""
    now = ways.now
    ways.recording(False)
    try:
        yield
    finally:
        ways.use(now)


def stepped(ways: ExecutionOptions, of: Shape) -> Callable[[], torch.Tensor]:
    """One transformer forward on fixed synthetic inputs for a picture and its prompts."""
    pipe, device = ways.pipe, ways.device
    config, scale, dtype = pipe.transformer.config, pipe.vae_scale_factor, pipe.transformer.dtype
    dice = torch.Generator().manual_seed(0)
    size = (config.in_channels, 1, of.height // scale, of.width // scale)
    x = [torch.randn(size, generator=dice).to(device.name, dtype) for _ in of.prompts]
    text = [torch.randn(each, config.cap_feat_dim, generator=dice).to(device.name, dtype) for each in of.prompts]
    moment = torch.full((len(x),), 0.5, device=device.name)
    return lambda: pipe.transformer(x, moment, text, return_dict=False)[0][0].clone()


def decoded(ways: ExecutionOptions, height: int, width: int) -> Callable[[], torch.Tensor]:
    """One decode of synthetic latents."""
    pipe, scale = ways.pipe, ways.pipe.vae_scale_factor
    dice = torch.Generator().manual_seed(0)
    latents = torch.randn(1, pipe.vae.config.latent_channels, height // scale, width // scale, generator=dice)
    latents = latents.to(ways.device.name, pipe.vae.dtype)
    return lambda: pipe.vae.decode(latents, return_dict=False)[0]


def _recorded(ways: ExecutionOptions, step: Callable[[], torch.Tensor]) -> list[Measurement]:
    """The time that recording saves on a small picture's step, where the host's time matters most."""
    plain, right = _timed(step, ways.device)
    graph = ways.graphs["transformer"]
    patience, graph.after = graph.after, 0
    ways.recording(True)
    try:
        return _trial("graphs", "yes", step, ways.device, plain, right)
    finally:
        ways.recording(False)
        graph.after = patience
        ways.clear()


def _trial(
    name: str, value: str, run: Callable[[], torch.Tensor], device: Device, plain: float, right: torch.Tensor
) -> list[Measurement]:
    """Measure an option; empty if it cannot run."""
    try:
        seconds, found = _timed(run, device)
    except (RuntimeError, ValueError, ImportError) as error:
        log.info("%s %s was tried and failed: %s", name, value, str(error).partition("\n")[0])
        return []
    difference = float((found.float() - right.float()).abs().max() / right.float().abs().max().clamp_min(1e-12))
    log.info(
        "%s %s: %.1f ms, plain %.1f ms, numbers differ by %.1e", name, value, 1e3 * seconds, 1e3 * plain, difference
    )
    return [Measurement(name=name, value=value, seconds=seconds, plain=plain, difference=difference)]


def _timed(run: Callable[[], torch.Tensor], device: Device) -> tuple[float, torch.Tensor]:
    """The shortest time of several rounds after a warm-up, and the output."""
    with torch.no_grad():
        found = run()
        least = float("inf")
        for _ in range(ROUNDS):
            _wait(device)
            begun = time.perf_counter()
            found = run()
            _wait(device)
            least = min(least, time.perf_counter() - begun)
    return least, found


def _wait(device: Device) -> None:
    if device.kind == "cuda":
        torch.cuda.synchronize(torch.device(device.name))
    elif device.kind == "mps":
        torch.mps.synchronize()
