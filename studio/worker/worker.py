"""The worker: takes jobs from storage, runs them on the engine, and reports progress.

One thread owns the device, so that two jobs never run at once. Knows no page and no request: it reads cancellation marks
from the progress hub.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from PIL import Image

from enhancer.base import Draft
from enhancer.enhancer import Enhancer
from enhancer.errors import EnhancerError, Stopped
from storage import Storage
from storage.errors import Damaged, NotFound, NotWritten, StorageError
from storage.ids import is_private
from storage.records import Enhancement, Job, NewPicture, Status, Step
from studio.domain.checkpoint import CheckpointInfo
from studio.domain.enhancement_options import AvailableOptions, enhancement_options
from studio.domain.recipe import Recipe
from studio.domain.spec import JobSpec, remaining_work
from studio.engine.base import Engine, GeneratedImage, StepEvent
from studio.errors import Cancelled, EngineError, StudioError
from studio.worker.background_iterator import iterate_in_background
from studio.worker.disk_space import DISK, DiskSpace, InsufficientSpace, is_unwritten, says_full
from studio.worker.eta import EtaEstimator
from studio.worker.progress import ProgressHub
from studio.worker.source_images import open_source
from studio.worker.writer import BackgroundWriter

log = logging.getLogger(__name__)
PREVIEW_S = 0.2  # seconds between previews; each costs part of a step
SHARE_S = 5.0  # seconds of device time for one enhancement while another owner waits
TICK_S = 0.1  # shortest time between two jobs that are let through
ROOM_S = 3.0  # how often a paused queue checks the disk space
PRUNE_S = 60.0  # how often private things are pruned
IDLE_S = 1.0  # how long an idle worker sleeps; a filed job wakes it at once
REASONING_FAILED = "The reasoning did not succeed: {error} The prompt is kept; draw it without reasoning to go on."
T = TypeVar("T")
EnhancerFor = Callable[[CheckpointInfo, str], Enhancer]
"""An enhancer where a checkpoint draws, by a host's own template of that name or, for '', by the usual one."""


