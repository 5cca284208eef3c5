"""The resident chat model: a pipeline's text encoder with a head made of its own embeddings.

Z-Image's text encoder is a complete Qwen3 chat model with tied embeddings, so it needs no extra memory. One loop in the
caller's thread. Knows no pipeline and no page. With `decoding` the only module of this package that imports torch.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase, Qwen3ForCausalLM, Qwen3Model

from enhancer.base import Message, Sampling
from enhancer.errors import EnhancerError, ModelRefused, NoPrompt
from enhancer.models.decoding import decoding

TOP_K = 20
"""Only the likeliest words are drawn from: the value that Qwen3's makers advise."""
END_MARKS = ("<|im_end|>", "<|endoftext|>", "<|im_start|>")
LEAST_ROOM = 64
"""Tokens that must be left for an answer, else the wish is refused as too long."""
_BROKEN = "\N{REPLACEMENT CHARACTER}"


class ResidentChat:
    """A text encoder that generates text. The encoder itself is unchanged and encodes as before.

    `stream` runs on the model's device in the thread that iterates it.
    """

    def __init__(
        self, text_encoder: Qwen3Model, tokenizer: PreTrainedTokenizerBase, *, name: str, revision: str
    ) -> None:
        """Raises EnhancerError if the encoder's embeddings are not tied, or its tokenizer has no chat template."""
        if not text_encoder.config.tie_word_embeddings:
            raise EnhancerError("encoder_untied", name=name)
        if not tokenizer.chat_template:
            raise EnhancerError("no_chat_template", name=name)
        self._name, self._revision = name, revision
        self._tokenizer = tokenizer
        self._model = with_head(text_encoder)
        self._added = _added_tokens(tokenizer)
        vocabulary = tokenizer.get_vocab()
        self._ends = {vocabulary[mark] for mark in END_MARKS if mark in vocabulary}
        if isinstance(tokenizer.eos_token_id, int):
            self._ends.add(tokenizer.eos_token_id)

    @property
    def name(self) -> str:
        return self._name

    @property
    def revision(self) -> str:
        return self._revision

    def stream(self, messages: Sequence[Message], sampling: Sampling, cancelled: Callable[[], bool]) -> Iterator[str]:
        """Yield pieces of the answer. The same messages and sampling give the same text on the same device.

        Raises ModelRefused for a request that is too long for the model, and NoPrompt after the last piece of an answer
        that exceeds `sampling.max_tokens`.
        """
        ids = self.encode(messages)
        room = int(self._model.config.max_position_embeddings) - len(ids)
        if room < LEAST_ROOM:
            raise ModelRefused("prompt_too_long_to_enhance", n=len(ids), most=len(ids) + room - LEAST_ROOM)
        text = _Text(self._tokenizer)
        for token in self._tokens(ids, sampling, min(sampling.max_tokens, room), cancelled):
            if piece := text.add(token):
                yield piece
        if piece := text.rest():
            yield piece
        if text.count >= min(sampling.max_tokens, room) and not cancelled():
            raise NoPrompt("answer_cut", n=text.count)

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """The token ids of messages in the model's chat template, without thinking.

        Only the template's own special tokens become special: the template is rendered around placeholders, and each
        message is encoded by itself.
        """
        places = [secrets.token_hex(8) for _ in messages]
        frame = [{**message, "content": place} for message, place in zip(messages, places, strict=True)]
        rendered = str(
            self._tokenizer.apply_chat_template(
                frame, tokenize=False, add_generation_prompt=True, enable_thinking=False
            )
        )
        if any(rendered.count(place) != 1 for place in places):
            raise EnhancerError("chat_template_incomplete", name=self._name)
        ids: list[int] = []
        for message, place in zip(messages, places, strict=True):
            before, rendered = rendered.split(place)
            ids += self._ids(before)
            for part in _split_marks(message["content"], self._added):
                ids += self._ids(part)
        return ids + self._ids(rendered)

    def _ids(self, text: str) -> list[int]:
        return [int(token) for token in self._tokenizer(text, add_special_tokens=False)["input_ids"]]

    def _tokens(self, ids: list[int], sampling: Sampling, most: int, cancelled: Callable[[], bool]) -> Iterator[int]:
        """At most `most` tokens, without the end token. `cancelled` is called before each forward."""
        generator = torch.Generator().manual_seed(
            sampling.seed
        )  # on the CPU, so that it means the same on every device
        if cancelled():
            return
        steps = decoding(self._model, len(ids) + most)
        logits = steps.begin(ids)
        for _ in range(most):
            if cancelled():
                return
            token = choose(logits, sampling, generator)
            if token in self._ends:
                return
            yield token
            if cancelled():
                return
            logits = steps.next(token)


def with_head(text_encoder: Qwen3Model) -> Qwen3ForCausalLM:
    """A causal language model that shares every tensor with a text encoder and adds none."""
    with torch.device("meta"):
        model = Qwen3ForCausalLM(deepcopy(text_encoder.config))  # building a model changes its configuration
    model.model = text_encoder
    model.lm_head.weight = text_encoder.get_input_embeddings().weight
    return model.eval() if not text_encoder.training else model


def choose(logits: Tensor, sampling: Sampling, generator: torch.Generator) -> int:
    """Sample a token from logits [vocabulary] by temperature, top k and top p. Temperature 0 takes the likeliest."""
    if sampling.temperature <= 0:
        return int(logits.argmax())
    with torch.inference_mode():
        top, tokens = logits.topk(min(TOP_K, logits.numel()))
        chances = (top / sampling.temperature).softmax(dim=0)
        # a token stays while the tokens before it sum to less than top_p, so the first always stays
        chances = chances.where(chances.cumsum(dim=0) - chances < max(sampling.top_p, 1e-6), 0.0)
        return int(tokens[torch.multinomial(chances, 1, generator=generator)])


class _Text:
    """Tokens to text, without incomplete characters."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._waiting: list[int] = []
        self.count = 0

    def add(self, token: int) -> str:
        self.count += 1
        self._waiting.append(token)
        text = self._decoded()
        if text.endswith(_BROKEN):
            return ""
        self._waiting.clear()
        return text

    def rest(self) -> str:
        """The remaining text, without an incomplete character."""
        text = self._decoded() if self._waiting else ""
        self._waiting.clear()
        return text.rstrip(_BROKEN)

    def _decoded(self) -> str:
        return str(self._tokenizer.decode(self._waiting, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def _added_tokens(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str] | None:
    """The strings of special tokens, such as <|im_end|> and <think>."""
    added: dict[int, Any] = tokenizer.added_tokens_decoder
    marks = sorted({str(token.content) for token in added.values()}, key=len, reverse=True)
    return re.compile("|".join(re.escape(mark) for mark in marks if len(mark) > 1)) if marks else None


def _split_marks(text: str, marks: re.Pattern[str] | None) -> Iterator[str]:
    """Split a text inside each special token, so that none is complete. Joined, the parts are the text."""
    start = 0
    while marks and (found := marks.search(text, start)):
        yield text[start : found.start() + 1]
        start = found.start() + 1
    if start < len(text):
        yield text[start:]
