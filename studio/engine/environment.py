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
from studio.engine.loading import Loaded


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
