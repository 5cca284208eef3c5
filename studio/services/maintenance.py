"""Scheduled maintenance: daily database snapshots, expiry of the trash, and a reconciliation after each start.

One thread, which sleeps most of the time. Knows storage, and no job, engine or page.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta, timezone

from locales import message_of
from storage import Storage
from storage.db import snapshots
from storage.errors import StorageError

FIRST_S = 60.0  # after a start, so that the page is up before anything is copied
LOOK_S = 600.0  # how often it checks what is due
DAY = timedelta(days=1)

log = logging.getLogger(__name__)


class Maintenance:
    """Maintenance of one storage, from `start` to `close`."""

    def __init__(self, storage: Storage, owner: str | None) -> None:
        """`owner` gets orphaned files whose owner is unknown."""
        self._storage, self._owner = storage, owner
        self._closing = threading.Event()
        self._emptied: datetime | None = None
        self._thread = threading.Thread(target=self._loop, name="housekeeping")
        self.trouble: str | None = None  # why the last task failed

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the current step, and wait for the thread to end."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def tend(self, moment: datetime) -> list[str]:
        """Do what is due at a moment. Returns what was done, in words. A failed task sets `trouble` and stays due."""
        done: list[str] = []
        self.trouble = None
        for what in (self._empty, self._snapshot):
            try:
                done += what(moment)
            except StorageError as error:
                if not self._closing.is_set():
                    self.trouble = message_of(error)
                    log.warning("housekeeping: %s", error)
        return done

    def look(self) -> list[str]:
        """Reconcile files and rows. Returns new findings, in words."""
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
        # A snapshot from the future was made before the clock was corrected.
        if there and -DAY < moment - there[-1] < DAY:
            return []
        made = snapshots.nightly_snapshot(self._storage.folder, moment, stop=self._closing.is_set)
        return [f"the snapshot {made.name} was made"]

    def _loop(self) -> None:
        wait = FIRST_S
        try:
            for sentence in self.look():
                log.warning("%s", sentence)
        except Exception:  # maintenance must not stop the studio
            log.exception("looking whether every picture has its file")
        while not self._closing.wait(wait):
            wait = LOOK_S
            try:
                for sentence in self.tend(datetime.now(timezone.utc)):
                    log.info("%s", sentence)
            except Exception:
                log.exception("housekeeping")
