"""The released models at full size with random weights: speed and memory do not depend on the values.

Transformer, Qwen3-4B and FLUX's VAE at their released configurations, made straight on a device; `small` makes the same classes tiny, so
that a measurement can be tried anywhere. The tokenizer is Pocket's: its ids are a part of the large vocabulary. Measures nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.serving import ROOT

if TYPE_CHECKING:
    import torch
    from diffusers import ZImagePipeline

SPREAD = 0.02  # of the invented weights, as such models begin with
SOME = 10_000_019  # invented numbers, which the weights repeat; a prime, so that no two rows are alike

TRANSFORMER: dict[str, Any] = {"axes_lens": [1536, 512, 512]}  # all else is the class's own default
ENCODER: dict[str, Any] = {
    "vocab_size": 151936, "hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36, "num_attention_heads": 32,
    "num_key_value_heads": 8, "head_dim": 128, "max_position_embeddings": 40960, "rope_theta": 1e6, "tie_word_embeddings": True,
}  # fmt: skip
VAE: dict[str, Any] = {
    "block_out_channels": (128, 256, 512, 512), "layers_per_block": 2, "latent_channels": 16, "sample_size": 1024,
    "scaling_factor": 0.3611, "shift_factor": 0.1159, "norm_num_groups": 32,
}  # fmt: skip
SMALL_TRANSFORMER: dict[str, Any] = {
    "dim": 64, "n_layers": 2, "n_refiner_layers": 1, "n_heads": 2, "n_kv_heads": 2, "cap_feat_dim": 64,
    "axes_dims": [8, 12, 12], "axes_lens": [1024, 64, 64],
}  # fmt: skip
SMALL_ENCODER: dict[str, Any] = {
    "vocab_size": 3072, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 4096, "tie_word_embeddings": True,
}  # fmt: skip
SMALL_VAE: dict[str, Any] = VAE | {
    "block_out_channels": (16, 16, 16, 16), "layers_per_block": 1, "sample_size": 128, "norm_num_groups": 8,
}  # fmt: skip


def build(device: str, dtype: torch.dtype, *, small: bool = False) -> ZImagePipeline:
    """The pipeline with random weights on `device`; 20.6 GB in bf16, or next to nothing if `small`."""
    import torch
    from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel
    from transformers import AutoTokenizer, Qwen3Config, Qwen3Model

    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
    plain = {"use_quant_conv": False, "use_post_quant_conv": False, "mid_block_add_attention": not small}
    torch.manual_seed(0)
    with torch.device("meta"):
        parts = {
            "transformer": ZImageTransformer2DModel(**(SMALL_TRANSFORMER if small else TRANSFORMER)),
            "text_encoder": Qwen3Model(Qwen3Config(**(SMALL_ENCODER if small else ENCODER))),
            "vae": AutoencoderKL(**blocks, **plain, **(SMALL_VAE if small else VAE)),
        }
    made = {name: invent(part.to(dtype), device) for name, part in parts.items()}
    encoder = made["text_encoder"]
    encoder.rotary_emb = type(encoder.rotary_emb)(encoder.config).to(device)  # computed, not learnt
    tokenizer = AutoTokenizer.from_pretrained(ROOT / "pocket" / "checkpoint" / "tokenizer", local_files_only=True)
    scheduler = FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=3.0, use_dynamic_shifting=False)
    pipe = ZImagePipeline(scheduler=scheduler, tokenizer=tokenizer, **made)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def invent(module: Any, device: str) -> Any:
    """A module that was made without memory, with random weights on a device; what scales is one, what shifts is zero."""
    import torch

    module = module.to_empty(device=device).eval().requires_grad_(False)
    some = torch.randn(SOME, device=device) * SPREAD  # repeated: a processor would draw for minutes
    for name, tensor in module.state_dict().items():
        if tensor.ndim > 1:
            flat = tensor.view(-1)
            for begin in range(0, flat.numel(), SOME):
                flat[begin : begin + SOME] = some[: flat.numel() - begin]
        elif torch.is_floating_point(tensor):
            tensor.fill_(1.0 if name.endswith("weight") else 0.0)
    return module


def sizes(pipe: ZImagePipeline) -> dict[str, int]:
    """Parameters of each part."""
    return {
        name: sum(p.numel() for p in getattr(pipe, name).parameters())
        for name in ("transformer", "text_encoder", "vae")
    }


def operations(pipe: ZImagePipeline, side: int, tokens: int = 64) -> float:
    """Floating point operations of one forward of the transformer for a square picture, a multiplication and an addition as two.

    Matrices and attention only, counted from the shapes: what a matrix rate is held against.
    """
    config = pipe.transformer.config
    image, text = (side // 16) ** 2, -(-tokens // 32) * 32
    inside = sum(
        p.numel() for name, p in pipe.transformer.layers[0].named_parameters() if p.ndim == 2 and "adaLN" not in name
    )
    refiners = config.n_refiner_layers
    matrices = 2 * inside * (config.n_layers * (image + text) + refiners * (image + text))
    attention = 4 * config.dim * (config.n_layers * (image + text) ** 2 + refiners * (image**2 + text**2))
    return float(matrices + attention)
