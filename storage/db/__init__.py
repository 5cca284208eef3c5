"""The database: engine and sessions, tables, migrations, integrity checks and snapshots."""
