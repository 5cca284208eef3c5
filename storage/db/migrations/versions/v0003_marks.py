"""A mark on a job, by which a file of prompts that is drawn again finds what it has filed before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds a column that is empty for all that is there, and its index."""
    op.add_column("jobs", sa.Column("mark", sa.Text))
    op.create_index("ix_jobs_mark", "jobs", ["owner", "mark", "key"], sqlite_where=sa.text("mark IS NOT NULL"))
