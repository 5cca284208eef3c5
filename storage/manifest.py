"""A picture's whole record as one line of a manifest, and back: its facts, its enhancement, and the job it came of.

Pure: knows no zip and no row. What is read back was written by anybody, so every value is checked, and what breaks a
rule is refused by name. Keys that are not known are passed over, so that later formats can add some.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta, timezone
from typing import get_args

from storage.errors import BadValue
from storage.ids import now, public_id
from storage.picture_rows import NOTE_MAX, checked_tags
from storage.records import JSON, Enhancement, Kind, NewPicture, Picture, Step

FORMAT = 1
STEPS = ("keep", "solve", "compose", "text")
TEXT_MAX = 200_000  # characters of a prompt or of a step
NAME_MAX = 1_000
DEPTH_MAX = 40  # of a JSON value
VALUES_MAX = 50_000  # in a JSON value
COLUMNS = (
    "file", "created_at", "prompt", "original_prompt", "negative_prompt", "seed", "width", "height", "steps", "guidance", "shift",
    "checkpoint", "revision", "favourite", "rating", "tags", "parent_id", "pixel_sha256",
)  # fmt: skip

_ID = re.compile(r"[0-9A-Za-z]{8,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FIRST = datetime(1990, 1, 1, tzinfo=timezone.utc)
_NOT_TOLD = ("owner", "enhancement", "missing_at")
_Check = Callable[[str, object], object]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The job that a picture came of, as far as a manifest tells it."""

    id: str
    kind: Kind
    wish: JSON
    count: int
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    enhancement_id: str | None = None
    mark: str | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line."""

    picture: Picture
    job: Origin


def file_of(id: str) -> str:
    """The name of a picture's file in the zip."""
    return f"pictures/{id}.png"


def line(entry: Entry) -> dict[str, object]:
    """The line of a picture, complete but for its owner."""
    told = {field.name: getattr(entry.picture, field.name) for field in fields(Picture) if field.name not in _NOT_TOLD}
    thought = entry.picture.enhancement
    return {
        "format": FORMAT,
        "file": file_of(entry.picture.id),
        "picture": _timed(told),
        "enhancement": None if thought is None else _timed({k: v for k, v in asdict(thought).items() if k != "owner"}),
        "job": _timed(asdict(entry.job)),
    }


def row(picture: Picture) -> list[str]:
    """The picture in the columns of the CSV, as texts that no spreadsheet takes for a formula."""
    values = {name: getattr(picture, name, "") for name in COLUMNS}
    values |= {
        "file": file_of(picture.id),
        "created_at": picture.created_at.isoformat(),
        "tags": ", ".join(picture.tags),
    }
    values |= {"parent_id": picture.parent_id or "", "favourite": "yes" if picture.favourite else ""}
    return [_harmless(str(values[name])) for name in COLUMNS]


def entry(told: object, owner: str) -> Entry:
    """A line that was read, as the owner's. Raises BadValue for what breaks a rule."""
    whole = _object("The line", told)
    form = whole.get("format")
    if form != FORMAT:
        raise BadValue("format", f"must be {FORMAT}, the one that this studio reads", form)
    thought = whole.get("enhancement")
    enhancement = None if thought is None else _enhancement(_object("enhancement", thought), owner)
    facts = _object("picture", whole.get("picture"))
    values = {
        name: check(name, facts.get(name)) for name, check in _PICTURE.items() if name in facts or name in _NEEDED
    }
    picture = Picture(**values, owner=owner, enhancement=enhancement)  # type: ignore[arg-type]
    if picture.enhancement_id != (enhancement.id if enhancement else None):
        raise BadValue("enhancement_id", "must be the id of the enhancement beside it", picture.enhancement_id)
    job = _object("job", whole.get("job"))
    origin = Origin(**{name: check(name, job.get(name)) for name, check in _JOB.items()})  # type: ignore[arg-type]
    if origin.id != picture.job_id:
        raise BadValue("job_id", "must be the id of the job beside it", picture.job_id)
    if picture.index >= origin.count:
        raise BadValue("index", f"must be below the job's count of {origin.count}", picture.index)
    return Entry(picture=picture, job=origin)


def of_file(facts: Mapping[str, object], owner: str) -> Entry:
    """What a file of ours tells of itself (`metadata.read`), as a line. Its job is told by its id alone. Raises BadValue."""
    thought, index = facts.get("enhancement"), facts.get("index")
    if isinstance(thought, dict):
        thought = {"steering": {}, **thought}  # older files have none
    job = {
        "id": facts.get("job_id"), "kind": "import", "wish": {"original_prompt": facts.get("original_prompt")},
        "count": index + 1 if type(index) is int else 1, "created_at": facts.get("created_at"),
    }  # fmt: skip
    enhancement_id = thought.get("id") if isinstance(thought, dict) else None
    picture = {**facts, "enhancement_id": enhancement_id}
    return entry({"format": FORMAT, "picture": picture, "enhancement": thought, "job": job}, owner)


def _enhancement(told: Mapping[str, object], owner: str) -> Enhancement:
    values = {name: check(name, told.get(name)) for name, check in _THOUGHT.items()}
    return Enhancement(**values, owner=owner)  # type: ignore[arg-type]


def _timed(told: Mapping[str, object]) -> dict[str, object]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in told.items()}


def _harmless(cell: str) -> str:
    """A cell that begins as a formula does gets an apostrophe, which spreadsheets take for "this is text"."""
    return f"'{cell}" if cell.lstrip(" ")[:1] in ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%") else cell


