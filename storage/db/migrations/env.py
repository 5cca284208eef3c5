"""Alembic environment: runs migrations on the connection that `storage.db.engine` passes, inside its transaction."""

from __future__ import annotations

from alembic import context


def _migrate() -> None:
    # SQLite rolls DDL back once Python's own transaction handling is off. Alembic assumes that it cannot.
    context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


_migrate()
