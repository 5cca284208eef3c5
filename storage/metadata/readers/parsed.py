"""Parsed metadata, and the collector that bounds its values.

Knows no program and no file. Every value has its declared type, is finite, and is short enough to store.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Literal, TypeVar

from locales import Localized

Maker = Literal["a1111", "comfyui", "invokeai", "swarmui", "fooocus", "studio"]
N = TypeVar("N", int, float)
Plain = str | int | float | bool
PROMPT_MAX = 20_000  # characters
NAME_MAX = 500
SEED_MAX = 2**64 - 1
STEPS_MAX = 10_000
SIDE_MAX = 65_535
LORAS_MAX = 64
REST_MAX = 200  # additional fields
REST_TEXT_MAX = 4_000  # characters of one of them

_WHOLE = re.compile(r"[+-]?\d{1,30}")


@dataclass(frozen=True, kw_only=True)
class ParsedMetadata:
    """The understood metadata of an image. `width` and `height` are those of its pixels."""

    name: str  # of the file
    maker: Maker | None
    format: str  # png, jpeg, webp
    width: int
    height: int
    told_size: tuple[int, int] | None = None  # the generated size, if the image was enlarged later
    prompt: str = ""
    negative_prompt: str = ""
    original_prompt: str = ""
    seed: int | None = None
    steps: int | None = None
    guidance: float | None = None
    shift: float | None = None
    sampler: str = ""
    checkpoint: str = ""
    loras: tuple[tuple[str, float], ...] = ()
    created_at: datetime | None = None
    rest: Mapping[str, Plain] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # sentences about parts that were not understood


@dataclass(kw_only=True)
class Findings:
    """A `ParsedMetadata` under construction. Every setter accepts any value and keeps valid ones."""

    maker: Maker | None = None
    prompt: str = ""
    negative_prompt: str = ""
    original_prompt: str = ""
    seed: int | None = None
    steps: int | None = None
    guidance: float | None = None
    shift: float | None = None
    sampler: str = ""
    checkpoint: str = ""
    told_size: tuple[int, int] | None = None
    created_at: datetime | None = None
    loras: dict[str, float] = field(default_factory=dict)
    rest: dict[str, Plain] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def prompts(self, prompt: object, negative: object = "") -> None:
        """Set the prompt and the negative prompt."""
        self.prompt = self._long("prompt", prompt)
        self.negative_prompt = self._long("negative prompt", negative)

    def numbers(
        self, *, seed: object = None, steps: object = None, guidance: object = None, shift: object = None
    ) -> None:
        """Set numbers with ranges. A note names a number out of range."""
        self.seed = self._ranged("seed", integer(seed, 0, SEED_MAX), seed)
        self.steps = self._ranged("steps", integer(steps, 0, STEPS_MAX), steps)
        self.guidance = self._ranged("guidance", number(guidance, 0, 1000), guidance)
        self.shift = self._ranged("shift", number(shift, 0, 1000), shift)

    def size(self, width: object, height: object) -> None:
        """Set the generated size."""
        found = integer(width, 1, SIDE_MAX), integer(height, 1, SIDE_MAX)
        if found[0] is not None and found[1] is not None:
            self.told_size = found[0], found[1]

    def lora(self, name: object, weight: object = 1.0) -> None:
        """Add an adapter once."""
        called, much = words(name, NAME_MAX), number(weight, -100, 100)
        if called and len(self.loras) < LORAS_MAX:
            self.loras.setdefault(called, 1.0 if much is None else much)

    def besides(self, told: Mapping[str, object], *known: str) -> None:
        """Keep the fields that are not `known`."""
        for name, value in told.items():
            if len(self.rest) >= REST_MAX:
                self.note("settings_cut", most=REST_MAX)
                return
            if name not in known and value not in (None, "", [], {}):
                self.rest[words(name, 100)] = plain(value)

    def note(self, key: str, **values: object) -> None:
        """Add a note about a part that was not understood. `key` is one below `note.`."""
        sentence = Localized(f"note.{key}", **values)
        if sentence not in self.notes and len(self.notes) < 20:
            self.notes.append(sentence)

    def _long(self, what: str, value: object) -> str:
        text = words(value, 10**9)
        if len(text) > PROMPT_MAX:
            self.note("text_cut", what=what, n=len(text), most=PROMPT_MAX)
        return text[:PROMPT_MAX]

    def _ranged(self, what: str, found: N | None, told: object) -> N | None:
        if found is None and told not in (None, ""):
            self.note("not_understood", what=what, value=words(str(told)[:200], 40))
        return found


def words(value: object, most: int) -> str:
    """A text of at most `most` characters that a database can store; empty for other values."""
    if not isinstance(value, str):
        return ""
    return value[:most].replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def integer(value: object, least: int, most: int) -> int | None:
    """An integer in its range, also from a text."""
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if least <= value <= most else None


def number(value: object, least: float, most: float) -> float | None:
    """A finite number in its range, also from a text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value[:50] if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and least <= found <= most else None


def plain(value: object) -> Plain:
    """An additional value: unchanged if it is plain and finite, else as a short text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and math.isfinite(value) and abs(value) < 2**63:
        return value
    if isinstance(value, str):
        return words(value, REST_TEXT_MAX)
    try:
        return words(json.dumps(value, ensure_ascii=False), REST_TEXT_MAX)
    except (ValueError, TypeError, RecursionError):
        return words(type(value).__name__, REST_TEXT_MAX)


def moment(value: object) -> datetime | None:
    """A time in ISO format, in UTC unless it names a zone."""
    try:
        found = datetime.fromisoformat(words(value, 40).replace("Z", "+00:00"))
        return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def parsed(text: str) -> object:
    """Parse JSON; NaN and infinities become None. None for invalid or too deep JSON."""
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def mapping(value: object) -> dict[str, object]:
    """A JSON object, or an empty one for other values."""
    return value if isinstance(value, dict) else {}


def items(value: object, most: int = 1000) -> list[object]:
    """A bounded JSON list, or an empty one for other values."""
    return value[:most] if isinstance(value, list) else []
