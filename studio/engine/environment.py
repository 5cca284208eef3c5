"""The environment of a picture: versions, device, number formats and options. A re-run names what changed.

Contains nothing private: no folder, no host, no user.
"""

from __future__ import annotations

import platform
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import torch

import studio
from studio.engine.base import Option
from studio.engine.loading.loader import Loaded
from studio.engine.prompt_cache import ROOMS
from studio.engine.speed.tuning_cache import Measurement, Speed

ON_A_CARD = ("compiled", "compiled_vae", "graphs")
"""Ways that are tried on a CUDA card only."""


def environment(loaded: Loaded, ways: Speed, *, tiling: bool, less: bool) -> dict[str, object]:
    """The environment as a JSON object. `ways` are the options used; `tiling` means a tiled decode; `less` a second try
    after memory ran out."""
    return {
        "studio": str(getattr(studio, "__version__", "")),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        **{name: _version(name) for name in ("torch", "diffusers", "transformers")},
        "device": loaded.device.title,
        "dtype": loaded.plan.numbers,
        "encoder_dtype": loaded.plan.encoder_numbers,
        "threads": torch.get_num_threads(),
        **asdict(ways),
        "offload": loaded.plan.offload,
        "place": loaded.plan.place,
        "vae_tiling": tiling,
        "less_memory": less,
        "batch": 1,
        "revision": loaded.revision,
        **({"peft": _version("peft")} if loaded.worn else {}),
    }


def options(loaded: Loaded) -> tuple[Option, ...]:
    """The speed options of the resident checkpoint, with reasons."""
    rooms = "a prompt is padded no further than it needs; the numbers stay the pipeline's"
    kept = "a prompt that comes again is not encoded again"
    look = "a small map from latents to colours, fitted to this VAE; pictures do not pass through it"
    speed, trials = loaded.ways.now, () if loaded.report is None else loaded.report.trials
    measured: list[Option] = []
    for name, value in asdict(speed).items():
        if name in ON_A_CARD and loaded.device.kind != "cuda":
            continue
        tried = [one for one in trials if one.name == name]
        used = next((one for one in tried if one.value == value or value is True), None)
        told = value if isinstance(value, str) else "yes" if value else "no"
        facts = tuple({"value": one.value, "gain": round(one.gain, 3), "difference": one.difference} for one in tried)
        exact = used is None or used.difference == 0
        measured.append(Option(name=name, value=told, why=_why(tried), exact=exact, tried=facts))
    return (
        *measured,
        Option(name="prompts", value=", ".join(map(str, ROOMS)), why=rooms, exact=True),
        Option(name="embeddings", value=str(len(loaded.prompts)), why=kept, exact=True),
        Option(name="previews", value="linear", why=look, exact=True),
    )


def _why(tried: list[Measurement]) -> str:
    """Format the measurements of an option."""
    if not tried:
        return "the plain way; nothing else was tried"
    return ", ".join(
        f"{one.value}: {abs(one.gain):.0%} {'less' if one.gain >= 0 else 'more'} time, numbers differ by {one.difference:.0e}"
        for one in tried
    )


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
