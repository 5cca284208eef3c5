"""A disk or a quota that is full: the queue waits with a sentence, nothing is half written, and it goes on when there is room."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import storage
from locales import Localized
from studio.domain.recipe import Recipe
from studio.domain.request import GenerationRequest
from studio.services.serializers import View
from studio.studio import Studio
from studio.worker import disk_space as rooms
from studio.worker.disk_space import DISK, DiskSpace
from studio.worker.quota import GB, Quota
from studio.worker.writer import BackgroundWriter
from tests.fakes.engine import PaintEngine
from tests.studio.conftest import end

ME = "me"


def until(holds: Callable[[], object], seconds: float = 40) -> None:
    stop = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < stop, "it did not come to that"
        time.sleep(0.05)


def over(folder: Path, engine: PaintEngine, quota: Quota | None = None) -> Studio:
    return Studio(storage.open(folder), engine, None, quota=quota)


def whole(folder: Path, pictures: list[View]) -> None:
    """Nothing half written: as many files as pictures, each of them with its end, and nothing on its way."""
    files = sorted((folder / "pictures").rglob("*.*"))
    assert [path.stem for path in files] == sorted(str(one["id"]) for one in pictures)
    assert all(storage.files.integrity.has_end_marker(path) for path in files)
    assert not (folder / "incoming").exists() or not any((folder / "incoming").iterdir())
    assert list(folder.rglob("*.part")) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 48 MB of its own."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small disk is mounted by root only, with mount(8)")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(place)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_queue_waits_while_the_quota_is_used_up_and_goes_on_when_the_trash_is_emptied(tmp_path: Path) -> None:
    folder, engine = tmp_path / "data", PaintEngine()
    studio = over(folder, engine)
    studio.start()
    first = end(
        studio,
        ME,
        studio.generation.submit(
            ME, GenerationRequest.of(prompt="a cat", enhance=False, count=4, width=512, height=512)
        ),
    )
    studio.close()
    used = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    engine = PaintEngine(step_s=0.15)  # the folder is summed up once a second
    studio = over(folder, engine, Quota(folder, (used + 1_500_000) / GB))  # room for two of the four, or one
    try:
        job = studio.generation.submit(
            ME, GenerationRequest.of(prompt="a dog", enhance=False, count=4, seed=50, width=512, height=512)
        )
        studio.start()
        until(lambda: studio.jobs.snapshot(ME, job)["message"])
        shot = studio.jobs.snapshot(ME, job)
        assert (
            shot["status"] == "queued"
            and "disk quota" in str(shot["message"])
            and isinstance(shot["message"], Localized)
        )
        assert shot["error"] is None and 0 < len(shot["pictures"]) < 4
        assert shot["message"] == studio.health()["message"] == studio.state.message == studio.quota_warning()
        whole(folder, [*first["pictures"], *shot["pictures"]])
        for one in first["pictures"]:
            studio.library.delete(ME, str(one["id"]))
        assert studio._storage.trash.empty(ME) == 4
        last = end(studio, ME, job)
        assert (last["status"], [one["seed"] for one in last["pictures"]]) == ("done", [50, 51, 52, 53])
        assert engine.drawn == 4, "what was there was not drawn again"
        assert studio.health()["message"] == "The painter is ready."
        whole(folder, last["pictures"])
    finally:
        studio.close()


@pytest.mark.parametrize("when", ["before", "while it draws"])
def test_a_queue_waits_while_the_disk_is_full_and_goes_on_when_there_is_room(small_disk: Path, when: str) -> None:
    folder, engine, filler = small_disk / "data", PaintEngine(), small_disk / "filler"
    filled: list[int] = []

    def fill(recipe: Recipe, step: int) -> None:
        if when == "before" or recipe.seed != 21 or filled:
            return
        filled.append(step)
        with filler.open("wb") as out:  # to the last byte, as a download would
            try:
                while out.write(bytes(1 << 12)):
                    out.flush()
            except OSError:
                pass

    engine.before_step = fill
    studio = over(folder, engine)
    try:
        if when == "before":
            filler.write_bytes(bytes(30 << 20))
        job = studio.generation.submit(
            ME, GenerationRequest.of(prompt="a cat", enhance=False, count=3, seed=20, width=512, height=512)
        )
        studio.start()
        until(lambda: studio.health()["message"] == DISK)
        time.sleep(1.0)
        shot = studio.jobs.snapshot(ME, job)
        assert shot["status"] in ("queued", "running") and shot["error"] is None
        assert len(shot["pictures"]) <= (when != "before"), "the first may be kept still, or not any more"
        filler.unlink()
        last = end(studio, ME, job)
        assert (last["status"], [one["seed"] for one in last["pictures"]]) == ("done", [20, 21, 22])
        whole(folder, last["pictures"])
        assert isinstance(DISK, Localized)
    finally:
        studio.close()


def test_a_disk_that_is_full_to_the_last_byte_is_a_sentence_at_the_start(small_disk: Path) -> None:
    storage.open(small_disk / "data").close()
    with (small_disk / "filler").open("wb", buffering=0) as out, pytest.raises(OSError, match="No space"):
        while out.write(bytes(1 << 12)):
            pass
    with pytest.raises(storage.errors.NotWritten, match="is the disk full"):
        storage.open(small_disk / "data")
    (small_disk / "filler").unlink()
    storage.open(small_disk / "data").close()


def test_room_is_found_again_only_when_the_disk_takes_as_much(small_disk: Path) -> None:
    room = DiskSpace(small_disk, Quota(small_disk, 0), least_bytes=8 << 20)
    assert room.lacks() is None
    room.refused()
    assert room.lacks() is None, "it takes as much"
    (small_disk / "filler").write_bytes(bytes(42 << 20))
    assert room.lacks() == DISK
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


def test_which_errors_say_that_a_disk_is_full() -> None:
    full = OSError(28, "No space left on device")
    wrapped = storage.errors.NotWritten("The picture", "No space left on device")
    wrapped.__cause__ = full
    assert rooms.says_full(full) and rooms.is_unwritten(wrapped) and not rooms.is_unwritten(full)
    assert not rooms.says_full(OSError(13, "Permission denied"))
    assert not rooms.says_full(None)


def test_behind_a_picture_that_could_not_be_kept_none_is() -> None:
    saver, kept = BackgroundWriter(), list[int]()

    def refuse() -> None:
        raise OSError(28, "No space left on device")

    saver.submit(lambda: kept.append(1))
    saver.submit(refuse)
    with pytest.raises(OSError, match="No space"):
        saver.submit(lambda: kept.append(3))
    saver.settle()
    saver.submit(lambda: kept.append(4))
    saver.settle()
    saver.close()
    assert kept == [1, 4]
