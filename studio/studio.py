"""The facade: every use case, each on behalf of an owner.

The page, the API and all routes call it. Knows no gradio, no HTTP and no torch. Another owner's things are "not found".
Errors are `StudioError`.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from enhancer import wildcards
from storage import Storage
from storage.errors import Damaged
from storage.ids import is_private
from storage.records import Job, Kind
from studio.domain.checkpoint import TOKENS_MAX, CheckpointInfo
from studio.domain.enhancement_options import AvailableOptions, HostOptions, truncated_end
from studio.domain.request import GenerationRequest, flag, integer, new_seed, optional_integer, text
from studio.domain.request import session as checked_session
from studio.domain.request import strength as checked_strength
from studio.domain.spec import JobSpec, checkpoint_of, reject_unused_options
from studio.engine.base import AdapterInfo, Engine, EngineState
from studio.errors import InvalidRequest, NotFound, NotReady, Refused
from studio.services import adapters, serializers
from studio.services.captioning import Captioner
from studio.services.job_status import JobStatusReader
from studio.services.library import Library
from studio.services.maintenance import Maintenance
from studio.services.serializers import FINISHED, View
from studio.services.transfer import Transfer
from studio.validation import HOME, checked_id, translate_errors
from studio.worker import source_images
from studio.worker.disk_space import DiskSpace
from studio.worker.eta import EtaEstimator
from studio.worker.progress import ProgressHub
from studio.worker.quota import Quota
from studio.worker.worker import SHARE_S, EnhancerFor, Worker

if TYPE_CHECKING:
    from enhancer.models.remote import RemoteChat

RECHECK_S = 1.0  # a watcher checks again this often without a notification
TIMINGS = 40  # pictures in the chart of the System view


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The limits of the queue."""

    per_owner: int = 20
    total: int = 200


