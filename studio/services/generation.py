"""Use cases that file jobs: generate, enhance, re-run, vary and retry; and cancellation.

Each acts on behalf of an owner, and another owner's things are "not found". Knows no page and no device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from storage import Storage
from storage.ids import is_private
from storage.records import Kind, NewJob, Picture, QueueLimits
from studio.domain.checkpoint import CheckpointInfo
from studio.domain.enhancement_options import HostOptions
from studio.domain.recipe import SEED_MAX
from studio.domain.request import COUNT_MAX, GenerationRequest, new_seed
from studio.domain.spec import JobSpec, reject_unused_options
from studio.engine.base import Engine
from studio.errors import InvalidRequest
from studio.services import adapters
from studio.services.checkpoints import Checkpoints
from studio.services.enhancement import Enhancement
from studio.services.jobs import Jobs
from studio.services.serializers import FINISHED, View
from studio.validation import (
    check_flag,
    check_integer,
    check_session,
    check_strength,
    check_text,
    checked_id,
    translate_errors,
)
from studio.worker import source_images
from studio.worker.progress import ProgressHub
from studio.worker.quota import Quota


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The limits of the queue."""

    per_owner: int = 20
    total: int = 200


@dataclass(frozen=True, kw_only=True)
class Generation:
    """The use cases over one queue. They return a job's id once its row is committed. `wake` notifies the worker."""

    storage: Storage
    engine: Engine
    checkpoints: Checkpoints
    enhancement: Enhancement
    jobs: Jobs
    host: HostOptions
    progress: ProgressHub
    quota: Quota
    bounds: Bounds
    wake: Callable[[], None]

    def submit(self, owner: str, request: GenerationRequest, *, mark: str | None = None) -> str:
        """File a request. `Jobs.marked` finds the job by its mark.

        Raises InvalidRequest, QueueFull, NotFound, NotReady and Refused.
        """
        wanted = request.enhancement
        info = self.checkpoints.usable(request.checkpoint)
        if wanted.enabled and wanted.id is None and not self.enhancement.enabled:
            raise InvalidRequest("enhance", "enhancer_off", True)
        self.enhancement.options_of(info).check(wanted.style, wanted.length, wanted.template)
        reject_unused_options(request)
        adapters.check(self.engine, info.name, request.adapters)
        spec = JobSpec.of(request, info, source=self._source(owner, request))
        if request.parent is not None:
            self._picture(owner, request.parent)
        if wanted.id is not None:
            with translate_errors():
                stored = self.storage.of(wanted.id).enhancements.get(owner, wanted.id)
            spec = replace(spec, original_prompt=stored.original)
        else:
            spec = spec.with_wildcards(request.count, self.host.lists)
        return self._file(owner, "generate", spec, request.count, mark=mark, private=request.private)

    def enhance(self, owner: str, request: GenerationRequest) -> str:
        """File an enhancement of a request's prompt without pictures. Raises as `submit` does."""
        self.enhancement.require()
        info, wanted = self.checkpoints.usable(None), request.enhancement
        self.enhancement.options_of(info).check(wanted.style, wanted.length, wanted.template)
        spec = JobSpec.of(request, info).with_wildcards(1, self.host.lists)
        return self._file(owner, "enhance", spec, 1, private=request.private)

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
        check_text("instruction", instruction)
        self.enhancement.require()
        info = self.checkpoints.usable(None)
        if not self.enhancement.options_of(info).follows:
            raise InvalidRequest("instruction", "no_instructions", instruction, title=info.title)
        with translate_errors():
            stored = self.storage.of(enhancement).enhancements.get(owner, checked_id("enhancement", enhancement))
        before = stored.prompt if prompt is None else prompt
        check_text("prompt", before)
        spec = JobSpec.of(GenerationRequest.of(prompt=stored.original, seed=seed, private=private), info)
        spec = replace(spec, instruction=instruction, before=before, refines=stored.id)
        return self._file(owner, "enhance", spec, 1, private=private)

    def rerun(self, owner: str, picture_id: str, *, private: bool | str = False) -> str:
        """File a picture's exact recipe again. The finished job reports whether the pixels are identical."""
        return self._file(owner, "rerun", self._spec_of(owner, picture_id, rerun=True), 1, private=private)

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
        check_integer("count", count, 1, COUNT_MAX)
        check_integer("seed", seed, 0, SEED_MAX, optional=True)
        if strength is not None:
            check_strength("strength", strength)
        spec = self._spec_of(owner, picture_id, rerun=False).varied(new_seed() if seed is None else seed, strength)
        return self._file(owner, "generate", spec, count, private=private)

    def retry(self, owner: str, job_id: str, *, plain: bool = False, private: bool | str = False) -> str:
        """File the missing pictures of a failed or cancelled job again; with `plain`, without enhancement."""
        job = self.jobs.get(owner, job_id)
        if job.status not in ("failed", "cancelled"):
            raise InvalidRequest("job", "job_to_retry", job.status)
        spec = JobSpec.from_json(job.spec)
        self.checkpoints.usable(spec.recipe.checkpoint)
        pairs = [(adapter.name, adapter.weight) for adapter in spec.recipe.adapters]
        adapters.check(self.engine, spec.recipe.checkpoint, pairs)
        check_flag("plain", plain)
        shared = not (spec.enhancement.rewrite_each or spec.prompts)  # one enhancement serves all its pictures
        if plain:
            spec = spec.without_enhancement()
        elif job.enhancement_id and spec.enhances and shared and job.kind == "generate":  # use the finished enhancement
            with translate_errors():
                stored = self.storage.of(job.id).enhancements.get(owner, job.enhancement_id)
            spec = spec.with_enhancement(stored.id, stored.prompt)
        done = max(job.indices, default=-1) + 1  # pictures are made in order, so the missing ones come last
        private = private or is_private(job.id)
        return self._file(owner, job.kind, spec.after(done), job.count - done, mark=job.mark, private=private)

    def cancel(self, owner: str, job_id: str) -> View:
        """Cancel a job: at once if it waits, within a step if it runs."""
        with translate_errors():
            job = self.storage.of(job_id).jobs.cancel(owner, checked_id("job", job_id))
        if job.status == "running":
            self.progress.cancel(job_id)
        elif job.status == "cancelled":
            self.progress.end(job_id)
            self.progress.notify_all()
        return {"job": job.id, "status": job.status if job.status in FINISHED else "cancelled"}

    def end_private_session(self, owner: str, session: str | None = None) -> View:
        """Remove all private things of the owner, or of one session. Running jobs are stopped first."""
        check_session("session", session is None or session)
        with translate_errors():
            running = self.storage.private.forget(owner, session)
        for job in running:
            self.progress.cancel(job.id)
        self.progress.notify_all()
        return {"stopped": [job.id for job in running]}

    def leave_private_session(self, owner: str, session: str) -> None:
        """Record that a private session's tab was closed. It is removed after a while. Raises InvalidRequest."""
        check_session("session", session)
        self.storage.private.leave(owner, session)

    def checkpoint_of(self, owner: str, picture_id: str) -> CheckpointInfo:
        """The checkpoint of the owner's picture. Raises Refused if it is not known here."""
        return self.checkpoints.of_picture(self._picture(owner, picture_id))

    def _source(self, owner: str, request: GenerationRequest) -> Picture | None:
        if request.source.id is None:
            return None
        return source_images.find_source(self.storage, owner, request.source.id, private=bool(request.private))

    def _picture(self, owner: str, picture_id: str) -> Picture:
        with translate_errors():
            return self.storage.of(picture_id).pictures.get(owner, checked_id("id", picture_id))

    def _spec_of(self, owner: str, picture_id: str, *, rerun: bool) -> JobSpec:
        found = self._picture(owner, picture_id)
        self.checkpoints.usable(self.checkpoints.of_picture(found).name)
        sha256, source = found.recipe.get("source"), None
        if sha256 is not None:
            source = source_images.find_source(self.storage, owner, sha256, "id", private=is_private(found.id))
        spec = JobSpec.of_picture(found, rerun=rerun, source=source)
        needed = adapters.resolve_for_rerun(self.engine, found.checkpoint, found.recipe, whole=not rerun)
        return replace(spec, recipe=replace(spec.recipe, adapters=needed))

    def _file(
        self,
        owner: str,
        kind: Kind,
        spec: JobSpec,
        count: int,
        *,
        mark: str | None = None,
        private: bool | str = False,
    ) -> str:
        """File a spec. It is private if requested, or if it refers to something private."""
        check_session("private", private)
        if isinstance(private, str):
            mark = private
            self.storage.private.back(owner, private)
        hidden = bool(private) or any(is_private(id) for id in spec.refers_to)
        if not hidden:
            self.quota.check()
        with translate_errors(), self._copied_enhancements(owner, spec if hidden else None):
            place, other = self.storage.queue.places(hidden)
            job = place.add(
                NewJob(
                    owner=owner,
                    kind=kind,
                    spec=spec.to_json(),
                    count=count,
                    enhancement_id=spec.enhancement.id,
                    mark=mark,
                ),
                QueueLimits(per_owner=self.bounds.per_owner, total=self.bounds.total, elsewhere=other.waiting(owner)),
            )
        self.wake()
        return job.id

    @contextmanager
    def _copied_enhancements(self, owner: str, spec: JobSpec | None) -> Iterator[None]:
        """Copy the stored enhancements of a private spec into the private store while the spec is filed."""
        wanted = {spec.enhancement.id, spec.refines} if spec else set()
        ids = [id for id in wanted if id is not None and not is_private(id)]
        for id in ids:
            self.storage.private.copy_enhancement(self.storage.enhancements.get(owner, id))
        try:
            yield
        except BaseException:
            self.storage.private.release(ids)
            raise
