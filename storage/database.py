"""The database file: opened, migrated, and one session context manager for reads and one for writes.

Knows no table's meaning. Reads begin deferred and see one moment; writers begin IMMEDIATE, so that two of
them wait for each other instead of failing. Safe to use from any thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

from storage.errors import ForeignDatabase, NewerDatabase, NotWritten
from storage.tables import to_json

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_MS = 60_000  # how long a writer waits for another before it gives up


class Database:
    """Sessions on one migrated database file. Close it when done."""

    def __init__(self, file: Path) -> None:
        self._reading = _engine(file)
        self._writing = self._reading.execution_options(begin="BEGIN IMMEDIATE")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one moment of the database; nothing done in it is kept."""
        with Session(self._reading, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that is committed at the end, or rolled back when anything is raised.

        Raises NotWritten when the disk or another process's lock keeps it from writing.
        """
        try:
            with Session(self._writing, expire_on_commit=False) as session, session.begin():
                session.connection()  # takes the lock now: what is read from here on cannot change below us
                yield session
        except exc.OperationalError as error:
            raise NotWritten("A change of the database", error.orig) from error

    def close(self) -> None:
        """Close every connection."""
        self._reading.dispose()


def open_database(file: Path, backups: Path) -> Database:
    """Bring the database at `file` up to date, creating it where there is none, and open it.

    An existing one that needs a migration is copied into `backups` first; the migrations run in one
    transaction, so a failed one leaves nothing behind. Raises NewerDatabase and ForeignDatabase, having
    touched nothing.
    """
    migrate(file, backups)
    return Database(file)


def migrate(file: Path, backups: Path, *, migrations: Path = MIGRATIONS, target: str = "head") -> None:
    """Run the `migrations` that `file` lacks, up to the version `target`. See `open_database`."""
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    version = _version(file)
    if version is not None and version not in known:
        raise NewerDatabase(file, version)
    goal = scripts.get_current_head() if target == "head" else target
    if version == goal:
        return
    if version is not None:
        _back_up(file, backups, version)
    engine = _engine(file, foreign_keys=False)  # a migration may have to rebuild a table that others point to
    try:
        with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, target)
            if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise ForeignDatabase(file, f"a row of {broken[0]} points to a row of {broken[2]} that is gone")
    except exc.OperationalError as error:
        raise NotWritten(f"The new version of the database {file}", error.orig) from error
    finally:
        engine.dispose()


def _engine(file: Path, *, foreign_keys: bool = True) -> Engine:
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(file)),
        connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False},
        json_serializer=to_json,
        max_overflow=-1,  # a thread never waits for a connection, only ever for the lock of the file
    )

    def connected(connection: sqlite3.Connection, record: object) -> None:
        # Python's own transaction handling begins late and commits before DDL; without it BEGIN is ours, and
        # DDL rolls back.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # what is committed outlives the plug being pulled
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")

    def begun(connection: Connection) -> None:
        options: dict[str, Any] = dict(connection.get_execution_options())
        connection.exec_driver_sql(options.get("begin", "BEGIN"))

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine


def _version(file: Path) -> str | None:
    """The version of the tables in `file`, read without changing a byte; None where there are none."""
    if not file.exists() or file.stat().st_size == 0:
        return None
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not tables:
                return None
            if "alembic_version" not in tables:
                raise ForeignDatabase(file, "it holds tables of another program")
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise ForeignDatabase(file, str(error)) from error
    if row is None:
        raise ForeignDatabase(file, "it does not say which version of the tables it holds")
    return str(row[0])


def _back_up(file: Path, backups: Path, version: str) -> None:
    """Copy the whole database, its write-ahead log included, to `backups`; complete or not at all."""
    backups.mkdir(mode=0o700, exist_ok=True)
    moment = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S-%f")
    final = backups / f"studio-{version}-{moment}.db"
    part = final.with_suffix(".part")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(part)) as target:
        source.backup(target)
    part.replace(final)
