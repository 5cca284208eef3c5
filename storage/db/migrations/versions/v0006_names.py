"""Present names: a job's `spec`, an enhancement's `options` with its `keep_words`, and `studio` as the software of its files."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.alter_column("jobs", "wish", new_column_name="spec")
    op.alter_column("enhancements", "steering", new_column_name="options")
    op.execute(
        "UPDATE enhancements SET options = json_set(json_remove(options, '$.locks'), '$.keep_words', json_extract(options, '$.locks')) "
        "WHERE json_type(options, '$.locks') IS NOT NULL"
    )
    op.execute(
        "UPDATE pictures SET environment = json_set(environment, '$.software', 'studio') WHERE json_extract(environment, '$.software') = 'ours'"
    )
