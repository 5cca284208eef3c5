"""The prompt enhancer: a prompt in, a reasoned prompt out. Knows no page, no database and no diffusion."""

from __future__ import annotations
