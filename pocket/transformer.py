"""Pocket's transformer, untrained, and how captions become what it is conditioned on.

It knows no training loop; the recipe of the flow is in train_transformer.py.
"""

from __future__ import annotations

import torch
from diffusers import ZImageTransformer2DModel
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from pocket.language import HIDDEN, encoder_text
from pocket.training import autocast


def new_transformer() -> ZImageTransformer2DModel:
    """The untrained transformer, 6.9 million parameters: the released model's class at a sixteenth of its width.

    It is as large as lets base and turbo, language model and VAE lie together in 40 MiB.
    """
    return ZImageTransformer2DModel(
        in_channels=16,
        dim=240,
        n_layers=5,
        n_refiner_layers=1,
        n_heads=5,
        n_kv_heads=5,
        cap_feat_dim=HIDDEN,
        axes_dims=[16, 16, 16],
        axes_lens=[1024, 64, 64],
    )


Captions = list[Tensor]
"""The states of captions, each (tokens, width of the language model)."""


def tokenise(tokenizer: PreTrainedTokenizerFast, captions: list[str]) -> tuple[Tensor, Tensor]:
    """Captions as the pipeline wraps them: token ids and mask, both (captions, longest), padded on the right."""
    texts = [encoder_text(tokenizer, caption) for caption in captions]
    inputs = tokenizer(texts, padding=True, return_tensors="pt")
    return inputs["input_ids"], inputs["attention_mask"].bool()


def length(tokenizer: PreTrainedTokenizerFast, caption: str) -> int:
    """How many tokens a caption is as the pipeline wraps it."""
    return len(tokenizer(encoder_text(tokenizer, caption))["input_ids"])


def encode_tokens(model: Qwen3ForCausalLM, ids: Tensor, mask: Tensor) -> Captions:
    """Each caption's states as the pipeline computes them: hidden_states[-2], without padding."""
    with torch.no_grad():
        ids, mask = ids.to(model.device), mask.to(model.device)
        states = model.model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states[-2]
        return [row[kept] for row, kept in zip(states, mask, strict=True)]


def encode_captions(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, captions: list[str]) -> Captions:
    """Captions' states, straight from their words."""
    return encode_tokens(model, *tokenise(tokenizer, captions))


def velocity(model: ZImageTransformer2DModel, x: Tensor, noise: Tensor | float, texts: Captions) -> Tensor:
    """The direction from scene to noise at `x`, (n, 16, height, width), whose part of noise is `noise`, (n,) or one for all.

    The model is told how far the drawing has come and points the other way; the pipeline turns both round as here.
    """
    level = torch.as_tensor(noise, device=x.device, dtype=x.dtype).expand(len(x))
    with autocast(x.device):
        drawn = model(list(x.unsqueeze(2).unbind(0)), 1 - level, texts, return_dict=False)[0]
    return -torch.stack([one.squeeze(1) for one in drawn]).float()


class WhitenedLinear(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """A linear layer that sees its inputs whitened while it is trained; `folded` gives the plain layer that does the same.

    In a causal model's states most of the size is common to all tokens, and what tells a colour's Chinese name from
    another's is a tenth of it or less. Whitened, every such difference is as large as any other and is learnt as fast.
    """

    mean: Tensor
    matrix: Tensor

    def __init__(self, linear: nn.Linear, size: int) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("matrix", torch.eye(size))

    def measure(self, inputs: Tensor, least: float = 1e-3) -> None:
        """Takes mean and whitening matrix from sample inputs, (n, size); directions weaker than `least` stay weak."""
        self.mean.copy_(inputs.mean(0))
        values, vectors = torch.linalg.eigh(torch.cov((inputs - self.mean).T))
        self.matrix.copy_(vectors @ torch.diag((values.clamp_min(0) + least).rsqrt()) @ vectors.T)

    def forward(self, inputs: Tensor) -> Tensor:
        return functional.linear((inputs - self.mean) @ self.matrix, self.weight, self.bias)

    def unfold(self) -> None:
        """Takes the weights for a plain layer's and makes this one do what that did."""
        with torch.no_grad():
            self.bias += self.weight @ self.mean
            self.weight.copy_(torch.linalg.solve(self.matrix, self.weight.T).T)

    def folded(self) -> nn.Linear:
        plain = nn.Linear(self.weight.shape[1], self.weight.shape[0])
        with torch.no_grad():
            plain.weight.copy_(self.weight @ self.matrix)
            plain.bias.copy_(self.bias - plain.weight @ self.mean)
        return plain


def whiten(model: ZImageTransformer2DModel) -> WhitenedLinear:
    """Puts a whitened layer, still without measure, in the place where captions enter the transformer."""
    linear = model.cap_embedder[1]
    layer = WhitenedLinear(linear, linear.weight.shape[1])
    model.cap_embedder[1] = layer
    return layer


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


COMPILED_SHAPES = 64
"""How many numbers of tokens, with and without gradients, a block is compiled for; torch stops at eight and goes on slowly."""


def quicken(model: ZImageTransformer2DModel, *, compiled: bool) -> None:
    """Makes a model quicker to train without changing what it computes; `compiled` needs a C++ compiler."""
    torch._dynamo.config.recompile_limit = COMPILED_SHAPES
    for block in (*model.layers, *model.noise_refiner, *model.context_refiner):
        block.attention.processor = PlainAttention()
        if compiled:
            block.compile(dynamic=False)
