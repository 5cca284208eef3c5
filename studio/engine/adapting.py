"""Adapting: puts adapters on the resident transformer before a picture, exactly those that its recipe names, and takes them off again.

An adapter is used as a whole or refused: what the libraries would leave out with a warning is an error here. Knows pipelines and
files; knows no queue.
"""

from __future__ import annotations

import hashlib
import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import load
from torch import nn

from studio.engine import adapters as files
from studio.errors import EngineError, shorten
from studio.recipe import Adapter

if TYPE_CHECKING:
    from studio.engine.loading import Loaded

log = logging.getLogger(__name__)

PREFIX = "transformer."
BLOCKS = (
    "layers.",
    "noise_refiner.",
    "context_refiner.",
    "all_x_embedder.",
    "all_final_layer.",
    "cap_embedder.",
    "t_embedder.",
)
"""How paths of a Z-Image transformer's modules begin; some programs write them with nothing before."""
META = "lora_adapter_metadata"  # where diffusers keeps ranks and scales in a header
Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class Worn:
    """An adapter that is on the transformer: as the recipe names it, with its file's hash, and the file as it was when it was read."""

    adapter: Adapter
    file: Path
    stamp: tuple[int, int]


def put_on(loaded: Loaded, wanted: Sequence[Adapter]) -> None:
    """Have exactly these on the transformer, in their order and weights; `loaded.worn` tells which, with their hashes.

    What is on already stays. Raises EngineError naming the adapter that is not here, does not fit, or of which a part would be left
    out; then none is on.
    """
    if not wanted:
        take_off(loaded)
        return
    places = loaded.adapters.files()
    found = [(one, _place(one.name, places)) for one in wanted]
    same = [(one.name, file, _stamp(one.name, file)) for one, file in found] == [
        (one.adapter.name, one.file, one.stamp) for one in loaded.worn
    ]
    try:
        if not same:
            take_off(loaded)
            loaded.worn = tuple(_load(loaded, one, file, f"adapter{at}") for at, (one, file) in enumerate(found))
            _settle(loaded)
        if not same or [one.adapter.weight for one in loaded.worn] != [one.weight for one in wanted]:
            loaded.pipe.transformer.set_adapters(
                [f"adapter{at}" for at in range(len(wanted))], [one.weight for one in wanted]
            )
            loaded.worn = tuple(
                Worn(adapter=Adapter(name=one.name, weight=one.weight, sha256=worn.adapter.sha256), file=worn.file, stamp=worn.stamp)
                for one, worn in zip(wanted, loaded.worn, strict=True)
            )  # fmt: skip
    except BaseException:
        take_off(loaded)
        raise


def take_off(loaded: Loaded) -> None:
    """Have the transformer as it was loaded: its own layers stand where they stood, untouched."""
    loaded.worn = ()
    if any(isinstance(each, BaseTunerLayer) for each in loaded.pipe.transformer.modules()):
        loaded.pipe.unload_lora_weights()


def _place(name: str, places: Mapping[str, Path]) -> Path:
    if name not in places:
        raise EngineError(f"The adapter {name} is not here.")
    return places[name]


def _stamp(name: str, file: Path) -> tuple[int, int]:
    try:
        return files.stamped(file)
    except OSError:
        raise EngineError(f"The adapter {name} is not here.") from None


def _load(loaded: Loaded, wanted: Adapter, file: Path, called: str) -> Worn:
    """Add one file's layers to the transformer, `called` so among them."""
    title, transformer = loaded.info.title, loaded.pipe.transformer
    stamp = _stamp(wanted.name, file)
    try:
        if wrong := files.problem(file):
            raise ValueError(wrong)
        data = file.read_bytes()
        dtype = torch.bfloat16 if loaded.plan.computed == "bf16" else torch.float32
        state = {key: each.to(dtype) for key, each in _converted(loaded.pipe, load(data)).items()}
        _check(transformer, state)
        told = _scales(data)
    except OSError as error:
        raise EngineError(
            f"The adapter {wanted.name} cannot be read ({error.strerror or type(error).__name__})."
        ) from error
    except Exception as error:  # whatever a strange file makes the libraries raise is one thing to the reader
        raise EngineError(f"The adapter {wanted.name} cannot be put on {title}: {_why(error)}.") from error
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Already found a `peft_config`")  # several are what was asked for
            warnings.filterwarnings(
                "ignore", message="While injecting the PEFT adapters"
            )  # what is on is compared below
            transformer.load_lora_adapter(
                state, prefix="transformer", adapter_name=called, metadata=told, low_cpu_mem_usage=True,
                _pipeline=loaded.pipe if loaded.plan.place == "stream" else None,
            )  # fmt: skip
        modules = {_module(name) for name in state}
        on = {
            name
            for name, module in transformer.named_modules()
            if isinstance(module, BaseTunerLayer) and _has(module, called)
        }
        if {PREFIX + name for name in on} != modules or any(
            each.is_meta for name, each in transformer.named_parameters() if f".{called}" in name
        ):
            raise ValueError("only a part of it would be used")
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError, TypeError, KeyError, AttributeError, ImportError) as error:
        log.exception("putting on %s", wanted.name)
        raise EngineError(f"The adapter {wanted.name} cannot be put on {title}: {_why(error)}.") from error
    return Worn(
        adapter=Adapter(name=wanted.name, weight=wanted.weight, sha256=hashlib.sha256(data).hexdigest()), file=file, stamp=stamp
    )  # fmt: skip


