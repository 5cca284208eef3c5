"""The tables as typed mappings. Rows never leave the package; see `records.py`.

Triggers from the migrations keep the full-text index in step with `picture_texts`. Everything else here equals the
migrations' result, and a test compares them.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from locales import Localized


class Utc(TypeDecorator[datetime]):
    """An aware UTC datetime, stored without its zone. Refuses naive datetimes."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"A time must know its zone (got {value!r}).")
        return value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=timezone.utc)


class Sentence(TypeDecorator[str]):
    """A text, or a message that can be translated, which is stored as JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return to_json(value.to_json()) if isinstance(value, Localized) else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return Localized.from_json(json.loads(value)) if value and value.startswith('{"key":') else value


def to_json(value: object) -> str:
    """Serialize to JSON. Mappings and tuples of records become objects and lists.

    Raises ValueError for NaN and infinities.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=dict)


class Base(DeclarativeBase):
    """Naming conventions and column types that all tables share."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Utc,
        str: Text,
        bool: Boolean,
        int: Integer,
        float: Float,
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }


class EnhancementRow(Base):
    """An original prompt, its reasoning steps and the final prompt."""

    __tablename__ = "enhancements"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    created_at: Mapped[datetime]
    original: Mapped[str]
    steps: Mapped[list[Any]]  # [{"name", "text", "seconds"}...]
    prompt: Mapped[str]
    seed: Mapped[int] = mapped_column(BigInteger)
    model: Mapped[str]
    revision: Mapped[str]
    template: Mapped[str]
    template_version: Mapped[str]
    sampling: Mapped[dict[str, Any]]
    seconds: Mapped[float]
    options: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    parent_id: Mapped[str | None]  # the enhancement that an instruction changed


class TurnRow(Base):
    """When an owner was last served, as the number of the claim. The owner with the lowest number is next."""

    __tablename__ = "turns"

    owner: Mapped[str] = mapped_column(primary_key=True)
    served: Mapped[int]


class JobRow(Base):
    """A job in the queue. `key` is the order of filing."""

    __tablename__ = "jobs"

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str]
    owner: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    spec: Mapped[dict[str, Any]]
    count: Mapped[int]
    enhancement_id: Mapped[str | None] = mapped_column(ForeignKey("enhancements.id"))
    cancel_requested: Mapped[bool]
    crashes: Mapped[int]
    error: Mapped[str | None] = mapped_column(Sentence)
    mark: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("id"),
        CheckConstraint("status IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="status"),
        Index("ix_jobs_unfinished", "owner", "key", sqlite_where=text("status IN ('queued', 'running')")),
        Index("ix_jobs_mark", "owner", "mark", "key", sqlite_where=text("mark IS NOT NULL")),
        Index("ix_jobs_owner_finished_at_key", "owner", "finished_at", "key"),
        Index("ix_jobs_enhancement_id", "enhancement_id", sqlite_where=text("enhancement_id IS NOT NULL")),
        {"sqlite_autoincrement": True},
    )


class PictureRow(Base):
    """One finished picture.

    `key` orders pictures by time (`storage.search.filters.key_of`), newest last. It is also the row id in the full-text
    index.
    """

    __tablename__ = "pictures"

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str]
    owner: Mapped[str]
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    index: Mapped[int]
    created_at: Mapped[datetime]
    prompt: Mapped[str]
    original_prompt: Mapped[str]
    negative_prompt: Mapped[str]
    seed: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int]
    height: Mapped[int]
    steps: Mapped[int]
    guidance: Mapped[float]
    shift: Mapped[float]
    checkpoint: Mapped[str]
    revision: Mapped[str]
    recipe: Mapped[dict[str, Any]]
    environment: Mapped[dict[str, Any]]
    seconds: Mapped[float]
    enhancement_id: Mapped[str | None] = mapped_column(ForeignKey("enhancements.id"))
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("pictures.id"))
    pixel_sha256: Mapped[str]
    bytes: Mapped[int]  # of both files together
    favourite: Mapped[bool]
    rating: Mapped[int]
    deleted_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(server_default="")
    missing_at: Mapped[datetime | None]  # when its file was found missing

    enhancement: Mapped[EnhancementRow | None] = relationship(lazy="raise")
    tags: Mapped[list[TagRow]] = relationship(
        order_by=lambda: TagRow.position, cascade="all, delete-orphan", lazy="raise"
    )

    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("job_id", "index"),
        CheckConstraint("rating BETWEEN 0 AND 5", name="rating"),
        # Each index ends with the row's key and contains all columns that counting needs.
        Index("ix_pictures_kept", "owner", "deleted_at"),
        Index("ix_pictures_trash", "owner", "key", "deleted_at", sqlite_where=text("deleted_at IS NOT NULL")),
        Index("ix_pictures_favourite", "owner", "favourite", "deleted_at", sqlite_where=text("favourite IS 1")),
        Index("ix_pictures_parent_id", "parent_id", sqlite_where=text("parent_id IS NOT NULL")),
        Index("ix_pictures_enhancement_id", "enhancement_id", sqlite_where=text("enhancement_id IS NOT NULL")),
        Index("ix_pictures_pixel_sha256", "pixel_sha256"),
        {"sqlite_autoincrement": True},
    )


class TagRow(Base):
    """One tag of a picture, as written and case-folded."""

    __tablename__ = "picture_tags"

    owner: Mapped[str] = mapped_column(primary_key=True)
    folded: Mapped[str] = mapped_column(primary_key=True)
    picture_key: Mapped[int] = mapped_column(ForeignKey("pictures.key", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int]
    tag: Mapped[str]

    __table_args__ = (Index("ix_picture_tags_picture_key", "picture_key"),)


class TextRow(Base):
    """The searchable texts of a picture, as tokens separated by spaces.

    Triggers keep the index in step.
    """

    __tablename__ = "picture_texts"

    key: Mapped[int] = mapped_column(ForeignKey("pictures.key", ondelete="CASCADE"), primary_key=True)
    owner: Mapped[str]
    prompt: Mapped[str]
    original: Mapped[str]
    negative: Mapped[str]
    reasoning: Mapped[str]
    tags: Mapped[str]
    note: Mapped[str] = mapped_column(server_default="")
    facts: Mapped[str] = mapped_column(server_default="")  # filter tokens


class CollectionRow(Base):
    """A collection, or with a `query`, a saved search."""

    __tablename__ = "collections"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    name: Mapped[str]
    folded: Mapped[str]
    created_at: Mapped[datetime]
    query: Mapped[str | None]
    cover_id: Mapped[str | None]

    __table_args__ = (UniqueConstraint("owner", "folded"),)


class MemberRow(Base):
    """A picture's position in a collection."""

    __tablename__ = "collection_pictures"

    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True)
    picture_key: Mapped[int] = mapped_column(ForeignKey("pictures.key", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int]

    __table_args__ = (
        Index("ix_collection_pictures_position", "collection_id", "position", "picture_key"),
        Index("ix_collection_pictures_picture_key", "picture_key"),
    )


class TallyRow(Base):
    """The number of pictures of an owner. Triggers keep it in step."""

    __tablename__ = "tallies"

    owner: Mapped[str] = mapped_column(primary_key=True)
    kept: Mapped[int]
    trashed: Mapped[int]
    favourites: Mapped[int]


class WordRow(Base):
    """A word of the index. Prefix searches expand to these words."""

    __tablename__ = "search_words"

    word: Mapped[str] = mapped_column(primary_key=True)

    __table_args__ = ({"sqlite_with_rowid": False},)


class ShareRow(Base):
    """A link to one picture."""

    __tablename__ = "shares"

    token: Mapped[str] = mapped_column(primary_key=True)
    picture_id: Mapped[str] = mapped_column(ForeignKey("pictures.id"))
    owner: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_shares_picture_id", "picture_id"),)
