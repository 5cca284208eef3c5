"""Frozen records that storage returns and accepts.

Times are aware UTC datetimes. `owner` is an opaque text. Ids are opaque, unguessable letters and digits.
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
    """One reasoning step. The text may be empty."""

    name: str  # keep, solve, compose, text
    text: str
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class NewEnhancement:
    """An original prompt, its reasoning steps, the final prompt, and the model, seed and template that made it."""

    owner: str
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
    options: JSON = field(
        default_factory=dict
    )  # style, length, keep_words, instruction, before; unset options are absent
    parent_id: str | None = None  # the enhancement that an instruction changed


@dataclass(frozen=True, kw_only=True)
class Enhancement(NewEnhancement):
    """A stored enhancement."""

    id: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """A job to file. `spec` is the job spec as JSON, which storage does not interpret."""

    owner: str
    kind: Kind
    spec: JSON
    count: int  # number of pictures requested
    enhancement_id: str | None = None
    mark: str | None = None  # a program's own key, to find the job again


@dataclass(frozen=True, kw_only=True)
class QueueLimits:
    """The most unfinished jobs of one owner, and in all. `elsewhere` are those in the other store: the owner's, and all."""

    per_owner: int
    total: int
    elsewhere: tuple[int, int] = (0, 0)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job. `spec` is the job spec as JSON, which storage does not interpret."""

    id: str
    owner: str
    kind: Kind
    status: Status
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    spec: JSON
    count: int  # number of pictures requested
    pictures: tuple[str, ...]  # ids of the finished pictures, by index
    indices: tuple[int, ...]  # their indices, 0 to count-1
    enhancement_id: str | None
    cancel_requested: bool
    crashes: int  # process deaths since the last step of progress
    error: str | None
    mark: str | None = None  # a program's own key, to find the job again


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A queued job's place in the order."""

    id: str
    owner: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class NewPicture:
    """A finished picture to store.

    `recipe` and `environment` are stored as JSON beside the columns.
    """

    owner: str
    job_id: str
    index: int  # 0 to count-1
    prompt: str  # the final prompt
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
    """A stored picture."""

    id: str
    created_at: datetime
    pixel_sha256: str
    enhancement: Enhancement | None = None
    favourite: bool = False
    rating: int = 0  # 1 to 5; 0 means unrated
    tags: tuple[str, ...] = ()
    deleted_at: datetime | None = None
    note: str = ""
    missing_at: datetime | None = None  # when its file was found missing


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
    """One page of results, by keyset pagination.

    `next` and `previous` are cursors, or None. `total` is exact without a query. With one it may be capped, and `capped` is
    true. `ranked` is how many of the newest matches were ordered by relevance.
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
    """A collection in its order, or with a `query`, a saved search."""

    id: str
    owner: str
    name: str
    created_at: datetime
    query: str | None
    cover_id: str | None  # a picture of it
    count: int
    capped: bool = False  # the query finds more pictures than are counted