def _object(name: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise BadValue(name, "must be a JSON object", value)
    return value


def _matching(pattern: re.Pattern[str], rule: str) -> _Check:
    def check(name: str, value: object) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise BadValue(name, rule, value)
        return value

    return check


def _text(most: int) -> _Check:
    def check(name: str, value: object) -> str:
        if not isinstance(value, str) or len(value) > most or not _encodable(value):
            raise BadValue(name, f"must be a text of at most {most:,} characters", value)
        return value

    return check


def _whole(least: int, most: int) -> _Check:
    def check(name: str, value: object) -> int:
        if type(value) is not int or not least <= value <= most:
            raise BadValue(name, f"must be a whole number from {least} to {most}", value)
        return value

    return check


def _number(most: float) -> _Check:
    def check(name: str, value: object) -> float:
        if type(value) not in (int, float) or not isinstance(value, (int, float)) or not 0 <= value <= most:
            raise BadValue(name, f"must be a number from 0 to {most:g}", value)
        return float(value)

    return check


def _time(name: str, value: object) -> datetime:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        found = found.astimezone(timezone.utc) if found and found.tzinfo else None
    except (ValueError, OverflowError):
        found = None
    if found is None or not _FIRST <= found <= now() + timedelta(days=1):
        raise BadValue(name, f"must be a time with its zone, since {_FIRST.year} and not to come", value)
    return found


def _or_none(check: _Check) -> _Check:
    return lambda name, value: None if value is None else check(name, value)


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise BadValue(name, "must be true or false", value)
    return value


def _tags(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or checked_tags(value) != value:
        raise BadValue(name, "must be a list of tidy texts, each once", value)
    return tuple(value)


def _kind(name: str, value: object) -> str:
    if value not in get_args(Kind):
        raise BadValue(name, f"must be one of {', '.join(get_args(Kind))}", value)
    return str(value)


def _json(name: str, value: object) -> dict[str, object]:
    """A JSON object that is finite and not too deep, whatever is in it."""
    found = _object(name, value)
    waiting: list[tuple[object, int]] = [(found, 0)]
    seen = 0
    while waiting:
        part, depth = waiting.pop()
        seen += 1
        if depth > DEPTH_MAX or seen > VALUES_MAX:
            raise BadValue(name, f"must hold at most {VALUES_MAX:,} values, {DEPTH_MAX} deep", type(part).__name__)
        if isinstance(part, float) and not math.isfinite(part):
            raise BadValue(name, "must hold finite numbers", part)
        if isinstance(part, str) and not _encodable(part):
            raise BadValue(name, "must hold whole characters", ascii(part))
        if isinstance(part, dict):
            waiting += [(inner, depth + 1) for pair in part.items() for inner in pair]
        elif isinstance(part, list):
            waiting += [(inner, depth + 1) for inner in part]
    return found


def _steering(name: str, value: object) -> dict[str, object]:
    """Plain values and lists of texts."""
    found = _json(name, value)
    for told in found.values():
        listed = isinstance(told, list) and all(isinstance(one, str) for one in told)
        if not listed and isinstance(told, (list, dict)):
            raise BadValue(name, "must hold plain values and lists of texts", told)
    return found


def _steps(name: str, value: object) -> tuple[Step, ...]:
    told = [_object(name, step) for step in value] if isinstance(value, list) and len(value) == len(STEPS) else []
    if tuple(step.get("name") for step in told) != STEPS:
        raise BadValue(name, f"must be {', '.join(STEPS)}, in this order", value)
    seconds = _or_none(_number(1e9))
    return tuple(
        Step(
            name=str(step["name"]),
            text=str(_text(TEXT_MAX)(name, step.get("text"))),
            seconds=seconds(name, step.get("seconds")),  # type: ignore[arg-type]
        )
        for step in told
    )


def _id(name: str, value: object) -> str:
    """An id, as it is where things are kept."""
    return public_id(str(_any_id(name, value)))


def _encodable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


_any_id, _prompt, _name = _matching(_ID, "must be an id"), _text(TEXT_MAX), _text(NAME_MAX)
_seed = _whole(0, 2**63 - 1)
_PICTURE: dict[str, _Check] = {
    "id": _id, "created_at": _time, "job_id": _id, "index": _whole(0, 10**6), "prompt": _prompt, "original_prompt": _prompt,
    "negative_prompt": _prompt, "seed": _seed, "width": _whole(1, 65_535), "height": _whole(1, 65_535), "steps": _whole(0, 10_000),
    "guidance": _number(1e6), "shift": _number(1e6), "checkpoint": _name, "revision": _name, "recipe": _json, "environment": _json,
    "seconds": _number(1e9), "enhancement_id": _or_none(_id), "parent_id": _or_none(_id), "favourite": _flag, "rating": _whole(0, 5),
    "note": _text(NOTE_MAX),
    "tags": _tags, "deleted_at": _or_none(_time), "pixel_sha256": _matching(_SHA256, "must be a SHA-256, in lower-case digits"),
}  # fmt: skip
_JOB: dict[str, _Check] = {
    "id": _id, "kind": _kind, "wish": _json, "count": _whole(1, 10**6), "created_at": _time, "started_at": _or_none(_time),
    "finished_at": _or_none(_time), "enhancement_id": _or_none(_id), "mark": _or_none(_name),
}  # fmt: skip
_THOUGHT: dict[str, _Check] = {
    "id": _id, "created_at": _time, "original": _prompt, "steps": _steps, "prompt": _prompt, "seed": _seed, "model": _name,
    "revision": _name, "template": _name, "template_version": _name, "sampling": _json, "seconds": _number(1e9), "steering": _steering,
    "parent_id": _or_none(_id),
}  # fmt: skip
_NEEDED = {field.name for field in fields(NewPicture)} | {"id", "created_at", "pixel_sha256"}
