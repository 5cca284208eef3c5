"""The generation request: validated before it becomes a job.

Pure: knows no page, no database, no engine. Values are untrusted: each is checked for its type and range, and each error
names the API's parameter, the rule and the value. Nothing is corrected silently.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import timezone, tzinfo
from math import isfinite
from zoneinfo import ZoneInfo

from studio.domain.recipe import SEED_MAX
from studio.domain.sizes import SIDE_MAX, SIDE_MIN, SIDE_STEP
from studio.errors import InvalidRequest

PROMPT_MAX = 20_000  # characters
COUNT_MAX = 64
LOCKS_MAX = 20
VARIATIONS_MAX = 8  # length of a chain of variations
STEPS_MAX = 50
ADAPTERS_MAX = 8
WEIGHT_MAX = 4.0  # of an adapter, positive or negative
GUIDANCE_MAX = 20.0
SHIFT_MIN, SHIFT_MAX = 0.1, 20.0


@dataclass(frozen=True, kw_only=True)
class GenerationRequest:
    """A valid request. None means the checkpoint's default, and for the seed one chosen when the job is filed."""

    prompt: str
    enhance: bool = True
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    guidance: float | None = None
    negative_prompt: str = ""
    count: int = 1
    checkpoint: str | None = None
    enhancement: str | None = None
    shift: float | None = None
    cfg_normalization: bool = False
    cfg_truncation: float | None = None
    style: str | None = None
    length: str = "auto"
    locks: tuple[str, ...] = ()
    template: str | None = None
    spread: bool = False
    parent: str | None = None
    private: bool | str = False  # a text is the id of a private session
    variation_of: tuple[tuple[int, float], ...] = ()
    source: str | None = None  # id of a starting image
    strength: float | None = None
    adapters: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        text("prompt", self.prompt)
        flag("enhance", self.enhance)
        optional_integer("seed", self.seed, 0, SEED_MAX)
        side("width", self.width)
        side("height", self.height)
        optional_integer("steps", self.steps, 1, STEPS_MAX)
        number("guidance", self.guidance, 0, GUIDANCE_MAX)
        text("negative_prompt", self.negative_prompt, empty=True)
        integer("count", self.count, 1, COUNT_MAX)
        name("checkpoint", self.checkpoint)
        name("enhancement", self.enhancement)
        number("shift", self.shift, SHIFT_MIN, SHIFT_MAX)
        flag("cfg_normalization", self.cfg_normalization)
        number("cfg_truncation", self.cfg_truncation, 0, 1)
        name("style", self.style)
        name("length", self.length)
        check_keep_words(self.locks, self.prompt)
        name("template", self.template)
        flag("spread", self.spread)
        name("parent", self.parent)
        session("private", self.private)
        check_variations(self.variation_of)
        name("source", self.source)
        if self.strength is not None:
            check_source_strength("strength", self.strength)
            if self.source is None:
                raise InvalidRequest(
                    "strength", "must be null where no source is, since it would do nothing", self.strength
                )
        check_adapters(self.adapters)


def session(name: str, value: object) -> None:
    """Raises InvalidRequest unless `value` is true, false, or a session id of up to 64 letters and digits."""
    if not isinstance(value, bool) and (not isinstance(value, str) or not re.fullmatch("[0-9A-Za-z]{1,64}", value)):
        raise InvalidRequest(name, "must be true or false, or a session's name of letters and digits", value)


def zone(name: str, value: object) -> tzinfo:
    """The time zone of this name. Raises InvalidRequest for a name that this machine does not know."""
    try:
        if not isinstance(value, str) or not re.fullmatch(r"[\w+-]{1,30}(/[\w+-]{1,30}){0,3}", value, re.ASCII):
            raise ValueError
        return timezone.utc if value == "UTC" else ZoneInfo(value)
    except (ValueError, KeyError, OSError):
        raise InvalidRequest(name, "must be the name of a time zone, such as Asia/Shanghai", value) from None


def check_variations(value: object) -> None:
    """Raises InvalidRequest unless `value` holds pairs of a seed and a strength in (0, 1]."""
    if not isinstance(value, tuple | list) or len(value) > VARIATIONS_MAX:
        raise InvalidRequest("variation_of", f"must be at most {VARIATIONS_MAX} pairs of a seed and a strength", value)
    for one in value:
        if not isinstance(one, tuple | list) or len(one) != 2:
            raise InvalidRequest("variation_of", "must be pairs of a seed and a strength", one)
        integer("variation_of", one[0], 0, SEED_MAX)
        strength("variation_of", one[1])


def strength(name: str, value: object) -> None:
    """Raises InvalidRequest unless `value` is a number in (0, 1]."""
    number(name, value, 0, 1)
    if not value:
        raise InvalidRequest(name, "must be a strength above 0, up to 1", value)