def _converted(pipe: Any, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A file's tensors by diffusers' names, whoever wrote it. Raises whatever diffusers does for what it does not know."""
    state = {name.removeprefix("base_model.model."): each for name, each in state.items()}
    if any(name.endswith(".alpha") for name in state):  # diffusers puts the prefix to these itself
        state = {name.removeprefix(PREFIX): each for name, each in state.items()}
    state = _unfused(state)
    state = {PREFIX + name if _bare(name, state) else name: each for name, each in state.items()}
    found: dict[str, torch.Tensor] = pipe.lora_state_dict(state)
    return found


def _unfused(state: Tensors) -> dict[str, torch.Tensor]:
    """Tensors for the layers as they stand in the released file, where one holds what are three here, for the layers that are here."""
    found: dict[str, torch.Tensor] = {}
    for name, each in state.items():
        if ".attention.qkv." not in name:
            found[name.replace(".attention.out.", ".attention.to_out.0.")] = each
            continue
        high = ".lora_B." in name or ".lora_up." in name
        for part, rows in zip("qkv", each.chunk(3) if high else (each,) * 3, strict=True):
            own = name.replace(".qkv.", f".to_{part}.")
            if own in state:
                raise ValueError(f"it adds twice to {shorten(_module(own))}")
            found[own] = rows.contiguous()
    return found


def _bare(name: str, state: Tensors) -> bool:
    """Whether a name wants the prefix: diffusers takes paths with none as they are, unless other signs of a program are in the file."""
    signs = any(other.endswith(".alpha") or ".default." in other for other in state)
    return name.startswith(BLOCKS) and not signs


def _scales(data: bytes) -> dict[str, Any] | None:
    """Ranks and scales as diffusers wrote them into the header; None where it did not, and the tensors alone count."""
    length = int.from_bytes(data[:8], "little")
    notes = json.loads(data[8 : 8 + length]).get("__metadata__") or {}
    told = json.loads(notes[META]) if META in notes else None
    return told if isinstance(told, dict) else None


def _check(transformer: nn.Module, state: Tensors) -> None:
    """Raises ValueError, with the end of a sentence, unless each tensor belongs to a layer of the transformer and has its width."""
    if not state:
        raise ValueError("it holds nothing that could be added")
    for module in dict.fromkeys(map(_module, state)):
        try:
            layer = transformer.get_submodule(module.removeprefix(PREFIX)) if module.startswith(PREFIX) else None
        except AttributeError:
            layer = None
        layer = getattr(layer, "base_layer", layer)  # another adapter is on it
        if not isinstance(layer, nn.Linear):
            raise ValueError(f"it adds to {shorten(module.removeprefix(PREFIX))}, which is no layer of this model")
        out, into = _product(module, state)
        if (out, into) != (layer.out_features, layer.in_features):
            raise ValueError(f"it was made for a model of another width ({into} to {out} where this one has "
                             f"{layer.in_features} to {layer.out_features})")  # fmt: skip


def _product(module: str, state: Tensors) -> tuple[int, int]:
    """Rows and columns of what is added to a module."""
    shapes = {
        name.removeprefix(f"{module}."): tuple(each.shape) for name, each in state.items() if _module(name) == module
    }
    if shapes.keys() == {"lora_A.weight", "lora_B.weight"}:
        (rank, into), (out, other) = shapes["lora_A.weight"], shapes["lora_B.weight"]
        if rank != other:
            raise ValueError("its matrices do not belong together")
        return out, into
    factors = []
    for factor in ("lokr_w1", "lokr_w2"):
        pair = shapes.get(f"{factor}_a"), shapes.get(f"{factor}_b")
        if factor in shapes and pair == (None, None):
            factors.append(shapes[factor])
        elif factor not in shapes and pair[0] and pair[1] and pair[0][1] == pair[1][0]:
            factors.append((pair[0][0], pair[1][1]))
    if len(factors) != 2 or any(not name.startswith(("lokr_w1", "lokr_w2")) for name in shapes):
        raise ValueError(f"it holds {shorten(', '.join(sorted(shapes)))}, of which a part would be left out")
    return prod(one[0] for one in factors), prod(one[1] for one in factors)


def _module(name: str) -> str:
    """The path of the module that a tensor is for."""
    for sign in (".lora_", ".lokr_"):
        if sign in name:
            return name[: name.index(sign)]
    return name


def _has(module: Any, called: str) -> bool:
    return any(called in getattr(module, name, ()) for name in module.adapter_layer_names)


def _settle(loaded: Loaded) -> None:
    """What was added, where it is computed with: it is small, and stays there while parts take turns. Where blocks stream, or diffusers
    moves the part as a whole, it comes with them."""
    transformer = loaded.pipe.transformer
    if loaded.plan.place != "stream" and not getattr(transformer, "is_loaded_in_4bit", False):
        for name, each in transformer.named_parameters():
            if ".adapter" in name:
                each.data = each.data.to(loaded.device.name)
    transformer.eval()


def _why(error: Exception) -> str:
    """The first line of what is wrong, as the end of a sentence."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return line if len(line) <= 160 else f"{line[:159]}…"
