"""Reader for this studio's own JSON record, which anybody could have written. Pure."""

from __future__ import annotations

from storage.metadata import writer
from storage.metadata.readers.parsed import NAME_MAX, PROMPT_MAX, Findings, items, mapping, moment, words

_KNOWN = (
    "format", "prompt", "negative_prompt", "original_prompt", "seed", "steps", "guidance", "shift", "checkpoint",
    "width", "height", "created_at", "recipe", "enhancement",
)  # fmt: skip
_ONLY_OURS = (
    "variation_of",
    "source",
    "strength",
    "cfg_truncation",
    "cfg_normalization",
)  # settings that other programs do not have, as the form takes them


def read(record: str | None) -> Findings | None:
    """Read the record; None if there is none."""
    facts = writer.facts_in(record)
    if not isinstance(facts.get("prompt"), str):
        return None
    found = Findings(maker="studio")
    found.prompts(facts.get("prompt"), facts.get("negative_prompt"))
    found.original_prompt = words(facts.get("original_prompt"), PROMPT_MAX)
    found.numbers(
        seed=facts.get("seed"), steps=facts.get("steps"), guidance=facts.get("guidance"), shift=facts.get("shift")
    )
    found.size(facts.get("width"), facts.get("height"))
    found.sampler = writer.SAMPLER
    found.checkpoint = words(facts.get("checkpoint"), NAME_MAX)
    found.created_at = moment(facts.get("created_at"))
    recipe = mapping(facts.get("recipe"))
    for one in map(mapping, items(recipe.get("adapters"))):
        found.lora(one.get("name"), one.get("weight"))
    found.besides({name: recipe.get(name) for name in _ONLY_OURS})
    found.besides(facts, *_KNOWN)
    return found
