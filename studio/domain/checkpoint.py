"""Checkpoints as plain data: names, defaults and limits. Knows no weights and no folder layout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from studio.domain.sizes import SIDE_MAX

TOKENS_MAX = 512  # tokens of a prompt that the text encoder reads


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """The values that a checkpoint uses where a request names none."""

    steps: int
    guidance: float
    shift: float
    native: int  # side in pixels of the square it was trained for
    negative_prompt: bool  # whether a negative prompt has an effect


@dataclass(frozen=True, kw_only=True)
class CheckpointInfo:
    """A checkpoint of the catalog."""

    name: str  # as a request spells it: pocket, turbo, base, a folder, a Hub id
    title: str  # for display: Pocket, Z-Image-Turbo
    source: str  # folder or Hub id
    defaults: Defaults
    template: str  # the enhancer template that suits it
    sampling: Mapping[str, float] = field(default_factory=dict)  # temperature, top_p of its language model
    side_max: int = SIDE_MAX  # the longest side in pixels that its transformer has positions for
    on_disk: bool = False
    download_gb: float = 0.0
