"""The durable queue: jobs are filed, claimed in turn, cancelled, finished, and recovered after a crash.

Knows no engine and does not interpret job specs. Every method is one transaction. A finished job never changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.orm import Session

from storage.db.engine import Database
from storage.db.tables import JobRow, PictureRow, TurnRow
from storage.errors import BadValue, NotFound, QueueFull
from storage.files.store import Place
from storage.ids import checked_id, new_id, now
from storage.records import JSON, Job, NewJob, QueueLimits, Status, Waiting
from storage.repositories.enhancements import find_enhancement

CRASHES_MAX = 2  # a job that crashed the process this often, without progress between, is not retried automatically
CRASHED = (
    "The studio went down twice while it worked on this job, with no step of progress between, so it was "
    "not tried a third time. One click draws it again."
)
FINAL: tuple[Status, ...] = ("done", "failed", "cancelled")

# Literal, not bound, so that SQLite can use the partial index of unfinished jobs.
_UNFINISHED = JobRow.status.in_([literal_column("'queued'"), literal_column("'running'")])


@dataclass(frozen=True)
class Jobs:
    """The jobs of all owners."""

    database: Database
    files: Place
    new_id: Callable[[], str] = new_id

    def add(self, new: NewJob, limits: QueueLimits) -> Job:
        """File a job. It is committed when this returns. `marked` finds it by its `mark`.

        Raises QueueFull if the limits are reached, BadValue for a negative count, and NotFound for another owner's
        enhancement.
        """
        if new.count < 0:
            raise BadValue("count", "at_least_0", new.count)
        with self.database.write() as session:
            _check_limits(session, new.owner, limits)
            if new.enhancement_id is not None:
                find_enhancement(session, new.owner, new.enhancement_id)
            row = JobRow(
                id=self.new_id(),
                status="queued",
                created_at=now(),
                started_at=None,
                finished_at=None,
                cancel_requested=False,
                crashes=0,
                error=None,
                **{**vars(new), "spec": dict(new.spec)},
            )
            session.add(row)
            session.flush()
            return _record(session, row)

    def claim(self, *, besides: str | None = None, suits: Callable[[JSON], bool] | None = None) -> Job | None:
        """Claim the next job and mark it running; None if the queue is empty.

        Owners take turns: the job is the oldest of the owner served least recently. `besides` skips an owner. If the next
        job's spec does not suit, it stays in the queue.
        """
        with self.database.write() as session:
            row = session.scalars(
                select(JobRow)
                .outerjoin(TurnRow, TurnRow.owner == JobRow.owner)
                .where(JobRow.status == "queued", _UNFINISHED, *([] if besides is None else [JobRow.owner != besides]))
                .order_by(func.coalesce(TurnRow.served, 0), JobRow.key)
                .limit(1)
            ).first()
            if row is None or (suits is not None and not suits(row.spec)):
                return None
            last = session.scalar(select(func.max(TurnRow.served))) or 0
            session.merge(TurnRow(owner=row.owner, served=max(last, 0) + 1))
            row.status, row.started_at = "running", now()
            return _record(session, row)

    def progressed(self, id: str) -> None:
        """Record a step of progress, which resets the count of crashes. Raises NotFound."""
        with self.database.write() as session:
            _find(session, id).crashes = 0

    def requeue(self, id: str) -> Job:
        """Queue a running job again, as the next to be claimed (for a graceful stop).

        Any other job is unchanged. Raises NotFound.
        """
        with self.database.write() as session:
            row = _find(session, id)
            if row.status == "running":
                _queue_first(session, row)
            return _record(session, row)

    def give_way(self, id: str, *, waits: bool = False) -> bool:
        """Queue a running job again if another owner waits, and end its owner's turn. Returns whether it did.

        `waits` means that another owner is known to wait. Raises NotFound.
        """
        with self.database.write() as session:
            row = _find(session, id)
            others = JobRow.status == "queued", _UNFINISHED, JobRow.owner != row.owner
            if row.status != "running" or not (waits or _count(session, *others)):
                return False
            row.status, row.started_at = "queued", None
            return True

    def link(self, id: str, enhancement_id: str) -> Job:
        """Link the enhancement that was made for the job.

        Raises NotFound for either, and if their owners differ.
        """
        with self.database.write() as session:
            row = _find(session, id)
            row.enhancement_id = find_enhancement(session, row.owner, enhancement_id).id
            return _record(session, row)

    def cancel(self, owner: str, id: str) -> Job:
        """Cancel a queued job at once, or ask a running one to stop. A finished job is unchanged.

        Raises NotFound.
        """
        with self.database.write() as session:
            row = _find(session, id, owner)
            if row.status == "queued":
                row.cancel_requested = True
                _finish(row, "cancelled")
            elif row.status == "running":
                row.cancel_requested = True
            return _record(session, row)

    def finish(self, id: str, status: Status, error: str | None = None) -> Job:
        """Finish the job as done, failed or cancelled. A finished job is unchanged.

        Raises NotFound and BadValue.
        """
        if status not in FINAL:
            raise BadValue("status", "one_of", status, names=", ".join(FINAL))
        with self.database.write() as session:
            row = _find(session, id)
            if row.status not in FINAL:
                _finish(row, status, error)
            return _record(session, row)

    def get(self, owner: str, id: str) -> Job:
        """The owner's job. Raises NotFound."""
        with self.database.read() as session:
            return _record(session, _find(session, id, owner))

    def find(self, id: str) -> Job:
        """The job of any owner. For the worker only, never for a request. Raises NotFound."""
        with self.database.read() as session:
            return _record(session, _find(session, id))

    def marked(self, owner: str, mark: str) -> Job | None:
        """The owner's newest job with this mark, or None."""
        with self.database.read() as session:
            row = session.scalars(
                select(JobRow)
                .where(JobRow.owner == owner, JobRow.mark == mark, JobRow.mark.is_not(None))
                .order_by(JobRow.key.desc())
                .limit(1)
            ).first()
            return None if row is None else _record(session, row)

    def unfinished(self, owner: str) -> tuple[Job, ...]:
        """The owner's queued and running jobs, oldest first."""
        with self.database.read() as session:
            mine = select(JobRow).where(JobRow.owner == owner, _UNFINISHED).order_by(JobRow.key)
            return _records(session, session.scalars(mine).all())

    def recent(self, owner: str, limit: int) -> tuple[Job, ...]:
        """The owner's finished jobs, latest first, at most `limit`."""
        with self.database.read() as session:
            mine = (
                select(JobRow)
                .where(JobRow.owner == owner, JobRow.finished_at.is_not(None))
                .order_by(JobRow.finished_at.desc(), JobRow.key.desc())
                .limit(max(limit, 0))
            )
            return _records(session, session.scalars(mine).all())

    def order(self, *, besides: str | None = None) -> tuple[Waiting, ...]:
        """The queued jobs in the order of serving. `besides` leaves out an owner."""
        queued = select(JobRow.id, JobRow.owner, JobRow.created_at).where(JobRow.status == "queued", _UNFINISHED)
        with self.database.read() as session:
            queues: dict[str, list[Waiting]] = defaultdict(list)
            for id, owner, created_at in session.execute(queued.order_by(JobRow.key)):
                if owner != besides:
                    queues[owner].append(Waiting(id=id, owner=owner, created_at=created_at))
            turns = select(TurnRow.owner, TurnRow.served).where(TurnRow.owner.in_(queues))
            return tuple(_order(queues, dict(session.execute(turns).all())))

    def waiting(self, owner: str) -> tuple[int, int]:
        """The number of unfinished jobs: the owner's, and all."""
        with self.database.read() as session:
            return _count(session, _UNFINISHED, JobRow.owner == owner), _count(session, _UNFINISHED)

    def counts(self) -> dict[str, int]:
        """The number of "queued" and "running" jobs of all owners."""
        with self.database.read() as session:
            found = session.execute(select(JobRow.status, func.count()).where(_UNFINISHED).group_by(JobRow.status))
            return {"queued": 0, "running": 0} | dict(found.all())

    def recover(self) -> tuple[Job, ...]:
        """Recover unfinished jobs at start, before the first claim. Returns the jobs that were running.

        A job with all its pictures is done. A job that was asked to stop is cancelled. A job that crashed the process
        CRASHES_MAX times without progress is failed. Any other job is queued again, first in line. Files of pictures
        without rows are removed.
        """
        with self.database.write() as session:
            self.files.discard_incoming(lambda id: _picture_exists(session, id))
            rows = session.scalars(
                select(JobRow).where(JobRow.status == "running", _UNFINISHED).order_by(JobRow.key.desc())
            ).all()
            for row in rows:
                _recover(session, row)
            return _records(session, rows[::-1])


