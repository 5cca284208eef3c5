"""Styles: a name, titles for display, and words that are appended to a prompt, in English and Chinese.

One JSON file a set: `general` for large models, and one for each small model. Knows no model.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from enhancer.templates import Language, language

_FOLDER = Path(__file__).parent
_JOINED: dict[Language, str] = {"en": ", ", "zh": "，"}
_ENDS: dict[Language, str] = {"en": " ,;:", "zh": " ，；：,;:"}


@dataclass(frozen=True, kw_only=True)
class Style:
    """`words` describe what is visible (medium, line, light, colors) and name no person."""

    name: str
    titles: dict[Language, str]
    words: dict[Language, str]

    def apply(self, wish: str) -> str:
        """`wish` with the style's words in its own language. A complete sentence stays complete."""
        spoken = language(wish)
        text = wish.rstrip()
        if text.endswith((".", "!", "?", "。", "！", "？")):
            words = self.words[spoken]
            return f"{text} {words[:1].upper()}{words[1:]}." if spoken == "en" else f"{text}{words}。"
        return f"{text.rstrip(_ENDS[spoken])}{_JOINED[spoken]}{self.words[spoken]}"


@lru_cache(maxsize=8)
def load(name: str) -> tuple[Style, ...]:
    """The styles of a set, in display order. Raises ValueError for an unknown set."""
    path = _FOLDER / f"{name}.json"
    if not name.isidentifier() or not path.is_file():
        known = ", ".join(sorted(one.stem for one in _FOLDER.glob("*.json")))
        raise ValueError(f"There is no set of styles {name[:60]!r}; there are: {known}.")
    return tuple(
        Style(
            name=one["name"],
            titles={"en": one["title"], "zh": one["title_zh"]},
            words={"en": one["words"], "zh": one["words_zh"]},
        )
        for one in json.loads(path.read_text(encoding="utf-8"))
    )
