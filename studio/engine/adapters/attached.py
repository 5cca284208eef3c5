"""Attached adapters: attaches the recipe's adapters to the resident transformer before a picture, and detaches them.

An adapter is used completely or refused: parts that the libraries would ignore with a warning are errors here. Knows
pipelines and files; knows no queue.
"""

from __future__ import annotations

import hashlib
import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import load
from torch import nn

from locales import Localized, LocalizedError, shorten
from studio.domain.recipe import Adapter
from studio.engine.adapters import files as files
from studio.errors import EngineError

if TYPE_CHECKING:
    from studio.engine.loading.loader import Loaded

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
Tensors = Mapping[str, torch.Tensor]


class IncompatibleAdapter(LocalizedError):
    """An adapter cannot be attached. The message is the end of a sentence."""

    def __init__(self, code: str, /, **values: object) -> None:
        super().__init__(code if isinstance(code, Localized) else Localized(f"reason.adapter_{code}", **values))


@dataclass(frozen=True, kw_only=True)
class AttachedAdapter:
    """An attached adapter: as in the recipe with its file's hash, and the file's state when it was read."""

    adapter: Adapter
    file: Path
    stamp: tuple[int, int]


def attach(loaded: Loaded, wanted: Sequence[Adapter]) -> None:
    """Attach exactly these adapters in order and weight. `loaded.worn` lists them with their hashes.

    Attached ones stay. Raises EngineError that names an adapter that is missing, does not fit or is only partly usable;
    then none is attached.
    """
    if not wanted:
        detach(loaded)
        return
    try:
        places = loaded.adapters.files()
        found = [(one, _place(one.name, places)) for one in wanted]
        same = [(one.name, file, _stamp(one.name, file)) for one, file in found] == [
            (one.adapter.name, one.file, one.stamp) for one in loaded.worn
        ]
        if not same:
            detach(loaded)
            loaded.worn = tuple(_load(loaded, one, file, f"adapter{at}") for at, (one, file) in enumerate(found))
            _settle(loaded)
        weights = [one.weight for one in wanted]
        if not same or [one.adapter.weight for one in loaded.worn] != weights:
            loaded.pipe.transformer.set_adapters([f"adapter{at}" for at in range(len(wanted))], weights)
            loaded.worn = tuple(
                replace(worn, adapter=replace(worn.adapter, weight=weight))
                for worn, weight in zip(loaded.worn, weights, strict=True)
            )
    except BaseException:
        detach(loaded)
        raise


def detach(loaded: Loaded) -> None:
    """Restore the transformer as it was loaded, with its own untouched layers."""
    loaded.worn = ()
    if any(isinstance(each, BaseTunerLayer) for each in loaded.pipe.transformer.modules()):
        loaded.pipe.unload_lora_weights()


def _place(name: str, places: Mapping[str, Path]) -> Path:
    if name not in places:
        raise EngineError("adapter_missing", name=name)
    return places[name]


def _stamp(name: str, file: Path) -> tuple[int, int]:
    try:
        return files.stamped(file)
    except OSError:
        raise EngineError("adapter_missing", name=name) from None


def _load(loaded: Loaded, wanted: Adapter, file: Path, called: str) -> AttachedAdapter:
    """Add one file's layers to the transformer under the name `called`."""
    stamp = _stamp(wanted.name, file)
    try:
        data = _bytes(file)
        state = _converted(loaded.pipe, data)
        _check(loaded.pipe.transformer, state)
        state = {name: each.to(_dtype(loaded)) for name, each in state.items()}
        if not all(bool(each.isfinite().all()) for each in state.values()):
            raise IncompatibleAdapter("not_finite")
        _add(loaded, state, _scales(data), called)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise EngineError("adapter_unreadable", name=wanted.name, reason=why) from error
    except IncompatibleAdapter as error:
        raise EngineError("adapter_not_attached", name=wanted.name, title=loaded.info.title, why=error) from error
    adapter = Adapter(name=wanted.name, weight=wanted.weight, sha256=hashlib.sha256(data).hexdigest())
    return AttachedAdapter(adapter=adapter, file=file, stamp=stamp)


def _bytes(file: Path) -> bytes:
    if wrong := files.problem(file):
        raise IncompatibleAdapter(wrong)
    return file.read_bytes()


def _dtype(loaded: Loaded) -> torch.dtype:
    return torch.bfloat16 if loaded.plan.computed == "bf16" else torch.float32


def _add(loaded: Loaded, state: dict[str, torch.Tensor], scales: dict[str, Any] | None, called: str) -> None:
    """Add the layers through diffusers, and check that each tensor is used. Raises IncompatibleAdapter."""
    transformer = loaded.pipe.transformer
    try:
        with warnings.catch_warnings():
            for sentence in ("Already found a `peft_config`", "While injecting the PEFT adapters"):
                warnings.filterwarnings(
                    "ignore", message=sentence
                )  # several may be attached; the result is checked below
            transformer.load_lora_adapter(
                state, prefix="transformer", adapter_name=called, metadata=scales, low_cpu_mem_usage=True,
                _pipeline=loaded.pipe if loaded.plan.place == "stream" else None,
            )  # fmt: skip
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # libraries raise anything for a damaged file
        log.warning("an adapter could not be put on", exc_info=True)
        raise IncompatibleAdapter("not_added") from error
    on = {PREFIX + name for name, module in transformer.named_modules() if _has(module, called)}
    empty = any(each.is_meta for name, each in transformer.named_parameters() if f".{called}" in name)
    if empty or on != {_module(name) for name in state}:
        raise IncompatibleAdapter("only_part")


