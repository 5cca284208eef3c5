"""New stores for tests, made from one migrated template a process instead of running every migration again."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

import storage


def open_store(folder: Path) -> storage.Storage:
    """Open the store in `folder`. A folder that does not exist or is empty becomes a copy of the template first."""
    if not (folder / "studio.db").exists():
        shutil.copytree(_template(), folder, dirs_exist_ok=True)
    return storage.open(folder)


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="empty-store-"))
    storage.open(folder).close()
    return folder
