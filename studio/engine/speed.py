"""Speed: which of several ways to compute the same picture is the quickest on this machine, measured once and remembered.

What is tried: attention backends that are installed, the VAE's memory layout, and compiled blocks. Each is kept only where it is
measurably quicker here; how far its numbers are from the plain way is measured too and told. Knows a loaded pipeline; knows no recipe
and no queue: whoever calls sees to it that nobody waits meanwhile.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from studio.engine.device import Device
from studio.engine.memory import Plan

log = logging.getLogger(__name__)

ATTENTION: Mapping[str, tuple[str, ...]] = {
    "cuda": ("native", "_native_cudnn", "_flash_3", "flash"),
    "mps": ("native",),
    "cpu": ("native",),
}
"""diffusers' names of what may be tried on a kind of device. Those that would be fetched from somewhere are not among them."""
MASKED = ("native", "_native_cudnn", "_native_math")
"""Those that can leave tokens out, which two prompts of different lengths in one guided step need."""
GAIN = 0.02  # what is not so much quicker than the plain way is left out: it might be chance
ROUNDS = 3
TOKENS = 64  # of an invented prompt


@dataclass(frozen=True, kw_only=True)
class Speed:
    """The ways in use. Each is a part of a picture's environment by this name."""

    attention: str = "native"
    channels_last: bool = False
    compiled: bool = False


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One way that was tried: seconds beside the plain way's, and the largest difference of its numbers over their own size."""

    name: str
    value: str
    seconds: float
    plain: float
    difference: float

    @property
    def gain(self) -> float:
        """The part of the plain way's time that it spares."""
        return 1 - self.seconds / self.plain


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was measured and what follows from it."""

    speed: Speed = field(default_factory=Speed)
    trials: tuple[Trial, ...] = ()


def of(environment: Mapping[str, object]) -> Speed:
    """The ways that drew a picture, as its environment names them."""
    attention = environment.get("attention")
    return Speed(
        attention=attention if isinstance(attention, str) else "native",
        channels_last=environment.get("channels_last") is True,
        compiled=environment.get("compiled") is True,
    )


def key(device: Device, title: str, plan: Plan) -> str:
    """What measurements hold for: this device, these versions and attention packages, this checkpoint held as planned."""
    packages = [name for name in ("flash_attn", "flash_attn_interface") if find_spec(name)]
    versions = " | ".join([f"torch {version('torch')}", f"diffusers {version('diffusers')}", *packages])
    return f"{device.title} | {versions} | {title} in {plan.numbers}, {plan.place}"


def known(file: Path | None, name: str) -> Report | None:
    """What was measured before under this key, or None. A file that cannot be read knows nothing."""
    try:
        found = json.loads(file.read_text("utf-8"))[name] if file is not None else None
        if found is None:
            return None
        return Report(speed=Speed(**found["speed"]), trials=tuple(Trial(**one) for one in found["trials"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(file: Path | None, name: str, report: Report) -> None:
    """Write a report down beside what is known of other devices; a disk that refuses is logged, and it is measured again next time."""
    if file is None:
        return
    try:
        try:
            every = dict(json.loads(file.read_text("utf-8")))
        except (OSError, ValueError):
            every = {}
        every[name] = asdict(report)
        beside = file.with_suffix(".part")
        beside.write_text(json.dumps(every, indent=1), encoding="utf-8")
        os.replace(beside, file)
    except OSError as error:
        log.warning("what is quickest here could not be written down: %s", error)


def apply(pipe: Any, speed: Speed) -> Speed:
    """Set attention and memory layout; gives what is in use then, where a way is not to be had here. Compiling is `compile_blocks`."""
    attention = speed.attention
    if not _attend(pipe, attention):
        attention = "native"
        _attend(pipe, attention)
    pipe.vae.to(memory_format=torch.channels_last if speed.channels_last else torch.contiguous_format)
    return replace(speed, attention=attention, compiled=False)


@contextmanager
def using(pipe: Any, now: Speed, wanted: Speed) -> Iterator[Speed]:
    """For one picture other ways than those in use; gives what could be had. Compiled code stays where it is and is passed over."""
    compiled = wanted.compiled and now.compiled
    if replace(wanted, compiled=False) == replace(now, compiled=False):
        got = replace(now, compiled=compiled)
    else:
        got = replace(apply(pipe, wanted), compiled=compiled)
    try:
        with nullcontext() if compiled or not now.compiled else torch.compiler.set_stance("force_eager"):
            yield got
    finally:
        if replace(got, compiled=now.compiled) != now:
            apply(pipe, now)


def compile_blocks(pipe: Any) -> None:
    """Let the transformer's blocks be compiled, one code for pictures and prompts of every size; the first calls compile, and are slow."""
    torch._dynamo.config.recompile_limit = 32
    pipe.transformer.compile_repeated_blocks(dynamic=True)


