"""Comparison of two pictures: settings, prompts by words, environment and pixels. Pure, except for reading two files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops, ImageStat

from storage.records import Picture
from studio.services import adapters
from studio.services.serializers import View

SETTINGS = (
    "seed", "width", "height", "steps", "guidance", "shift", "negative_prompt", "checkpoint", "revision",
)  # fmt: skip
IN_RECIPE = ("variation_of", "source", "strength", "cfg_normalization", "cfg_truncation", "loras")
WORDS_MAX = 2_000  # characters of a prompt that are compared
_WORD = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff]|[^\s\u2e80-\u9fff\uf900-\ufaff]+|\s+")


def differences(was: Picture, now: Picture) -> View:
    """`settings` and `environment` as lines of `what`, `was` and `is`; `prompt` and `original` as pieces of "same", "gone"
    and "new" text."""
    pairs = [(name, getattr(was, name), getattr(now, name)) for name in SETTINGS]
    pairs += [(name, was.recipe.get(name), now.recipe.get(name)) for name in IN_RECIPE]
    return {
        "settings": [*_lines(pairs), *adapters.adapter_differences(was.recipe, now.recipe)],
        "prompt": words(was.prompt, now.prompt),
        "original": words(was.original_prompt, now.original_prompt),
        "environment": environment_differences(was.environment, now.environment),
    }


def explain_differences(was: Picture, now: Picture) -> list[View]:
    """Differences that could explain different pixels of one recipe. Empty if none is known."""
    pairs = [(name, getattr(was, name), getattr(now, name)) for name in ("checkpoint", "revision")]
    missing = adapters.adapter_differences(was.recipe, now.recipe, absent="missing")
    return [*_lines(pairs), *missing, *environment_differences(was.environment, now.environment)]


def environment_differences(was: Mapping[str, object], now: Mapping[str, object]) -> list[View]:
    """Versions, devices and options that differ."""
    return _lines([(key, was.get(key), now.get(key)) for key in sorted({*was, *now})])


def words(was: str, now: str) -> list[View]:
    """The edits from one text to another: pieces of `kind` "same", "gone" or "new"; by word in English, by character in
    Chinese."""
    before, after = _WORD.findall(was)[:WORDS_MAX], _WORD.findall(now)[:WORDS_MAX]
    found: list[View] = []
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append({"kind": "same", "text": "".join(before[i:j])})
            continue
        if i < j:
            found.append({"kind": "gone", "text": "".join(before[i:j])})
        if k < m:
            found.append({"kind": "new", "text": "".join(after[k:m])})
    return found


def pixels(was: Path | bytes, now: Path | bytes) -> View:
    """Compare pixels: whether they are identical, the share that differs, and the mean and greatest difference of 255.

    Numbers are null if the sizes differ.
    """
    with Image.open(_readable(was)) as one, Image.open(_readable(now)) as other:
        if one.size != other.size:
            return {"identical": False, "share": None, "mean": None, "most": None}
        apart = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    stat = ImageStat.Stat(apart)
    most = max(high for _, high in stat.extrema)
    bands = apart.split()
    any_band = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    different = sum(any_band.histogram()[1:])
    mean = sum(stat.mean) / 3
    return {
        "identical": most == 0,
        "share": round(different / (apart.width * apart.height), 6),
        "mean": round(mean, 4),
        "most": int(most),
    }


def _readable(file: Path | bytes) -> Path | BytesIO:
    return BytesIO(file) if isinstance(file, bytes) else file


def _lines(pairs: list[tuple[str, object, object]]) -> list[View]:
    return [{"what": what, "was": old, "is": new} for what, old, new in pairs if old != new]
