"""Wildcards, resolved by a seed: `{red|green|blue}` chooses one, `__animal__` chooses a line of a list.

Braces without a bar, quoted text and unknown names stay as they are. Pure text: knows no model. Lists are data in `lists/`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from random import Random

from enhancer.checks import QUOTES
from enhancer.templates import Language, language

Lists = Mapping[str, Sequence[str]]
CHOICES_MAX = 200
"""Choices that are decided in one prompt; what follows them stays text. Choices within choices count too."""
_BRACES = re.compile(r"\{([^{}]*\|[^{}]*)\}")  # the innermost braces; outer ones follow
_LISTED = re.compile(r"__([a-z][a-z0-9-]{0,39})__")
_FOLDER = Path(__file__).with_name("lists")


def resolve(prompt: str, seed: int, lists: Lists | None = None) -> str:
    """`prompt` with every wildcard resolved. The same seed gives the same result."""
    known = shipped_lists(language(prompt)) | dict(lists or {})
    if not has_choices(prompt, known):
        return prompt
    rng = Random(f"{seed}/choices")  # seeded with a text, which means the same in every version of Python
    mark = next(chr(code) for code in range(0xE000, 0xF8FF) if chr(code) not in prompt)  # stands for a quoted text
    held: list[str] = []

    def hold(match: re.Match[str]) -> str:
        held.append(match[0])
        return f"{mark}{len(held) - 1}{mark}"

    text = prompt
    for quotes in QUOTES:
        text = quotes.sub(hold, text)
    for _ in range(CHOICES_MAX):
        match = _first(text, known)
        if match is None:
            break
        options = known[match[1]] if match.re is _LISTED else match[1].split("|")
        text = text[: match.start()] + rng.choice(list(options)).strip() + text[match.end() :]
    for index in reversed(range(len(held))):  # quotes may contain quotes of another kind
        text = text.replace(f"{mark}{index}{mark}", held[index])
    return text


def has_choices(prompt: str, lists: Lists | None = None) -> bool:
    """Whether `prompt` has wildcards outside quotation marks."""
    text = prompt
    for quotes in QUOTES:
        text = quotes.sub("", text)
    known = shipped_lists(language(prompt)) | dict(lists or {})
    return _first(text, known) is not None


def shipped_lists(language: Language) -> dict[str, Sequence[str]]:
    """The lists of the studio: animal, colour, place, time, weather, light, view, material, mood."""
    return dict(_shipped(language))


def host_lists(folder: Path) -> dict[str, Sequence[str]]:
    """The host's own lists: `NAME.txt` in `folder`, one entry a line. Invalid names and files are skipped."""
    found: dict[str, Sequence[str]] = {}
    for path in sorted(folder.glob("*.txt")) if folder.is_dir() else ():
        try:
            lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError):
            continue
        entries = [line for line in lines if line and not line.startswith("#")]
        if entries and _LISTED.fullmatch(f"__{path.stem}__"):
            found[path.stem] = entries
    return found


def _first(text: str, known: Lists) -> re.Match[str] | None:
    listed = next((match for match in _LISTED.finditer(text) if match[1] in known), None)
    found = [match for match in (_BRACES.search(text), listed) if match is not None]
    return min(found, key=lambda match: match.start(), default=None)


@lru_cache(maxsize=2)
def _shipped(language: Language) -> dict[str, Sequence[str]]:
    found: dict[str, Sequence[str]] = json.loads((_FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return found
