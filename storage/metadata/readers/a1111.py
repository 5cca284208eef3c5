"""Reader for the infotext of A1111, Forge, SD.Next and compatible programs. Pure."""

from __future__ import annotations

import re

from storage.metadata import writer
from storage.metadata.readers.parsed import NAME_MAX, Findings, words

_LORA = re.compile(r"<(?:lora|lyco):([^:<>\n]{1,300})(?::([^:<>\n]{0,20}))?(?::[^<>\n]{0,200})?>")
_SIZE = re.compile(r"\s*(\d{1,6})\s*[x×]\s*(\d{1,6})\s*")
_KNOWN = (
    "Prompt",
    "Negative prompt",
    "Steps",
    "Seed",
    "CFG scale",
    "Shift",
    "Sampler shift",
    "Sampler",
    "Model",
    "Size",
)
_TELLTALE = ("Seed", "Size", "Sampler", "CFG scale", "Model hash", "Model", "Version")


def settings_in(text: str) -> dict[str, str]:
    """Parse an infotext into prompt, negative prompt and settings; empty if it is not one."""
    found = writer.parse_infotext(text)
    if "Steps" not in found:
        found = writer.parse_infotext(text.rstrip())
    if "Steps" not in found:  # settings in another order, as some editors write them
        head, _, last = text.rstrip().rpartition("\n")
        loose = writer.parse_infotext(f"{head}\nSteps: , {last}")
        found = loose if sum(name in loose for name in _TELLTALE) >= 3 else {}
    return found


def read(text: str) -> Findings | None:
    """Read an infotext; None if it is not one."""
    told = settings_in(text)
    if not told:
        return None
    found = Findings(maker="a1111")
    found.prompts(told["Prompt"], told["Negative prompt"])
    found.numbers(
        seed=told.get("Seed"),
        steps=told.get("Steps"),
        guidance=told.get("CFG scale"),
        shift=told.get("Shift") or told.get("Sampler shift"),
    )
    found.sampler = words(told.get("Sampler"), NAME_MAX)
    found.checkpoint = words(told.get("Model"), NAME_MAX)
    if size := _SIZE.fullmatch(told.get("Size", "")):
        found.size(size[1], size[2])
    for match in _LORA.finditer(found.prompt):
        found.lora(match[1], match[2] or 1.0)
    for pair in told.get("Lora hashes", "").split(","):
        if ":" in pair:
            found.lora(pair.partition(":")[0].strip())
    found.besides(told, *_KNOWN)
    return found