def _converted(pipe: Any, data: bytes) -> dict[str, torch.Tensor]:
    """A file's tensors under diffusers' names. Raises IncompatibleAdapter."""
    try:
        state = {name.removeprefix("base_model.model."): each for name, each in load(data).items()}
    except Exception as error:  # the header was valid, and the data is not
        raise IncompatibleAdapter("broken") from error
    if any(name.endswith(".alpha") for name in state):  # diffusers adds the prefix to these itself
        state = {name.removeprefix(PREFIX): each for name, each in state.items()}
    try:
        state = _unfused(state)
        state = {PREFIX + name if _bare(name, state) else name: each for name, each in state.items()}
        found: dict[str, torch.Tensor] = pipe.lora_state_dict(state)
    except IncompatibleAdapter:
        raise
    except Exception as error:
        log.warning("an adapter could not be understood", exc_info=True)
        raise IncompatibleAdapter("format") from error
    return found


def _unfused(state: Tensors) -> dict[str, torch.Tensor]:
    """Split tensors of fused layers of the released file for the three layers here."""
    found: dict[str, torch.Tensor] = {}
    for name, each in state.items():
        if ".attention.qkv." not in name:
            found[name.replace(".attention.out.", ".attention.to_out.0.")] = each
            continue
        high = ".lora_B." in name or ".lora_up." in name
        for part, rows in zip("qkv", each.chunk(3) if high else (each,) * 3, strict=True):
            own = name.replace(".qkv.", f".to_{part}.")
            if own in state:
                raise IncompatibleAdapter("twice", layer=shorten(_module(own)))
            found[own] = rows.contiguous()
    return found


def _bare(name: str, state: Tensors) -> bool:
    """Whether a name needs the prefix: diffusers takes paths without one unchanged, unless the file shows another program's
    format."""
    signs = any(other.endswith(".alpha") or ".default." in other for other in state)
    return name.startswith(BLOCKS) and not signs


def _scales(data: bytes) -> dict[str, Any] | None:
    """Ranks and scales that diffusers wrote into the header. Raises IncompatibleAdapter."""
    try:
        length = int.from_bytes(data[:8], "little")
        return files.scales(json.loads(data[8 : 8 + length]).get("__metadata__") or {})
    except (ValueError, RecursionError) as error:  # the file changed after its header was read
        raise IncompatibleAdapter("broken") from error


def _check(transformer: nn.Module, state: Tensors) -> None:
    """Raises IncompatibleAdapter unless each tensor belongs to a layer of the transformer and has its width."""
    if not state:
        raise IncompatibleAdapter("empty")
    for module in dict.fromkeys(map(_module, state)):
        try:
            layer = transformer.get_submodule(module.removeprefix(PREFIX)) if module.startswith(PREFIX) else None
        except AttributeError:
            layer = None
        layer = getattr(layer, "base_layer", layer)  # another adapter is attached to it
        if not isinstance(layer, nn.Linear):
            raise IncompatibleAdapter("unknown_layer", layer=shorten(module.removeprefix(PREFIX)))
        out, into = _product(module, state)
        if (out, into) != (layer.out_features, layer.in_features):
            raise IncompatibleAdapter(
                "other_width", wide=into, high=out, own_wide=layer.in_features, own_high=layer.out_features
            )


def _product(module: str, state: Tensors) -> tuple[int, int]:
    """The rows and columns that are added to a module."""
    shapes = {
        name.removeprefix(f"{module}."): tuple(each.shape) for name, each in state.items() if _module(name) == module
    }
    if any(len(shape) != 2 for shape in shapes.values()):
        raise IncompatibleAdapter("not_matrices", layer=shorten(module.removeprefix(PREFIX)))
    if shapes.keys() == {"lora_A.weight", "lora_B.weight"}:
        (rank, into), (out, other) = shapes["lora_A.weight"], shapes["lora_B.weight"]
        if rank != other:
            raise IncompatibleAdapter("mismatch")
        return out, into
    factors = []
    for factor in ("lokr_w1", "lokr_w2"):
        pair = shapes.get(f"{factor}_a"), shapes.get(f"{factor}_b")
        if factor in shapes and pair == (None, None):
            factors.append(shapes[factor])
        elif factor not in shapes and pair[0] and pair[1] and pair[0][1] == pair[1][0]:
            factors.append((pair[0][0], pair[1][1]))
    if len(factors) != 2 or any(not name.startswith(("lokr_w1", "lokr_w2")) for name in shapes):
        raise IncompatibleAdapter("partial", parts=shorten(", ".join(sorted(shapes))))
    return prod(one[0] for one in factors), prod(one[1] for one in factors)


def _module(name: str) -> str:
    """The path of a tensor's module."""
    for sign in (".lora_", ".lokr_"):
        if sign in name:
            return name[: name.index(sign)]
    return name


def _has(module: Any, called: str) -> bool:
    names = module.adapter_layer_names if isinstance(module, BaseTunerLayer) else ()
    return any(called in getattr(module, name, ()) for name in names)


def _settle(loaded: Loaded) -> None:
    """Move the added layers to where they are computed. They stay there during sequential offload. Where blocks are
    streamed, or diffusers moves the part, they move with it."""
    transformer = loaded.pipe.transformer
    if loaded.plan.place != "stream" and not getattr(transformer, "is_loaded_in_4bit", False):
        for name, each in transformer.named_parameters():
            if ".adapter" in name:
                each.data = each.data.to(loaded.device.name)
    transformer.eval()
