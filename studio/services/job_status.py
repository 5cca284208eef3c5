"""Job status for streams and the queue: the row, live progress, and the remaining time.

Reads storage, the progress hub and the estimator; changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from storage import Storage
from storage.errors import NotFound, StorageError
from storage.ids import is_private
from storage.records import Job, Picture
from studio.domain.checkpoint import TOKENS_MAX
from studio.domain.spec import JobSpec, remaining_work
from studio.domain.work import Work
from studio.engine.base import Engine
from studio.services import serializers
from studio.services.compare import explain_differences, pixels
from studio.services.serializers import FINISHED, View
from studio.validation import translate_errors
from studio.worker.eta import EtaEstimator
from studio.worker.progress import ProgressHub

WORKS_MAX = 1000  # waiting jobs whose work is cached


class JobStatusReader:
    """Builds job states. Safe from any thread."""

    def __init__(
        self,
        storage: Storage,
        engine: Engine,
        progress: ProgressHub,
        estimator: EtaEstimator,
        hold: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`hold` returns why the queue is paused, or None."""
        self._hold = hold
        self._storage, self._engine, self._progress, self._estimator = storage, engine, progress, estimator
        self._works: dict[str, Work] = {}  # of waiting jobs, which do not change

    def of(self, job: Job, seen: dict[str, View] | None = None) -> View:
        """The state that streams carry. It contains pictures as soon as they are stored.

        `seen` caches pictures between states, so that the database is asked for new ones only. The last state is always
        read fresh.
        """
        spec = JobSpec.from_json(job.spec)
        live, recipe = self._progress.progress_of(job.id), spec.recipe
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
            "steps": live.steps or recipe.steps,
            "eta_s": self._eta(job, ahead),
            "preview": f"/media/previews/{job.id}.webp?n={live.preview_number}" if live.preview is not None else None,
            "prompt": spec.original_prompt,
            "enhance": spec.enhances,
            "drawn_prompt": None if spec.enhances else recipe.prompt,
            "seed": recipe.seed,
            "width": recipe.width,
            "height": recipe.height,
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
        """An entry of the queue view."""
        ahead = self._ahead(job)
        return serializers.job(job, position=None if ahead is None else len(ahead), eta_s=self._eta(job, ahead))

    def _held(self, job: Job) -> str:
        return (self._hold() or "") if job.status == "queued" else ""

    def _ahead(self, job: Job) -> tuple[str, ...] | None:
        """The jobs served before a waiting one; None for any other job."""
        return self._storage.queue.ahead(job.id) if job.status == "queued" else None

    def _eta(self, job: Job, ahead: tuple[str, ...] | None) -> float | None:
        """Seconds until the job ends, including the jobs before it; None while unknown."""
        if ahead is None:
            eta = self._progress.progress_of(job.id).eta_s
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
        draft = self._progress.progress_of(job.id).draft
        if draft is not None:  # of a job with several enhancements, the one being written
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
        """A message if the encoder truncates the prompt."""
        written = shot["enhancement"]
        prompt = shot["drawn_prompt"] or (written["prompt"] if isinstance(written, dict) else None)
        tokens = self._engine.tokens(prompt) if isinstance(prompt, str) and len(prompt) > TOKENS_MAX // 2 else None
        if tokens is None or tokens <= TOKENS_MAX:
            return None
        return f"The prompt has {tokens:,} tokens; the encoder sees the first {TOKENS_MAX}, so its end does not count."

    def _verdict(self, job: Job) -> View:
        """Whether a re-run's pixels equal its parent's, and what differs otherwise."""
        with translate_errors():
            now = self._storage.of(job.id).pictures.by_job(job.owner, job.id)[0]
            parent = (
                job.spec.get("parent") if is_private(job.id) else now.parent_id
            )  # stored pictures have no private children
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
        """The pixel comparison; None if a file is missing."""
        with suppress(StorageError, OSError):
            return pixels(*(self._storage.png(one.owner, one.id) for one in (was, now)))
        return None
