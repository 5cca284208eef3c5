"""Jobs, turns, enhancements, pictures, tags, and the full-text index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TEXTS = "owner, prompt, original, negative, reasoning, tags"
_NEW = ", ".join(f"new.{name}" for name in _TEXTS.split(", "))
_OLD = ", ".join(f"old.{name}" for name in _TEXTS.split(", "))


def upgrade() -> None:
    """From nothing."""
    _enhancements()
    _queue()
    _pictures()
    _search()


def _enhancements() -> None:
    op.create_table(
        "enhancements",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("original", sa.Text, nullable=False),
        sa.Column("steps", sa.JSON, nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("revision", sa.Text, nullable=False),
        sa.Column("template", sa.Text, nullable=False),
        sa.Column("template_version", sa.Text, nullable=False),
        sa.Column("sampling", sa.JSON, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
    )


def _queue() -> None:
    op.create_table(
        "turns",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("served", sa.Integer, nullable=False),
    )
    op.create_table(
        "jobs",
        sa.Column("key", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("started_at", sa.DateTime),
        sa.Column("finished_at", sa.DateTime),
        sa.Column("wish", sa.JSON, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("enhancement_id", sa.Text, sa.ForeignKey("enhancements.id", name="fk_jobs_enhancement_id")),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("crashes", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.UniqueConstraint("id", name="uq_jobs_id"),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="ck_jobs_status"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_jobs_unfinished",
        "jobs",
        ["owner", "key"],
        sqlite_where=sa.text("status IN ('queued', 'running')"),
    )
    op.create_index("ix_jobs_owner_finished_at_key", "jobs", ["owner", "finished_at", "key"])


def _pictures() -> None:
    thought = sa.ForeignKey("enhancements.id", name="fk_pictures_enhancement_id")
    texts = ("prompt", "original_prompt", "negative_prompt")
    numbers = ("width", "height", "steps")
    op.create_table(
        "pictures",
        sa.Column("key", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("job_id", sa.Text, sa.ForeignKey("jobs.id", name="fk_pictures_job_id"), nullable=False),
        sa.Column("index", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in texts),
        sa.Column("seed", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in numbers),
        *(sa.Column(name, sa.Float, nullable=False) for name in ("guidance", "shift")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("checkpoint", "revision")),
        *(sa.Column(name, sa.JSON, nullable=False) for name in ("recipe", "environment")),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("enhancement_id", sa.Text, thought),
        sa.Column("parent_id", sa.Text, sa.ForeignKey("pictures.id", name="fk_pictures_parent_id")),
        sa.Column("pixel_sha256", sa.Text, nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("favourite", sa.Boolean, nullable=False),
        sa.Column("rating", sa.Integer, nullable=False),
        sa.Column("deleted_at", sa.DateTime),
        sa.UniqueConstraint("id", name="uq_pictures_id"),
        sa.UniqueConstraint("job_id", "index", name="uq_pictures_job_id_index"),
        sa.CheckConstraint("rating BETWEEN 0 AND 5", name="ck_pictures_rating"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_pictures_kept", "pictures", ["owner", "deleted_at"])
    for name, columns, where in (
        ("ix_pictures_trash", ["owner", "key", "deleted_at"], "deleted_at IS NOT NULL"),
        ("ix_pictures_favourite", ["owner", "favourite", "deleted_at"], "favourite IS 1"),
    ):
        op.create_index(name, "pictures", columns, sqlite_where=sa.text(where))
    key = sa.ForeignKey("pictures.key", name="fk_picture_tags_picture_key", ondelete="CASCADE")
    op.create_table(
        "picture_tags",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("folded", sa.Text, primary_key=True),
        sa.Column("picture_key", sa.Integer, key, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("tag", sa.Text, nullable=False),
    )
    op.create_index("ix_picture_tags_picture_key", "picture_tags", ["picture_key"])


def _search() -> None:
    key = sa.ForeignKey("pictures.key", name="fk_picture_texts_key", ondelete="CASCADE")
    op.create_table(
        "picture_texts",
        sa.Column("key", sa.Integer, key, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in _TEXTS.split(", ")),
    )
    # The texts come as finished tokens with spaces between them (storage.search), so the plainest tokenizer
    # is the right one: it parts at ASCII punctuation and keeps every character beyond ASCII. The prefixes
    # make search as you type fast.
    op.execute(
        f"CREATE VIRTUAL TABLE picture_search USING fts5({_TEXTS}, "
        "content='picture_texts', content_rowid='key', tokenize='ascii', prefix='1 2 3')"
    )
    insert = f"INSERT INTO picture_search(rowid, {_TEXTS}) VALUES (new.key, {_NEW});"
    # How FTS5 is told that a row of external content is gone: by its old values.
    names = f"picture_search, rowid, {_TEXTS}"
    delete = f"INSERT INTO picture_search({names}) VALUES ('delete', old.key, {_OLD});"
    for event, does in (("INSERT", insert), ("DELETE", delete), ("UPDATE", f"{delete} {insert}")):
        name = f"picture_texts_{event.lower()}"
        op.execute(f"CREATE TRIGGER {name} AFTER {event} ON picture_texts BEGIN {does} END")
