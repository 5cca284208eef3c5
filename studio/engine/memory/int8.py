"""Int8 linear layers: int8 weights with one scale per row (absolute maximum), computed in the inputs' dtype.

Needs only torch. Moves, compiles and takes adapters like the layer that it replaces. Knows modules only.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

LARGEST = 127


class Int8Linear(nn.Linear):  # type: ignore[misc]  # torch is untyped here
    """A linear layer [in] -> [out] with int8 weights [out, in] and fp32 scales [out]."""

    def __init__(self, wide: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = wide.in_features, wide.out_features
        rows = wide.weight.detach()
        scale = rows.abs().amax(dim=1).float().clamp_min(torch.finfo(torch.float32).tiny) / LARGEST
        small = (rows / scale[:, None]).round_().clamp_(-LARGEST, LARGEST).to(torch.int8)
        self.weight = nn.Parameter(small, requires_grad=False)
        self.register_buffer("scale", scale)
        self.bias = wide.bias

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        found = functional.linear(input, self.weight.to(input.dtype)) * self.scale
        return (found if self.bias is None else found + self.bias).to(input.dtype)


def to_int8(model: nn.Module, wanted: Callable[[nn.Module, str], bool]) -> None:
    """Replace each linear layer of `model` for which `wanted(layer, name)` is true by an Int8Linear."""
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and wanted(module, name):
            parent, _, own = name.rpartition(".")
            setattr(model.get_submodule(parent), own, Int8Linear(module))
