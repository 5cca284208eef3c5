"""The worker's laws: one job at a time, cancelling by id within a step, a failed job fails alone, fair between owners."""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import storage
from studio.domain.checkpoint import CheckpointInfo
from studio.domain.recipe import Recipe
from studio.domain.request import GenerationRequest
from studio.engine.base import EngineState
from studio.errors import EngineError, InvalidRequest, OutOfMemory, Refused
from studio.studio import Studio, StudioOptions
from tests.fakes.engine import ABSENT, HERE, PaintEngine
from tests.studio.conftest import end

Make = Callable[..., Studio]
ME, YOU = "me", "you"


def test_never_two_at_once(make: Make, engine: PaintEngine) -> None:
    studio = make()
    jobs = [
        (who, studio.generation.submit(who, GenerationRequest.of(prompt="a cat", count=2, enhance=False)))
        for who in (ME, YOU) * 4
    ]
    assert all(end(studio, who, job)["status"] == "done" for who, job in jobs)
    assert engine.most_at_once == 1
    assert engine.drawn == 16


def test_cancel_stops_that_job_within_a_step_and_no_other(make: Make, engine: PaintEngine) -> None:
    reached, go = threading.Event(), threading.Event()
    steps: list[int] = []

    def wait_at_three(recipe: Recipe, step: int) -> None:
        if recipe.prompt == "stopped":
            steps.append(step)
            if step == 3:
                reached.set()
                assert go.wait(30)

    engine.before_step = wait_at_three
    studio = make()
    stopped = studio.generation.submit(ME, GenerationRequest.of(prompt="stopped", enhance=False, count=2))
    other = studio.generation.submit(ME, GenerationRequest.of(prompt="other", enhance=False))
    assert reached.wait(30)
    assert studio.generation.cancel(ME, stopped)["status"] == "cancelled"
    go.set()
    shot = end(studio, ME, stopped)
    assert shot["status"] == "cancelled" and shot["pictures"] == []
    assert steps == [1, 2, 3]
    assert end(studio, ME, other)["status"] == "done"


def test_a_waiting_job_is_cancelled_at_once(make: Make) -> None:
    studio = make(start=False)
    job = studio.generation.submit(ME, GenerationRequest.of(prompt="a cat"))
    assert studio.generation.cancel(ME, job) == {"job": job, "status": "cancelled"}
    assert studio.jobs.unfinished(ME) == []
    assert studio.jobs.snapshot(ME, job)["status"] == "cancelled"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OutOfMemory("text", text="The device had too little memory."), "The device had too little memory."),
        (RuntimeError("boom"), "Something went wrong inside the studio (RuntimeError). Its log has the details."),
        (OSError(28, "No space left on device"), "The disk is full. Make room, then try again."),
    ],
)
def test_a_failed_job_fails_alone_and_is_drawn_again_by_one_click(
    make: Make, engine: PaintEngine, error: Exception, sentence: str
) -> None:
    def fail(recipe: Recipe, step: int) -> None:
        if recipe.prompt == "bad" and step == 2:
            raise error

    engine.before_step = fail
    studio = make()
    bad = studio.generation.submit(ME, GenerationRequest.of(prompt="bad", enhance=False, seed=4))
    good = studio.generation.submit(ME, GenerationRequest.of(prompt="good", enhance=False))
    shot = end(studio, ME, bad)
    assert (shot["status"], shot["error"]) == ("failed", sentence)
    assert end(studio, ME, good)["status"] == "done"
    engine.before_step = lambda recipe, step: None
    again = end(studio, ME, studio.generation.retry(ME, bad))
    assert again["status"] == "done" and again["pictures"][0]["seed"] == 4


def test_owners_take_turns(make: Make, engine: PaintEngine) -> None:
    order: list[str] = []
    engine.before_step = lambda recipe, step: order.append(recipe.prompt) if step == 1 else None
    studio = make(start=False)
    jobs = [
        (ME, studio.generation.submit(ME, GenerationRequest.of(prompt=f"mine {k}", enhance=False))) for k in range(3)
    ]
    jobs += [
        (YOU, studio.generation.submit(YOU, GenerationRequest.of(prompt=f"yours {k}", enhance=False))) for k in range(2)
    ]
    studio.start()
    for who, job in jobs:
        end(studio, who, job)
    assert order == ["mine 0", "yours 0", "mine 1", "yours 1", "mine 2"]


def test_closing_queues_again_what_runs_and_the_next_start_finishes_it(make: Make, engine: PaintEngine) -> None:
    reached, go = threading.Event(), threading.Event()

    def wait(recipe: Recipe, step: int) -> None:
        if recipe.seed == 8 and step == 2:
            reached.set()
            assert go.wait(30)

    engine.before_step = wait
    studio = make()
    job = studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", enhance=False, count=3, seed=7))
    assert reached.wait(30)
    closing = threading.Thread(target=studio.close)
    closing.start()
    go.set()
    closing.join()
    shot = end(make(on=PaintEngine()), ME, job)
    assert shot["status"] == "done"
    assert [picture["seed"] for picture in shot["pictures"]] == [7, 8, 9]


