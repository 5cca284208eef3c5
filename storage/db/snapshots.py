"""Database snapshots through SQLite's backup API: complete or absent, made while writers continue, and rotated.

Knows the database file and the folder `backups` beside it.
"""

from __future__ import annotations

import re
import shlex
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from datetime import datetime, timezone
from pathlib import Path

from locales import Localized
from storage.errors import NotRestored, NotWritten
from storage.ids import now

DAYS, WEEKS = 7, 4  # number of daily and weekly snapshots to keep
PAGES = 256  # pages copied at a time
PAUSE_S = 0.005  # pause between them, so that writers get the disk
_STAMP = "%Y%m%d-%H%M%S-%f"
_NAME = re.compile(r"snapshot-(\d{8}-\d{6}-\d{6})\.db")


def stamp(moment: datetime | None = None) -> str:
    """Format a moment in UTC for a snapshot's name; now by default."""
    return (moment or now()).astimezone(timezone.utc).strftime(_STAMP)


def snapshot(file: Path, target: Path, *, pause_s: float = 0.0, stop: Callable[[], bool] = lambda: False) -> None:
    """Copy the whole database, including its write-ahead log, to `target`. The copy is complete and synced, or absent.

    Raises NotWritten, also if `stop` asks to stop, and NotRestored if the copy is damaged.
    """
    part = target.with_suffix(".part")

    def between(status: int, remaining: int, total: int) -> None:
        if stop():
            raise InterruptedError("it was told to stop")
        time.sleep(pause_s)

    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(sqlite3.connect(file, isolation_level=None)) as source, closing(sqlite3.connect(part)) as copy:
            # One read transaction: otherwise every write by others would restart the copy.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            source.backup(copy, pages=PAGES if pause_s else -1, progress=between)
        if wrong := faults(part, full=True):
            raise NotRestored("snapshot_not_kept", file=file, reason=wrong)
        part.chmod(0o600)
        part.replace(target)
    except (OSError, sqlite3.Error) as error:
        raise NotWritten(f"The snapshot {target}", error) from error
    finally:
        for leftover in (part, Path(f"{part}-journal"), Path(f"{part}-wal"), Path(f"{part}-shm")):
            with suppress(OSError):
                leftover.unlink()


def faults(file: Path, *, full: bool = False, seconds: float | None = None) -> str | None:
    """Return SQLite's description of what is wrong with a database; None if it is intact or `seconds` ran out.

    `full` also compares the indexes with their tables. Changes nothing. Raises sqlite3.OperationalError for a file that is
    locked or cannot be opened.
    """
    uri = f"{file.absolute().as_uri()}?mode=ro"
    until = None if seconds is None else time.monotonic() + seconds
    with closing(sqlite3.connect(uri, uri=True, timeout=3.0)) as connection:
        if until is not None:
            connection.set_progress_handler(lambda: int(time.monotonic() > until), 10_000)
        try:
            row = connection.execute(f"PRAGMA {'integrity_check' if full else 'quick_check'}(1)").fetchone()
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                return None
            raise
        except sqlite3.DatabaseError as error:
            return str(error)
    return None if row is None or row[0] == "ok" else " ".join(str(row[0]).replace("***", "").split())


def nightly_snapshot(
    folder: Path, moment: datetime, *, pause_s: float = PAUSE_S, stop: Callable[[], bool] = lambda: False
) -> Path:
    """Make a new snapshot of the database in `folder` and delete the ones that the rotation no longer keeps. See `snapshot`."""
    made = folder / "backups" / f"snapshot-{stamp(moment)}.db"
    snapshot(folder / "studio.db", made, pause_s=pause_s, stop=stop)
    there = snapshots(folder)
    kept = rotation(there.values())
    for path, when in there.items():
        if when not in kept and path != made:
            path.unlink(missing_ok=True)
    return made


def snapshots(folder: Path) -> dict[Path, datetime]:
    """The snapshots in `folder` with their times, oldest first."""
    found = {}
    backups = folder / "backups"
    for path in sorted(backups.iterdir()) if backups.is_dir() else ():
        if match := _NAME.fullmatch(path.name):
            found[path] = datetime.strptime(match[1], _STAMP).replace(tzinfo=timezone.utc)
    return found


def rotation(moments: Iterable[datetime]) -> set[datetime]:
    """Choose the newest snapshot of each of the last DAYS days and WEEKS weeks."""
    kept: set[datetime] = set()
    newest = sorted(moments, reverse=True)
    for most, unit in ((DAYS, "%Y-%m-%d"), (WEEKS, "%G-%V")):
        of_each: dict[str, datetime] = {}
        for moment in newest:
            of_each.setdefault(moment.strftime(unit), moment)
        kept.update(list(of_each.values())[:most])
    return kept


def restore_command(folder: Path) -> Localized:
    """How to restore the newest snapshot, or else a backup."""
    there = list(snapshots(folder).items())
    target = shlex.quote(f"{folder.absolute()}-restored")
    if not there:
        command = f"python app.py restore BACKUP --data {target}"
        return Localized("remedy.backup", folder=folder / "backups", command=command)
    path, when = there[-1]
    command = f"python app.py restore {shlex.quote(str(path.absolute()))} --data {target}"
    return Localized("remedy.snapshot", time=f"{when:%Y-%m-%d %H:%M} UTC", command=command)
