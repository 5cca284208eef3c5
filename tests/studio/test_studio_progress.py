"""The board: watchers hear of changes soon and of the end at once; pace: what is told in seconds was seen first."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from studio.errors import Refused, shorten
from studio.worker.eta import EtaEstimator
from studio.worker.progress import CALM_S, INTERVAL_S, ProgressHub
from studio.worker.quota import Quota


def test_a_watcher_hears_what_another_thread_posts() -> None:
    board = ProgressHub()

    async def watch() -> int:
        with board.watch("job") as watcher:
            threading.Thread(target=board.post, args=("job",), kwargs={"step": 3}).start()
            await watcher.change(10.0)
            return board.progress_of("job").step

    assert asyncio.run(watch()) == 3


def test_the_end_is_told_without_the_interval() -> None:
    board = ProgressHub()

    async def watch() -> list[int]:
        seen = []
        with board.watch("job") as watcher:
            for step in (1, 2):
                board.post("job", step=step)
                await watcher.change(10.0)
                seen.append(board.progress_of("job").step)
            board.end("job")
            await watcher.change(10.0)
            seen.append(board.progress_of("job").step)
        return seen

    assert asyncio.run(watch()) == [1, 2, 0]


def test_a_watcher_of_one_job_does_not_hear_of_another() -> None:
    board = ProgressHub()

    async def watch() -> bool:
        with board.watch("mine") as watcher:
            board.post("other", step=1)
            begun = time.monotonic()
            await watcher.change(4 * INTERVAL_S)
            return time.monotonic() - begun >= 3 * INTERVAL_S

    assert asyncio.run(watch())


def test_moving_up_in_the_queue_is_told_calmly_and_what_happens_to_the_job_itself_at_once() -> None:
    board = ProgressHub()

    async def watch() -> list[float]:
        waited = []
        with board.watch("job") as watcher:
            for own in (False, True):
                begun = time.monotonic()
                board.notify_all()
                if own:
                    board.post("job", step=1)
                await watcher.change(10.0)
                waited.append(time.monotonic() - begun)
        return waited

    calm, own = asyncio.run(watch())
    assert calm > 0.8 * CALM_S and own < 0.8 * CALM_S


def test_cancelling_is_by_job_and_is_forgotten_with_it() -> None:
    board = ProgressHub()
    board.cancel("a")
    assert board.cancelled("a") and not board.cancelled("b")
    board.end("a")
    assert not board.cancelled("a")


def test_nothing_is_promised_before_something_was_seen() -> None:
    pace = EtaEstimator()
    assert pace.steps(8, 128, 128) is None
    pace.saw_step(0.1, 100, 100)
    assert pace.steps(8, 200, 100) == pytest.approx(1.6)


def test_a_quota_warns_then_refuses(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 950)
    near = Quota(tmp_path, 1000 / 1e9)
    near.check()
    assert near.warning() is not None
    (tmp_path / "b").write_bytes(b"x" * 50)
    full = Quota(tmp_path, 1000 / 1e9)
    with pytest.raises(Refused, match="disk quota"):
        full.check()
    Quota(tmp_path, 0).check()
    assert Quota(tmp_path, 0).warning() is None


def test_a_value_is_shortened_to_one_line() -> None:
    assert shorten("a\nb") == "a b"
    assert shorten("") == '""'
    assert shorten("x" * 100).endswith("(100 characters)")
    assert shorten(1000) == "1000"
