"""Styles of pictures as data: each a name, titles for people, and the words that are put behind a wish, in English and Chinese.

One file of JSON a set: `general` for models that know much, and one for each small model that knows few. Knows no model.
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
    """`words` say what can be seen of a style (medium, line, light, colours) and name no person."""

    name: str
    titles: dict[Language, str]
    words: dict[Language, str]

    def put(self, wish: str) -> str:
        """`wish` with the style's words behind it, in the wish's own language; a sentence that is closed is left closed."""
        spoken = language(wish)
        text = wish.rstrip()
        if text.endswith((".", "!", "?", "。", "！", "？")):
            words = self.words[spoken]
            return f"{text} {words[:1].upper()}{words[1:]}." if spoken == "en" else f"{text}{words}。"
        return f"{text.rstrip(_ENDS[spoken])}{_JOINED[spoken]}{self.words[spoken]}"


@lru_cache(maxsize=8)
def load(name: str) -> tuple[Style, ...]:
    """The styles of a set, in the order in which they are offered. ValueError where there is no such set."""
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
