"""Enhancement options: a style, a length, keywords that must stay, and an instruction for an existing prompt.

Pure data. Templates put them into words, and checks test the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from enhancer.styles import Style

Length = Literal["auto", "short", "rich"]
LENGTHS: tuple[Length, ...] = ("auto", "short", "rich")


@dataclass(frozen=True, kw_only=True)
class EnhancementOptions:
    """`keep_words` are words of the request that must stay. With an `instruction`, `before` is the prompt to change."""

    style: Style | None = None
    length: Length = "auto"
    keep_words: tuple[str, ...] = ()
    instruction: str = ""
    before: str = ""

    def to_json(self) -> dict[str, object]:
        """The JSON stored with an enhancement. Unset options are left out."""
        values = {
            "style": self.style.name if self.style else "",
            "length": "" if self.length == "auto" else self.length,
            "keep_words": list(self.keep_words),
            "instruction": self.instruction,
            "before": self.before,
        }
        return {name: value for name, value in values.items() if value}
