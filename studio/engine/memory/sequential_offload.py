"""Turns: parts of a pipeline that share a device's memory, one of them there at a time.

The weights lie in the machine's memory for good, packed into a few large pieces; whichever part works has copies on the device, and
giving way is dropping the copies: nothing is ever copied back, which would take longer than drawing. Knows modules; knows no plan.
"""

from __future__ import annotations

from typing import Any

import torch
from accelerate.hooks import ModelHook, add_hook_to_module
from accelerate.utils import send_to_device
from torch import nn

PIECE = 2**30
"""Bytes of a piece: a power of two, since memory that is locked for quick copies is handed out in those."""
ALIGNED = 256  # bytes between the beginnings of two tensors, as torch's own allocations have


class SequentialOffload:
    """Parts that take turns on `device`. For one thread.

    `locked`: their memory is kept from being paged out, so that copies run at the bus's full speed.
    """

    def __init__(self, device: torch.device, *, locked: bool = False) -> None:
        self.device, self._locked = device, locked
        self._parts: dict[str, _Part] = {}

    def add(self, name: str, module: nn.Module) -> None:
        """Take a part in; it comes to the device whenever it is called, and the others make room."""
        self._parts[name] = _Part(module, self._locked)
        add_hook_to_module(module, _Call(self, name))

    def keep(self, module: nn.Module) -> None:
        """Put a part on the device for good."""
        add_hook_to_module(module.to(self.device), _Call(self, None))

    def take(self, name: str) -> None:
        """Bring a part to the device, unless it is there."""
        part = self._parts[name]
        if part.there:
            return
        for other in self._parts.values():
            other.leave()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()  # blocks of another part's shapes would be of no use to this one
        part.come(self.device, self._locked)

    def here(self) -> str | None:
        """The part that is on the device."""
        return next((name for name, part in self._parts.items() if part.there), None)


class _Part:
    """One part's tensors: where they lie for good, and their copies on the device."""

    def __init__(self, module: nn.Module, locked: bool) -> None:
        self.there = False
        self._pieces: list[torch.Tensor] = []
        self._lies: list[tuple[torch.Tensor, int, int]] = []  # a tensor of the module, its piece, where it begins there
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
            tensor.data = self._view(len(self._lies) - 1, self._pieces)  # frees the old one before the next is packed
        if self._pieces and not locked:
            self._pieces[-1] = self._pieces[-1][: max(filled, 1)].clone()
            self.leave()

    def come(self, device: torch.device, locked: bool) -> None:
        """Copies on the device stand in for the tensors."""
        copies = [piece.to(device, non_blocking=locked) for piece in self._pieces]
        self._show(copies)
        self.there = True

    def leave(self) -> None:
        """The tensors are those in the machine's memory again; the copies are dropped."""
        self._show(self._pieces)
        self.there = False

    def _show(self, pieces: list[torch.Tensor]) -> None:
        for index, (tensor, _, _) in enumerate(self._lies):
            tensor.data = self._view(index, pieces)

    def _view(self, index: int, pieces: list[torch.Tensor]) -> torch.Tensor:
        """The place of a tensor in pieces, in its own numbers and shape."""
        tensor, piece, begin = self._lies[index]
        size = tensor.numel() * tensor.element_size()
        return pieces[piece][begin : begin + size].view(tensor.dtype).view(tensor.shape)


class _Call(ModelHook):  # type: ignore[misc]  # accelerate has no types
    """Brings its part before each call, and what it is called with. diffusers asks it where the pipeline computes."""

    no_grad = False

    def __init__(self, turns: SequentialOffload, name: str | None) -> None:
        self._turns, self._name = turns, name
        self.execution_device = turns.device

    def pre_forward(self, module: nn.Module, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        if self._name is not None:
            self._turns.take(self._name)
        device = self._turns.device
        return send_to_device(args, device), send_to_device(kwargs, device)
