"""A job as it stands, for streams and for the queue: its row, what is live of it, and how long it may still take.

Reads storage, the board and the pace; changes nothing. It is given jobs, and knows no owner but theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from storage import Storage
from storage.errors import NotFound, StorageError
from storage.ids import is_private
from storage.records import Job, Picture
from studio.domain.checkpoint import TOKENS_MAX
from studio.domain.spec import remaining_work
from studio.domain.work import Work
from studio.engine.base import Engine
from studio.services import serializers
from studio.services.compare import explain_differences, pixels
from studio.services.serializers import FINISHED, View
from studio.validation import translate_errors
from studio.worker.eta import EtaEstimator
from studio.worker.progress import ProgressHub

WORKS_MAX = 1000  # waiting jobs whose work is remembered


class JobStatusReader:
    """Makes snapshots. Safe from any thread."""

    def __init__(
        self,
        storage: Storage,
        engine: Engine,
        progress: ProgressHub,
        estimator: EtaEstimator,
        hold: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`hold` tells why the queue stands still, where it does."""
        self._hold = hold
        self._storage, self._engine, self._progress, self._estimator = storage, engine, progress, estimator
        self._works: dict[str, Work] = {}  # of waiting jobs, which do not change

    def of(self, job: Job, seen: dict[str, View] | None = None) -> View:
        """The form that streams carry. Finished pictures are in it as soon as they are there.

        `seen` keeps them from one snapshot to the next, so that only a new one makes the database be asked; the last
        snapshot, of a finished job, is always fresh.
        """
        live = self._progress.live(job.id)
        ahead = self._ahead(job)
        state = self._engine.state
        shot: View = {
            "job": job.id,
            "kind": job.kind,
            "status": job.status,
            "phase": "loading" if ahead is not None and state.status == "loading" else live.phase,
            "message": state.message if state.status != "ready" else self._held(job),
            "position": None if ahead is None else len(ahead),
            "index": live.index,
            "count": job.count,
            "step": live.step,
            "steps": live.steps or job.wish.get("steps"),
            "eta_s": self._eta(job, ahead),
            "preview": f"/media/previews/{job.id}.webp?n={live.preview_number}" if live.preview is not None else None,
            "prompt": job.wish.get("original_prompt"),
            "enhance": bool(job.wish.get("enhance")),
            "drawn_prompt": None if job.wish.get("enhance") else job.wish.get("prompt"),
            "seed": job.wish.get("seed"),
            "width": job.wish.get("width"),
            "height": job.wish.get("height"),
            "enhancement": self._enhancement(job),
            "pictures": [],
            "warning": None,
            "error": job.error,
            "private": is_private(job.id),
            "session": (job.mark or "") if is_private(job.id) else "",
        }
        shot["warning"] = self._too_long(shot)
        if job.pictures:
            shot["pictures"] = self._pictures(job, {} if seen is None or job.status in FINISHED else seen)
        if job.kind == "rerun" and job.status == "done":
            shot.update(self._verdict(job))
        return shot

    def line(self, job: Job) -> View:
        """A line of the queue."""
        ahead = self._ahead(job)
        return serializers.job(job, position=None if ahead is None else len(ahead), eta_s=self._eta(job, ahead))

    def _held(self, job: Job) -> str:
        return (self._hold() or "") if job.status == "queued" else ""

    def _ahead(self, job: Job) -> tuple[str, ...] | None:
        """The jobs that are served before a waiting one; None for any other."""
        return self._storage.queue.ahead(job.id) if job.status == "queued" else None

    def _eta(self, job: Job, ahead: tuple[str, ...] | None) -> float | None:
        """Seconds to the job's end: for a waiting one what runs, what is ahead and its own; None where nothing is known."""
        if ahead is None:
            eta = self._progress.live(job.id).eta_s
        else:
            works = [self._work(id) for id in ahead] + [remaining_work(job)]
            eta = self._estimator.works(one for one in works if one is not None)
            eta = None if eta is None else eta + self._progress.running_s()
        return None if eta is None else round(eta, 1)

    def _work(self, id: str) -> Work | None:
        found = self._works.get(id)
        if found is None:
            try:
                found = remaining_work(self._storage.of(id).jobs.find(id))
            except NotFound:
                return None
            if len(self._works) >= WORKS_MAX:
                self._works.clear()
            self._works[id] = found
        return found

    def _enhancement(self, job: Job) -> View | None:
        draft = self._progress.live(job.id).draft
        if draft is not None:  # of a job with several, the one that is being written
            return serializers.draft(draft)
        if job.enhancement_id:
            with translate_errors():
                return serializers.enhancement(self._storage.of(job.id).enhancements.get(job.owner, job.enhancement_id))
        return None

    def _pictures(self, job: Job, seen: dict[str, View]) -> list[View]:
        if not all(id in seen for id in job.pictures):
            seen.update(
                (one.id, serializers.picture(one))
                for one in self._storage.of(job.id).pictures.by_job(job.owner, job.id)
            )
        return [seen[id] for id in job.pictures]

    def _too_long(self, shot: View) -> str | None:
        """A sentence where the encoder does not see the whole prompt; it is drawn all the same."""
        written = shot["enhancement"]
        prompt = shot["drawn_prompt"] or (written["prompt"] if isinstance(written, dict) else None)
        tokens = self._engine.tokens(prompt) if isinstance(prompt, str) and len(prompt) > TOKENS_MAX // 2 else None
        if tokens is None or tokens <= TOKENS_MAX:
            return None
        return f"The prompt has {tokens:,} tokens; the encoder sees the first {TOKENS_MAX}, so its end does not count."

    def _verdict(self, job: Job) -> View:
        """Whether a re-run's pixels are its parent's, and what differs where they are not."""
        with translate_errors():
            now = self._storage.of(job.id).pictures.by_job(job.owner, job.id)[0]
            parent = (
                job.wish.get("parent") if is_private(job.id) else now.parent_id
            )  # a kept one has no children in private
            if not isinstance(parent, str):
                return {}
            was = self._storage.of(parent).pictures.get(job.owner, parent)
        if was.pixel_sha256 == now.pixel_sha256:
            return {"identical": True}
        unexplained: View = {"what": "pixels", "was": was.pixel_sha256, "is": now.pixel_sha256}
        return {
            "identical": False,
            "changed": explain_differences(was, now) or [unexplained],
            "pixels": self._apart(was, now),
        }

    def _apart(self, was: Picture, now: Picture) -> View | None:
        """How far the pixels are apart; None where a file is gone."""
        with suppress(StorageError, OSError):
            return pixels(*(self._storage.png(one.owner, one.id) for one in (was, now)))
        return None
