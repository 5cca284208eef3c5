"""What drew a picture, as it is kept with it: versions, device, numbers, options. A re-run names what changed of it.

Holds nothing that tells who or where: no folder, no host, no user.
"""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

import studio
from studio.engine.contract import Option
from studio.engine.loading import Loaded
from studio.engine.prompts import ROOMS


def environment(loaded: Loaded, *, tiling: bool, less: bool) -> dict[str, object]:
    """A JSON object. `tiling`: the VAE decoded in tiles; `less`: this is the second try, after memory had run out."""
    return {
        "studio": str(getattr(studio, "__version__", "")),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        **{name: _version(name) for name in ("torch", "diffusers", "transformers")},
        "device": loaded.device.title,
        "dtype": loaded.plan.numbers,
        "encoder_dtype": loaded.plan.encoder_numbers,
        "threads": torch.get_num_threads(),
        "attention": _attention(loaded.pipe),
        "offload": loaded.plan.offload,
        "vae_tiling": tiling,
        "less_memory": less,
        "batch": 1,
        "revision": loaded.revision,
    }


def options(loaded: Loaded) -> tuple[Option, ...]:
    """What is done for speed with the resident checkpoint, and why."""
    attention = "chosen by torch for this device" if loaded.device.accelerator else "the one that a processor has"
    rooms = "a prompt is padded no further than it needs; the numbers stay the pipeline's"
    kept = "a prompt that comes again is not encoded again"
    look = "a small map from latents to colours, fitted to this VAE; pictures do not pass through it"
    return (
        Option(name="attention", value=_attention(loaded.pipe), why=attention, exact=True),
        Option(name="prompts", value=", ".join(map(str, ROOMS)), why=rooms, exact=True),
        Option(name="embeddings", value=str(len(loaded.prompts)), why=kept, exact=True),
        Option(name="previews", value="linear", why=look, exact=True),
    )


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _attention(pipe: Any) -> str:
    """The transformer's attention backend by diffusers' name, such as `native`."""
    for module in pipe.transformer.modules():
        backend = getattr(getattr(module, "processor", None), "_attention_backend", None)
        if backend is not None:
            return str(getattr(backend, "value", backend))
    return "native"
