"""The work that a job still needs, as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Work:
    """Pictures of `steps` forwards each at a size in pixels, and `enhancements` before them."""

    pictures: int
    steps: int
    width: int
    height: int
    enhancements: int
