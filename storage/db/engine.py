"""The database engine: opening, migrating, and one session context manager each for reading and writing.

Knows no tables. Readers begin deferred and see one snapshot. Writers begin IMMEDIATE, so that two writers wait for each
other instead of failing. A damaged file is opened read-only. Safe to use from any thread.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, exc, text
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

from storage.db.snapshots import restore_command, snapshot, stamp
from storage.db.tables import to_json
from storage.errors import Damaged, LockedDatabase, NewerDatabase, NotWritten, UnknownDatabase

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_MS = 60_000  # how long a writer waits for another writer
START_S = 3.0  # how long a start waits for another program
_READABLE = ("SELECT version_num FROM alembic_version", "SELECT id, prompt FROM pictures ORDER BY key DESC LIMIT 24")


class Database:
    """Sessions on one migrated database file. Close it when done."""

    def __init__(self, file: Path, *, damage: str | None = None, engine: Engine | None = None) -> None:
        """Open `file`. `damage` describes a damaged file, which is then read-only. `engine` replaces the connections to the
        file."""
        self._file, self._damage = file, damage
        self._reading = engine or _engine(file, read_only=damage is not None)
        self._writing = self._reading.execution_options(begin="BEGIN IMMEDIATE")

    @property
    def damaged(self) -> str | None:
        """A message if the file is damaged and read-only."""
        return None if self._damage is None else str(self._damaged(self._damage))

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session on one snapshot of the database. Changes are discarded. Raises Damaged."""
        try:
            with Session(self._reading, expire_on_commit=False, autoflush=False) as session:
                yield session
        except exc.DatabaseError as error:
            raise self._told(error) from error

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yield a session that is committed at the end, or rolled back on an exception.

        Raises NotWritten if the disk or another process's lock prevents writing, and Damaged.
        """
        if self._damage is not None:
            raise self._damaged(self._damage)
        try:
            with Session(self._writing, expire_on_commit=False) as session, session.begin():
                session.connection()  # take the lock now, so that rows read from here on cannot change
                yield session
        except exc.OperationalError as error:
            raise NotWritten("A change of the database", error.orig) from error
        except exc.DatabaseError as error:
            raise self._told(error) from error

    def _told(self, error: exc.DatabaseError) -> Exception:
        return self._damaged(str(error.orig)) if is_damage(error.orig) else error

    def _damaged(self, why: str) -> Damaged:
        return Damaged(self._file, why, restore_command(self._file.parent))

    def close(self) -> None:
        """Close all connections."""
        self._reading.dispose()


def open_database(file: Path, backups: Path) -> Database:
    """Create or migrate the database at `file`, and open it.

    An existing database that needs a migration is first copied into `backups`. The migrations run in one transaction, so a
    failed one leaves nothing behind. Raises NewerDatabase and UnknownDatabase without changing the file.
    """
    migrate(file, backups)
    _check_lock(file)
    return Database(file)


def open_in_memory() -> Database:
    """Open an empty database of this version in memory. Closing it discards its rows; nothing is written to a disk."""
    name = _memory_name()
    first = _in_memory(name)  # the database exists while one connection is open
    with _TEMPLATE:
        _template().backup(first)
    engine = _engine(Path(name), connect=lambda: _in_memory(name))
    event.listen(engine, "engine_disposed", lambda disposed: first.close())
    return Database(Path(name), engine=engine)


_TEMPLATE = threading.Lock()


@cache
def _template() -> sqlite3.Connection:
    """An empty in-memory database with all migrations applied, made once per process."""
    name = _memory_name()
    first = _in_memory(name)
    migrating = _engine(Path(name), foreign_keys=False, connect=lambda: _in_memory(name))
    with migrating.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        _upgrade(connection, scripts(MIGRATIONS)[0])
    migrating.dispose()
    return first


def _memory_name() -> str:
    """Return a new name by which connections of this process share an in-memory database."""
    return f"/private-{secrets.token_hex(8)}"


def open_damaged(file: Path, why: str) -> Database:
    """Open a damaged database of this version read-only. Raises UnknownDatabase if nothing can be read, and NewerDatabase."""
    version = _version(file)
    head = scripts(MIGRATIONS)[1].get_current_head()
    if version != head:
        raise UnknownDatabase(
            file, f"it is damaged ({why}), and of another version of the studio", restore_command(file.parent)
        )
    database = Database(file, damage=why)
    try:
        with database.read() as session:
            for asked in _READABLE:
                session.execute(text(asked)).all()
    except (Damaged, exc.DatabaseError):
        database.close()
        raise UnknownDatabase(file, f"it is damaged ({why})", restore_command(file.parent)) from None
    return database


def not_opened(file: Path, error: object) -> NotWritten:
    """Build the error for a database that SQLite cannot open. SQLite needs some disk space beside the file, even for
    reading."""
    return NotWritten(
        f"What SQLite needs beside {file}, if only to read it,", f"{error}; is the disk full or read-only"
    )


def is_damage(error: BaseException | None) -> bool:
    """Whether SQLite's error means that the file is damaged or is not a database."""
    said = str(error)
    return isinstance(error, sqlite3.DatabaseError) and ("malformed" in said or "not a database" in said)


