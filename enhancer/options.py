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
    """`locks` are words of the request that must stay. With an `instruction`, `before` is the prompt to change."""

    style: Style | None = None
    length: Length = "auto"
    locks: tuple[str, ...] = ()
    instruction: str = ""
    before: str = ""

    def to_json(self) -> dict[str, object]:
        """The JSON stored with an enhancement. Unset options are left out."""
        said = {
            "style": self.style.name if self.style else "",
            "length": "" if self.length == "auto" else self.length,
            "locks": list(self.locks),
            "instruction": self.instruction,
            "before": self.before,
        }
        return {name: value for name, value in said.items() if value}
