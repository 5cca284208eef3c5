"""A key that tells when a picture was made, notes, collections, counts per owner, and what of a picture can be filtered by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_TEXTS = "owner, prompt, original, negative, reasoning, tags, note, facts"
_NEW = ", ".join(f"new.{name}" for name in _TEXTS.split(", "))
_OLD = ", ".join(f"old.{name}" for name in _TEXTS.split(", "))
_MANY = 5_000  # rows that are read at once
_COLUMNS = (
    "key, owner, created_at, seed, width, height, steps, guidance, checkpoint, enhancement_id, parent_id, favourite, rating, deleted_at"
)


def upgrade() -> None:
    """Rewrites the keys of all pictures, in their order, and makes the index of their texts anew."""
    for event in ("insert", "delete", "update"):
        op.execute(f"DROP TRIGGER picture_texts_{event}")
    op.execute("DROP TABLE picture_search")
    op.add_column("pictures", sa.Column("note", sa.Text, nullable=False, server_default=""))
    op.add_column("pictures", sa.Column("missing_at", sa.DateTime))
    op.add_column("picture_texts", sa.Column("note", sa.Text, nullable=False, server_default=""))
    op.add_column("picture_texts", sa.Column("facts", sa.Text, nullable=False, server_default=""))
    op.create_index("ix_pictures_parent_id", "pictures", ["parent_id"], sqlite_where=sa.text("parent_id IS NOT NULL"))
    op.create_index(
        "ix_pictures_enhancement_id", "pictures", ["enhancement_id"], sqlite_where=sa.text("enhancement_id IS NOT NULL")
    )
    op.create_index("ix_pictures_pixel_sha256", "pictures", ["pixel_sha256"])
    op.create_index("ix_jobs_enhancement_id", "jobs", ["enhancement_id"], sqlite_where=sa.text("enhancement_id IS NOT NULL"))
    _collections()
    _rekey()
    _tallies()
    _search()


def _collections() -> None:
    op.create_table(
        "collections",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("query", sa.Text),
        sa.Column("cover_id", sa.Text),
        sa.UniqueConstraint("owner", "folded", name="uq_collections_owner_folded"),
    )
    to_collection = sa.ForeignKey("collections.id", name="fk_collection_pictures_collection_id", ondelete="CASCADE")
    to_picture = sa.ForeignKey("pictures.key", name="fk_collection_pictures_picture_key", ondelete="CASCADE")
    op.create_table(
        "collection_pictures",
        sa.Column("collection_id", sa.Text, to_collection, primary_key=True),
        sa.Column("picture_key", sa.Integer, to_picture, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
    )
    op.create_index("ix_collection_pictures_position", "collection_pictures", ["collection_id", "position", "picture_key"])
    op.create_index("ix_collection_pictures_picture_key", "collection_pictures", ["picture_key"])


def _rekey() -> None:
    """Keys from the times of making, and the facts of each picture. Foreign keys are off meanwhile."""
    connection = op.get_bind()
    connection.exec_driver_sql("CREATE TEMP TABLE new_keys (old INTEGER PRIMARY KEY, new INTEGER NOT NULL, owner TEXT, facts TEXT)")
    last = 0
    for rows in _batches(connection):
        found: list[dict[str, Any]] = []
        for row in rows:
            last = max(_milliseconds(row.created_at) << 8, last + 1)
            token = f"t{row.folded[1:]}" if row.deleted_at else row.folded
            found.append({"old": row.key, "new": last, "owner": token, "facts": _facts(row, row.tagged)})
        if found:
            connection.execute(sa.text("INSERT INTO new_keys VALUES (:old, :new, :owner, :facts)"), found)
    # In two moves, so that no new key meets an old one.
    for table, column in (("pictures", "key"), ("picture_tags", "picture_key"), ("picture_texts", "key")):
        connection.exec_driver_sql(f"UPDATE {table} SET {column} = -(SELECT new FROM new_keys WHERE old = {table}.{column})")
        connection.exec_driver_sql(f"UPDATE {table} SET {column} = -{column}")
    connection.exec_driver_sql(
        "UPDATE picture_texts SET (owner, facts) = (SELECT owner, facts FROM new_keys WHERE new = picture_texts.key)"
    )
    connection.exec_driver_sql("DROP TABLE new_keys")


def _batches(connection: sa.Connection) -> Iterator[list[Any]]:
    at = 0
    names = ", ".join(f"pictures.{name}" for name in _COLUMNS.split(", "))
    while True:
        rows = list(
            connection.execute(
                sa.text(
                    f"SELECT {names}, picture_texts.owner AS folded, (SELECT group_concat(folded, char(10)) FROM picture_tags "
                    "WHERE picture_key = pictures.key) AS tagged FROM pictures "
                    "JOIN picture_texts ON picture_texts.key = pictures.key WHERE pictures.key > :at ORDER BY pictures.key LIMIT :many"
                ),
                {"at": at, "many": _MANY},
            )
        )
        if not rows:
            return
        yield rows
        at = rows[-1].key


def _milliseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).replace(tzinfo=timezone.utc).timestamp() * 1000)


def _facts(row: Any, tagged: str | None) -> str:
    found = [f"seed{row.seed}", f"steps{row.steps}", f"size{row.width}x{row.height}", f"guidance{row.guidance:g}".replace(".", "·")]
    found.append("square" if row.width == row.height else "landscape" if row.width > row.height else "portrait")
    whole = row.checkpoint.casefold()
    parts = [part for part in re.split(r"[^\w]|_", whole) if part]
    found += [f"checkpoint{part}" for part in dict.fromkeys(["".join(parts), *parts])]
    found.append(f"rating{row.rating}")
    for token, there in (("favourite", row.favourite), ("enhancement", row.enhancement_id), ("parent", row.parent_id)):
        if there:
            found.append(token)
    for tag in (tagged or "").split("\n"):
        if tag:
            found += ["tagged"] if "tagged" not in found else []
            found.append("tag" + re.sub(r"[\x00-\x7f]+", lambda part: re.sub("[^0-9a-z]", "·", part[0]), tag))
    return " ".join(found)


def _tallies() -> None:
    op.create_table(
        "tallies",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("kept", sa.Integer, nullable=False),
        sa.Column("trashed", sa.Integer, nullable=False),
        sa.Column("favourites", sa.Integer, nullable=False),
    )
    op.execute(
        "INSERT INTO tallies SELECT owner, sum(deleted_at IS NULL), sum(deleted_at IS NOT NULL), "
        "sum(deleted_at IS NULL AND favourite) FROM pictures GROUP BY owner"
    )

    def counted(row: str, sign: str) -> str:
        return (
            f"INSERT INTO tallies VALUES ({row}.owner, {sign}({row}.deleted_at IS NULL), {sign}({row}.deleted_at IS NOT NULL), "
            f"{sign}({row}.deleted_at IS NULL AND {row}.favourite)) ON CONFLICT(owner) DO UPDATE SET kept = kept + excluded.kept, "
            "trashed = trashed + excluded.trashed, favourites = favourites + excluded.favourites;"
        )

    new, old = counted("new", ""), counted("old", "-")
    for event, does in (("INSERT", new), ("DELETE", old), ("UPDATE OF owner, deleted_at, favourite", f"{old} {new}")):
        name = f"pictures_tally_{event.split()[0].lower()}"
        op.execute(f"CREATE TRIGGER {name} AFTER {event} ON pictures BEGIN {does} END")


def _search() -> None:
    op.execute(
        f"CREATE VIRTUAL TABLE picture_search USING fts5({_TEXTS}, "
        "content='picture_texts', content_rowid='key', tokenize='ascii', prefix='1 2 3')"
    )
    op.execute("INSERT INTO picture_search(picture_search) VALUES ('rebuild')")
    op.create_table("search_words", sa.Column("word", sa.Text, primary_key=True), sqlite_with_rowid=False)
    # By the index itself, which knows each word once.
    op.execute("CREATE VIRTUAL TABLE temp.words_of_old USING fts5vocab(main, picture_search, 'col')")
    op.execute("INSERT OR IGNORE INTO search_words SELECT term FROM temp.words_of_old WHERE col NOT IN ('owner', 'facts') OR term LIKE 'checkpoint%'")
    op.execute("DROP TABLE temp.words_of_old")
    insert = f"INSERT INTO picture_search(rowid, {_TEXTS}) VALUES (new.key, {_NEW});"
    # How FTS5 is told that a row of external content is gone: by its old values.
    names = f"picture_search, rowid, {_TEXTS}"
    delete = f"INSERT INTO picture_search({names}) VALUES ('delete', old.key, {_OLD});"
    for event, does in (("INSERT", insert), ("DELETE", delete), ("UPDATE", f"{delete} {insert}")):
        name = f"picture_texts_{event.lower()}"
        op.execute(f"CREATE TRIGGER {name} AFTER {event} ON picture_texts BEGIN {does} END")
