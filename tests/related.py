"""A small family made of Pocket's files: a checkpoint, and beside it a base that shares parts with it.

Knows folders only. The base's weights are Pocket's own, so that where nothing else differs its pictures must be Pocket's, too.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

POCKET = Path(__file__).resolve().parent.parent / "pocket" / "checkpoint"


def related(parent: Path, **said: object) -> Path:
    """Makes `checkpoint` and `checkpoint-base` in `parent`, their files links; returns the base's folder, whose note says `said` too."""
    from pocket.export import BASE_NOTE  # with it comes torch, which tests over HTTP need for nothing else

    shutil.copytree(POCKET, parent / "checkpoint", copy_function=os.symlink)
    base = parent / "checkpoint-base"
    for part in ("transformer", "scheduler"):
        shutil.copytree(POCKET / part, base / part, copy_function=os.symlink)
    (base / "studio.json").write_text(json.dumps({"shares": "../checkpoint", **BASE_NOTE, **said}), encoding="utf-8")
    return base
