"""Alembic migrations, one file a step. Released files never change."""
