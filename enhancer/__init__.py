"""Prompt in, reasoned prompt out. Knows no page, no database and no diffusion."""

from __future__ import annotations
