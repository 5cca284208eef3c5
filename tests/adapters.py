"""Makes small adapter files of random numbers that fit Pocket, in the ways in which different programs write them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy
from safetensors.numpy import save_file

DIM, HIDDEN = 240, 640  # Pocket's width, and that inside its feed-forward layers
MODULES = tuple(
    f"layers.{block}.{name}" for block in range(5) for name in ("attention.to_q", "attention.to_v", "feed_forward.w2")
)
Tensors = dict[str, numpy.ndarray]


def matrices(
    seed: int, *, dim: int = DIM, rank: int = 4, modules: tuple[str, ...] = MODULES, strong: float = 0.4
) -> Tensors:
    """LoRA's two matrices for each module, by diffusers' names without a prefix."""
    source = numpy.random.default_rng(seed)
    found = {}
    for module in modules:
        into = HIDDEN * dim // DIM if module.endswith("w2") else dim
        found[f"{module}.lora_A.weight"] = source.normal(size=(rank, into), scale=strong / into**0.5)
        found[f"{module}.lora_B.weight"] = source.normal(size=(dim, rank), scale=strong)
    return {name: each.astype(numpy.float32) for name, each in found.items()}


def write(file: Path, tensors: Tensors, notes: Mapping[str, str] | None = None, prefix: str = "transformer.") -> Path:
    """The file with these tensors, and its folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({prefix + name: each for name, each in tensors.items()}, file, dict(notes or {}))
    return file


def lora(folder: Path, name: str, seed: int = 1, notes: Mapping[str, str] | None = None) -> Path:
    """A file as diffusers and ai-toolkit write it."""
    return write(folder / f"{name}.safetensors", matrices(seed), notes)


def kohya(tensors: Tensors, alpha: float) -> Tensors:
    """The same as kohya's programs write it: names with underlines, and an alpha for each module."""
    found: Tensors = {}
    for name, each in tensors.items():
        module, _, part = name.partition(".lora_")
        flat = f"lora_unet_{module.replace('.', '_')}"
        found[f"{flat}.lora_{'down' if part.startswith('A') else 'up'}.weight"] = each
        found[f"{flat}.alpha"] = numpy.array(alpha, dtype=numpy.float32)
    return found