class Worker:
    """Runs jobs, one at a time, on its own thread from `start` to `close`."""

    def __init__(
        self,
        storage: Storage,
        engine: Engine,
        enhancer_for: EnhancerFor | None,
        options_for: Callable[[CheckpointInfo], AvailableOptions],
        board: ProgressHub,
        pace: EtaEstimator,
        room: DiskSpace,
        *,
        elsewhere: bool = False,
        share_s: float = SHARE_S,
    ) -> None:
        """`elsewhere`: the enhancer's model is a server's, so the device is free meanwhile."""
        self._elsewhere, self._share_s = elsewhere, TICK_S if elsewhere else max(share_s, TICK_S)
        self._lets_by: Job | None = None  # the job whose enhancement pauses while another owner's job runs
        self._storage, self._engine, self._enhancer_for, self._options_for = storage, engine, enhancer_for, options_for
        self._progress, self._eta, self._disk = board, pace, room
        self._wake, self._closing = threading.Event(), threading.Event()
        self._wanted: str | None = None  # the checkpoint to load when the queue is empty
        self._recovered = False  # whether unfinished jobs of a crash were recovered
        self._drew = False  # whether a picture was generated since the last tuning
        self.trouble: str | None = None  # why the last requested load failed
        self.hold: str | None = None  # why the queue is paused
        self._writer = BackgroundWriter()
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
                self._wake.wait(ROOM_S)
            elif wanted := self._wanted:
                self._wanted = None
                self._prepare(wanted)
            elif not self._tuned():
                self._wake.wait(IDLE_S)

    def _holds(self) -> bool:
        """Check the disk space. Returns whether the queue is paused, and logs changes."""
        before, self.hold = self.hold, self._disk.lacks()
        if self.hold != before:
            log.warning("%s", self.hold or "There is room again; the queue goes on.")
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
                    log.error("the queue stands still: %s", error)
                    told, self.hold = True, DISK if says_full(error) else str(error)
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
                raise Cancelled("The job was cancelled.")
            self._do(job, JobSpec.from_json(job.wish))
        except (Cancelled, Stopped):
            if self._closing.is_set():
                self._written(lambda: self._storage.of(job.id).jobs.requeue(job.id))
            else:
                self._finish(job, "cancelled")
        except InsufficientSpace:
            self._wait_for_room(job)
        except (StudioError, EnhancerError, StorageError, OSError) as error:
            if is_unwritten(error) or (says_full(error) and self._disk.lacks()):
                self._disk.refused()
                self._wait_for_room(job)
                return
            self._log(job, error, expected=isinstance(error, StudioError | EnhancerError))
            self._finish(job, "failed", _sentence(error))
        except Exception as error:  # a bug fails this job only; the next one must run
            self._log(job, error)
            sentence = f"Something went wrong inside the studio ({type(error).__name__}); its log has the details."
            self._finish(job, "failed", sentence)
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

    def _wait_for_room(self, job: Job) -> None:
        """Queue the job again with its pictures. It continues first when there is space."""
        self._holds()
        self._written(lambda: self._storage.of(job.id).jobs.requeue(job.id))

    def _do(self, job: Job, order: JobSpec) -> None:
        info = self._engine.info(order.checkpoint)
        self._load(job, info.name)
        self._progress.post(job.id, eta_s=self._eta.works([remaining_work(job)]))
        kept = _Kept(self._storage, job) if order.enhance else None
        if job.kind == "enhance":
            if not job.enhancement_id:
                self._reason(job, order, info, 0)
            self._storage.of(job.id).jobs.finish(job.id, "done")
            return
        missing = [index for index in range(job.count) if index not in job.indices]
        style = self._options_for(info).style(order.style) if order.style and not order.enhance else None
        source: Image.Image | None = None
        try:
            for index in missing:
                prompt, enhancement_id = order.prompt_of(index) if order.prompts else order.prompt, order.enhancement
                if kept is not None:
                    made = kept.get(*order.reasoned(index)) or kept.put(self._reason(job, order, info, index))
                    prompt, enhancement_id = made.prompt, made.id
                elif style:
                    prompt = style.apply(prompt)
                if not is_private(job.id) and (lacks := self._disk.lacks()) is not None:
                    raise InsufficientSpace(lacks)
                recipe = order.recipe(prompt=prompt, revision=self._engine.state.revision).picture(index)
                source = source or open_source(self._storage, job.owner, order.source, order.source_sha256)
                self._draw(job, order, recipe, index, enhancement_id, source, last=index == missing[-1])
                if index != missing[-1] and self._gave_way(job):
                    return
        finally:
            self._writer.settle()  # store finished pictures, whatever happened to the rest
        if not missing:  # another process imported them
            self._storage.of(job.id).jobs.finish(job.id, "done")

    def _gave_way(self, job: Job) -> bool:
        """Give way to another owner after a picture. The rest of the job follows in its owner's next turn."""
        if self._lets_by is None and not self._storage.queue.counts()["queued"]:
            return False
        self._writer.settle()  # the next claim must see the finished pictures
        return self._storage.queue.give_way(job.id, waits=self._lets_by is not None)

    def _let_by(self, job: Job) -> None:
        """Run another owner's next job, up to one picture, while this job's enhancement pauses.

        Only jobs of the resident checkpoint, whose weights the enhancement uses.
        """
        if self._lets_by is not None or self._disk.lacks() or not self._storage.queue.counts()["queued"]:
            return
        here = self._engine.state.checkpoint
        other = self._written(
            lambda: self._storage.queue.claim(
                besides=job.owner, suits=lambda wish: JobSpec.from_json(wish).checkpoint == here
            )
        )
        if other is None:
            return
        self._progress.post(job.id, phase="waiting")
        self._lets_by = job
        try:
            self._run(other)
        finally:
            self._lets_by = None
            self._progress.post(job.id, phase="reasoning")

    def _tuned(self) -> bool:
        """Tune the engine, once pictures were generated. Returns whether there is more to tune."""
        if not self._drew:
            return False
        try:
            self._drew = self._engine.tune(self._busy)
        except Exception:  # tuning is optional: sampling goes on as before
            log.exception("measuring what is quickest")
            self._drew = False
        return self._drew

    def _busy(self) -> bool:
        """Whether a job waits, or the studio closes."""
        return self._closing.is_set() or self._wanted is not None or self._storage.queue.counts()["queued"] > 0

    def _prepare(self, checkpoint: str) -> None:
        """Load a requested checkpoint. Nobody waits for it, so a failure is only recorded."""
        self.trouble = None
        try:
            self._switch(checkpoint)
        except StudioError as error:
            self.trouble = str(error)
        except Exception:  # a bug; this thread must survive
            log.exception("loading %s", checkpoint)
            self.trouble = f"{checkpoint} could not be loaded; the log tells why."

    def _load(self, job: Job, checkpoint: str) -> None:
        """Make the job's checkpoint resident."""
        now = self._engine.state
        if now.checkpoint != checkpoint or now.status != "ready":
            self._progress.post(job.id, phase="loading")
            self._switch(checkpoint)

    def _switch(self, checkpoint: str) -> None:
        """Load `checkpoint`. If that fails, load the previous one again, so that only this job fails."""
        before = self._engine.state
        try:
            self._engine.switch(checkpoint)
            return
        except Exception as error:  # the old checkpoint may be unloaded now, and the next job needs it
            failed = error
        if before.status == "ready":
            _let_go(failed)
            with suppress(StudioError):  # the engine's state reports it; the job's own error is raised
                self._engine.switch(before.checkpoint)
        raise failed

    def _reason(self, job: Job, order: JobSpec, info: CheckpointInfo, index: int) -> Enhancement:
        """Enhance the prompt of picture `index` and store the result."""
        if self._enhancer_for is None:
            raise EngineError("The enhancer is off in this studio; draw the prompt without reasoning.")
        self._progress.post(job.id, phase="reasoning", index=index, step=0, draft=None, preview=None)
        (wished, seed), told = order.reasoned(index), enhancement_options(
            self._options_for(info), style=order.style, length=order.length, locks=order.locks, instruction=order.instruction,
            before=order.before,
        )  # fmt: skip
        try:
            enhancer = self._enhancer_for(info, order.template)
            drafts = enhancer.enhance(wished, seed=seed, steering=told, cancelled=lambda: self._stopping(job))
            draft = self._last(job, drafts)
        except Stopped:
            raise
        except (EnhancerError, ValueError) as error:  # ValueError: a template that was deleted since
            raise EngineError(REASONING_FAILED.format(error=error)) from error
        self._eta.saw_enhancement(draft.seconds)
        kept = self._storage.of(job.id).enhancements.add(
            owner=job.owner,
            original=wished,
            steps=tuple(Step(name=step.name, text=step.text, seconds=step.seconds) for step in draft.steps),
            prompt=draft.prompt,
            seed=draft.seed,
            model=draft.model,
            revision=draft.revision,
            template=draft.template,
            template_version=draft.template_version,
            sampling=draft.sampling,
            seconds=draft.seconds,
            steering=draft.steering,
            parent_id=order.refines,
        )
        self._storage.of(job.id).jobs.link(job.id, kept.id)
        self._progress.post(job.id, draft=None)
        return kept

    def _last(self, job: Job, drafts: Iterable[Draft]) -> Draft:
        progressed, draft, turn = not job.crashes, None, time.monotonic() + self._share_s
        for written in iterate_in_background(drafts, TICK_S) if self._elsewhere else drafts:
            if written is not None:
                draft = written
                self._progress.post(job.id, draft=draft)
                if not progressed:
                    self._storage.of(job.id).jobs.progressed(job.id)
                    progressed = True
            if time.monotonic() >= turn and not (written and written.done):
                self._let_by(job)
                turn = time.monotonic() + self._share_s
        if draft is None or not draft.done:
            raise EngineError("The reasoning ended before it was finished.")
        return draft

    def _draw(
        self,
        job: Job,
        order: JobSpec,
        recipe: Recipe,
        index: int,
        enhancement_id: str | None,
        source: Image.Image | None,
        *,
        last: bool,
    ) -> None:
        begun = before = time.perf_counter()
        progressed, looked = not job.crashes, begun  # nothing to record if no crash is counted
        self._progress.post(job.id, phase="drawing", index=index, step=0, steps=recipe.steps, preview=None)

        def on_step(event: StepEvent) -> None:
            nonlocal before, progressed, looked
            now = time.perf_counter()
            if event.step > 1:  # the first step includes the text encoder
                self._eta.saw_step(now - before, recipe.width, recipe.height)
            before = now
            if not progressed:
                self._storage.of(job.id).jobs.progressed(job.id)
                progressed = True
            left = event.steps - event.step + (job.count - index - 1) * event.steps
            eta = self._eta.steps(left, recipe.width, recipe.height)
            changes = {}
            if now - looked >= PREVIEW_S and event.step < event.steps:  # after the last step comes the picture itself
                changes, looked = {"preview": event.preview}, now
            self._progress.post(job.id, step=event.step, steps=event.steps, eta_s=eta, **changes)

        like = self._like(job, order)
        drawing = self._engine.generate(
            recipe, on_step=on_step, cancelled=lambda: self._stopping(job), like=like, source=source
        )
        self._drew = True
        if last:
            self._progress.post(job.id, phase="saving")
        recipe = replace(recipe, adapters=drawing.adapters)  # with the hashes of the adapter files used
        new = _new(job, order, recipe, index, enhancement_id, drawing)
        pictures = self._storage.of(job.id).pictures

        def save() -> None:
            try:
                pictures.add(new, drawing.image, finish=last)
            except NotFound as error:
                if error.id != new.parent_id:
                    raise
                pictures.add(replace(new, parent_id=None), drawing.image, finish=last)  # the parent was removed
            self._progress.notify(job.id)

        self._writer.submit(save)
        self._eta.saw_picture(time.perf_counter() - begun, recipe.steps, recipe.width, recipe.height)

    def _like(self, job: Job, order: JobSpec) -> Mapping[str, object] | None:
        """The environment of the picture that is re-run, to use the same options; None if there is none."""
        if not (order.rerun and order.parent):
            return None
        with suppress(NotFound):
            return self._storage.of(order.parent).pictures.get(job.owner, order.parent).environment
        return None

    def _stopping(self, job: Job) -> bool:
        return job.cancel_requested or self._closing.is_set() or self._progress.cancelled(job.id)


