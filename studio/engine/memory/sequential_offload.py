"""Sequential offload: parts of a pipeline that take turns in a device's memory.

The weights stay in the machine's memory, packed into a few large pieces. The active part has copies on the device, which
are dropped when another part needs the memory. Nothing is copied back. Knows modules; knows no plan.
"""

from __future__ import annotations

from typing import Any

import torch
from accelerate.hooks import ModelHook, add_hook_to_module
from accelerate.utils import send_to_device
from torch import nn

PIECE = 2**30
"""Bytes of a piece: a power of two, since memory that is locked for quick copies is handed out in those."""
ALIGNED = 256  # bytes of alignment between tensors, as in torch's own allocations


class SequentialOffload:
    """Parts that take turns on `device`. Used by one thread.

    `locked` pins their memory, so that copies run at the bus's full speed.
    """

    def __init__(self, device: torch.device, *, locked: bool = False) -> None:
        self.device, self._locked = device, locked
        self._parts: dict[str, _Part] = {}

    def add(self, name: str, module: nn.Module) -> None:
        """Add a part. It is brought to the device when it is called, and other parts are dropped."""
        self._parts[name] = _Part(module, self._locked)
        add_hook_to_module(module, _Call(self, name))

    def keep(self, module: nn.Module) -> None:
        """Keep a part on the device permanently."""
        add_hook_to_module(module.to(self.device), _Call(self, None))

    def take(self, name: str) -> None:
        """Bring a part to the device."""
        part = self._parts[name]
        if part.there:
            return
        for other in self._parts.values():
            other.leave()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()  # free blocks of another part's shapes cannot be reused by this one
        part.come(self.device, self._locked)

    def here(self) -> str | None:
        """The part on the device."""
        return next((name for name, part in self._parts.items() if part.there), None)


class _Part:
    """One part's tensors: their place in memory and their copies on the device."""

    def __init__(self, module: nn.Module, locked: bool) -> None:
        self.there = False
        self._pieces: list[torch.Tensor] = []
        self._lies: list[tuple[torch.Tensor, int, int]] = []  # a tensor of the module, its piece, its offset
        seen = {id(each): each for each in (*module.parameters(), *module.buffers())}
        filled = 0
        for tensor in seen.values():
            size = tensor.numel() * tensor.element_size()
            if not self._pieces or filled + size > self._pieces[-1].numel():
                self._pieces.append(torch.empty(max(PIECE, size), dtype=torch.uint8, pin_memory=locked))
                filled = 0
            self._lies.append((tensor, len(self._pieces) - 1, filled))
            self._view(len(self._lies) - 1, self._pieces).copy_(tensor.detach())
            filled += -(-size // ALIGNED) * ALIGNED
            tensor.data = self._view(
                len(self._lies) - 1, self._pieces
            )  # frees the old tensor before the next one is packed
        if self._pieces and not locked:
            self._pieces[-1] = self._pieces[-1][: max(filled, 1)].clone()
            self.leave()

    def come(self, device: torch.device, locked: bool) -> None:
        """Replace the tensors by copies on the device."""
        copies = [piece.to(device, non_blocking=locked) for piece in self._pieces]
        self._show(copies)
        self.there = True

    def leave(self) -> None:
        """Restore the tensors in memory and drop the copies."""
        self._show(self._pieces)
        self.there = False

    def _show(self, pieces: list[torch.Tensor]) -> None:
        for index, (tensor, _, _) in enumerate(self._lies):
            tensor.data = self._view(index, pieces)

    def _view(self, index: int, pieces: list[torch.Tensor]) -> torch.Tensor:
        """The view of a tensor in its piece, with its dtype and shape."""
        tensor, piece, begin = self._lies[index]
        size = tensor.numel() * tensor.element_size()
        return pieces[piece][begin : begin + size].view(tensor.dtype).view(tensor.shape)


class _Call(ModelHook):  # type: ignore[misc]  # accelerate has no types
    """Brings its part and the inputs to the device before each call. diffusers asks it for the execution device."""

    no_grad = False

    def __init__(self, turns: SequentialOffload, name: str | None) -> None:
        self._turns, self._name = turns, name
        self.execution_device = turns.device

    def pre_forward(self, module: nn.Module, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        if self._name is not None:
            self._turns.take(self._name)
        device = self._turns.device
        return send_to_device(args, device), send_to_device(kwargs, device)
