"""What is done in the house once a day, whoever draws meanwhile: a snapshot of the database, the trash of a month ago; and after
each start a look at whether every row has its file.

One thread, which mostly sleeps. Knows storage, and no job, engine or page.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta, timezone

from storage import Storage
from storage.db import snapshots
from storage.errors import StorageError

FIRST_S = 60.0  # after a start, so that it is up before anything is copied
LOOK_S = 600.0  # how often it looks whether something is due
DAY = timedelta(days=1)

log = logging.getLogger(__name__)


class Maintenance:
    """Over one storage, from `start` to `close`."""

    def __init__(self, storage: Storage, owner: str | None) -> None:
        """`owner` gets pictures that were found without a row, where nothing else tells whose they are."""
        self._storage, self._owner = storage, owner
        self._closing = threading.Event()
        self._emptied: datetime | None = None
        self._thread = threading.Thread(target=self._loop, name="housekeeping")
        self.trouble: str | None = None  # why the last of what was due could not be done

    def start(self) -> None:
        """Begin, on a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Stop, within a step of whatever is being done."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def tend(self, moment: datetime) -> list[str]:
        """Do what is due at a moment; gives what was done, in words. What cannot be done is `trouble`, and due again."""
        done: list[str] = []
        self.trouble = None
        for what in (self._empty, self._snapshot):
            try:
                done += what(moment)
            except StorageError as error:
                if not self._closing.is_set():
                    self.trouble = str(error)
                    log.warning("housekeeping: %s", error)
        return done

    def look(self) -> list[str]:
        """Bring files and rows together where something outside parted them; gives what was new, in words."""
        report = self._storage.reconciler.run(owner=self._owner, stop=self._closing.is_set)
        return [one.sentence for one in report.findings if one.news]

    def _empty(self, moment: datetime) -> list[str]:
        if self._emptied is not None and timedelta(0) <= moment - self._emptied < DAY:
            return []
        gone = self._storage.trash.expire(at=moment)
        self._emptied = moment
        return [f"{gone} pictures that were in the trash for a month are gone"] if gone else []

    def _snapshot(self, moment: datetime) -> list[str]:
        there = list(snapshots.snapshots(self._storage.folder).values())
        # One that is of a time to come was made before somebody put the clock right.
        if there and -DAY < moment - there[-1] < DAY:
            return []
        made = snapshots.nightly_snapshot(self._storage.folder, moment, stop=self._closing.is_set)
        return [f"the snapshot {made.name} was made"]

    def _loop(self) -> None:
        wait = FIRST_S
        try:
            for sentence in self.look():
                log.warning("%s", sentence)
        except Exception:  # it is a help: whatever it was, the studio works on
            log.exception("looking whether every picture has its file")
        while not self._closing.wait(wait):
            wait = LOOK_S
            try:
                for sentence in self.tend(datetime.now(timezone.utc)):
                    log.info("%s", sentence)
            except Exception:
                log.exception("housekeeping")
