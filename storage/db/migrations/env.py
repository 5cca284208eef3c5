"""What Alembic runs to migrate: on the connection that `storage.database` hands over, inside its transaction.

Knows no table and opens no database.
"""

from __future__ import annotations

from alembic import context


def _migrate() -> None:
    # SQLite can roll DDL back once Python's own transaction handling is off; Alembic assumes that it cannot.
    context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


_migrate()
