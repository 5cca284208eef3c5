"""Documents and code keep their word: generated pages are current, links lead somewhere, modules say what they are and stay small."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("studio", "enhancer", "storage", "pocket", "bench", "docs")
SOURCES = [ROOT / "app.py", *(path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_generated_documents_are_current() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "docs.generate", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_links_to_files_lead_to_files(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if not target.startswith(("http://", "https://")):
            assert (path.parent / target).exists(), f"{name(path)} links to {target}"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_module_says_what_it_is_and_stays_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    module = ast.parse(text)
    assert ast.get_docstring(module), f"{name(path)} has no docstring"
    assert text.count("\n") <= 500
    for node in ast.walk(module):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 60, f"{name(path)}:{node.lineno} {node.name} is too long"


def test_app_is_a_short_composition() -> None:
    assert (ROOT / "app.py").read_text(encoding="utf-8").count("\n") < 80


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name != "env.py"], ids=name)
def test_importing_does_nothing(path: Path) -> None:
    """No call stands at a module's top but the makers of constants, types and loggers."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    for node in module.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            pytest.fail(f"{name(path)}:{node.lineno} calls something when it is imported")


def test_the_gallery_stands_in_the_readme_with_its_pictures() -> None:
    from docs.gallery import MARK, PICTURES, RIDDLE, WISHES

    text = (ROOT / "README.md").read_text(encoding="utf-8").split(f"<!-- {MARK} -->")[1].split(f"<!-- /{MARK} -->")[0]
    assert all(f"`{wish.prompt}`" in text for wish in (*WISHES, RIDDLE))
    assert "**solve**" in text and all((PICTURES / name).is_file() for name in ("pocket.png", "riddle.png"))
