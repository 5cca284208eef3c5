"""Presets of OpenAI-compatible servers: address, model, and the switch that turns thinking off.

Sources: Ollama's page on OpenAI compatibility and `openai/openai.go` (only `reasoning_effort` works, with `none`); vLLM's
page on reasoning outputs and Qwen's page on vLLM (`chat_template_kwargs`); llama.cpp's `tools/server/README.md` (likewise);
Alibaba Model Studio's pages on deep thinking and visual reasoning (`enable_thinking`); Hugging Face's Inference Providers
(no common switch, so the model is an Instruct-2507, which never thinks). Knows no settings and sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

PresetName = Literal["ollama", "vllm", "llamacpp", "dashscope", "huggingface"]


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A server as its makers configure it. `extra` is added to each request."""

    title: str
    url: str
    model: str
    needs_key: bool = False
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server to use. The model may be missing, which is enough for captions."""

    url: str
    model: str | None
    extra: Mapping[str, object] = field(default_factory=dict)


_TEMPLATE_SWITCH: Mapping[str, object] = MappingProxyType({"chat_template_kwargs": {"enable_thinking": False}})

PRESETS: Mapping[PresetName, Preset] = MappingProxyType(
    {
        "ollama": Preset(
            title="Ollama",
            url="http://127.0.0.1:11434/v1",
            model="qwen3:8b",  # the tag qwen3:4b cannot turn thinking off
            extra={"reasoning_effort": "none"},
        ),
        "vllm": Preset(
            title="vLLM",
            url="http://127.0.0.1:8000/v1",
            model="Qwen/Qwen3-8B",  # vLLM accepts only the name it was started with
            extra=_TEMPLATE_SWITCH,
        ),
        "llamacpp": Preset(
            title="llama.cpp",
            url="http://127.0.0.1:8080/v1",
            model="llama.cpp",  # a llama-server with one model ignores the name
            extra=_TEMPLATE_SWITCH,
        ),
        "dashscope": Preset(
            title="DashScope",
            url="https://dashscope.aliyuncs.com/compatible-mode/v1",  # Beijing; keys of other regions need another address
            model="qwen-plus",
            needs_key=True,
            extra={"enable_thinking": False},
        ),
        "huggingface": Preset(
            title="Hugging Face Inference Providers",
            url="https://router.huggingface.co/v1",
            model="Qwen/Qwen3-235B-A22B-Instruct-2507",
            needs_key=True,
        ),
    }
)


def server(preset: PresetName | None, url: str | None, model: str | None) -> Server | None:
    """The server to use. Explicit values override the preset's. None without an address."""
    base = PRESETS[preset] if preset else None
    where = url or (base.url if base else None)
    if where is None:
        return None
    return Server(url=where, model=model or (base.model if base else None), extra=base.extra if base else {})
