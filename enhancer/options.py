"""How somebody steers an enhancement: a style, a length, words that must stay, an instruction to a prompt that there is.

Pure data. How a model is told of it is the templates' work, whether it did as told that of the checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from enhancer.styles import Style

Length = Literal["auto", "short", "rich"]
LENGTHS: tuple[Length, ...] = ("auto", "short", "rich")


@dataclass(frozen=True, kw_only=True)
class EnhancementOptions:
    """`locks` are words of the wish that stay as they are written. With an `instruction`, `before` is the prompt that it changes."""

    style: Style | None = None
    length: Length = "auto"
    locks: tuple[str, ...] = ()
    instruction: str = ""
    before: str = ""

    def to_json(self) -> dict[str, object]:
        """What is kept with an enhancement; what was not steered is left out."""
        said = {
            "style": self.style.name if self.style else "",
            "length": "" if self.length == "auto" else self.length,
            "locks": list(self.locks),
            "instruction": self.instruction,
            "before": self.before,
        }
        return {name: value for name, value in said.items() if value}
