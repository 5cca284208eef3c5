"""The prompt embedding cache, so that a repeated prompt is not encoded again.

The pipeline pads prompts to 512 tokens and discards the padding's output. This cache pads to the smallest of ROOMS that
fits. The encoder is causal, so padding changes nothing, and on the tested CPUs sums over these lengths round alike, so
embeddings equal the pipeline's bit by bit. Knows the pipeline's encoder only. One cache belongs to one loaded checkpoint,
so the prompt is the whole key.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch

from studio.domain.checkpoint import TOKENS_MAX

ROOMS = (64, 128, 192, TOKENS_MAX)  # tokens; lengths between 192 and 384 round differently
ENTRIES = 32  # each at most 512 tokens x 2560 values of 2 bytes: 2.6 MB, 84 MB in all


class PromptCache:
    """The latest prompts' embeddings, tensors [tokens, width] on the device. Used by the worker's thread only."""

    def __init__(
        self, pipe: Any, count: Callable[[str], int], *, encoder: str | None = None, home: str | None = None
    ) -> None:
        """`encoder` is the device of the encoder if it differs from `home`, where the embeddings are needed."""
        self._pipe, self._count, self._encoder, self._home = pipe, count, encoder, home
        self._kept: OrderedDict[str, torch.Tensor] = OrderedDict()

    def __call__(self, prompt: str) -> torch.Tensor:
        """The embedding of `prompt`, [tokens, width], equal to the pipeline's."""
        if prompt in self._kept:
            self._kept.move_to_end(prompt)
            return self._kept[prompt]
        count = self._count(prompt)
        # One token of padding at least: without a mask another attention kernel runs than in the pipeline.
        room = next((room for room in ROOMS if room > count), ROOMS[-1])
        with torch.no_grad():
            # a new list: the pipeline overwrites the list that it is given
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
        """Drop all embeddings to free their memory."""
        self._kept.clear()
