"""What a stream tells of a job: how long it may take, and its finished pictures, each read from the database once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from studio.domain.recipe import Recipe
from studio.domain.request import GenerationRequest
from studio.domain.work import Work
from studio.services.serializers import View
from studio.studio import Studio
from studio.worker.eta import EtaEstimator
from tests.fakes.engine import PaintEngine
from tests.studio.conftest import end

Make = Callable[..., Studio]
ME, YOU = "me", "you"
SMALL = Work(pictures=1, steps=8, width=128, height=128, enhancements=0)


def test_the_pace_counts_pictures_steps_sizes_and_reasoning() -> None:
    pace = EtaEstimator()
    assert pace.works([SMALL]) is None, "nothing is guessed before the first picture"
    pace.saw_picture(2.0, 8, 128, 128)
    pace.saw_enhancement(5.0)
    big = Work(pictures=3, steps=4, width=256, height=256, enhancements=1)
    assert pace.works([]) == 0
    assert pace.works([SMALL]) == 2.0
    assert pace.works([SMALL, big]) == 2.0 + 3 * 4.0 + 5.0
    assert pace.works([Work(pictures=0, steps=8, width=128, height=128, enhancements=1)]) == 5.0


def test_a_waiting_job_waits_for_every_picture_ahead_of_it_and_for_what_runs(make: Make, engine: PaintEngine) -> None:
    studio = make()
    first = end(studio, ME, studio.generation.submit(ME, GenerationRequest.of(prompt="first", enhance=False)))
    assert first["status"] == "done"
    reached, go = threading.Event(), threading.Event()

    def hold(recipe: Recipe, step: int) -> None:
        if recipe.prompt == "running" and step == 1:
            reached.set()
            assert go.wait(30)

    engine.before_step = hold
    engine.step_s = 0.05
    timed = end(
        studio, ME, studio.generation.submit(ME, GenerationRequest.of(prompt="timed", enhance=False))
    )  # now a picture takes some .4 s
    assert timed["status"] == "done"
    running = studio.generation.submit(ME, GenerationRequest.of(prompt="running", enhance=False, count=4))
    assert reached.wait(30)
    one = studio.generation.submit(ME, GenerationRequest.of(prompt="one", enhance=False))
    six = studio.generation.submit(ME, GenerationRequest.of(prompt="six", enhance=False, count=6))
    last = studio.generation.submit(ME, GenerationRequest.of(prompt="last", enhance=False, count=2, steps=4))
    waits = [studio.jobs.snapshot(ME, job)["eta_s"] for job in (one, six, last)]
    position = studio.jobs.snapshot(ME, last)["position"]
    listed = {line["id"]: line["eta_s"] for line in studio.jobs.unfinished(ME)}
    left = studio.jobs.snapshot(ME, running)["eta_s"]
    go.set()
    assert position == 2
    assert [listed[job] for job in (one, six, last)] == waits
    assert left > 0
    picture = (waits[0] - left) / 1  # a tenth of a second of rounding in each
    assert abs((waits[1] - waits[0]) - 6 * picture) < 0.7 and abs((waits[2] - waits[1]) - picture) < 0.3
    assert all(end(studio, ME, job)["status"] == "done" for job in (running, one, six, last))


def test_a_stream_tells_each_finished_picture_as_soon_as_it_is_there(make: Make, engine: PaintEngine) -> None:
    engine.step_s = 0.05
    studio = make()
    job = studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", enhance=False, count=4))

    async def shots() -> list[View]:
        return [shot async for shot in studio.jobs.watch(ME, job)]

    told = [[picture["id"] for picture in shot["pictures"]] for shot in asyncio.run(shots())]
    assert told[0] == [] and len(told[-1]) == 4
    assert all(told[-1][: len(ids)] == ids for ids in told), "they come in order, and stay"
    assert len({len(ids) for ids in told}) > 2, "not all at the end"


def test_the_last_message_is_fresh(make: Make, engine: PaintEngine) -> None:
    reached, go = threading.Event(), threading.Event()

    def hold(recipe: Recipe, step: int) -> None:
        if recipe.seed == 8:
            reached.set()
            assert go.wait(30)

    engine.before_step = hold
    studio = make()
    job = studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", enhance=False, count=2, seed=7))

    async def watch() -> View:
        last: View = {}
        async for shot in studio.jobs.watch(ME, job):
            last = shot
            if shot["pictures"] and not go.is_set():
                studio.library.edit(ME, shot["pictures"][0]["id"], favourite=True)
                go.set()
        return last

    last = asyncio.run(watch())
    assert reached.is_set() and last["status"] == "done"
    assert [picture["favourite"] for picture in last["pictures"]] == [True, False]
