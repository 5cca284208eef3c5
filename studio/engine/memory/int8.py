"""Linear layers whose weights lie in 8 bits, a scale for each row by its absolute maximum; they are computed with in the inputs' numbers.

Needs no package beside torch, and moves, compiles and takes adapters as the layers that it stands in for. Knows modules only.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

LARGEST = 127


class Int8Linear(nn.Linear):  # type: ignore[misc]  # torch is untyped here
    """A linear layer [in] -> [out] with int8 weights [out, in] and their scales, fp32 [out]."""

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
    """Put Int8Linear in the place of each linear layer of `model` that is `wanted` by itself and its name."""
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and wanted(module, name):
            parent, _, own = name.rpartition(".")
            setattr(model.get_submodule(parent), own, Int8Linear(module))
