"""Manifest lines: a picture's complete record with its enhancement and its job.

Pure: knows no ZIP and no row. Input is untrusted: every value is validated, and errors name the field. Unknown keys are
ignored, so that later formats can add some.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import get_args

from storage.errors import BadValue
from storage.records import JSON, Enhancement, Kind, NewPicture, Picture, Step
from storage.repositories.mappers import NOTE_MAX, checked_tags
from storage.transfer.validation import (
    Check,
    an_id,
    any_mapping,
    flag,
    integer_from,
    mapping,
    matching,
    moment,
    number_to,
    or_none,
    text_to,
)

FORMAT = 1
FORMER_NAMES = {"wish": "spec", "steering": "options", "locks": "keep_words"}
STEPS = ("keep", "solve", "compose", "text")
TEXT_MAX = 200_000  # characters of a prompt or a step
NAME_MAX = 1_000
COLUMNS = (
    "file", "created_at", "prompt", "original_prompt", "negative_prompt", "seed", "width", "height", "steps", "guidance", "shift",
    "checkpoint", "revision", "favourite", "rating", "tags", "parent_id", "pixel_sha256",
)  # fmt: skip

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NOT_TOLD = ("owner", "enhancement", "missing_at")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The job of a picture, as far as a manifest contains it."""

    id: str
    kind: Kind
    spec: JSON
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
    """The name of a picture's file in the archive."""
    return f"pictures/{id}.png"


def line(entry: Entry) -> dict[str, object]:
    """Serialize a picture, complete except for its owner."""
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
    """The picture as CSV cells that no spreadsheet evaluates."""
    values = {name: getattr(picture, name, "") for name in COLUMNS}
    values |= {
        "file": file_of(picture.id),
        "created_at": picture.created_at.isoformat(),
        "tags": ", ".join(picture.tags),
    }
    values |= {"parent_id": picture.parent_id or "", "favourite": "yes" if picture.favourite else ""}
    return [_harmless(str(values[name])) for name in COLUMNS]


def entry(told: object, owner: str) -> Entry:
    """Parse a line as the owner's. Raises BadValue."""
    whole = mapping("The line", told)
    form = whole.get("format")
    if form != FORMAT:
        raise BadValue("format", "format", form, n=FORMAT)
    thought = whole.get("enhancement")
    enhancement = None if thought is None else _enhancement(renamed(mapping("enhancement", thought)), owner)
    facts = mapping("picture", whole.get("picture"))
    values = {
        name: check(name, facts.get(name)) for name, check in _PICTURE.items() if name in facts or name in _NEEDED
    }
    picture = Picture(**values, owner=owner, enhancement=enhancement)  # type: ignore[arg-type]
    if picture.enhancement_id != (enhancement.id if enhancement else None):
        raise BadValue("enhancement_id", "enhancement_beside", picture.enhancement_id)
    job = renamed(mapping("job", whole.get("job")))
    origin = Origin(**{name: check(name, job.get(name)) for name, check in _JOB.items()})  # type: ignore[arg-type]
    if origin.id != picture.job_id:
        raise BadValue("job_id", "job_beside", picture.job_id)
    if picture.index >= origin.count:
        raise BadValue("index", "index_below", picture.index, count=origin.count)
    return Entry(picture=picture, job=origin)


def of_file(facts: Mapping[str, object], owner: str) -> Entry:
    """Parse a file's own metadata (`writer.read`) as a line. Its job is known by its id only. Raises BadValue."""
    thought, index = facts.get("enhancement"), facts.get("index")
    if isinstance(thought, dict):
        thought = {"options": {}, **renamed(thought)}  # older files do not have it
    job = {
        "id": facts.get("job_id"), "kind": "import", "spec": {"original_prompt": facts.get("original_prompt")},
        "count": index + 1 if type(index) is int else 1, "created_at": facts.get("created_at"),
    }  # fmt: skip
    enhancement_id = thought.get("id") if isinstance(thought, dict) else None
    picture = {**facts, "enhancement_id": enhancement_id}
    return entry({"format": FORMAT, "picture": picture, "enhancement": thought, "job": job}, owner)


