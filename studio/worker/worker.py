"""The worker: takes jobs from storage, runs them on the engine, and reports progress.

One thread owns the device, so that two jobs never run at once. Knows no page and no request: it reads cancellation marks
from the progress hub.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from enhancer.errors import EnhancerError, Stopped
from locales import Localized, message_of
from storage import Storage
from storage.errors import Damaged, NotWritten, StorageError
from storage.ids import is_private
from storage.records import Job, Status
from studio.domain.spec import JobSpec
from studio.engine.base import Engine
from studio.errors import Cancelled, StudioError
from studio.worker.disk_space import DISK, DiskSpace, InsufficientSpace, is_unwritten, says_full
from studio.worker.eta import EtaEstimator
from studio.worker.progress import ProgressHub
from studio.worker.runner import EnhancerAccess, JobRunner, switch
from studio.worker.writer import BackgroundWriter

log = logging.getLogger(__name__)
SPACE_S = 3.0  # how often a paused queue checks the disk space
PRUNE_S = 60.0  # how often private things are pruned
IDLE_S = 1.0  # how long an idle worker sleeps; a filed job wakes it at once
T = TypeVar("T")


class Worker:
    """Runs jobs, one at a time, on its own thread from `start` to `close`."""

    def __init__(
        self,
        storage: Storage,
        engine: Engine,
        access: EnhancerAccess,
        progress: ProgressHub,
        eta: EtaEstimator,
        disk: DiskSpace,
    ) -> None:
        self._paused: Job | None = None  # the job whose enhancement pauses while another owner's job runs
        self._storage, self._engine, self._progress, self._disk = storage, engine, progress, disk
        self._wake, self._closing = threading.Event(), threading.Event()
        self._wanted: str | None = None  # the checkpoint to load when the queue is empty
        self._recovered = False  # whether unfinished jobs of a crash were recovered
        self._generated = False  # whether a picture was generated since the last tuning
        self.trouble: str | None = None  # why the last requested load failed
        self.hold: str | None = None  # why the queue is paused
        self._writer = BackgroundWriter()
        self._runner = JobRunner(
            storage=storage, engine=engine, access=access, progress=progress, eta=eta, disk=disk,
            writer=self._writer, stopping=self._stopping,
            let_other_run=self._let_other_run, gives_way=self._gives_way,
        )  # fmt: skip
        # Not a daemon: a thread inside torch when the interpreter finalizes aborts the process.
        self._thread = threading.Thread(target=self._loop, name="worker")

    def start(self) -> None:
        """Recover unfinished jobs before accepting imports, and start the thread."""
        with suppress(StorageError):  # otherwise the thread does it as soon as it can write
            self._recover()
        self._thread.start()

    def wake(self) -> None:
        """Notify the worker that a job was filed."""
        self._wake.set()

    def load(self, checkpoint: str) -> None:
        """Load a checkpoint when the queue is empty, so that the next request does not wait."""
        self._wanted = checkpoint
        self._wake.set()

    def close(self) -> None:
        """Stop after the current step and wait for the thread to end. The running job is queued again."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._writer.close()

    def _recover(self) -> None:
        """Queue the jobs of a killed process again."""
        for job in self._storage.jobs.recover():
            log.info("job %s was left unfinished and is now %s", job.id, job.status)
        self._recovered = True
        self._progress.notify_all()

    def _loop(self) -> None:
        if not self._recovered:
            self._written(self._recover)
        while not self._closing.is_set() and self._engine.wait(timeout=IDLE_S).status == "loading":
            self._progress.notify_all()
        pruned = time.monotonic()
        while not self._closing.is_set():
            self._wake.clear()
            if time.monotonic() >= pruned + PRUNE_S:
                self._written(self._storage.private.prune)
                pruned = time.monotonic()
            held = self._holds()  # private jobs need no disk space
            claim = self._storage.private.jobs.claim if held else self._storage.queue.claim
            job = self._written(claim)
            if job is not None:
                self._run(job)
            elif held:
                self._wake.wait(SPACE_S)
            elif wanted := self._wanted:
                self._wanted = None
                self._prepare(wanted)
            elif not self._tuned():
                self._wake.wait(IDLE_S)

    def _holds(self) -> bool:
        """Check the disk space. Returns whether the queue is paused, and logs changes."""
        before, self.hold = self.hold, self._disk.lacks()
        if self.hold != before:
            log.warning("%s", self.hold or "There is space again; the queue continues.")
            self._progress.notify_all()
        return self.hold is not None

    def _written(self, write: Callable[[], T]) -> T | None:
        """Run `write` and return its result. While the database refuses writes, retry until it accepts them or the studio
        closes.

        This thread must survive every error, since no other thread takes jobs.
        """
        told = False
        while True:
            try:
                done = write()
                self.hold = None if told else self.hold
                return done
            except (NotWritten, Damaged) as error:
                if not told:
                    log.error("the queue is paused: %s", error)
                    told, self.hold = True, DISK if says_full(error) else message_of(error)
                    self._progress.notify_all()
                if self._closing.wait(IDLE_S):
                    return None
            except Exception:  # a bug: this write is lost, the thread continues
                log.exception("the queue could not be written")
                return None

    def _finish(self, job: Job, status: Status, error: str | None = None) -> None:
        self._written(lambda: self._storage.of(job.id).jobs.finish(job.id, status, error))

    def _run(self, job: Job) -> None:
        self._progress.notify_all()  # every waiting job moves up
        try:
            if self._stopping(job):
                raise Cancelled("job_cancelled")
            self._generated |= self._runner.run(job, JobSpec.from_json(job.spec))
        except (Cancelled, Stopped):
            if self._closing.is_set():
                self._written(lambda: self._storage.of(job.id).jobs.requeue(job.id))
            else:
                self._finish(job, "cancelled")
        except InsufficientSpace:
            self._wait_for_space(job)
        except (StudioError, EnhancerError, StorageError, OSError) as error:
            if is_unwritten(error) or (says_full(error) and self._disk.lacks()):
                self._disk.refused()
                self._wait_for_space(job)
                return
            self._log(job, error, expected=isinstance(error, StudioError | EnhancerError))
            self._finish(job, "failed", _message(error))
        except Exception as error:  # a bug fails this job only; the next one must run
            self._log(job, error)
            self._finish(job, "failed", Localized("error.unexpected", kind=type(error).__name__))
        finally:
            if is_private(job.id):
                self._written(self._storage.private.prune)
            self._progress.end(job.id)

    def _log(self, job: Job, error: Exception, *, expected: bool = False) -> None:
        """Log why a job failed. For a private job, only the type: a message may contain its prompt."""
        if is_private(job.id):
            log.warning("a private job failed: %s", type(error).__name__)
        else:
            log.warning("job %s failed: %s", job.id, error, exc_info=not expected)

    def _wait_for_space(self, job: Job) -> None:
        """Queue the job again with its pictures. It continues first when there is space."""
        self._holds()
        self._written(lambda: self._storage.of(job.id).jobs.requeue(job.id))

    def _gives_way(self, job: Job) -> bool:
        """Give way to another owner after a picture. The rest of the job follows in its owner's next turn."""
        if self._paused is None and not self._storage.queue.counts()["queued"]:
            return False
        self._writer.settle()  # the next claim must see the finished pictures
        return self._storage.queue.give_way(job.id, waits=self._paused is not None)

    def _let_other_run(self, job: Job) -> None:
        """Run another owner's next job, up to one picture, while this job's enhancement pauses.

        Only jobs of the resident checkpoint, whose weights the enhancement uses.
        """
        if self._paused is not None or self._disk.lacks() or not self._storage.queue.counts()["queued"]:
            return
        here = self._engine.state.checkpoint
        other = self._written(
            lambda: self._storage.queue.claim(
                besides=job.owner, suits=lambda spec: JobSpec.from_json(spec).recipe.checkpoint == here
            )
        )
        if other is None:
            return
        self._progress.post(job.id, phase="waiting")
        self._paused = job
        try:
            self._run(other)
        finally:
            self._paused = None
            self._progress.post(job.id, phase="reasoning")

    def _tuned(self) -> bool:
        """Tune the engine, once pictures were generated. Returns whether there is more to tune."""
        if not self._generated:
            return False
        try:
            self._generated = self._engine.tune(self._busy)
        except Exception:  # tuning is optional: sampling continues as before
            log.exception("measuring what is quickest")
            self._generated = False
        return self._generated

    def _busy(self) -> bool:
        """Whether a job waits, or the studio closes."""
        return self._closing.is_set() or self._wanted is not None or self._storage.queue.counts()["queued"] > 0

    def _prepare(self, checkpoint: str) -> None:
        """Load a requested checkpoint. Nobody waits for it, so a failure is only recorded."""
        self.trouble = None
        try:
            switch(self._engine, checkpoint)
        except StudioError as error:
            self.trouble = error.message
        except Exception:  # a bug; this thread must survive
            log.exception("loading %s", checkpoint)
            self.trouble = Localized("error.load_failed", name=checkpoint)

    def _stopping(self, job: Job) -> bool:
        return job.cancel_requested or self._closing.is_set() or self._progress.cancelled(job.id)


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return Localized("error.disk_full")
    if isinstance(error, OSError):
        return Localized("error.file", reason=error.strerror or type(error).__name__)
    return message_of(error)
