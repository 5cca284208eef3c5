"""Reader for Fooocus' JSON in `parameters`. Its A1111 scheme is an infotext. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from storage.metadata.readers.parsed import NAME_MAX, Findings, items, words

_SIZE = re.compile(r"\s*\(?\s*(\d{1,6})\s*,\s*(\d{1,6})\s*\)?\s*")
_KNOWN = (
    "prompt", "negative_prompt", "seed", "steps", "guidance_scale", "sampler", "base_model", "loras", "resolution",
    "metadata_scheme",
)  # fmt: skip


def fits(told: Mapping[str, object]) -> bool:
    """Whether a JSON object is Fooocus'."""
    return told.get("metadata_scheme") == "fooocus" or ("base_model" in told and "prompt" in told)


def read(told: Mapping[str, object]) -> Findings:
    """Read the JSON object."""
    found = Findings(maker="fooocus")
    found.prompts(told.get("prompt"), told.get("negative_prompt"))
    found.numbers(seed=told.get("seed"), steps=told.get("steps"), guidance=told.get("guidance_scale"))
    found.sampler = words(told.get("sampler"), NAME_MAX)
    found.checkpoint = words(told.get("base_model"), NAME_MAX)
    if size := _SIZE.fullmatch(words(told.get("resolution"), 40)):
        found.size(size[1], size[2])
    for lora in items(told.get("loras")):
        pair = [*items(lora), None, None]
        found.lora(pair[0], pair[1])
    found.besides(told, *_KNOWN)
    return found