class _Kept:
    """A job's enhancements by prompt and seed, including one made before a crash."""

    def __init__(self, storage: Storage, job: Job) -> None:
        self._made: dict[tuple[str, int], Enhancement] = {}
        if job.enhancement_id:
            self.put(storage.of(job.id).enhancements.get(job.owner, job.enhancement_id))

    def get(self, wished: str, seed: int) -> Enhancement | None:
        return self._made.get((wished, seed))

    def put(self, made: Enhancement) -> Enhancement:
        self._made[(made.original, made.seed)] = made
        return made


def _let_go(error: BaseException | None) -> None:
    """Clear the traceback's frames, so that the memory of a failed checkpoint can be freed."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _new(
    job: Job, order: JobSpec, recipe: Recipe, index: int, enhancement_id: str | None, drawing: GeneratedImage
) -> NewPicture:
    return NewPicture(
        owner=job.owner,
        job_id=job.id,
        index=index,
        prompt=recipe.prompt,
        original_prompt=order.prompt_of(index),
        negative_prompt=recipe.negative_prompt,
        seed=recipe.seed,
        width=recipe.width,
        height=recipe.height,
        steps=recipe.steps,
        guidance=recipe.guidance,
        shift=recipe.shift,
        checkpoint=recipe.checkpoint,
        revision=recipe.revision,
        recipe=recipe.to_json(),
        environment=drawing.environment,
        seconds=drawing.seconds,
        enhancement_id=enhancement_id,
        parent_id=order.parent,
    )


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The disk is full: make room, then draw this again."
    if isinstance(error, OSError):
        return f"A file could not be written or read ({error.strerror or type(error).__name__})."
    return str(error)
