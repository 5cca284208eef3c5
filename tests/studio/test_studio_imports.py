"""What the page needs at its start is light: importing it loads no model library, and leaves nothing on the disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOOK = """
import json, os, sys
import app, studio.ui.page, studio.ui.api, studio.web.site
heavy = {"torch", "diffusers", "transformers", "accelerate", "peft"}
print(json.dumps({"heavy": sorted(heavy & set(sys.modules)), "left": os.listdir()}))
"""


def test_the_page_is_imported_without_a_model_library_and_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-B", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{LOOK}"]
    seen = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert seen.returncode == 0, seen.stderr
    assert json.loads(seen.stdout) == {"heavy": [], "left": []}
