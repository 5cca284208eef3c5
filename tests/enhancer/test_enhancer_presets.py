"""Presets: each says how its server is reached and kept from thinking aloud, and what is said by name goes before."""

from __future__ import annotations

import json
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest

from enhancer.base import Sampling
from enhancer.models.presets import PRESETS, PresetName, Server, server
from enhancer.models.remote import RemoteChat

NAMES: tuple[PresetName, ...] = get_args(PresetName)


def test_every_name_has_a_preset() -> None:
    assert set(PRESETS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_can_be_asked_as_it_is(name: PresetName) -> None:
    preset = PRESETS[name]
    assert preset.title
    assert preset.model
    assert RemoteChat(preset.url, preset.model, extra=preset.extra).name == preset.model
    assert preset.url.endswith("/v1")
    away = urlsplit(preset.url).hostname != "127.0.0.1"
    assert preset.needs_key is away, "what is asked over the net wants a key, and goes encrypted"
    assert preset.url.startswith("https://" if away else "http://")


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("ollama", "reasoning_effort", "none"),
        ("vllm", "chat_template_kwargs", {"enable_thinking": False}),
        ("llamacpp", "chat_template_kwargs", {"enable_thinking": False}),
        ("dashscope", "enable_thinking", False),
    ],
)
def test_a_server_is_told_not_to_think_in_its_own_words(
    loopback: Any, name: PresetName, field: str, value: object
) -> None:
    loopback.manners.pieces = ["a"]
    chat = RemoteChat(loopback.url, "m", extra=PRESETS[name].extra)
    list(chat.stream([{"role": "user", "content": "w"}], Sampling(seed=1), lambda: False))
    assert loopback.manners.asked[field] == value
    others = {"reasoning_effort", "chat_template_kwargs", "enable_thinking"} - {field}
    assert not others & set(loopback.manners.asked), "and in no other's"


def test_a_router_of_many_servers_is_sent_no_switch() -> None:
    assert not PRESETS["huggingface"].extra


def test_presets_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        PRESETS["ollama"] = PRESETS["vllm"]  # type: ignore[index]


def test_what_is_said_goes_before_the_preset() -> None:
    ollama = PRESETS["ollama"]
    assert server("ollama", None, None) == Server(url=ollama.url, model=ollama.model, extra=ollama.extra)
    assert server("ollama", "http://box:1/v1", None) == Server(
        url="http://box:1/v1", model=ollama.model, extra=ollama.extra
    )
    assert server("ollama", None, "gemma3") == Server(url=ollama.url, model="gemma3", extra=ollama.extra)
    assert server(None, "http://box:1/v1", "m") == Server(url="http://box:1/v1", model="m")
    assert server(None, "http://box:1/v1", None) == Server(url="http://box:1/v1", model=None)
    assert server(None, None, "m") is None
    json.dumps(dict(ollama.extra))
