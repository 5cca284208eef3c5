"""The device: selection, number format, and free memory.

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
    """`name` as in torch (cpu, cuda:0, mps), `title` as its maker calls it, `dtype` of the weights."""

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
    """The device for a setting: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`. Raises EngineError if it does not exist.

    Weights are bf16 where the hardware computes in it, else fp32. fp16 is never used: this family overflows in it.
    """
    kind, _, index = wanted.partition(":")
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if kind == "cpu":
        # fp32 also on CPUs with bf16: few kernels are fast in it, and pixels differ less between machines
        return Device(name="cpu", title=processor(), dtype=torch.float32)
    if kind == "cuda" and torch.cuda.is_available():
        number = int(index) if index.isdigit() else 0
        if number >= torch.cuda.device_count():
            raise EngineError("cuda_device_missing", device=wanted, n=torch.cuda.device_count())
        with torch.cuda.device(number):
            native = torch.cuda.is_bf16_supported(including_emulation=False)
        title = torch.cuda.get_device_name(number)
        return Device(name=f"cuda:{number}", title=title, dtype=torch.bfloat16 if native else torch.float32)
    if kind == "mps" and torch.backends.mps.is_available():
        native = torch.backends.mps.is_macos_or_newer(14, 0)
        return Device(name="mps", title="Apple GPU", dtype=torch.bfloat16 if native else torch.float32)
    raise EngineError("device_missing", device=repr(wanted), others=_others())


def free_gb(device: Device) -> float | None:
    """Free memory for weights in GB of 10^9 bytes: of the card, of Apple's recommended limit, or of the machine. None if
    unknown."""
    if device.kind == "cuda":
        free: int = torch.cuda.mem_get_info(torch.device(device.name))[0]
        return free / 1e9
    if device.kind == "mps":
        return float(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()) / 1e9
    return ram_gb()


def ram_gb() -> float:
    """The machine's free memory in GB of 10^9 bytes."""
    return float(psutil.virtual_memory().available) / 1e9


def total_gb(device: Device) -> float:
    """All memory of the card, or of the machine if the device shares it, in GB of 10^9 bytes."""
    if device.kind == "cuda":
        return float(torch.cuda.get_device_properties(torch.device(device.name)).total_memory) / 1e9
    return float(psutil.virtual_memory().total) / 1e9


def threads() -> int:
    """The number of CPU threads that torch uses."""
    return int(torch.get_num_threads())


def release(device: Device | None) -> None:
    """Return unused memory to the device."""
    if device is not None and device.kind == "cuda":
        torch.cuda.empty_cache()
        if host := getattr(torch._C, "_host_emptyCache", None):  # pinned host memory; torch has no public name for it
            host()
    elif device is not None and device.kind == "mps":
        torch.mps.empty_cache()


def processor() -> str:
    """The processor's architecture and the vector set that torch uses, such as `x86_64 AVX2`.

    torch chooses kernels by these, so they determine the pixels, and the processor's model does not.
    """
    return f"{platform.machine() or 'processor'} {torch.backends.cpu.get_cpu_capability()}"


def _others() -> str:
    found = [f"'cuda:{index}'" for index in range(torch.cuda.device_count())]
    found += ["'mps'"] if torch.backends.mps.is_available() else []
    return "".join(f" or {name}" for name in found)
