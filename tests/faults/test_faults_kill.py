"""kill -9 in the middle of a job: after the restart every picture of it exists, once, and its pixels are what they would have been.

The whole studio, with Pocket; many more deaths of everything but the transformer are in test_faults_moments.py.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from gradio_client import Client
from gradio_client.client import Job

COUNT = 4
MOMENTS = ("filed", "reasoning", "drawing", "second picture", "third picture")


def _finished(client: Client, seconds: float = 240) -> list[dict[str, object]]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not client.predict(api_name="/jobs"):
            items: list[dict[str, object]] = client.predict(limit=60, api_name="/history")["items"]
            return items
        time.sleep(0.2)
    raise AssertionError("The job did not end after the restart.")


def _whole(data: Path, pictures: list[dict[str, object]]) -> None:
    """As many files as pictures, nothing half made, and a database without a fault."""
    files = sorted(path.name for path in (data / "pictures").rglob("*") if path.is_file())
    assert files == sorted(f"{picture['id']}.png" for picture in pictures)
    assert not any((data / "incoming").iterdir())
    assert list(data.rglob("*.part")) == []
    with closing(sqlite3.connect(data / "studio.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.slow
def test_five_deaths_at_random_moments_lose_and_double_nothing(
    start_app: Callable[..., object], tmp_path: Path
) -> None:
    chance = random.Random(11)
    wished: dict[str, int] = {}
    for death in range(5):
        app = start_app(data=tmp_path)
        client = app.client()
        seed = 100 * (death + 1)
        job = client.submit(
            "two cats on a blue background", seed=seed, count=2, enhance=death % 2 == 0, api_name="/generate"
        )
        wished[str(next(iter(job))["job"])] = seed
        time.sleep(chance.uniform(0.0, 4.0))
        app.kill()
    client = start_app(data=tmp_path).client()
    pictures = _finished(client)
    assert {job: sorted(one["seed"] for one in pictures if one["job"] == job) for job in wished} == {
        job: [seed, seed + 1] for job, seed in wished.items()
    }
    assert len(pictures) == 10
    _whole(tmp_path, pictures)
    print({"deaths": 5, "wishes": len(wished), "pictures": len(pictures)})


def _reached(moment: str, shot: dict[str, object]) -> bool:
    drawn = len(shot["pictures"])  # type: ignore[arg-type]
    return {
        "filed": True,
        "reasoning": shot["phase"] == "reasoning",
        "drawing": shot["phase"] == "drawing" and int(str(shot["step"])) >= 2,
        "second picture": drawn >= 1,
        "third picture": drawn >= 2,
    }[moment] or drawn >= 3


@pytest.mark.slow
def test_a_killed_job_is_finished_after_the_restart(start_app: Callable[..., object], tmp_path: Path) -> None:
    app = start_app(data=tmp_path)
    for life, moment in enumerate(MOMENTS, 1):
        seed = 1000 * life
        job = Client(app.url, verbose=False).submit(
            "three rabbits on a purple background", seed=seed, count=COUNT, enhance=True, api_name="/generate"
        )
        reached, filed = threading.Event(), set[object]()

        def follow(
            job: Job = job, moment: str = moment, reached: threading.Event = reached, filed: set[object] = filed
        ) -> None:
            try:
                for shot in job:
                    filed.add(shot["job"])
                    if _reached(moment, shot):
                        break
            finally:
                reached.set()

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        assert reached.wait(240), moment
        os.kill(app.process.pid, signal.SIGKILL)
        app.process.wait()
        thread.join(30)

        app = start_app(data=tmp_path)  # of which the next life begins
        client = Client(app.url, verbose=False)
        every = _finished(client)
        pictures = [picture for picture in every if picture["job"] in filed]
        assert sorted(picture["seed"] for picture in pictures) == [seed + index for index in range(COUNT)], moment
        assert len({picture["job"] for picture in pictures}) == 1, moment
        assert {picture["original_prompt"] for picture in pictures} == {"three rabbits on a purple background"}
        assert all(picture["enhancement"]["steps"][0]["text"] for picture in pictures), moment
        assert len({picture["enhancement"]["id"] for picture in pictures}) == 1, moment
        _whole(tmp_path, every)
        for picture in (pictures[0], pictures[-1]):  # of both lives of the studio
            again = client.predict(picture["id"], api_name="/rerun")
            assert again["identical"] is True, (moment, again.get("changed"))
            assert again["pictures"][0]["pixel_sha256"] == picture["pixel_sha256"]
