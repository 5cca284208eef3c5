"""Imported once by the fork server of tests/apps.py: the libraries that every started studio needs. It starts no thread."""

from __future__ import annotations

import os

from studio.cli.bootstrap import disable_telemetry

disable_telemetry(os.environ)  # gradio and huggingface_hub read it when they are imported

import diffusers  # noqa: E402
import transformers  # noqa: E402

import studio.engine.loading.loader  # noqa: E402
import studio.engine.sampling  # noqa: E402
import studio.ui.page  # noqa: E402

CLASSES = (
    diffusers.AutoencoderKL, diffusers.FlowMatchEulerDiscreteScheduler, diffusers.ZImagePipeline, diffusers.ZImageImg2ImgPipeline,
    diffusers.ZImageTransformer2DModel, transformers.AutoTokenizer, transformers.Qwen3ForCausalLM, transformers.Qwen3Model,
)  # fmt: skip
MODULES = (studio.engine.sampling, studio.engine.loading.loader, studio.ui.page)