def _check_limits(session: Session, owner: str, limits: QueueLimits) -> None:
    for bound, limit, whose, more in (
        ("queue_per_owner", limits.per_owner, [JobRow.owner == owner], limits.elsewhere[0]),
        ("queue_total", limits.total, [], limits.elsewhere[1]),
    ):
        waiting = _count(session, _UNFINISHED, *whose) + more
        if waiting >= limit:
            raise QueueFull(bound, limit, waiting)


def _count(session: Session, *where: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(JobRow).where(*where)) or 0


def _find(session: Session, id: str, owner: str | None = None) -> JobRow:
    row = session.scalars(select(JobRow).where(JobRow.id == checked_id("Job", id))).first()
    if row is None or owner not in (None, row.owner):
        raise NotFound("Job", id)
    return row


def _finish(row: JobRow, status: Status, error: str | None = None) -> None:
    row.status, row.finished_at, row.error = status, now(), error


def finish_with_last_picture(session: Session, job_id: str) -> None:
    """Finish the job in the transaction that stores its last picture. A finished job is unchanged, and so is one that lacks
    an earlier picture."""
    row = _find(session, job_id)
    if row.status not in FINAL and _drawn(session, row) >= row.count:
        _finish(row, "done")


def _queue_first(session: Session, row: JobRow) -> None:
    """Queue the job again, and give its owner the next turn.

    It is the oldest job of its owner, so it is next.
    """
    row.status, row.started_at = "queued", None
    first = session.scalar(select(func.min(TurnRow.served))) or 0
    session.merge(TurnRow(owner=row.owner, served=min(first, 0) - 1))
    session.flush()


