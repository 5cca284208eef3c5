"""Reader for SwarmUI's JSON in `parameters`. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from storage.metadata.readers.parsed import NAME_MAX, Findings, items, mapping, moment, words

KEY = "sui_image_params"
_KNOWN = (
    "prompt", "negativeprompt", "seed", "steps", "cfgscale", "sigmashift", "width", "height", "model", "sampler",
    "comfyuisampler", "loras", "loraweights",
)  # fmt: skip


def read(told: Mapping[str, object]) -> Findings:
    """Read the JSON object."""
    params, extra = mapping(told.get(KEY)), mapping(told.get("sui_extra_data"))
    found = Findings(maker="swarmui")
    found.prompts(params.get("prompt"), params.get("negativeprompt"))
    found.original_prompt = words(extra.get("original_prompt"), 20_000)
    found.numbers(
        seed=params.get("seed"),
        steps=params.get("steps"),
        guidance=params.get("cfgscale"),
        shift=params.get("sigmashift"),
    )
    found.size(params.get("width"), params.get("height"))
    found.sampler = words(params.get("sampler") or params.get("comfyuisampler"), NAME_MAX)
    found.checkpoint = words(params.get("model"), NAME_MAX)
    weights = _listed(params.get("loraweights"))
    for place, name in enumerate(_listed(params.get("loras"))):
        found.lora(name, weights[place] if place < len(weights) else 1.0)
    found.created_at = moment(extra.get("date"))
    found.besides(params, *_KNOWN)
    found.besides(extra, "original_prompt")
    return found


def _listed(value: object) -> list[object]:
    """A list, or a text with commas as a list."""
    if isinstance(value, str):
        return [part.strip() for part in value[:100_000].split(",") if part.strip()]
    return items(value)
