"""What is due once a day, by calling for a moment; and a thread that stops when told to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import storage
from storage.db import snapshots
from studio.domain.request import GenerationRequest
from studio.services.maintenance import Maintenance
from studio.studio import Studio
from tests.fakes.engine import PaintEngine
from tests.studio.conftest import end

NOW = datetime(2026, 3, 5, 4, tzinfo=timezone.utc)
ME = "me"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[storage.Storage]:
    store = storage.open(tmp_path / "data")
    yield store
    store.close()


def test_a_snapshot_a_day_and_no_more(kept: storage.Storage) -> None:
    house = Maintenance(kept, None)
    assert len(house.tend(NOW)) == 1
    assert house.tend(NOW + timedelta(hours=23)) == []
    assert len(house.tend(NOW + timedelta(hours=24))) == 1
    assert len(Maintenance(kept, None).tend(NOW + timedelta(hours=30))) == 0, "a restart makes none before its time"
    assert len(snapshots.snapshots(kept.folder)) == 2


def test_a_clock_that_was_wrong_for_a_while_stops_nothing(kept: storage.Storage) -> None:
    house = Maintenance(kept, None)
    house.tend(NOW + timedelta(days=4000))
    assert len(house.tend(NOW)) == 1, "the one of a time to come does not count"
    assert house.trouble is None


def test_the_trash_of_a_month_ago_goes(tmp_path: Path) -> None:
    studio = Studio(storage.open(tmp_path / "data"), PaintEngine(), None)
    try:
        studio.start()
        made = end(
            studio, ME, studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", enhance=False, count=2))
        )["pictures"]
        studio.library.delete(ME, str(made[0]["id"]))
        house = Maintenance(studio._storage, None)
        soon = datetime.now(timezone.utc) + timedelta(days=29)
        house.tend(soon)
        assert studio.library.history(ME, trash=True)["total"] == 1
        assert any("in the trash for a month" in said for said in house.tend(soon + timedelta(days=2)))
        assert studio.library.history(ME, trash=True)["total"] == 0 and studio.library.history(ME)["total"] == 1
    finally:
        studio.close()


def test_what_cannot_be_done_is_told_and_due_again(kept: storage.Storage) -> None:
    (kept.folder / "backups").write_text("in the way")
    house = Maintenance(kept, None)
    assert house.tend(NOW) == [] and house.trouble is not None and "could not be written" in house.trouble
    (kept.folder / "backups").unlink()
    assert len(house.tend(NOW + timedelta(minutes=10))) == 1 and house.trouble is None


def test_a_start_brings_files_and_rows_together_and_a_close_is_quick(tmp_path: Path) -> None:
    studio = Studio(storage.open(tmp_path / "data"), PaintEngine(), None)
    studio.start()
    made = end(
        studio, "home", studio.generation.submit("home", GenerationRequest.of(prompt="a cat", enhance=False, count=3))
    )["pictures"]
    studio.close()
    for path in (tmp_path / "data").glob("studio.*"):
        path.unlink()
    studio = Studio(storage.open(tmp_path / "data"), PaintEngine(), None)
    try:
        studio.start()
        stop = time.monotonic() + 120
        while studio.library.history("home")["total"] != 3 and time.monotonic() < stop:
            time.sleep(0.05)
        assert {one["id"] for one in studio.library.history("home")["items"]} == {one["id"] for one in made}
        assert {one["seed"] for one in studio.library.history("home")["items"]} == {one["seed"] for one in made}
        again = studio.generation.rerun("home", str(made[0]["id"]))
        assert end(studio, "home", again)["identical"] is True
    finally:
        begun = time.monotonic()
        studio.close()
    assert time.monotonic() - begun < 25, "it was not woken: a close waits 30 s at most"
