"""Where to draw: which device this machine has, in which numbers it computes there, and how much memory is free.

Imports torch, so only the loading thread imports this module. Knows no checkpoint.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass

import psutil
import torch

from studio.errors import EngineError


@dataclass(frozen=True, kw_only=True)
class Device:
    """`name` as torch spells it (cpu, cuda:0, mps), `title` as its maker does, `dtype` of the weights."""

    name: str
    title: str
    dtype: torch.dtype

    @property
    def kind(self) -> str:
        """cpu, cuda or mps."""
        return self.name.partition(":")[0]

    @property
    def accelerator(self) -> bool:
        return self.kind != "cpu"

    @property
    def numbers(self) -> str:
        """The dtype in short: bf16 or fp32."""
        return "bf16" if self.dtype == torch.bfloat16 else "fp32"


def choose(wanted: str) -> Device:
    """The device for a setting: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`. Raises EngineError for one that is not there.

    Weights are bf16 where the hardware computes in it, else fp32; never fp16, in which this family's values overflow.
    """
    kind, _, index = wanted.partition(":")
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if kind == "cpu":
        # fp32 also where the processor knows bf16: few kernels are fast in it, and pixels differ less between machines
        return Device(name="cpu", title=processor(), dtype=torch.float32)
    if kind == "cuda" and torch.cuda.is_available():
        number = int(index) if index.isdigit() else 0
        if number >= torch.cuda.device_count():
            raise EngineError(
                f"There is no device {wanted}; this machine has {torch.cuda.device_count()} CUDA devices."
            )
        with torch.cuda.device(number):
            native = torch.cuda.is_bf16_supported(including_emulation=False)
        title = torch.cuda.get_device_name(number)
        return Device(name=f"cuda:{number}", title=title, dtype=torch.bfloat16 if native else torch.float32)
    if kind == "mps" and torch.backends.mps.is_available():
        native = torch.backends.mps.is_macos_or_newer(14, 0)
        return Device(name="mps", title="Apple GPU", dtype=torch.bfloat16 if native else torch.float32)
    raise EngineError(f"The device {wanted!r} is not there; this machine can use 'cpu'{_others()}.")


def free_gb(device: Device) -> float | None:
    """Memory that weights could be put into, in GB of 10^9 bytes: the card's own that is free, what Apple's GPU is advised to take, or
    what of the machine's is not in use. None where it cannot be told."""
    if device.kind == "cuda":
        free: int = torch.cuda.mem_get_info(torch.device(device.name))[0]
        return free / 1e9
    if device.kind == "mps":
        return float(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()) / 1e9
    return ram_gb()


def ram_gb() -> float:
    """The machine's own memory that is not in use, in GB of 10^9 bytes."""
    return float(psutil.virtual_memory().available) / 1e9


def total_gb(device: Device) -> float:
    """All memory of the card, or of the machine where the device shares it, in GB of 10^9 bytes."""
    if device.kind == "cuda":
        return float(torch.cuda.get_device_properties(torch.device(device.name)).total_memory) / 1e9
    return float(psutil.virtual_memory().total) / 1e9


def threads() -> int:
    """Threads that torch computes with on the processor."""
    return int(torch.get_num_threads())


def release(device: Device | None) -> None:
    """Give memory that nothing uses back to the device."""
    if device is not None and device.kind == "cuda":
        torch.cuda.empty_cache()
        if host := getattr(
            torch._C, "_host_emptyCache", None
        ):  # what was locked in the machine's memory; torch has no public name for it
            host()
    elif device is not None and device.kind == "mps":
        torch.mps.empty_cache()


def processor() -> str:
    """The processor's instruction set and the vector set that torch computes with, such as `x86_64 AVX2`.

    Pixels follow from the kernels that torch picks by these, and not from the model's name.
    """
    return f"{platform.machine() or 'processor'} {torch.backends.cpu.get_cpu_capability()}"


def _others() -> str:
    found = [f"'cuda:{index}'" for index in range(torch.cuda.device_count())]
    found += ["'mps'"] if torch.backends.mps.is_available() else []
    return "".join(f" or {name}" for name in found)
