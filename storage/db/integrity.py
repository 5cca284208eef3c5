"""The integrity check at start. It runs after an unclean stop or once a week, for at most CHECK_S seconds.

A clean stop leaves a marker file. Nightly snapshots are checked completely. Knows no tables.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from storage.db.engine import Database, is_damage, not_opened, open_damaged, open_database
from storage.db.snapshots import faults
from storage.errors import LockedDatabase, UnknownDatabase
from storage.ids import now

CHECK_S = 10.0  # the longest time that a start waits
EVERY = timedelta(days=7)
NOTE = "studio.clean"  # exists while no studio uses the folder, if the last stop was clean

log = logging.getLogger(__name__)


@dataclass
class IntegrityCheck:
    """The integrity check of the database in one folder, from opening to closing."""

    folder: Path
    looked_at: datetime | None = None

    def open(self) -> Database:
        """Open and migrate the database. A damaged database that can be read is opened read-only.

        Raises LockedDatabase, NewerDatabase, UnknownDatabase or NotWritten.
        """
        file = self.folder / "studio.db"
        why = self._look(file)
        if why is None:
            try:
                database = open_database(file, self.folder / "backups")
            except UnknownDatabase as error:
                if not is_damage(error.__cause__):
                    raise
                why = str(error.__cause__)
            else:
                (self.folder / NOTE).unlink(missing_ok=True)  # from here on, a crash is not a clean stop
                return database
        database = open_damaged(file, why)
        log.error("%s", database.damaged)
        return database

    def close(self, database: Database) -> None:
        """Record a clean stop. Call it after everything is closed."""
        if database.damaged is not None or self.looked_at is None:
            return
        with suppress(OSError):  # the next start checks again
            (self.folder / NOTE).write_text(json.dumps({"looked_at": self.looked_at.isoformat()}), encoding="utf-8")

    def _look(self, file: Path) -> str | None:
        """Check the file if a check is due. Returns the fault, or None."""
        if not file.exists() or file.stat().st_size == 0:
            self.looked_at = now()
            return None
        self.looked_at = self._noted()
        if self.looked_at is not None and timedelta(0) <= now() - self.looked_at < EVERY:
            return None
        try:
            why = faults(file, seconds=CHECK_S)
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise LockedDatabase(file) from None
            raise not_opened(file, error) from error
        self.looked_at = now()
        return why

    def _noted(self) -> datetime | None:
        try:
            moment = datetime.fromisoformat(json.loads((self.folder / NOTE).read_text("utf-8"))["looked_at"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return moment if moment.tzinfo else None
