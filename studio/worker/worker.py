"""The one owner of the device: takes jobs from storage, runs them on the engine, and tells whoever watches.

One thread. Whatever is drawn or reasoned on the device goes through it, so that nothing a visitor does makes two jobs run at
once. Knows no page and no request: it observes cancellation through the board, by job id.
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
from studio.engine.base import Drawing, Engine, StepEvent
from studio.errors import Cancelled, EngineError, StudioError
from studio.worker.background_iterator import iterate_in_background
from studio.worker.disk_space import DISK, DiskSpace, InsufficientSpace, is_unwritten, says_full
from studio.worker.eta import EtaEstimator
from studio.worker.progress import ProgressHub
from studio.worker.source_images import open_source
from studio.worker.writer import BackgroundWriter

log = logging.getLogger(__name__)
PREVIEW_S = 0.2  # previews are at least so far apart: five a second are a film, and each costs a part of a step
SHARE_S = 5.0  # of the device that one reasoning has to itself while somebody else waits for a picture
TICK_S = 0.1  # how often somebody is let by at most, and how often that is looked at while a server writes
ROOM_S = 3.0  # how often a queue that waits for room looks whether there is some
PRUNE_S = 60.0  # how often what is private is looked through for what is too old
IDLE_S = 1.0  # how long an idle worker sleeps before it looks again; a filed job wakes it at once
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
        steers_for: Callable[[CheckpointInfo], AvailableOptions],
        board: ProgressHub,
        pace: EtaEstimator,
        room: DiskSpace,
        *,
        elsewhere: bool = False,
        share_s: float = SHARE_S,
    ) -> None:
        """`elsewhere`: what reasons is a server's, and the device is free meanwhile."""
        self._elsewhere, self._share_s = elsewhere, TICK_S if elsewhere else max(share_s, TICK_S)
        self._lets_by: Job | None = None  # the reasoning that stands still while another owner's job runs
        self._storage, self._engine, self._enhancer_for, self._steers_for = storage, engine, enhancer_for, steers_for
        self._progress, self._eta, self._disk = board, pace, room
        self._wake, self._closing = threading.Event(), threading.Event()
        self._wanted: str | None = None  # the checkpoint to be loaded once nothing waits
        self._recovered = False  # whether what a death left is put right
        self._drew = False  # since the engine was last asked to measure
        self.trouble: str | None = None  # why the last of them could not be
        self.hold: str | None = None  # why the queue stands still
        self._writer = BackgroundWriter()
        # Not a daemon: a thread inside torch when the interpreter finalizes aborts the process.
        self._thread = threading.Thread(target=self._loop, name="worker")

    def start(self) -> None:
        """Begin, on a thread of its own; what a death left is put right before, as nobody brings anything in yet."""
        with suppress(StorageError):  # else on the thread, as soon as anything can be written
            self._recover()
        self._thread.start()

    def wake(self) -> None:
        """A job was filed."""
        self._wake.set()

    def load(self, checkpoint: str) -> None:
        """Have a checkpoint resident once the queue is empty, so that the next wish for it need not wait."""
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
        """Queue again what a killed process left behind."""
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
            held = self._holds()  # what is private needs no room
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
        """Whether the queue stands still because there is no room for a picture; says so, and when it goes on."""
        before, self.hold = self.hold, self._disk.lacks()
        if self.hold != before:
            log.warning("%s", self.hold or "There is room again; the queue goes on.")
            self._progress.notify_all()
        return self.hold is not None

    def _written(self, write: Callable[[], T]) -> T | None:
        """What `write` gives. While the database cannot be written, as on a full disk, it is asked again until it can or we close.

        This thread must outlive every such fault: nobody else would ever take the next job.
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
            except Exception:  # a fault of ours: this write is lost, the thread goes on
                log.exception("the queue could not be written")
                return None

    def _finish(self, job: Job, status: Status, error: str | None = None) -> None:
        self._written(lambda: self._storage.of(job.id).jobs.finish(job.id, status, error))

    def _run(self, job: Job) -> None:
        self._progress.notify_all()  # everybody behind it moves up
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
        except Exception as error:  # a fault of ours fails this job alone; the next one must run
            self._log(job, error)
            sentence = f"Something went wrong inside the studio ({type(error).__name__}); its log has the details."
            self._finish(job, "failed", sentence)
        finally:
            if is_private(job.id):
                self._written(self._storage.private.prune)
            self._progress.end(job.id)

    def _log(self, job: Job, error: Exception, *, expected: bool = False) -> None:
        """Why a job failed. Of a private one only what kind of error: a sentence may hold words of its prompt."""
        if is_private(job.id):
            log.warning("a private job failed: %s", type(error).__name__)
        else:
            log.warning("job %s failed: %s", job.id, error, exc_info=not expected)

    def _wait_for_room(self, job: Job) -> None:
        """The job waits again with the pictures that it has, and goes on first once there is room."""
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
        style = self._steers_for(info).style(order.style) if order.style and not order.enhance else None
        source: Image.Image | None = None
        try:
            for index in missing:
                prompt, enhancement_id = order.wished(index) if order.prompts else order.prompt, order.enhancement
                if kept is not None:
                    made = kept.get(*order.reasoned(index)) or kept.put(self._reason(job, order, info, index))
                    prompt, enhancement_id = made.prompt, made.id
                elif style:
                    prompt = style.put(prompt)
                if not is_private(job.id) and (lacks := self._disk.lacks()) is not None:
                    raise InsufficientSpace(lacks)
                recipe = order.recipe(prompt=prompt, revision=self._engine.state.revision).picture(index)
                source = source or open_source(self._storage, job.owner, order.source, order.source_sha256)
                self._draw(job, order, recipe, index, enhancement_id, source, last=index == missing[-1])
                if index != missing[-1] and self._gave_way(job):
                    return
        finally:
            self._writer.settle()  # what was drawn is kept, whatever became of the rest
        if not missing:  # somebody else brought them
            self._storage.of(job.id).jobs.finish(job.id, "done")

    def _gave_way(self, job: Job) -> bool:
        """Whether another owner waits, so that this job does, after each of its pictures: its rest is drawn in its owner's next turn."""
        if self._lets_by is None and not self._storage.queue.counts()["queued"]:
            return False
        self._writer.settle()  # what is claimed again must know which pictures it has
        return self._storage.queue.give_way(job.id, waits=self._lets_by is not None)

    def _let_by(self, job: Job) -> None:
        """Run what another owner waits for next, up to one picture of it, while this job's reasoning stands still.

        Only what needs no other checkpoint: what reasons here are the resident one's own weights.
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
        """Whether the engine has just measured what is quickest here: only once pictures were drawn, so that nobody waits for it first."""
        if not self._drew:
            return False
        try:
            self._drew = self._engine.tune(self._busy)
        except Exception:  # it is a help: drawing goes on as before
            log.exception("measuring what is quickest")
            self._drew = False
        return self._drew

    def _busy(self) -> bool:
        """Whether somebody waits, or the studio is told to stop."""
        return self._closing.is_set() or self._wanted is not None or self._storage.queue.counts()["queued"] > 0

    def _prepare(self, checkpoint: str) -> None:
        """Load what somebody wants to draw with next; nobody waits for it, so a failure is only told."""
        self.trouble = None
        try:
            self._switch(checkpoint)
        except StudioError as error:
            self.trouble = str(error)
        except Exception:  # a fault of ours; this thread must live on
            log.exception("loading %s", checkpoint)
            self.trouble = f"{checkpoint} could not be loaded; the log tells why."

    def _load(self, job: Job, checkpoint: str) -> None:
        """Have the job's checkpoint resident."""
        now = self._engine.state
        if now.checkpoint != checkpoint or now.status != "ready":
            self._progress.post(job.id, phase="loading")
            self._switch(checkpoint)

    def _switch(self, checkpoint: str) -> None:
        """Make `checkpoint` the resident one. Where it cannot be loaded, the one before comes back: only who asked has failed."""
        before = self._engine.state
        try:
            self._engine.switch(checkpoint)
            return
        except Exception as error:  # whatever it was, the old checkpoint may be gone now, and the next job wants it
            failed = error
        if before.status == "ready":
            _let_go(failed)
            with suppress(StudioError):  # the engine's state tells; this job's own error is the one to raise
                self._engine.switch(before.checkpoint)
        raise failed

    def _reason(self, job: Job, order: JobSpec, info: CheckpointInfo, index: int) -> Enhancement:
        """Reason about what picture `index` is wished to show, and keep it."""
        if self._enhancer_for is None:
            raise EngineError("The enhancer is off in this studio; draw the prompt without reasoning.")
        self._progress.post(job.id, phase="reasoning", index=index, step=0, draft=None, preview=None)
        (wished, seed), told = order.reasoned(index), enhancement_options(
            self._steers_for(info), style=order.style, length=order.length, locks=order.locks, instruction=order.instruction,
            before=order.before,
        )  # fmt: skip
        try:
            enhancer = self._enhancer_for(info, order.template)
            drafts = enhancer.enhance(wished, seed=seed, steering=told, cancelled=lambda: self._stopping(job))
            draft = self._last(job, drafts)
        except Stopped:
            raise
        except (EnhancerError, ValueError) as error:  # a template that was taken away since is a ValueError
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
        progressed, looked = not job.crashes, begun  # nothing to write down where no crash is counted
        self._progress.post(job.id, phase="drawing", index=index, step=0, steps=recipe.steps, preview=None)

        def on_step(event: StepEvent) -> None:
            nonlocal before, progressed, looked
            now = time.perf_counter()
            if event.step > 1:  # the first step also holds the text encoder
                self._eta.saw_step(now - before, recipe.width, recipe.height)
            before = now
            if not progressed:
                self._storage.of(job.id).jobs.progressed(job.id)
                progressed = True
            left = event.steps - event.step + (job.count - index - 1) * event.steps
            eta = self._eta.steps(left, recipe.width, recipe.height)
            changes = {}
            if now - looked >= PREVIEW_S and event.step < event.steps:  # after the last comes the picture itself
                changes, looked = {"preview": event.preview}, now
            self._progress.post(job.id, step=event.step, steps=event.steps, eta_s=eta, **changes)

        like = self._like(job, order)
        drawing = self._engine.draw(
            recipe, on_step=on_step, cancelled=lambda: self._stopping(job), like=like, source=source
        )
        self._drew = True
        if last:
            self._progress.post(job.id, phase="saving")
        recipe = replace(recipe, adapters=drawing.adapters)  # with the hashes of the files that drew it
        new = _new(job, order, recipe, index, enhancement_id, drawing)
        pictures = self._storage.of(job.id).pictures

        def save() -> None:
            try:
                pictures.add(new, drawing.image, finish=last)
            except NotFound as error:
                if error.id != new.parent_id:
                    raise
                pictures.add(replace(new, parent_id=None), drawing.image, finish=last)  # it was removed
            self._progress.notify(job.id)

        self._writer.put(save)
        self._eta.saw_picture(time.perf_counter() - begun, recipe.steps, recipe.width, recipe.height)

    def _like(self, job: Job, order: JobSpec) -> Mapping[str, object] | None:
        """What drew the picture that is drawn again, so that this one is drawn so; None where there is none, or none any more."""
        if not (order.rerun and order.parent):
            return None
        with suppress(NotFound):
            return self._storage.of(order.parent).pictures.get(job.owner, order.parent).environment
        return None

    def _stopping(self, job: Job) -> bool:
        return job.cancel_requested or self._closing.is_set() or self._progress.cancelled(job.id)


class _Kept:
    """The enhancements of a job, by what was reasoned about and the seed; one that was made before the process died counts."""

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
    """Let what an error's calls held go, such as a checkpoint that did not fit, so that there is room for another one."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _new(
    job: Job, order: JobSpec, recipe: Recipe, index: int, enhancement_id: str | None, drawing: Drawing
) -> NewPicture:
    return NewPicture(
        owner=job.owner,
        job_id=job.id,
        index=index,
        prompt=recipe.prompt,
        original_prompt=order.wished(index),
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