def measure(
    pipe: Any,
    device: Device,
    native: int,
    *,
    backends: tuple[str, ...] | None = None,
    wanted: Callable[[], bool] = lambda: False,
) -> Report | None:
    """Try each way beside the plain one, on a picture of the native size. The pipeline is left as the report says, uncompiled.

    None where it was `wanted` for something else meanwhile; then all is plain again.
    """
    apply(pipe, Speed())
    step, decode = _step(pipe, device, native), _decode(pipe, device, native)
    trials: list[Trial] = []
    others = [name for name in backends or ATTENTION[device.kind] if name != "native"]
    if others:
        plain, right = _timed(step, device)
        for name in others:
            if wanted():
                break
            if _attend(pipe, name):
                trials += _trial("attention", name, step, device, plain, right)
    if not wanted():
        plain, right = _timed(decode, device)
        pipe.vae.to(memory_format=torch.channels_last)
        trials += _trial("channels_last", "yes", decode, device, plain, right)
    if wanted():
        apply(pipe, Speed())
        return None
    speed = chosen(trials, exact=device.kind == "cpu")
    apply(pipe, speed)
    return Report(speed=speed, trials=tuple(trials))


def measure_compiled(pipe: Any, device: Device, native: int, before: Report) -> Report:
    """Compile the blocks, and say whether that helped. Where it did not, they run as they were."""
    step = _step(pipe, device, native)
    plain, right = _timed(step, device)
    compile_blocks(pipe)
    trials = (*before.trials, *_trial("compiled", "yes", step, device, plain, right))
    speed = chosen(trials)
    if not speed.compiled:
        for block in pipe.transformer.modules():
            block._compiled_call_impl = None
    return Report(speed=speed, trials=trials)


def chosen(trials: Iterable[Trial], *, exact: bool = False) -> Speed:
    """The quickest of each kind, where it gains enough; `exact`: and changes no number, as on a processor, where little is to be gained."""
    best: dict[str, Trial] = {}
    for one in trials:
        if (
            one.gain >= GAIN
            and not (exact and one.difference)
            and (one.name not in best or one.seconds < best[one.name].seconds)
        ):
            best[one.name] = one
    attention = best["attention"].value if "attention" in best else "native"
    return Speed(attention=attention, channels_last="channels_last" in best, compiled="compiled" in best)


def _attend(pipe: Any, backend: str) -> bool:
    """Whether the transformer attends by this backend now: one that is not installed leaves all as it was."""
    if backend == _attends(pipe):
        return True
    logging.getLogger("diffusers.models.modeling_utils").setLevel(logging.ERROR)  # it calls each choice experimental
    try:
        pipe.transformer.set_attention_backend(backend)
    except (RuntimeError, ValueError, ImportError) as error:
        log.info("attention %s is not to be had: %s", backend, str(error).partition("\n")[0])
        return False
    return True


def _attends(pipe: Any) -> str:
    """The transformer's attention backend by diffusers' name."""
    for module in pipe.transformer.modules():
        backend = getattr(getattr(module, "processor", None), "_attention_backend", None)
        if backend is not None:
            return str(getattr(backend, "value", backend))
    return ""  # whichever another model set last: diffusers keeps one for the whole process


def _trial(
    name: str, value: str, run: Callable[[], torch.Tensor], device: Device, plain: float, right: torch.Tensor
) -> list[Trial]:
    """What a way takes; nothing where it cannot compute this."""
    try:
        seconds, found = _timed(run, device)
    except (RuntimeError, ValueError, ImportError) as error:
        log.info("%s %s was tried and failed: %s", name, value, str(error).partition("\n")[0])
        return []
    difference = float((found.float() - right.float()).abs().max() / right.float().abs().max().clamp_min(1e-12))
    log.info(
        "%s %s: %.1f ms, plain %.1f ms, numbers differ by %.1e", name, value, 1e3 * seconds, 1e3 * plain, difference
    )
    return [Trial(name=name, value=value, seconds=seconds, plain=plain, difference=difference)]


def _timed(run: Callable[[], torch.Tensor], device: Device) -> tuple[float, torch.Tensor]:
    """The least seconds of some rounds, after one that does not count, and what came out."""
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


def _step(pipe: Any, device: Device, native: int) -> Callable[[], torch.Tensor]:
    """One forward of the transformer on invented numbers, the same each time."""
    config, side = pipe.transformer.config, native // pipe.vae_scale_factor
    dice = torch.Generator().manual_seed(0)
    x = torch.randn(config.in_channels, 1, side, side, generator=dice).to(device.name, pipe.transformer.dtype)
    text = torch.randn(TOKENS, config.cap_feat_dim, generator=dice).to(device.name, pipe.transformer.dtype)
    moment = torch.tensor([0.5], device=device.name)
    return lambda: pipe.transformer([x], moment, [text], return_dict=False)[0][0]


def _decode(pipe: Any, device: Device, native: int) -> Callable[[], torch.Tensor]:
    """One picture decoded from invented latents."""
    side = native // pipe.vae_scale_factor
    dice = torch.Generator().manual_seed(0)
    latents = torch.randn(1, pipe.vae.config.latent_channels, side, side, generator=dice)
    latents = latents.to(device.name, pipe.vae.dtype)
    return lambda: pipe.vae.decode(latents, return_dict=False)[0]
