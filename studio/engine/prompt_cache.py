"""Prompt embeddings, kept for as long as their checkpoint is resident, so that a repeated prompt is not encoded again.

The pipeline pads each prompt to 512 tokens and throws away what the padding gave; here it is padded to the smallest of ROOMS that
holds it. The encoder is causal, so nothing behind a prompt changes it, and sums over these lengths were rounded alike on the CPUs
that were looked at: the numbers were the pipeline's own, bit by bit. Knows the pipeline's encoder only. One cache belongs to one
loaded checkpoint, so a prompt is all of its key.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch

from studio.domain.checkpoint import TOKENS_MAX

ROOMS = (64, 128, 192, TOKENS_MAX)  # tokens; lengths between 192 and 384 were rounded otherwise
ENTRIES = 32  # of at most 512 tokens x 2560 values of 2 bytes: 2.6 MB each, 84 MB in all


class PromptCache:
    """The last prompts' embeddings, each a tensor [tokens, width] on the device. For the worker's thread only."""

    def __init__(
        self, pipe: Any, count: Callable[[str], int], *, encoder: str | None = None, home: str | None = None
    ) -> None:
        """`encoder` is the device on which the encoder works, if that is not `home`, where embeddings are wanted."""
        self._pipe, self._count, self._encoder, self._home = pipe, count, encoder, home
        self._kept: OrderedDict[str, torch.Tensor] = OrderedDict()

    def __call__(self, prompt: str) -> torch.Tensor:
        """The embedding of `prompt`, [tokens, width], as the pipeline would encode it."""
        if prompt in self._kept:
            self._kept.move_to_end(prompt)
            return self._kept[prompt]
        count = self._count(prompt)
        # One token more than it takes: with nothing to mask, another kernel attends than in the pipeline's padded call.
        room = next((room for room in ROOMS if room > count), ROOMS[-1])
        with torch.no_grad():
            # A list of its own: the pipeline writes the templated text over the list that it is given.
            found = self._pipe.encode_prompt(
                [prompt], device=self._encoder, do_classifier_free_guidance=False, max_sequence_length=room
            )[0][0]
        self._kept[prompt] = found.to(self._home) if self._home else found
        while len(self._kept) > ENTRIES:
            self._kept.popitem(last=False)
        return self._kept[prompt]

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Forget all, to free their memory."""
        self._kept.clear()