def _recover(session: Session, row: JobRow) -> None:
    row.crashes += 1
    if row.kind != "enhance" and row.count and _drawn(session, row) == row.count:
        _finish(row, "done")
    elif row.cancel_requested:
        _finish(row, "cancelled")
    elif row.crashes >= CRASHES_MAX:
        _finish(row, "failed", CRASHED)
    else:
        _queue_first(session, row)


def _drawn(session: Session, row: JobRow) -> int:
    mine = select(func.count()).select_from(PictureRow).where(PictureRow.job_id == row.id)
    return session.scalar(mine) or 0


def _picture_exists(session: Session, id: str) -> bool:
    return session.scalar(select(PictureRow.key).where(PictureRow.id == id)) is not None


def _order(queues: dict[str, list[Waiting]], served: dict[str, int]) -> list[Waiting]:
    """The order in which `claim` serves the queues, each oldest first.

    Owners that were never served come in the order of the dict.
    """
    turns = sorted(queues, key=lambda owner: served.get(owner, 0))  # stable: equals keep their order
    order: list[Waiting] = []
    for depth in range(max(map(len, queues.values()), default=0)):
        order += [queues[owner][depth] for owner in turns if depth < len(queues[owner])]
    return order


def _record(session: Session, row: JobRow) -> Job:
    return _records(session, [row])[0]


def _records(session: Session, rows: Sequence[JobRow]) -> tuple[Job, ...]:
    """Convert rows to records, with the pictures of each job."""
    drawn: dict[str, list[tuple[int, str]]] = {row.id: [] for row in rows}
    found = select(PictureRow.job_id, PictureRow.index, PictureRow.id).where(PictureRow.job_id.in_(drawn))
    for job_id, index, id in session.execute(found):
        drawn[job_id].append((index, id))
    return tuple(_job(row, sorted(drawn[row.id])) for row in rows)


def _job(row: JobRow, drawn: list[tuple[int, str]]) -> Job:
    return Job(
        id=row.id,
        owner=row.owner,
        kind=row.kind,  # type: ignore[arg-type]  # only what `add` was given
        status=row.status,  # type: ignore[arg-type]  # the table checks it
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        spec=row.spec,
        count=row.count,
        pictures=tuple(id for _, id in drawn),
        indices=tuple(index for index, _ in drawn),
        enhancement_id=row.enhancement_id,
        cancel_requested=row.cancel_requested,
        crashes=row.crashes,
        error=row.error,
        mark=row.mark,
    )
