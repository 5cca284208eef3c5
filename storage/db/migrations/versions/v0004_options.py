"""How an enhancement was steered, and which one it was made from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds two columns, empty for all that is there."""
    op.add_column("enhancements", sa.Column("steering", sa.JSON, nullable=False, server_default="{}"))
    op.add_column("enhancements", sa.Column("parent_id", sa.Text))
