"""Prompt embeddings, kept for as long as their checkpoint is resident, so that a repeated prompt is not encoded again.

Knows the pipeline's encoder only. One cache belongs to one loaded checkpoint, so a prompt is all of its key.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch

ENTRIES = 32  # of at most 512 tokens x 2560 values of 2 bytes: 2.6 MB each, 84 MB in all


class PromptCache:
    """The last prompts' embeddings, each a tensor [tokens, width] on the device. For the worker's thread only."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._kept: OrderedDict[str, torch.Tensor] = OrderedDict()

    def __call__(self, prompt: str) -> torch.Tensor:
        """The embedding of `prompt`, encoded just as the pipeline would."""
        if prompt in self._kept:
            self._kept.move_to_end(prompt)
            return self._kept[prompt]
        with torch.no_grad():
            # A list of its own: the pipeline writes the templated text over the list that it is given.
            found = self._pipe.encode_prompt([prompt], do_classifier_free_guidance=False)[0][0]
        self._kept[prompt] = found
        while len(self._kept) > ENTRIES:
            self._kept.popitem(last=False)
        return self._kept[prompt]

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Forget all, to free their memory."""
        self._kept.clear()
