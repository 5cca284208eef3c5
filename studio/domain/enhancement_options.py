"""Available enhancement options: the styles, lengths and templates that a checkpoint's language model understands.

Pure, except for the folder of the host's own templates and lists. Knows no engine and no queue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from enhancer import styles, templates, wildcards
from enhancer.options import LENGTHS, Length
from enhancer.styles import Style
from studio.domain.checkpoint import CheckpointInfo
from studio.errors import InvalidRequest

FOLLOWS = "chain"
"""The template of models that do what they are told beside a wish; each small model has one of its own, and knows no other question."""


@dataclass(frozen=True, kw_only=True)
class AvailableOptions:
    """`follows`: whether the model follows a length and instructions. `templates` are the names of the host's own."""

    follows: bool
    styles: tuple[Style, ...]
    templates: tuple[str, ...]

    @property
    def lengths(self) -> tuple[Length, ...]:
        return LENGTHS if self.follows else ("auto",)

    def style(self, name: str | None) -> Style | None:
        """The style of that name; None for none. Raises InvalidRequest."""
        if not name:
            return None
        found = next((one for one in self.styles if one.name == name), None)
        if found is None:
            raise InvalidRequest("style", "one_of", name, names=", ".join(one.name for one in self.styles))
        return found

    def style_of(self, wish: str, prompt: str) -> str:
        """The name of the style that turns `wish` into `prompt`; '' if none does."""
        return next((one.name for one in self.styles if one.apply(wish) == prompt), "")

    def check(self, style: str | None, length: str, template: str | None) -> None:
        """Raises InvalidRequest for options that this model does not understand."""
        self.style(style)
        if length not in self.lengths:
            if not self.follows:
                raise InvalidRequest("length", "length_auto", length)
            raise InvalidRequest("length", "one_of", length, names=", ".join(LENGTHS))
        if template and template not in self.templates:
            known = ", ".join(self.templates) or "none are there"
            raise InvalidRequest("template", "host_template", template, known=known)


@dataclass(frozen=True)
class HostOptions:
    """The host's own templates and lists, in two optional folders of the data folder."""

    folder: Path

    @property
    def templates(self) -> Path:
        return self.folder / "templates"

    def available(self, info: CheckpointInfo, *, remote: bool) -> AvailableOptions:
        """The options available with `info`, whose own language model reasons unless a `remote` one does."""
        follows = remote or info.template == FOLLOWS
        own = templates.own_names(self.templates)
        return AvailableOptions(
            follows=follows, styles=styles.load("pocket" if info.template == "pocket" else "general"), templates=own
        )

    @property
    def lists(self) -> Mapping[str, Sequence[str]]:
        return wildcards.host_lists(self.folder / "wildcards")


def truncated_end(prompt: str, count: Callable[[str], int | None], most: int) -> str:
    """The end of a prompt that the encoder truncates, to the character; empty if nothing is truncated or tokens cannot be
    counted."""
    whole = count(prompt)
    if whole is None or whole <= most:
        return ""
    seen, over = 0, len(prompt)  # this many characters certainly fit, and this many do not
    while over - seen > 1:
        middle = (seen + over) // 2
        seen, over = (middle, over) if (count(prompt[:middle]) or 0) <= most else (seen, middle)
    return prompt[seen:]
