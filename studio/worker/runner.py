"""Runs one job on the engine: loads its checkpoint, enhances its prompts, generates its pictures and stores them.

Knows no queue: the worker decides which job runs, and what an error means for it.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from PIL import Image

from enhancer.base import Draft
from enhancer.enhancer import Enhancer
from enhancer.errors import EnhancerError, Stopped
from locales import message_of
from storage import Storage
from storage.errors import NotFound
from storage.ids import is_private
from storage.records import Enhancement, Job, NewEnhancement, NewPicture, Step
from studio.domain.checkpoint import CheckpointInfo
from studio.domain.enhancement_options import AvailableOptions
from studio.domain.recipe import Recipe
from studio.domain.spec import JobSpec, remaining_work
from studio.engine.base import Engine, GeneratedImage, StepEvent
from studio.errors import EngineError, StudioError
from studio.worker.background_iterator import iterate_in_background
from studio.worker.disk_space import DiskSpace, InsufficientSpace
from studio.worker.eta import EtaEstimator
from studio.worker.progress import ProgressHub
from studio.worker.source_images import open_source
from studio.worker.writer import BackgroundWriter

PREVIEW_S = 0.2  # seconds between previews; each costs part of a step
TICK_S = 0.1  # shortest time between two chances for another owner's job
EnhancerFor = Callable[[CheckpointInfo, str], Enhancer]
"""The enhancer for a checkpoint and the name of a host's own template, or '' for the usual one."""


@dataclass(frozen=True, kw_only=True)
class EnhancerAccess:
    """How the worker gets an enhancer.

    `enhancer_for` is None where it is off. `options_for` returns what a checkpoint's language model understands. `remote`:
    the model is a server's, so the device is free meanwhile. `share_s`: seconds of device time for one enhancement while
    another owner waits.
    """

    enhancer_for: EnhancerFor | None
    options_for: Callable[[CheckpointInfo], AvailableOptions]
    remote: bool = False
    share_s: float = 5.0


