"""Decoding: the next token's logits of a causal language model, with a cache that suits the device.

On a CUDA card launching a token's thousand small kernels takes the host longer than the card needs. There the step is
recorded once per conversation and replayed over a cache of fixed size. Knows no words and no sampling.
"""

from __future__ import annotations

import logging
from typing import Protocol

import torch
from torch import Tensor
from transformers import Cache, DynamicCache, Qwen3ForCausalLM, StaticCache

log = logging.getLogger(__name__)

ROOM = 512
"""A fixed cache holds a multiple of so many tokens: each further one makes every step a little slower."""
SPARE = 2**30
"""Bytes that must be left on a card beside a fixed cache."""


class Decoding(Protocol):
    """One conversation. Logits are float32 [vocabulary] on the CPU. Both calls block."""

    def begin(self, ids: list[int]) -> Tensor:
        """The logits after a prompt's tokens. Called once, first."""

    def next(self, token: int) -> Tensor:
        """The logits after one more token."""


def decoding(model: Qwen3ForCausalLM, tokens: int) -> Decoding:
    """The decoding for a conversation of at most `tokens`, on the model's present device."""
    length = -(-tokens // ROOM) * ROOM
    now = model.get_input_embeddings().weight.device
    # An offloaded part names its device by its hook, and makes space when it is called.
    works = torch.device(getattr(getattr(model.model, "_hf_hook", None), "execution_device", None) or now)
    if works.type != "cuda":
        return Growing(model)
    if works == now and torch.cuda.mem_get_info(works)[0] < cache_bytes(model, length) + SPARE:
        return Growing(model)
    return Recorded(model, length)


def cache_bytes(model: Qwen3ForCausalLM, length: int) -> int:
    """The bytes of keys and values for `length` tokens."""
    config = model.config
    values = int(2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim * length)
    return values * int(model.get_input_embeddings().weight.element_size())


class Growing:
    """A cache that grows with the conversation."""

    def __init__(self, model: Qwen3ForCausalLM) -> None:
        self._model, self._cache = model, DynamicCache(config=model.config)

    def begin(self, ids: list[int]) -> Tensor:
        return self._logits(ids)

    def next(self, token: int) -> Tensor:
        return self._logits([token])

    def _logits(self, ids: list[int]) -> Tensor:
        with torch.inference_mode():  # entered for each token: around a generator's loop it would leak into the caller
            return forward(self._model, _here(self._model, ids), self._cache).cpu()


class Recorded:
    """A cache of fixed size, and on a card the step as a CUDA graph; elsewhere the step is computed."""

    def __init__(self, model: Qwen3ForCausalLM, length: int) -> None:
        self._model, self._cache = model, StaticCache(config=model.config, max_cache_len=length)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._steps = 0
        self._recorded_at: tuple[int, ...] = ()

    def begin(self, ids: list[int]) -> Tensor:
        with torch.inference_mode():
            self._token = _here(self._model, [0])
            found = forward(self._model, _here(self._model, ids), self._cache).cpu()
        # this call brought an offloaded part to the card
        self._token = self._token.to(self._model.get_input_embeddings().weight.device)
        return found

    def next(self, token: int) -> Tensor:
        with torch.inference_mode():
            self._token.fill_(token)
            if self._graph is not None and self._where() != self._recorded_at:  # the weights have moved since
                self._graph, self._steps = None, 0
            if self._graph is not None:
                self._graph.replay()
                return self._out.cpu()
            if self._steps == 1 and self._token.is_cuda:  # the first step initializes the libraries
                return self._record()
            self._steps += 1
            return forward(self._model, self._token, self._cache).cpu()

    def _where(self) -> tuple[int, ...]:
        """The addresses of the first and last weights. A recorded step is valid for these only."""
        weights = list(self._model.model.parameters())
        return weights[0].data_ptr(), weights[-1].data_ptr()

    def _record(self) -> Tensor:
        """Record the step and replay it. If that fails, compute it from now on."""
        self._steps += 1
        graph, stream = torch.cuda.CUDAGraph(), torch.cuda.Stream(self._token.device)
        stream.wait_stream(torch.cuda.current_stream(self._token.device))
        try:
            with torch.cuda.stream(stream):
                graph.capture_begin(capture_error_mode="thread_local")  # other threads may use the card meanwhile
                try:
                    self._out = forward(self._model, self._token, self._cache)
                finally:
                    graph.capture_end()
        except RuntimeError as error:
            log.info("the step of a token could not be recorded: %s", str(error).partition("\n")[0])
            return forward(self._model, self._token, self._cache).cpu()
        torch.cuda.current_stream(self._token.device).wait_stream(stream)
        self._graph, self._recorded_at = graph, self._where()
        graph.replay()
        return self._out.cpu()


def forward(model: Qwen3ForCausalLM, ids: Tensor, cache: Cache) -> Tensor:
    """The logits after the last of `ids` [1, n], float32 [vocabulary] on the model's device. `cache` grows by n."""
    # Positional: transformers 5.24 renamed the parameter, and warns about the old name.
    out = model(ids, None, None, cache, use_cache=True, logits_to_keep=1)
    logits: Tensor = out.logits[0, -1]
    return logits.float()


def _here(model: Qwen3ForCausalLM, ids: list[int]) -> Tensor:
    """Token ids [1, n] on the model's present device."""
    return torch.tensor([ids], device=model.get_input_embeddings().weight.device)