def renamed(facts: Mapping[str, object]) -> dict[str, object]:
    """Facts with the names of this version; version 0.1 called some of them otherwise."""
    found = {FORMER_NAMES.get(name, name): value for name, value in facts.items()}
    options = found.get("options")
    if isinstance(options, dict):
        found["options"] = {FORMER_NAMES.get(name, name): value for name, value in options.items()}
    return found


def _enhancement(told: Mapping[str, object], owner: str) -> Enhancement:
    values = {name: check(name, told.get(name)) for name, check in _THOUGHT.items()}
    return Enhancement(**values, owner=owner)  # type: ignore[arg-type]


def _timed(told: Mapping[str, object]) -> dict[str, object]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in told.items()}


def _harmless(cell: str) -> str:
    """Escape a cell that begins like a formula with an apostrophe."""
    return f"'{cell}" if cell.lstrip(" ")[:1] in ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%") else cell


def _tags(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or checked_tags(value) != value:
        raise BadValue(name, "tags_tidy", value)
    return tuple(value)


def _kind(name: str, value: object) -> str:
    if value not in get_args(Kind):
        raise BadValue(name, "one_of", value, names=", ".join(get_args(Kind)))
    return str(value)


def _options(name: str, value: object) -> dict[str, object]:
    """Validate plain values and lists of texts."""
    found = any_mapping(name, value)
    for told in found.values():
        listed = isinstance(told, list) and all(isinstance(one, str) for one in told)
        if not listed and isinstance(told, (list, dict)):
            raise BadValue(name, "plain_values", told)
    return found


def _steps(name: str, value: object) -> tuple[Step, ...]:
    told = [mapping(name, step) for step in value] if isinstance(value, list) and len(value) == len(STEPS) else []
    if tuple(step.get("name") for step in told) != STEPS:
        raise BadValue(name, "in_this_order", value, names=", ".join(STEPS))
    seconds = or_none(number_to(1e9))
    return tuple(
        Step(
            name=str(step["name"]),
            text=str(text_to(TEXT_MAX)(name, step.get("text"))),
            seconds=seconds(name, step.get("seconds")),  # type: ignore[arg-type]
        )
        for step in told
    )


_prompt, _name, _seconds = text_to(TEXT_MAX), text_to(NAME_MAX), number_to(1e9)
_seed, _side = integer_from(0, 2**63 - 1), integer_from(1, 65_535)
_PICTURE: dict[str, Check] = {
    "id": an_id, "created_at": moment, "job_id": an_id, "index": integer_from(0, 10**6), "prompt": _prompt, "original_prompt": _prompt,
    "negative_prompt": _prompt, "seed": _seed, "width": _side, "height": _side, "steps": integer_from(0, 10_000),
    "guidance": number_to(1e6), "shift": number_to(1e6), "checkpoint": _name, "revision": _name, "recipe": any_mapping,
    "environment": any_mapping, "seconds": _seconds, "enhancement_id": or_none(an_id), "parent_id": or_none(an_id), "favourite": flag,
    "rating": integer_from(0, 5), "note": text_to(NOTE_MAX), "tags": _tags, "deleted_at": or_none(moment),
    "pixel_sha256": matching(_SHA256, "sha256"),
}  # fmt: skip
_JOB: dict[str, Check] = {
    "id": an_id, "kind": _kind, "spec": any_mapping, "count": integer_from(1, 10**6), "created_at": moment, "started_at": or_none(moment),
    "finished_at": or_none(moment), "enhancement_id": or_none(an_id), "mark": or_none(_name),
}  # fmt: skip
_THOUGHT: dict[str, Check] = {
    "id": an_id, "created_at": moment, "original": _prompt, "steps": _steps, "prompt": _prompt, "seed": _seed, "model": _name,
    "revision": _name, "template": _name, "template_version": _name, "sampling": any_mapping, "seconds": _seconds, "options": _options,
    "parent_id": or_none(an_id),
}  # fmt: skip
_NEEDED = {field.name for field in fields(NewPicture)} | {"id", "created_at", "pixel_sha256"}