@dataclass(frozen=True, kw_only=True)
class JobRunner:
    """Runs jobs.

    `stopping(job)` is true once the job is to end. `let_other_run(job)` is called from time to time during an enhancement.
    `gives_way(job)` is called after a picture, and true if another owner's job comes first.
    """

    storage: Storage
    engine: Engine
    access: EnhancerAccess
    progress: ProgressHub
    eta: EtaEstimator
    disk: DiskSpace
    writer: BackgroundWriter
    stopping: Callable[[Job], bool]
    let_other_run: Callable[[Job], None]
    gives_way: Callable[[Job], bool]

    def run(self, job: Job, spec: JobSpec) -> bool:
        """Run a job. Returns whether a picture was generated.

        Raises Cancelled, Stopped, InsufficientSpace, StudioError, StorageError and OSError.
        """
        info = self.engine.info(spec.recipe.checkpoint)
        self._load(job, info.name)
        self.progress.post(job.id, eta_s=self.eta.works([remaining_work(job)]))
        jobs = self.storage.of(job.id).jobs
        if job.kind == "enhance":
            if not job.enhancement_id:
                self._enhance(job, spec, info, 0)
            jobs.finish(job.id, "done")
            return False
        missing = [index for index in range(job.count) if index not in job.indices]
        try:
            self._pictures(job, spec, info, missing)
        finally:
            self.writer.settle()  # store finished pictures, whatever happened to the rest
        if not missing:  # another process imported them
            jobs.finish(job.id, "done")
        return bool(missing)

    def _pictures(self, job: Job, spec: JobSpec, info: CheckpointInfo, missing: list[int]) -> None:
        made = _Enhancements(self.storage, job) if spec.enhances else None
        style = None if spec.enhances else self.access.options_for(info).style(spec.enhancement.style)
        source: Image.Image | None = None
        for index in missing:
            prompt = spec.prompt_of(index) if spec.prompts else spec.recipe.prompt
            enhancement_id = spec.enhancement.id
            if made is not None:
                enhancement = made.get(spec.enhancement_of(index)) or made.put(self._enhance(job, spec, info, index))
                prompt, enhancement_id = enhancement.prompt, enhancement.id
            elif style:
                prompt = style.apply(prompt)
            if not is_private(job.id) and (lacks := self.disk.lacks()) is not None:
                raise InsufficientSpace(lacks)
            recipe = replace(spec.recipe.picture(index), prompt=prompt, revision=self.engine.state.revision)
            source = source or open_source(self.storage, job.owner, spec.source, recipe.source)
            last = index == missing[-1]
            drawing = self._generate(job, spec, recipe, index, source)
            if last:
                self.progress.post(job.id, phase="saving")
            self._store(_new_picture(job, spec, recipe, index, enhancement_id, drawing), drawing, last=last)
            if not last and self.gives_way(job):
                return

    def _load(self, job: Job, checkpoint: str) -> None:
        """Make the job's checkpoint resident."""
        now = self.engine.state
        if now.checkpoint != checkpoint or now.status != "ready":
            self.progress.post(job.id, phase="loading")
            switch(self.engine, checkpoint)

    def _enhance(self, job: Job, spec: JobSpec, info: CheckpointInfo, index: int) -> Enhancement:
        """Enhance the prompt of picture `index` and store the result."""
        if self.access.enhancer_for is None:
            raise EngineError("enhancer_off_for_job")
        self.progress.post(job.id, phase="reasoning", index=index, step=0, draft=None, preview=None)
        prompt, seed = spec.enhancement_of(index)
        options = spec.options(self.access.options_for(info))
        try:
            enhancer = self.access.enhancer_for(info, spec.enhancement.template or "")
            drafts = enhancer.enhance(prompt, seed=seed, options=options, cancelled=lambda: self.stopping(job))
            draft = self._last_draft(job, drafts)
        except Stopped:
            raise
        except (EnhancerError, ValueError) as error:  # ValueError: a template that was deleted since
            raise EngineError("enhancement_failed", why=message_of(error)) from error
        self.eta.saw_enhancement(draft.seconds)
        place = self.storage.of(job.id)
        stored = place.enhancements.add(
            NewEnhancement(
                owner=job.owner,
                original=prompt,
                steps=tuple(Step(name=step.name, text=step.text, seconds=step.seconds) for step in draft.steps),
                prompt=draft.prompt,
                seed=draft.seed,
                model=draft.model,
                revision=draft.revision,
                template=draft.template,
                template_version=draft.template_version,
                sampling=draft.sampling,
                seconds=draft.seconds,
                options=draft.options,
                parent_id=spec.refines,
            )
        )
        place.jobs.link(job.id, stored.id)
        self.progress.post(job.id, draft=None)
        return stored

    def _last_draft(self, job: Job, drafts: Iterable[Draft]) -> Draft:
        share_s = TICK_S if self.access.remote else max(self.access.share_s, TICK_S)
        progressed, draft, turn = not job.crashes, None, time.monotonic() + share_s
        for written in iterate_in_background(drafts, TICK_S) if self.access.remote else drafts:
            if written is not None:
                draft = written
                self.progress.post(job.id, draft=draft)
                if not progressed:
                    self.storage.of(job.id).jobs.progressed(job.id)
                    progressed = True
            if time.monotonic() >= turn and not (written and written.done):
                self.let_other_run(job)
                turn = time.monotonic() + share_s
        if draft is None or not draft.done:
            raise EngineError("enhancement_unfinished")
        return draft

    def _generate(
        self, job: Job, spec: JobSpec, recipe: Recipe, index: int, source: Image.Image | None
    ) -> GeneratedImage:
        """Generate picture `index`, reporting each step."""
        begun = before = time.perf_counter()
        progressed, looked = not job.crashes, begun  # nothing to record if no crash is counted
        self.progress.post(job.id, phase="drawing", index=index, step=0, steps=recipe.steps, preview=None)

        def on_step(event: StepEvent) -> None:
            nonlocal before, progressed, looked
            now = time.perf_counter()
            if event.step > 1:  # the first step includes the text encoder
                self.eta.saw_step(now - before, recipe.width, recipe.height)
            before = now
            if not progressed:
                self.storage.of(job.id).jobs.progressed(job.id)
                progressed = True
            left = event.steps - event.step + (job.count - index - 1) * event.steps
            eta = self.eta.steps(left, recipe.width, recipe.height)
            changes = {}
            if now - looked >= PREVIEW_S and event.step < event.steps:  # after the last step comes the picture itself
                changes, looked = {"preview": event.preview}, now
            self.progress.post(job.id, step=event.step, steps=event.steps, eta_s=eta, **changes)

        like = self._environment_of_original(job, spec)
        drawing = self.engine.generate(
            recipe, on_step=on_step, cancelled=lambda: self.stopping(job), like=like, source=source
        )
        self.eta.saw_picture(time.perf_counter() - begun, recipe.steps, recipe.width, recipe.height)
        return drawing

    def _store(self, new: NewPicture, drawing: GeneratedImage, *, last: bool) -> None:
        """Store a picture in the background, and with `last` finish its job."""
        pictures = self.storage.of(new.job_id).pictures

        def save() -> None:
            try:
                pictures.add(new, drawing.image, finish=last)
            except NotFound as error:
                if error.id != new.parent_id:
                    raise
                pictures.add(replace(new, parent_id=None), drawing.image, finish=last)  # the parent was removed
            self.progress.notify(new.job_id)

        self.writer.submit(save)

    def _environment_of_original(self, job: Job, spec: JobSpec) -> Mapping[str, object] | None:
        """The environment of the picture that is re-run, to use the same options; None if there is none."""
        if spec.rerun and spec.parent:
            with suppress(NotFound):
                return self.storage.of(spec.parent).pictures.get(job.owner, spec.parent).environment
        return None