def check_source_strength(name: str, value: object) -> None:
    """Raises InvalidRequest unless `value` is a number in (0, 1). At 1 nothing of the image would be left."""
    strength(name, value)
    if value == 1:
        raise InvalidRequest(name, "must be below 1, since nothing of the source would be left", value)


def check_adapters(value: object) -> None:
    """Raises InvalidRequest unless `value` holds pairs of a distinct adapter name and a weight other than 0."""
    if not isinstance(value, tuple | list) or len(value) > ADAPTERS_MAX:
        raise InvalidRequest("adapters", f"must be at most {ADAPTERS_MAX} pairs of a name and a weight", value)
    seen = set()
    for one in value:
        if not isinstance(one, tuple | list) or len(one) != 2 or not isinstance(one[0], str):
            raise InvalidRequest("adapters", "must be pairs of a name and a weight", one)
        name("adapters", one[0])
        if one[1] is None:
            raise InvalidRequest("adapters", "must have a weight each", one)
        number("adapters", one[1], -WEIGHT_MAX, WEIGHT_MAX)
        if not one[1]:
            raise InvalidRequest("adapters", "must have weights other than 0, which would do nothing", one)
        if one[0] in seen:
            raise InvalidRequest("adapters", "must not name one twice", one[0])
        seen.add(one[0])


def check_keep_words(locks: object, prompt: str) -> None:
    """Raises InvalidRequest unless all `locks` are words of `prompt`."""
    if not isinstance(locks, tuple | list) or len(locks) > LOCKS_MAX:
        raise InvalidRequest("locks", f"must be a list of at most {LOCKS_MAX} texts", locks)
    for one in locks:
        if not isinstance(one, str) or not one.strip():
            raise InvalidRequest("locks", "must be a list of texts that are not empty", one)
        if one.casefold() not in prompt.casefold():
            raise InvalidRequest("locks", "must be words of the prompt", one)


def new_seed() -> int:
    """A random seed below 2^32. torch's CPU generator reads no more bits, and people can read it."""
    return secrets.randbelow(2**32)


def text(name: str, value: object, *, empty: bool = False) -> None:
    """Raises InvalidRequest unless `value` is a text of 1 (or 0) to PROMPT_MAX characters that UTF-8 can encode."""
    if not isinstance(value, str):
        raise InvalidRequest(name, "must be a text", value)
    if not empty and not value.strip():
        raise InvalidRequest(name, "must not be empty", value)
    if len(value) > PROMPT_MAX:
        raise InvalidRequest(name, f"must have at most {PROMPT_MAX:,} characters", value)
    if not writable(value):
        raise InvalidRequest(name, "must not contain null characters or halves of surrogate pairs", ascii(value))


def flag(name: str, value: object) -> None:
    """Raises InvalidRequest unless `value` is true or false."""
    if not isinstance(value, bool):
        raise InvalidRequest(name, "must be true or false", value)


def integer(name: str, value: object, least: int, most: int) -> None:
    """Raises InvalidRequest unless `value` is a whole number in [least, most]."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidRequest(name, f"must be a whole number from {least} to {most}", value)
    if not least <= value <= most:
        raise InvalidRequest(name, f"must be from {least} to {most}", value)


def optional_integer(name: str, value: object, least: int, most: int) -> None:
    """Like `whole`, but accepts None."""
    if value is not None:
        integer(name, value, least, most)


def number(name: str, value: object, least: float, most: float) -> None:
    """Raises InvalidRequest unless `value` is None or a finite number in [least, most]."""
    if value is None:
        return
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or (isinstance(value, float) and not isfinite(value))
    ):
        raise InvalidRequest(name, f"must be a number from {least:g} to {most:g}", value)
    if not least <= value <= most:
        raise InvalidRequest(name, f"must be from {least:g} to {most:g}", value)


def side(name: str, value: object) -> None:
    """Raises InvalidRequest unless `value` is None or a side that the transformer can generate."""
    if value is None:
        return
    integer(name, value, SIDE_MIN, SIDE_MAX)
    if isinstance(value, int) and value % SIDE_STEP:
        raise InvalidRequest(name, f"must be a multiple of {SIDE_STEP}", value)


def name(name: str, value: object) -> None:
    """Raises InvalidRequest unless `value` is None or a short text."""
    if value is not None and (not isinstance(value, str) or not 0 < len(value) <= 500 or not writable(value)):
        raise InvalidRequest(
            name, "must be a name of 1 to 500 characters", ascii(value) if isinstance(value, str) else value
        )


def writable(value: str) -> bool:
    """Whether UTF-8 and the database can store it: no null characters and no surrogates."""
    return "\x00" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