def scripts(migrations: Path) -> tuple[Config, ScriptDirectory]:
    """The Alembic configuration and script directory of a migrations folder."""
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config, ScriptDirectory.from_config(config)


def migrate(file: Path, backups: Path, *, migrations: Path = MIGRATIONS, target: str = "head") -> None:
    """Run the `migrations` that `file` lacks, up to the version `target`. See `open_database`."""
    config, directory = scripts(migrations)
    known = {script.revision for script in directory.walk_revisions()}
    version = _version(file)
    if version is not None and version not in known:
        raise NewerDatabase(file, version)
    goal = directory.get_current_head() if target == "head" else target
    if version == goal:
        return
    if version is not None:
        snapshot(file, backups / f"studio-{version}-{stamp()}.db")
    engine = _engine(file, foreign_keys=False)  # a migration may rebuild a table that others refer to
    try:
        with engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
            _upgrade(connection, config, target)
            if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise UnknownDatabase(file, f"a row of {broken[0]} points to a row of {broken[2]} that is gone")
    except exc.OperationalError as error:
        raise NotWritten(f"The new version of the database {file}", error.orig) from error
    finally:
        engine.dispose()


def _upgrade(connection: Connection, config: Config, target: str = "head") -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, target)


def _check_lock(file: Path) -> None:
    """Raises LockedDatabase if another program holds the write lock."""
    with closing(sqlite3.connect(file, timeout=START_S, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise LockedDatabase(file) from None
            raise not_opened(file, error) from error
        except sqlite3.DatabaseError as error:
            raise UnknownDatabase(file, str(error)) from error


def _read_only(file: Path, busy_s: float = BUSY_MS / 1000) -> sqlite3.Connection:
    """Open a connection that never changes the file, not even when it is closed."""
    uri = f"{file.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=busy_s, check_same_thread=False)


def _in_memory(name: str) -> sqlite3.Connection:
    """Connect to this process's in-memory database `name`. Temporary data of SQLite stays in memory too."""
    uri = f"file:{name}?vfs=memdb"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_MS / 1000, check_same_thread=False)
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def _engine(
    file: Path,
    *,
    foreign_keys: bool = True,
    read_only: bool = False,
    connect: Callable[[], sqlite3.Connection] | None = None,
) -> Engine:
    connect = (lambda: _read_only(file)) if read_only else connect
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(file)),
        connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False},
        json_serializer=to_json,
        poolclass=QueuePool,
        hide_parameters=True,  # errors contain no prompt
        max_overflow=-1,  # a thread never waits for a connection, only for the lock of the file
        **({"creator": connect} if connect else {}),
    )

    def connected(connection: sqlite3.Connection, record: object) -> None:
        # Python's own transaction handling begins late and commits before DDL. Without it, BEGIN is ours and
        # DDL rolls back.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        if read_only:
            return
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a committed transaction survives a power failure
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")

    def begun(connection: Connection) -> None:
        options: dict[str, Any] = dict(connection.get_execution_options())
        connection.exec_driver_sql(options.get("begin", "BEGIN"))

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine


def _version(file: Path) -> str | None:
    """Read the schema version of `file` without changing it; None if it has no tables."""
    if not file.exists() or file.stat().st_size == 0:
        return None
    try:
        with closing(_read_only(file, START_S)) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not tables:
                return None
            if "alembic_version" not in tables:
                raise UnknownDatabase(file, "it holds tables of another program")
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        if not isinstance(error, sqlite3.OperationalError):
            raise UnknownDatabase(file, str(error), restore_command(file.parent)) from error
        if "locked" in str(error):
            raise LockedDatabase(file) from None
        raise not_opened(file, error) from error
    if row is None:
        raise UnknownDatabase(file, "it does not say which version of the tables it holds")
    return str(row[0])