class _Enhancements:
    """A job's enhancements by prompt and seed, including one made before a crash."""

    def __init__(self, storage: Storage, job: Job) -> None:
        self._made: dict[tuple[str, int], Enhancement] = {}
        if job.enhancement_id:
            self.put(storage.of(job.id).enhancements.get(job.owner, job.enhancement_id))

    def get(self, key: tuple[str, int]) -> Enhancement | None:
        return self._made.get(key)

    def put(self, made: Enhancement) -> Enhancement:
        self._made[(made.original, made.seed)] = made
        return made


def switch(engine: Engine, checkpoint: str) -> None:
    """Load `checkpoint`. If that fails, load the previous one again, so that only this job fails."""
    before = engine.state
    try:
        engine.switch(checkpoint)
        return
    except Exception as error:  # the old checkpoint may be unloaded now, and the next job needs it
        failed = error
    if before.status == "ready":
        _clear_frames(failed)
        with suppress(StudioError):  # the engine's state reports it; the job's own error is raised
            engine.switch(before.checkpoint)
    raise failed


def _clear_frames(error: BaseException | None) -> None:
    """Clear the traceback's frames, so that the memory of a failed checkpoint can be freed."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _new_picture(
    job: Job, spec: JobSpec, recipe: Recipe, index: int, enhancement_id: str | None, drawing: GeneratedImage
) -> NewPicture:
    recipe = replace(recipe, adapters=drawing.adapters)  # with the hashes of the adapter files used
    same = (
        "prompt",
        "negative_prompt",
        "seed",
        "width",
        "height",
        "steps",
        "guidance",
        "shift",
        "checkpoint",
        "revision",
    )
    return NewPicture(
        owner=job.owner,
        job_id=job.id,
        index=index,
        original_prompt=spec.prompt_of(index),
        recipe=recipe.to_json(),
        environment=drawing.environment,
        seconds=drawing.seconds,
        enhancement_id=enhancement_id,
        parent_id=spec.parent,
        **{name: getattr(recipe, name) for name in same},
    )
