"""Reader for InvokeAI's three formats: `invokeai_metadata`, the older `sd-metadata`, and the command line in `Dream`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from storage.metadata.readers.parsed import NAME_MAX, Findings, items, mapping, parsed, words

KEYS = ("invokeai_metadata", "sd-metadata", "Dream", "dream")

_KNOWN = (
    "positive_prompt", "negative_prompt", "seed", "steps", "cfg_scale", "scheduler", "width", "height", "model", "loras",
)  # fmt: skip
_OLD = ("prompt", "seed", "steps", "cfg_scale", "sampler", "width", "height")
_DREAM = re.compile(r'^\s*"((?:\\.|[^"\\])*)"(.*)$', re.DOTALL)
_OPTION = re.compile(r"\s-(\w+)\s*([^\s-]\S*)")
_NEGATIVE = re.compile(r"\[([^\[\]]*)\]")


def read(texts: Mapping[str, str]) -> Findings | None:
    """Read the newest format present; None if there is none."""
    for key, reader in (("invokeai_metadata", _metadata), ("sd-metadata", _sd_metadata)):
        told = mapping(parsed(texts.get(key, "")))
        if told:
            return reader(told)
    told_line = texts.get("Dream") or texts.get("dream")
    return _dream(told_line) if told_line else None


def _metadata(told: Mapping[str, object]) -> Findings:
    found = Findings(maker="invokeai")
    found.prompts(told.get("positive_prompt"), told.get("negative_prompt"))
    found.numbers(seed=told.get("seed"), steps=told.get("steps"), guidance=told.get("cfg_scale"))
    found.size(told.get("width"), told.get("height"))
    found.sampler = words(told.get("scheduler"), NAME_MAX)
    found.checkpoint = _named(told.get("model"))
    for entry in items(told.get("loras")):
        lora = mapping(entry)
        found.lora(_named(lora.get("model") or lora.get("lora")), lora.get("weight"))
    found.besides(told, *_KNOWN)
    return found


def _named(model: object) -> str:
    """The name of a model, in either spelling."""
    if isinstance(model, str):
        return words(model, NAME_MAX)
    told = mapping(model)
    return words(told.get("name") or told.get("model_name"), NAME_MAX)


def _sd_metadata(told: Mapping[str, object]) -> Findings:
    image = mapping(told.get("image"))
    found = Findings(maker="invokeai")
    prompt = image.get("prompt")
    parts = [prompt] if isinstance(prompt, str) else [mapping(part).get("prompt") for part in items(prompt)]
    _parted(found, ", ".join(part for part in parts if isinstance(part, str)))
    found.numbers(seed=image.get("seed"), steps=image.get("steps"), guidance=image.get("cfg_scale"))
    found.size(image.get("width"), image.get("height"))
    found.sampler = words(image.get("sampler"), NAME_MAX)
    found.checkpoint = words(told.get("model_weights"), NAME_MAX)
    found.besides(told, "image", "model_weights")
    found.besides(image, *_OLD)
    return found


def _dream(line: str) -> Findings | None:
    match = _DREAM.match(line)
    if match is None:
        return None
    found = Findings(maker="invokeai")
    _parted(found, re.sub(r'\\(["\\])', r"\1", match[1]))
    told: dict[str, object] = dict(_OPTION.findall(match[2]))
    found.numbers(seed=told.get("S"), steps=told.get("s"), guidance=told.get("C"))
    found.size(told.get("W"), told.get("H"))
    found.sampler = words(told.get("A"), NAME_MAX)
    found.besides(told, "S", "s", "C", "W", "H", "A")
    return found


def _parted(found: Findings, both: str) -> None:
    """Split prompt and negative prompt. The text in brackets is the negative prompt."""
    negative = ", ".join(part.strip() for part in _NEGATIVE.findall(both) if part.strip())
    found.prompts(_NEGATIVE.sub("", both).strip(" ,"), negative)