class Fickle(PaintEngine):
    """Loads one checkpoint, and never another that lies on the disk too."""

    def __init__(self) -> None:
        super().__init__()
        self.broken, self.resident = replace(ABSENT, on_disk=True), HERE.name

    @property
    def state(self) -> EngineState:
        state = replace(super().state, checkpoint=self.resident)
        return replace(state, status="failed", message="It is broken.") if self.resident != HERE.name else state

    def checkpoints(self) -> tuple[CheckpointInfo, ...]:
        return (HERE, self.broken)

    def info(self, checkpoint: str | None) -> CheckpointInfo:
        return super().info(self.resident if checkpoint is None else checkpoint)

    def switch(self, checkpoint: str) -> None:
        self.resident = checkpoint
        if checkpoint != HERE.name:
            raise EngineError("text", text="It is broken.")


def test_a_checkpoint_that_cannot_be_loaded_takes_nothing_from_the_others(make: Make) -> None:
    studio = make(on=Fickle())
    bad = end(
        studio,
        YOU,
        studio.generation.submit(YOU, GenerationRequest.of(prompt="a cat", enhance=False, checkpoint="turbo")),
    )
    assert (bad["status"], bad["error"]) == ("failed", "It is broken.")
    assert studio.state.status == "ready"
    assert (
        end(studio, ME, studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", enhance=False)))["status"]
        == "done"
    )


class Weights:
    """What a load holds while it fails."""


class Holding(Fickle):
    """Fails inside a call that holds weights, as a loader does that runs out of memory."""

    held: weakref.ref[Weights] | None = None
    gone: bool | None = None

    def switch(self, checkpoint: str) -> None:
        if checkpoint == HERE.name:
            self.gone = self.held is not None and self.held() is None
            return super().switch(checkpoint)
        try:
            self._read()
        except RuntimeError as error:
            self.resident = checkpoint
            raise EngineError("text", text="It does not fit.") from error

    def _read(self) -> None:
        weights = Weights()
        self.held = weakref.ref(weights)
        raise RuntimeError("out of memory")


def test_what_a_failed_load_held_is_gone_before_the_old_checkpoint_comes_back(make: Make) -> None:
    engine = Holding()
    studio = make(on=engine)
    bad = end(
        studio,
        YOU,
        studio.generation.submit(YOU, GenerationRequest.of(prompt="a cat", enhance=False, checkpoint="turbo")),
    )
    assert (bad["status"], bad["error"], engine.gone) == ("failed", "It does not fit.", True)


def test_the_queue_goes_on_when_the_database_could_not_be_written_for_a_while(
    make: Make, engine: PaintEngine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The table is taken away and brought back, as a full disk is a fault that goes away: the job's end must not be lost."""

    def rename(old: str, new: str) -> None:
        with closing(sqlite3.connect(tmp_path / "data" / "studio.db", timeout=30)) as connection:
            connection.execute(f"ALTER TABLE {old} RENAME TO {new}")

    def fail(recipe: Recipe, step: int) -> None:
        if recipe.prompt == "bad" and step == 2:
            rename("jobs", "jobs_away")
            raise RuntimeError("boom")

    engine.before_step = fail
    studio = make()
    bad = studio.generation.submit(ME, GenerationRequest.of(prompt="bad", enhance=False))
    until = time.monotonic() + 60
    while "the queue is paused" not in caplog.text and time.monotonic() < until:
        time.sleep(0.02)
    assert "the queue is paused" in caplog.text
    rename("jobs_away", "jobs")
    assert end(studio, ME, bad)["status"] == "failed"
    assert (
        end(studio, ME, studio.generation.submit(ME, GenerationRequest.of(prompt="good", enhance=False)))["status"]
        == "done"
    )


def test_a_job_that_failed_in_the_middle_is_drawn_on_and_not_doubled(make: Make, engine: PaintEngine) -> None:
    def fail(recipe: Recipe, step: int) -> None:
        if recipe.seed == 12:
            raise OutOfMemory("text", text="The device had too little memory.")

    engine.before_step = fail
    studio = make()
    job = studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", count=4, seed=10))
    shot = end(studio, ME, job)
    assert (shot["status"], len(shot["pictures"])) == ("failed", 2)
    engine.before_step = lambda recipe, step: None
    rest = end(studio, ME, studio.generation.retry(ME, job))
    assert [picture["seed"] for picture in rest["pictures"]] == [12, 13]
    first, second = shot["pictures"][0], rest["pictures"][0]
    assert second["original_prompt"] == "a cat" and second["prompt"] == first["prompt"]
    assert second["enhancement"]["id"] == first["enhancement"]["id"]


def test_a_checkpoint_is_loaded_between_jobs_and_a_failure_is_told(make: Make, engine: PaintEngine) -> None:
    at: list[int] = []
    switched = threading.Event()

    class Careful(PaintEngine):
        def switch(self, checkpoint: str) -> None:
            at.append(self.drawing)
            switched.set()
            super().switch(checkpoint)

    careful = Careful()
    studio = make(on=careful, start=False)
    jobs = [
        studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", enhance=False, count=3)) for _ in range(2)
    ]
    studio.checkpoints.load(HERE.name)
    with pytest.raises(InvalidRequest, match=f"on the disk here \\(got {ABSENT.name}\\)"):
        studio.checkpoints.load(ABSENT.name)
    studio.start()
    assert all(end(studio, ME, job)["status"] == "done" for job in jobs)
    assert switched.wait(10) and at == [0]
    assert studio.checkpoints.system(ME)["trouble"] is None
    timings = studio.checkpoints.system(ME)["timings"]
    assert isinstance(timings, list) and len(timings) == 6 and studio.checkpoints.system(YOU)["timings"] == []

    careful.fail_load = "The painter is ill."
    studio.checkpoints.load(HERE.name)
    _until(lambda: studio.checkpoints.system(ME)["trouble"] == "The painter is ill.")


def test_only_the_host_loads_and_fetches_where_strangers_come(tmp_path: Path, engine: PaintEngine) -> None:
    studio = Studio(storage.open(tmp_path / "public"), engine, None, StudioOptions(public=True))
    for act in (studio.checkpoints.load, studio.checkpoints.download):
        with pytest.raises(Refused, match="Only the host"):
            act(HERE.name)
    studio.close()


def test_the_next_picture_is_drawn_while_the_last_one_is_saved(make: Make, engine: PaintEngine, tmp_path: Path) -> None:
    """Somebody else's transaction keeps the first picture from its row until the second one is being drawn."""
    other: list[sqlite3.Connection] = []

    def lock_then_let_go(recipe: Recipe, step: int) -> None:
        if (recipe.seed, step) == (10, 8):
            other.append(
                sqlite3.connect(tmp_path / "data" / "studio.db", isolation_level=None, check_same_thread=False)
            )
            other[0].execute("BEGIN IMMEDIATE")
        if (recipe.seed, step) == (11, 1):
            assert studio.library.history(ME)["total"] == 0
            other[0].execute("ROLLBACK")

    engine.before_step = lock_then_let_go
    studio = make()
    shot = end(
        studio, ME, studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", seed=10, count=3, enhance=False))
    )
    other[0].close()
    assert shot["status"] == "done", shot
    assert isinstance(shot["pictures"], list) and [one["seed"] for one in shot["pictures"]] == [10, 11, 12]
    assert engine.most_at_once == 1


def test_what_is_quickest_is_measured_only_after_pictures_and_when_nothing_waits(
    make: Make, engine: PaintEngine
) -> None:
    at: list[int] = []
    engine.before_step = lambda recipe, step: at.append(engine.tunings)
    studio = make()
    time.sleep(0.3)
    assert engine.tunings == 0, "nobody waits for it before the first picture"
    jobs = [studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", enhance=False)) for _ in range(3)]
    shots = [end(studio, ME, job) for job in jobs]
    _until(lambda: engine.tunings >= 2)  # the second time it says that all is known
    assert at[0] == 0 and engine.likes == [None] * 3
    assert isinstance(shots[0]["pictures"], list)
    again = end(studio, ME, studio.generation.rerun(ME, shots[0]["pictures"][0]["id"]))
    assert again["identical"] is True and engine.likes[-1] == shots[0]["pictures"][0]["environment"]


def _until(true: Callable[[], bool]) -> None:
    for _ in range(500):
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come true within ten seconds")


def test_the_interpreter_waits_for_threads_that_use_the_device(make: Make, engine: PaintEngine) -> None:
    """A daemon thread inside torch when the interpreter finalizes aborts the process, so none may be one."""
    before = set(threading.enumerate())
    reached, go = threading.Event(), threading.Event()

    def wait(recipe: Recipe, step: int) -> None:
        reached.set()
        assert go.wait(30)

    engine.before_step = wait
    studio = make()
    studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", enhance=False))
    assert reached.wait(30)
    started = set(threading.enumerate()) - before
    assert {thread.name for thread in started} >= {"worker", "housekeeping"}
    assert [thread.name for thread in started if thread.daemon] == []
    closing = threading.Thread(target=studio.close)
    closing.start()
    go.set()
    closing.join(30)
    assert [thread for thread in started if thread.is_alive()] == []
