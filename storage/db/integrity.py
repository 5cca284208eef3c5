"""Whether the database can be trusted at a start. It is looked through, for LOOK_S at most, when the last stop was not
clean or the last look is a week old; every nightly snapshot is looked through as a whole besides.

Knows the note that a clean stop leaves, and no table.
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
from storage.errors import ForeignDatabase, LockedDatabase
from storage.ids import now

CHECK_S = 10.0  # a start waits no longer
EVERY = timedelta(days=7)
NOTE = "studio.clean"  # there while nobody works on the folder, if the last who did stopped well

log = logging.getLogger(__name__)


@dataclass
class IntegrityCheck:
    """Of the database in one folder, from its opening to its closing."""

    folder: Path
    looked_at: datetime | None = None

    def open(self) -> Database:
        """The database, brought up to date; one that is damaged but can be read, for reading alone.

        Raises LockedDatabase, NewerDatabase, ForeignDatabase or NotWritten, each a sentence.
        """
        file = self.folder / "studio.db"
        why = self._look(file)
        if why is None:
            try:
                database = open_database(file, self.folder / "backups")
            except ForeignDatabase as error:
                if not is_damage(error.__cause__):
                    raise
                why = str(error.__cause__)
            else:
                (self.folder / NOTE).unlink(missing_ok=True)  # from here on a death is not a clean stop
                return database
        database = open_damaged(file, why)
        log.error("%s", database.damaged)
        return database

    def close(self, database: Database) -> None:
        """Note that the stop was clean; to be called once everything is closed."""
        if database.damaged is not None or self.looked_at is None:
            return
        with suppress(OSError):  # then the next start looks once more
            (self.folder / NOTE).write_text(json.dumps({"looked_at": self.looked_at.isoformat()}), encoding="utf-8")

    def _look(self, file: Path) -> str | None:
        """What is wrong with the file, as far as there was reason to look; None otherwise."""
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
