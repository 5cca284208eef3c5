"""Placement: puts a loaded pipeline on its devices according to the memory plan.

Knows pipelines, devices and plans; knows no files and no recipe.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from studio.engine.device import Device
from studio.engine.memory import int8
from studio.engine.memory.plan import TILE, Numbers, Plan
from studio.engine.memory.sequential_offload import SequentialOffload

SMALL = {
    "transformer": (("layers.", "noise_refiner.", "context_refiner."), ("adaLN_modulation",)),
    "text_encoder": (("layers.",), ()),
}
"""Of each part: where the weights that may be made small are, and which there keep their numbers all the same."""


def place(pipe: Any, device: Device, plan: Plan) -> None:
    """Place every part according to the plan. Raises torch's errors if it does not fit."""
    if plan.place == "turns":
        offload_sequentially(pipe, torch.device(device.name), locked=plan.locked)
    elif plan.place == "stream":
        stream(pipe, torch.device(device.name))
    else:
        pipe.to(device.name)
    if plan.tiling:
        tile(pipe.vae)


def offload_sequentially(pipe: Any, device: torch.device, *, locked: bool) -> None:
    """Let text encoder and transformer take turns on the device; the VAE stays there. 4-bit parts are moved by diffusers."""
    if any(getattr(part, "is_loaded_in_4bit", False) for part in (pipe.text_encoder, pipe.transformer)):
        pipe.enable_model_cpu_offload(device=device)
        return
    turns = SequentialOffload(device, locked=locked)
    turns.add("text_encoder", pipe.text_encoder)
    turns.add("transformer", pipe.transformer)
    turns.keep(pipe.vae)


def stream(pipe: Any, device: torch.device) -> None:
    """Stream the transformer block by block, prefetching the next one. The VAE stays on the device, and the encoder never
    is there."""
    on_card = device.type == "cuda"
    pipe.transformer.enable_group_offload(
        onload_device=device,
        offload_type="block_level",
        num_blocks_per_group=1,
        use_stream=on_card,
        record_stream=on_card,
    )
    pipe.vae.to(device)


def tile(vae: Any) -> None:
    """Decode in tiles of TILE pixels per side, smaller for a VAE with smaller pictures.

    diffusers' own tiles are as large as the VAE's native picture, and have no effect at that size.
    """
    side = min(TILE, vae.config.sample_size // 2)
    vae.tile_sample_min_size = side
    vae.tile_latent_min_size = side // 2 ** (len(vae.config.block_out_channels) - 1)
    vae.enable_tiling()


def untile(vae: Any) -> None:
    """Decode in one piece again."""
    vae.disable_tiling()


def to_int8(model: nn.Module, part: str) -> None:
    """Hold the large matrices of a part in int8, except its sensitive layers."""
    int8.to_int8(model, lambda module, name: may_be_small(part, module, name))


def four_bit(part: str, dtype: torch.dtype) -> Any:
    """The quantization config for 4 bits (bitsandbytes' NF4, Dettmers et al. 2023, arXiv 2305.14314)."""
    import diffusers
    import transformers

    kind = transformers.BitsAndBytesConfig if part == "text_encoder" else diffusers.BitsAndBytesConfig
    sensitive = ["embed_tokens"] if part == "text_encoder" else [
        "adaLN_modulation", "t_embedder", "cap_embedder", "all_x_embedder", "all_final_layer",
    ]  # fmt: skip
    modules = {"llm_int8_skip_modules": sensitive}
    return kind(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype, **modules)


def may_be_small(part: str, module: nn.Module, name: str) -> bool:
    """Whether the module `name` of a part holds a matrix that may lose precision."""
    where, but = SMALL[part]
    return isinstance(module, nn.Linear) and name.startswith(where) and not any(word in name for word in but)


def software(kind: str) -> tuple[Numbers, ...]:
    """The quantized formats available here: 4 bits need a package."""
    from importlib.util import find_spec

    return ("int8", "4 bit") if kind == "cuda" and find_spec("bitsandbytes") else ("int8",)
