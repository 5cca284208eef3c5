"""Documents that are made from the code, so that they cannot be wrong: settings, file tree, API.

`python -m docs.generate` writes them; `--check` writes nothing and fails when one is not what it would write.
Sections in README.md stand between `<!-- name -->` and `<!-- /name -->`.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from studio import settings

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("app.py", "enhancer", "storage", "studio", "pocket", "bench", "docs")


def tree() -> str:
    """Every module with the first sentence of its docstring, in the order of the house."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    lines = ["```"]
    for room in ROOMS:
        files = sorted(file for file in listed if file == room or file.startswith(f"{room}/"))
        files = [file for file in files if "/migrations/" not in file and (ROOT / file).exists()]
        files.sort(key=lambda file: (file.rsplit("/", 1)[0], not file.endswith("__init__.py"), file))
        for file in files:
            name = file.removesuffix("__init__.py") if file.endswith("__init__.py") else file
            lines.append(f"{name:<34} {_first_sentence(ROOT / file)}")
    return "\n".join(
        [*lines, "tests/                             the same rooms, and browser, faults, security", "```"]
    )


def api() -> str:
    """The named endpoints: parameters with their defaults, and what each says of itself."""
    from studio.ui import api as endpoints  # gradio, which only this page needs

    parts = [
        "# The API",
        "",
        "Made by `python -m docs.generate`. Every endpoint is a named Gradio endpoint, so it can be called with `gradio_client`, over",
        "plain HTTP, and is listed at the foot of the page. Results are JSON objects; streams send one with every change.",
        "A wish that breaks a rule is refused with a sentence that names the parameter, the rule and the value.",
        "",
        "```python",
        "from gradio_client import Client",
        "",
        'studio = Client("http://127.0.0.1:7860")',
        'done = studio.predict("three rabbits on a purple background", api_name="/generate")',
        'print(done["pictures"][0]["url"], done["pictures"][0]["pixel_sha256"])',
        "```",
        "",
    ]
    for name, function in vars(endpoints.Endpoints).items():
        if name.startswith("_"):
            continue
        parts += [f"## `/{name}`", "", f"`{_signature(function)}`", "", inspect.getdoc(function) or "", ""]
    return "\n".join(parts).rstrip() + "\n"


def _signature(function: Callable[..., object]) -> str:
    shown = [
        str(parameter.replace(annotation=inspect.Parameter.empty))
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name not in ("self", "request")
    ]
    return ", ".join(shown) or "no parameters"


def _first_sentence(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def _documents() -> Iterator[tuple[Path, str]]:
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    for name, body in (("settings", settings.table()), ("tree", tree())):
        before, rest = text.split(f"<!-- {name} -->", 1)
        after = rest.split(f"<!-- /{name} -->", 1)[1]
        text = f"{before}<!-- {name} -->\n{body}\n<!-- /{name} -->{after}"
    yield readme, text
    yield ROOT / "docs" / "API.md", api()


def main() -> None:
    """Write, or with `--check` compare."""
    parser = argparse.ArgumentParser(prog="python -m docs.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a document is out of date")
    check: bool = parser.parse_args().check
    stale = []
    for path, text in _documents():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.relative_to(ROOT))
        if not check:
            path.write_text(text, encoding="utf-8")
    if check and stale:
        sys.exit(f"Out of date: {', '.join(map(str, stale))}. Run `python -m docs.generate`.")


if __name__ == "__main__":
    main()
