"""Links to single pictures that expire and can be revoked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds the table of shares; touches nothing that is there."""
    op.create_table(
        "shares",
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column(
            "picture_id", sa.Text, sa.ForeignKey("pictures.id", name="fk_shares_picture_id"), nullable=False
        ),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("revoked_at", sa.DateTime),
    )
    op.create_index("ix_shares_picture_id", "shares", ["picture_id"])
