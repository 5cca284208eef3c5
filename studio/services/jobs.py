"""Watching jobs: their states, as snapshots and as streams, and previews of running ones."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator

from storage import Storage
from storage.records import Job
from studio.errors import NotFound
from studio.services.job_status import JobStatusReader
from studio.services.serializers import FINISHED, View
from studio.validation import checked_id, translate_errors
from studio.worker.progress import ProgressHub

RECHECK_S = 1.0  # a watcher checks again this often without a notification


class Jobs:
    """The use cases over one queue. Safe from any thread and any event loop."""

    def __init__(self, storage: Storage, progress: ProgressHub, status: JobStatusReader) -> None:
        self._storage, self._progress, self._status = storage, progress, status

    def get(self, owner: str, job_id: str) -> Job:
        """The owner's job. Raises NotFound."""
        with translate_errors():
            return self._storage.of(job_id).jobs.get(owner, checked_id("job", job_id))

    def snapshot(self, owner: str, job_id: str) -> View:
        """The state of a job, in the form that streams carry. A finished job contains its pictures."""
        return self._status.of(self.get(owner, job_id))

    def marked(self, owner: str, mark: str) -> View | None:
        """The state of the newest job with this mark; None if there is none."""
        with translate_errors():
            job = self._storage.queue.marked(owner, mark)
        return None if job is None else self._status.of(job)

    async def watch(self, owner: str, job_id: str) -> AsyncIterator[View]:
        """Yield the job's states from now to its end, the first at once. Leaving does not stop the job."""
        seen: dict[str, View] = {}

        def look() -> View:
            return self._status.of(self.get(owner, job_id), seen)

        with self._progress.watch(job_id) as watcher:
            last: View | None = None
            while True:
                try:
                    state = await asyncio.to_thread(look)
                except NotFound:
                    if last is None:
                        raise
                    yield {**last, "status": "cancelled", "pictures": []}  # it was private and has been removed
                    return
                if state != last:
                    yield state
                if state["status"] in FINISHED:
                    return
                last = state
                await watcher.change(RECHECK_S)

    def unfinished(self, owner: str) -> list[View]:
        """The owner's unfinished jobs, oldest first."""
        return [self._status.line(job) for job in self._storage.queue.unfinished(owner)]

    def recent(self, owner: str, limit: int = 10) -> list[View]:
        """The owner's latest finished jobs, for the queue view."""
        return [self._status.line(job) for job in self._storage.queue.recent(owner, limit)]

    def preview(self, owner: str, job_id: str) -> bytes:
        """A preview of a running job's picture, as WebP."""
        self.get(owner, job_id)
        image = self._progress.progress_of(job_id).preview
        if image is None:
            raise NotFound("preview of job", job_id)
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=80, method=0)
        return buffer.getvalue()
