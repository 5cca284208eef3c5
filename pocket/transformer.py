"""Pocket's transformer, untrained, and how captions become what it is conditioned on.

It knows no training loop; the recipe of the flow is in train_transformer.py.
"""

from __future__ import annotations

import torch
from diffusers import ZImageTransformer2DModel
from diffusers.models.attention_processor import Attention
from torch import Tensor
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from pocket.language import encoder_text


def new_transformer(text_size: int = 256) -> ZImageTransformer2DModel:
    """The untrained transformer, 8.9 million parameters: the released model's class at a fifteenth of its width."""
    return ZImageTransformer2DModel(
        in_channels=16,
        dim=256,
        n_layers=6,
        n_refiner_layers=1,
        n_heads=4,
        n_kv_heads=4,
        cap_feat_dim=text_size,
        axes_dims=[16, 24, 24],
        axes_lens=[1024, 64, 64],
    )


def encode_captions(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, captions: list[str]) -> list[Tensor]:
    """Each caption's states as the pipeline computes them: hidden_states[-2], (tokens, 256), without padding."""
    with torch.no_grad():
        texts = [encoder_text(tokenizer, caption) for caption in captions]
        inputs = tokenizer(texts, padding=True, return_tensors="pt").to(model.device)
        states = model.model(**inputs, output_hidden_states=True).hidden_states[-2]
        return [row[mask.bool()] for row, mask in zip(states, inputs["attention_mask"], strict=True)]


class PlainAttention:
    """The attention of the model's own processor in plain real arithmetic: the same numbers, quicker to train on a CPU.

    The released processor turns positions by complex numbers and calls the fused attention, which compilers leave
    alone and whose backward pass is slow for short sequences.
    """

    _attention_backend = None
    _parallel_config = None

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        freqs_cis: Tensor | None = None,
    ) -> Tensor:
        if freqs_cis is None:
            raise ValueError("this attention needs positions; got none")
        query = attn.norm_q(attn.to_q(hidden_states).unflatten(-1, (attn.heads, -1)))
        key = attn.norm_k(attn.to_k(hidden_states).unflatten(-1, (attn.heads, -1)))
        value = attn.to_v(hidden_states).unflatten(-1, (attn.heads, -1))
        cosine, sine = freqs_cis.real.unsqueeze(2), freqs_cis.imag.unsqueeze(2)

        def turned(x: Tensor) -> Tensor:
            real, imaginary = x.float().unflatten(-1, (-1, 2)).unbind(-1)
            pairs = (real * cosine - imaginary * sine, real * sine + imaginary * cosine)
            return torch.stack(pairs, -1).flatten(3).to(value.dtype).transpose(1, 2)

        query, key, value = turned(query), turned(key), value.transpose(1, 2)
        weights = (query @ key.transpose(-1, -2)).float() * query.shape[-1] ** -0.5
        if attention_mask is not None:
            weights = weights.masked_fill(~attention_mask[:, None, None, :], float("-inf"))
        attended = (weights.softmax(-1).to(value.dtype) @ value).transpose(1, 2).flatten(2)
        return attn.to_out[0](attended)


def quicken(model: ZImageTransformer2DModel, *, compiled: bool) -> None:
    """Makes a model quicker to train without changing what it computes; `compiled` needs a C++ compiler."""
    for block in (*model.layers, *model.noise_refiner, *model.context_refiner):
        block.attention.processor = PlainAttention()
        if compiled:
            block.compile(dynamic=False)
