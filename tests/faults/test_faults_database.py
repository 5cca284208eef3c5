"""A database that is damaged, held, newer or another studio's, as whoever starts `python app.py` meets it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import storage
from storage.db import snapshots
from storage.ids import now
from storage.search.pages import PageRequest
from studio.domain.request import GenerationRequest
from studio.settings import ROOT
from studio.studio import Studio
from tests.apps import completed
from tests.fakes.engine import PaintEngine
from tests.storage.test_storage_snapshots import HOLD, damage
from tests.studio.conftest import end

HOME = "home"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with two pictures and a snapshot, stopped well."""
    studio = Studio(storage.open(tmp_path / "data"), PaintEngine(), None)
    studio.start()
    end(studio, HOME, studio.generation.submit(HOME, GenerationRequest.of(prompt="a cat", enhance=False, count=2)))
    studio.close()
    snapshots.nightly_snapshot(tmp_path / "data", now(), pause_s=0)
    return tmp_path / "data"


def refused(data: Path) -> str:
    """What a start says that ends with code 2."""
    done = completed("--data", str(data), "--checkpoint", "pocket", "--port", "0")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def up(start_app: Callable[..., Any], data: Path, **settings: object) -> Any:
    """A studio that answers, though it says that it has failed."""
    app = start_app(data=data, wait=False, **settings)
    stop = time.monotonic() + 120
    while time.monotonic() < stop:
        assert app.process.poll() is None, app.written()
        try:
            app.health()
            return app
        except OSError:
            time.sleep(0.1)
    raise AssertionError(app.written())


def test_a_damaged_database_is_shown_and_says_how_it_comes_back(data: Path, start_app: Callable[..., Any]) -> None:
    damage(data / "studio.db", "ix_pictures_pixel_sha256")
    (data / storage.db.integrity.NOTE).unlink()
    app = up(start_app, data)
    health = app.health()
    command = str(health["message"]).split("with: ")[1]
    assert health["status"] == "failed" and command.startswith("python app.py restore ")
    client = app.client()
    items = client.predict(api_name="/history")["items"]
    assert len(items) == 2
    with urllib.request.urlopen(f"{app.url}/media/pictures/{items[0]['id']}.png") as answer:
        assert answer.status == 200
    with urllib.request.urlopen(app.url) as answer:
        assert answer.status == 200
    for ask in (
        lambda: client.predict("a dog", api_name="/generate"),
        lambda: client.predict(items[0]["id"], True, api_name="/edit"),
        lambda: client.predict(items[0]["id"], api_name="/delete"),
    ):
        with pytest.raises(Exception, match="What can be read is shown; nothing is generated or changed"):
            ask()
    app.stop()
    strangers = up(start_app, data, owners="browser")  # who are told no more than that
    assert strangers.health()["message"] == storage.errors.Damaged.BRIEF
    assert str(data) in strangers.written() and command in strangers.written()
    strangers.stop()
    # The very command that the sentence names.
    done = subprocess.run(
        command.replace("python", sys.executable, 1), shell=True, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    store = storage.open(data.with_name("data-restored"))
    try:
        assert store.damaged is None and store.pictures.page(PageRequest(owner=HOME)).total == 2
        assert store.reconciler.run(depth="pixels").open == 0
    finally:
        store.close()


def test_a_database_that_cannot_be_read_at_all_is_refused_with_the_way_back(data: Path) -> None:
    damage(data / "studio.db", None)
    said = refused(data)
    assert "cannot be used as the studio's database" in said and "python app.py restore" in said
    assert next(iter(snapshots.snapshots(data))).name in said


def test_a_newer_database_is_refused_and_not_touched(data: Path) -> None:
    with closing(sqlite3.connect(data / "studio.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    before = (data / "studio.db").read_bytes()
    assert "was written by a newer studio" in refused(data)
    assert (data / "studio.db").read_bytes() == before


def test_a_database_that_another_program_holds_is_refused(data: Path) -> None:
    held = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data / "studio.db"), "BEGIN EXCLUSIVE"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert held.stdout is not None and held.stdout.readline() == "held\n"
        assert "is locked by another program" in refused(data)
    finally:
        held.kill()
        held.communicate()


def test_the_second_studio_on_a_folder_says_so_and_leaves(data: Path) -> None:
    first = storage.open(data)
    try:
        assert "Another studio is using the folder" in refused(data)
        assert first.pictures.page(PageRequest(owner=HOME)).total == 2
    finally:
        first.close()