class Studio(Library):
    """The use cases over one storage, one engine and one enhancer. Safe from any thread and any event loop."""

    def __init__(
        self,
        storage: Storage,
        engine: Engine,
        enhancer_for: EnhancerFor | None,
        *,
        bounds: Bounds = Bounds(),
        quota: Quota | None = None,
        strangers: bool = False,
        remote: bool = False,
        share_s: float = SHARE_S,
        captioner: RemoteChat | None = None,
    ) -> None:
        """`remote`: whether the enhancer's model is a server's, which follows instructions. `share_s`: seconds of device
        time for an enhancement while another owner waits. `captioner` captions pictures."""
        super().__init__(storage)
        self._engine, self._bounds = engine, bounds
        self._own, self._remote = HostOptions(storage.folder), remote
        self._quota = quota or Quota(storage.folder, 0)
        self.transfer = Transfer(storage, self._quota)  # import and export
        self._strangers = strangers  # whether untrusted visitors use this studio
        self._progress, self._eta = ProgressHub(), EtaEstimator()
        self._worker = Worker(
            storage, engine, enhancer_for, self._options, self._progress, self._eta, DiskSpace(storage.folder, self._quota),
            elsewhere=remote, share_s=share_s,
        )  # fmt: skip
        self._snapshots = JobStatusReader(storage, engine, self._progress, self._eta, lambda: self._worker.hold)
        self._housekeeping = Maintenance(storage, None if strangers else HOME)
        self.can_enhance = enhancer_for is not None
        self.captioner = Captioner(captioner)

    def start(self) -> None:
        """Start loading the engine, and continue the queue. On a damaged database, neither starts."""
        if self._storage.damaged is None:
            self._engine.start()
            self._worker.start()
            self._housekeeping.start()

    def close(self) -> None:
        """Stop after the current step, queue the running job again, and release the device and the database."""
        self.captioner.close()
        self._worker.close()
        self._housekeeping.close()
        self._engine.close()
        self._storage.close()

    # Status

    @property
    def state(self) -> EngineState:
        """The engine's state. Its message explains a paused queue."""
        state = self._engine.state
        if self.damaged is not None:
            return replace(state, status="failed", message=self.damaged)
        return state if self._worker.hold is None else replace(state, message=self._worker.hold)

    @property
    def damaged(self) -> str | None:
        """A message if the database is damaged and read-only. The public gets no details."""
        told = self._storage.damaged
        return Damaged.BRIEF if told is not None and self._strangers else told

    def health(self) -> View:
        """The answer of `/healthz`."""
        state, counts = self.state, self._storage.queue.counts()
        return {
            "status": state.status,
            "message": state.message,
            "checkpoint": state.checkpoint,
            "device": state.device,
            "queued": counts["queued"],
            "running": counts["running"],
        }

    def checkpoint(self, name: str | None = None) -> CheckpointInfo:
        """A checkpoint and its defaults. Raises InvalidRequest if the catalog does not have it."""
        return self._engine.info(name)

    def checkpoint_of(self, owner: str, picture_id: str) -> CheckpointInfo:
        """The checkpoint of a picture. Raises Refused if it is not known here."""
        return checkpoint_of(self._picture(owner, picture_id), self.checkpoints())

    def checkpoints(self) -> tuple[CheckpointInfo, ...]:
        """The catalog."""
        return self._engine.checkpoints()

    def adapters(self, checkpoint: str | None = None) -> tuple[AdapterInfo, ...]:
        """The adapters here, and whether they fit a checkpoint. Raises InvalidRequest."""
        return self._engine.adapters(checkpoint)

    def enhancement_options(self, name: str | None = None) -> AvailableOptions:
        """The enhancement options available with a checkpoint. Raises InvalidRequest."""
        return self._options(self._engine.info(name))

    def lists(self) -> tuple[str, ...]:
        """The names of the wildcard lists."""
        return tuple({**wildcards.shipped_lists("en"), **self._own.lists})

    def _options(self, info: CheckpointInfo) -> AvailableOptions:
        return self._own.available(info, remote=self._remote)

    def tokens(self, prompt: str) -> int | None:
        """The number of tokens that the encoder reads for `prompt`; None while nothing is loaded."""
        return self._engine.tokens(prompt)

    def unseen(self, prompt: str) -> str:
        """The end of `prompt` that the encoder truncates; empty if it fits. Raises InvalidRequest."""
        text("prompt", prompt, empty=True)
        return truncated_end(prompt, self._engine.tokens, TOKENS_MAX)

    def download(self, name: str) -> None:
        """Download a checkpoint with the host's consent. Raises Refused for public visitors."""
        if self._strangers:
            raise Refused("Only the host may download a checkpoint here: name it when the studio is started.")
        self._engine.download(name)

    def downloads(self) -> Mapping[str, EngineState]:
        """Downloads since the start."""
        return self._engine.downloads

    def load(self, name: str) -> None:
        """Load a checkpoint when the queue is empty, at the host's request. Raises Refused for public visitors."""
        if self._strangers:
            raise Refused("Only the host may load another checkpoint here; a wish that names one loads it in its turn.")
        info = self._engine.info(name)
        if not info.on_disk:
            raise InvalidRequest("checkpoint", "must name one that is on the disk here", name)
        self._worker.load(info.name)

    def machine(self, owner: str) -> View:
        """The device, the memory plan, the speed options, and the times of the owner's latest pictures."""
        with translate_errors():
            drawn = self._storage.pictures.page(owner, limit=TIMINGS).items
        return serializers.machine(self._engine.machine, self._engine.state, self._worker.trouble, drawn)

    def quota_warning(self) -> str | None:
        """Why the queue is paused, else a warning about the disk quota or maintenance."""
        return self._worker.hold or self._quota.warning() or self._housekeeping.trouble

    # Jobs

    def submit(self, owner: str, wish: GenerationRequest, *, mark: str | None = None) -> str:
        """File a request. Returns the job's id once its row is committed. `marked` finds it by its mark.

        Raises InvalidRequest, QueueFull, NotFound, NotReady and Refused.
        """
        info = self._drawable(wish.checkpoint)
        enhance = wish.enhance and wish.enhancement is None
        if enhance and not self.can_enhance:
            raise InvalidRequest("enhance", "must be false here, since the enhancer is off", True)
        self._options(info).check(wish.style, wish.length, wish.template)
        reject_unused_options(wish, enhance=enhance)
        adapters.check(self._engine, info.name, wish.adapters)
        source = (
            None
            if wish.source is None
            else source_images.find_source(self._storage, owner, wish.source, private=bool(wish.private))
        )
        order = JobSpec.of(wish, info, enhance=enhance, source=source)
        if wish.parent is not None:
            self._picture(owner, wish.parent)
        if wish.enhancement is not None:
            with translate_errors():
                kept = self._storage.of(wish.enhancement).enhancements.get(owner, wish.enhancement)
            order = replace(order, original_prompt=kept.original)
        else:
            order = order.decided(wish.count, self._own.lists)
        return self._file(owner, "generate", order, wish.count, mark=mark, private=wish.private)

    def enhance(
        self,
        owner: str,
        prompt: str,
        seed: int | None = None,
        *,
        style: str | None = None,
        length: str = "auto",
        locks: Sequence[str] = (),
        template: str | None = None,
        private: bool | str = False,
    ) -> str:
        """File an enhancement without pictures. Returns the job's id. Raises as `submit` does."""
        wish = GenerationRequest(
            prompt=prompt, seed=seed, style=style, length=length, locks=tuple(locks), template=template, private=private
        )
        info = self._thinking()
        self._options(info).check(style, length, template)
        order = JobSpec.of(wish, info, enhance=True).decided(1, self._own.lists)
        return self._file(owner, "enhance", order, 1, private=private)

    def refine(
        self,
        owner: str,
        enhancement: str,
        instruction: str,
        *,
        prompt: str | None = None,
        seed: int | None = None,
        private: bool | str = False,
    ) -> str:
        """File an instruction that changes an enhancement's prompt, or `prompt`, its edited form. The result has it as its
        parent.

        Raises InvalidRequest if the model does not follow instructions, NotFound, and as `submit` does.
        """
        text("instruction", instruction)
        info = self._thinking()
        if not self._options(info).follows:
            raise InvalidRequest(
                "instruction", f"cannot be given to {info.title}'s own model, which follows none", instruction
            )
        with translate_errors():
            kept = self._storage.of(enhancement).enhancements.get(owner, checked_id("enhancement", enhancement))
        before = kept.prompt if prompt is None else prompt
        text("prompt", before)
        order = JobSpec.of(GenerationRequest(prompt=kept.original, seed=seed, private=private), info, enhance=True)
        order = replace(order, instruction=instruction, before=before, refines=kept.id)
        return self._file(owner, "enhance", order, 1, private=private)

    def describe(
        self,
        picture: bytes,
        language: str = "en",
        seed: int | None = None,
        *,
        stopped: Callable[[], bool] = lambda: False,
    ) -> AsyncGenerator[str, None]:
        """Caption a picture. Yields the growing prompt. Stores nothing. Raises InvalidRequest, Refused, StudioError."""
        return self.captioner.describe(picture, language, seed, stopped)

    def _thinking(self) -> CheckpointInfo:
        """The checkpoint for enhancements without pictures. Raises Refused."""
        if not self.can_enhance:
            raise Refused("The enhancer is off in this studio.")
        return self._drawable(None)

    def rerun(self, owner: str, picture_id: str, *, private: bool | str = False) -> str:
        """File a picture's exact recipe again. The finished job reports whether the pixels are identical."""
        return self._file(owner, "rerun", self._order_of(owner, picture_id, rerun=True), 1, private=private)

    def vary(
        self,
        owner: str,
        picture_id: str,
        count: int = 1,
        seed: int | None = None,
        *,
        strength: float | None = None,
        private: bool | str = False,
    ) -> str:
        """File a picture's recipe with another seed, random by default. Its enhancement and ancestry are kept.

        With a `strength` in (0, 1], the noise moves only that far from the picture's own.
        """
        integer("count", count, 1, 64)
        optional_integer("seed", seed, 0, 2**53 - 1)
        if strength is not None:
            checked_strength("strength", strength)
        order = self._order_of(owner, picture_id, rerun=False).varied(new_seed() if seed is None else seed, strength)
        return self._file(owner, "generate", order, count, private=private)

    def retry(self, owner: str, job_id: str, *, plain: bool = False, private: bool | str = False) -> str:
        """File the missing pictures of a failed or cancelled job again; with `plain`, without enhancement."""
        job = self._job(owner, job_id)
        if job.status not in ("failed", "cancelled"):
            raise InvalidRequest("job", "must be a failed or cancelled one to be drawn again", job.status)
        order = JobSpec.from_json(job.wish)
        self._drawable(order.checkpoint)
        adapters.check(self._engine, order.checkpoint, order.adapters)
        flag("plain", plain)
        alone = not (order.spread or order.prompts)  # one enhancement serves all its pictures
        if plain:
            order = replace(order, enhance=False, spread=False)
        elif job.enhancement_id and order.enhance and alone and job.kind == "generate":  # use the finished enhancement
            with translate_errors():
                kept = self._storage.of(job.id).enhancements.get(owner, job.enhancement_id)
            order = replace(order, enhance=False, prompt=kept.prompt, enhancement=kept.id)
        there = max(job.indices, default=-1) + 1  # pictures are made in order, so the missing ones come last
        rest = order.after(there)
        private = private or is_private(job.id)
        return self._file(owner, job.kind, rest, job.count - there, mark=job.mark, private=private)

    def cancel(self, owner: str, job_id: str) -> View:
        """Cancel a job: at once if it waits, within a step if it runs."""
        with translate_errors():
            job = self._storage.of(job_id).jobs.cancel(owner, checked_id("job", job_id))
        if job.status == "running":
            self._progress.cancel(job_id)
        elif job.status == "cancelled":
            self._progress.end(job_id)
            self._progress.notify_all()
        return {"job": job.id, "status": job.status if job.status in FINISHED else "cancelled"}

    def forget(self, owner: str, session: str | None = None) -> View:
        """Remove all private things of the owner, or of one session. Running jobs are stopped first."""
        checked_session("session", session is None or session)
        with translate_errors():
            running = self._storage.private.forget(owner, session)
        for job in running:
            self._progress.cancel(job.id)
        self._progress.notify_all()
        return {"stopped": [job.id for job in running]}

    def leave(self, owner: str, session: str) -> None:
        """Record that a private session's tab was closed. It is removed after a while. Raises InvalidRequest."""
        checked_session("session", session)
        self._storage.private.leave(owner, session)

    # Watching

    def snapshot(self, owner: str, job_id: str) -> View:
        """The state of a job, in the form that streams carry. A finished job contains its pictures."""
        return self._snapshots.of(self._job(owner, job_id))

    def marked(self, owner: str, mark: str) -> View | None:
        """The state of the newest job with this mark; None if there is none."""
        with translate_errors():
            job = self._storage.queue.marked(owner, mark)
        return None if job is None else self._snapshots.of(job)

    async def watch(self, owner: str, job_id: str) -> AsyncIterator[View]:
        """Yield the job's states from now to its end, the first at once. Leaving does not stop the job."""
        seen: dict[str, View] = {}

        def look() -> View:
            return self._snapshots.of(self._job(owner, job_id), seen)

        with self._progress.watch(job_id) as watcher:
            last: View | None = None
            while True:
                try:
                    shot = await asyncio.to_thread(look)
                except NotFound:
                    if last is None:
                        raise
                    yield {**last, "status": "cancelled", "pictures": []}  # it was private and has been removed
                    return
                if shot != last:
                    yield shot
                if shot["status"] in FINISHED:
                    return
                last = shot
                await watcher.change(RECHECK_S)

    def jobs(self, owner: str) -> list[View]:
        """The owner's unfinished jobs, oldest first."""
        return [self._snapshots.line(job) for job in self._storage.queue.unfinished(owner)]

    def recent_jobs(self, owner: str, limit: int = 10) -> list[View]:
        """The owner's latest finished jobs, for the queue view."""
        return [self._snapshots.line(job) for job in self._storage.queue.recent(owner, limit)]

    def preview(self, owner: str, job_id: str) -> bytes:
        """A preview of a running job's picture, as WebP."""
        self._job(owner, job_id)
        image = self._progress.progress_of(job_id).preview
        if image is None:
            raise NotFound("preview of job", job_id)
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=80, method=0)
        return buffer.getvalue()

    # Helpers

    def _drawable(self, checkpoint: str | None) -> CheckpointInfo:
        info = self._engine.info(checkpoint)
        if checkpoint is not None and not info.on_disk:
            raise InvalidRequest("checkpoint", "must name one that is on the disk here", checkpoint)
        state = self._engine.state
        if state.status == "failed" and state.checkpoint == info.name:
            raise NotReady(f"Nothing can be drawn now: {state.message}")
        return info

    def _order_of(self, owner: str, picture_id: str, *, rerun: bool) -> JobSpec:
        found = self._picture(owner, picture_id)
        self._drawable(checkpoint_of(found, self.checkpoints()).name)
        begins = found.recipe.get("source")
        hidden = is_private(found.id)
        source = (
            None if begins is None else source_images.find_source(self._storage, owner, begins, "id", private=hidden)
        )
        order = JobSpec.of_picture(found, rerun=rerun, source=source)
        return replace(
            order, adapters=adapters.resolve_for_rerun(self._engine, found.checkpoint, found.recipe, whole=not rerun)
        )

    def _file(
        self,
        owner: str,
        kind: Kind,
        order: JobSpec,
        count: int,
        *,
        mark: str | None = None,
        private: bool | str = False,
    ) -> str:
        """File a spec. It is private if requested, or if it refers to something private."""
        checked_session("private", private)
        if isinstance(private, str):
            mark = private
            self._storage.private.back(owner, private)
        hidden = bool(private) or any(is_private(id) for id in order.comes_of)
        if not hidden:
            self._quota.check()
        with translate_errors(), self._adopted(owner, order if hidden else None):
            place, other = self._storage.queue.places(hidden)
            job = place.add(
                owner,
                kind=kind,
                wish=order.to_json(),
                count=count,
                enhancement_id=order.enhancement,
                mark=mark,
                per_owner=self._bounds.per_owner,
                total=self._bounds.total,
                elsewhere=other.waiting(owner),
            )
        self._worker.wake()
        return job.id

    @contextmanager
    def _adopted(self, owner: str, order: JobSpec | None) -> Iterator[None]:
        """Copy the stored enhancement of a private spec into the private store while the spec is filed."""
        wanted = {order.enhancement, order.refines} if order else set()
        ids = [id for id in wanted if id is not None and not is_private(id)]
        for id in ids:
            self._storage.private.copy_enhancement(self._storage.enhancements.get(owner, id))
        try:
            yield
        except BaseException:
            self._storage.private.release(ids)
            raise

    def _job(self, owner: str, job_id: str) -> Job:
        with translate_errors():
            return self._storage.of(job_id).jobs.get(owner, checked_id("job", job_id))
