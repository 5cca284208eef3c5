"""Plain frozen records: what comes out of storage, and what goes in.

Rows of the database never leave the package.

Times are aware UTC datetimes. `owner` is an opaque text. Ids are opaque, unguessable texts of letters and
digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Literal, TypeVar

JSON = Mapping[str, object]
Status = Literal["queued", "running", "done", "failed", "cancelled"]
Kind = Literal["generate", "enhance", "rerun", "import"]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the chain of reasoning; a text may be empty."""

    name: str  # keep, solve, compose, text
    text: str
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Enhancement:
    """An original prompt, the steps of reasoning, the prompt that came out, and with what it was made."""

    id: str
    owner: str
    created_at: datetime
    original: str
    steps: tuple[Step, ...]  # always keep, solve, compose, text
    prompt: str
    seed: int
    model: str
    revision: str
    template: str
    template_version: str
    sampling: JSON = field(default_factory=dict)
    seconds: float = 0.0
    steering: JSON = field(
        default_factory=dict
    )  # style, length, locks, instruction, before: what was not steered is left out
    parent_id: str | None = None  # the enhancement that an instruction changed


@dataclass(frozen=True, kw_only=True)
class Job:
    """A wish in the queue. `wish` is the studio's own JSON; storage keeps it and does not look inside."""

    id: str
    owner: str
    kind: Kind
    status: Status
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    wish: JSON
    count: int  # pictures wanted
    pictures: tuple[str, ...]  # ids of the pictures that exist, by index
    indices: tuple[int, ...]  # which pictures of the job those are: 0 to count-1
    enhancement_id: str | None
    cancel_requested: bool
    crashes: int  # times the process died on it since its last step of progress
    error: str | None
    mark: str | None = None  # what a program gave it, to find it again


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A queued job's place in the order."""

    id: str
    owner: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class NewPicture:
    """A finished image's facts, on its way in.

    `recipe` and `environment` are kept as JSON besides the columns.
    """

    owner: str
    job_id: str
    index: int  # 0 to count-1
    prompt: str  # as drawn
    original_prompt: str
    negative_prompt: str
    seed: int
    width: int
    height: int
    steps: int
    guidance: float
    shift: float
    checkpoint: str
    revision: str
    recipe: JSON
    environment: JSON
    seconds: float
    enhancement_id: str | None = None
    parent_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Picture(NewPicture):
    """One finished image as kept."""

    id: str
    created_at: datetime
    pixel_sha256: str
    enhancement: Enhancement | None = None
    favourite: bool = False
    rating: int = 0  # 1 to 5; 0 is none
    tags: tuple[str, ...] = ()
    deleted_at: datetime | None = None
    note: str = ""
    missing_at: datetime | None = None  # when its file was found gone


@dataclass(frozen=True, kw_only=True)
class Share:
    """A link to one picture."""

    token: str
    picture_id: str
    owner: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """A page of a listing by keyset.

    `next` and `previous` lead to the pages behind and before it, None where there is none. `total` is exact
    without a query and may be capped with one; then `capped` is true. `ranked` is how many of the newest that
    match were put in order, where the best come first.
    """

    items: tuple[T, ...]
    next: str | None
    total: int
    more: bool
    capped: bool = False
    previous: str | None = None
    ranked: int | None = None


@dataclass(frozen=True, kw_only=True)
class Collection:
    """Pictures that were put together, in their order; with a `query`, whatever it finds."""

    id: str
    owner: str
    name: str
    created_at: datetime
    query: str | None
    cover_id: str | None  # a picture of it
    count: int
    capped: bool = False  # a query finds more than are counted
