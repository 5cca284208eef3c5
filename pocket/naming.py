"""A second task for the transformer while it is trained: half way through its layers each place must tell what stands there.

The direction of the flow says little of which letter a few pixels are; a name says it at once, and so the way from a
caption's word to its place in the picture is learnt sooner. After Yu et al. 2024 (REPA, arXiv 2410.06940), who hold a
transformer's middle layer to what a vision model sees; here the world itself knows. The layer that answers is trained
with the transformer and never shipped. It knows no training loop.
"""

from __future__ import annotations

import numpy as np
import torch
from diffusers import ZImageTransformer2DModel
from torch import Tensor, nn
from torch.nn import functional

from pocket.world import CHARACTERS, KINDS, LATIN, Layout

PLACE = 16
"""Pixels of a side of one of the transformer's places: two latents of eight pixels each."""
AFTER = 2
"""The layer behind which the names are asked, the third of five."""
NAMES = ("", *KINDS, *LATIN, *CHARACTERS)
NUMBER = {name: number for number, name in enumerate(NAMES)}
OFFSET_WEIGHT = 0.5
PART = "naming"
"""What the answering layer is called inside the transformer."""


def names_of(layout: Layout) -> Tensor:
    """What stands at each place of a picture, (height / 16, width / 16, 3), in half precision.

    The number of the name of what covers most of the place (0: nothing does), and how far to the right and down its
    centre lies from the place's own, in places.
    """
    rows, columns = layout.height // PLACE, layout.width // PLACE
    answer = np.zeros((rows, columns, 3), dtype=np.float32)
    most = np.zeros((rows, columns), dtype=np.float32)
    things = [(spot.kind, spot.left, spot.top, spot.size, spot.size) for spot in layout.spots]
    letters = [(letter.character, letter.left, letter.top, letter.width, letter.height) for letter in layout.letters]
    tops, lefts = np.arange(rows) * PLACE, np.arange(columns) * PLACE
    for name, left, top, width, height in things + letters:
        down = np.clip(np.minimum(tops + PLACE, top + height) - np.maximum(tops, top), 0, None)
        across = np.clip(np.minimum(lefts + PLACE, left + width) - np.maximum(lefts, left), 0, None)
        covered = down[:, None] * across[None, :]
        mine = covered > most
        most[mine] = covered[mine]
        right = (left + width / 2 - lefts - PLACE / 2) / PLACE
        below = (top + height / 2 - tops - PLACE / 2) / PLACE
        answer[..., 0][mine] = NUMBER[name]
        answer[..., 1][mine] = np.broadcast_to(right[None, :], mine.shape)[mine]
        answer[..., 2][mine] = np.broadcast_to(below[:, None], mine.shape)[mine]
    return torch.from_numpy(answer).half()


class Naming:
    """Listens to a transformer's middle layer and holds what it tells against what stands there."""

    def __init__(self, model: ZImageTransformer2DModel) -> None:
        self.layer = nn.Linear(model.config.dim, len(NAMES) + 2)
        self.states: Tensor | None = None
        model.add_module(PART, self.layer)
        model.layers[AFTER].register_forward_hook(self._listen)

    def _listen(self, _layer: nn.Module, _inputs: object, states: Tensor) -> None:
        self.states = states

    def loss(self, names: Tensor) -> Tensor:
        """The cross entropy of the names and the error of the centres, for the pictures last drawn; `names` (n, rows, columns, 3)."""
        if self.states is None:
            raise ValueError("the transformer must be called before its names are asked")
        wanted = names.float().flatten(1, 2)
        states = functional.rms_norm(self.states[:, : wanted.shape[1]].float(), (self.states.shape[-1],))
        told, centres = self.layer(states).split((len(NAMES), 2), dim=-1)
        number = wanted[..., 0].long()
        there = (number > 0).float()
        names_lost = functional.cross_entropy(told.flatten(0, 1), number.flatten())
        off = ((centres - wanted[..., 1:]).abs().mean(-1) * there).sum() / there.sum().clamp_min(1)
        self.states = None
        return names_lost + OFFSET_WEIGHT * off


def without_naming(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """A transformer's weights without the answering layer's."""
    return {name: weight for name, weight in weights.items() if not name.startswith(f"{PART}.")}
