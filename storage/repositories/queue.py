"""The whole queue: stored and private jobs, served in turn by one worker.

Each job is in one of two stores, in which owners take turns. This module orders the first jobs of both: of one owner the
older job first, of two owners the one who was served less recently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from storage.ids import is_private
from storage.records import JSON, Job, Waiting
from storage.repositories.jobs import Jobs

OWNERS_MAX = 1_000  # owners whose turns are remembered


@dataclass(frozen=True)
class Queue:
    """The jobs of all owners in both stores."""

    kept: Jobs
    private: Jobs
    _served: dict[str, int] = field(default_factory=dict)  # owner -> number of the last claim since the start

    def of(self, id: object) -> Jobs:
        """The store of the job `id`."""
        return self.private if is_private(id) else self.kept

    def places(self, private: bool) -> tuple[Jobs, Jobs]:
        """The store for a job, and the other store, whose jobs `Jobs.add` counts too."""
        return (self.private, self.kept) if private else (self.kept, self.private)

    def claim(self, *, besides: str | None = None, suits: Callable[[JSON], bool] | None = None) -> Job | None:
        """Claim the next job of both stores; None if none waits. See `Jobs.claim`."""
        kept, private = self.kept.order(besides=besides), self.private.order(besides=besides)
        places = [self.of(first) for first in _firsts(kept, private, self._served)]
        for place in places:
            job = place.claim(besides=besides, suits=suits)
            if job is not None:
                _note(self._served, job.owner)
                return job
        return None

    def ahead(self, id: str) -> tuple[str, ...]:
        """The queued jobs served before this one, in order. Empty for a job that is not queued."""
        kept, private, served = list(self.kept.order()), list(self.private.order()), dict(self._served)
        order: list[str] = []
        while kept or private:
            first = _firsts(kept, private, served)[0]
            if first == id:
                return tuple(order)
            order.append(first)
            _note(served, (private if is_private(first) else kept).pop(0).owner)
        return ()

    def give_way(self, id: str, *, waits: bool = False) -> bool:
        """Queue a running job again if another owner waits in either store. See `Jobs.give_way`."""
        job = self.of(id).find(id)
        other = self.kept if is_private(id) else self.private
        return self.of(id).give_way(id, waits=waits or bool(other.order(besides=job.owner)))

    def counts(self) -> dict[str, int]:
        """The number of "queued" and "running" jobs of all owners."""
        kept, private = self.kept.counts(), self.private.counts()
        return {status: kept[status] + private[status] for status in kept}

    def unfinished(self, owner: str) -> tuple[Job, ...]:
        """The owner's queued and running jobs, oldest first."""
        both = self.kept.unfinished(owner) + self.private.unfinished(owner)
        return tuple(sorted(both, key=lambda job: job.created_at))

    def recent(self, owner: str, limit: int) -> tuple[Job, ...]:
        """The owner's finished jobs, latest first, at most `limit`."""
        both = self.kept.recent(owner, limit) + self.private.recent(owner, limit)
        return tuple(sorted(both, key=lambda job: job.finished_at or job.created_at, reverse=True)[:limit])

    def marked(self, owner: str, mark: str) -> Job | None:
        """The owner's newest job with this mark, or None."""
        found = [job for job in (self.kept.marked(owner, mark), self.private.marked(owner, mark)) if job is not None]
        return max(found, key=lambda job: job.created_at, default=None)


def _firsts(kept: Sequence[Waiting], private: Sequence[Waiting], served: Mapping[str, int]) -> list[str]:
    """The ids of the first job of each store, in the order of serving."""
    both = [*kept[:1], *private[:1]]
    if len({one.owner for one in both}) == 1:
        both.sort(key=lambda one: one.created_at)
    else:
        both.sort(key=lambda one: (served.get(one.owner, 0), one.created_at))
    return [one.id for one in both]


def _note(served: dict[str, int], owner: str) -> None:
    last = next(reversed(served.values()), 0)  # the last served owner comes last
    served.pop(owner, None)
    if len(served) >= OWNERS_MAX:
        served.clear()  # forget all turns, which is fair again
    served[owner] = last + 1
