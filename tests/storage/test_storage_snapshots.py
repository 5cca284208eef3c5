"""Snapshots that writers do not disturb, their rotation, and what becomes of a database that is damaged or locked."""

from __future__ import annotations

import json
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import storage
from storage.db import snapshots
from storage.db.integrity import NOTE
from storage.errors import Damaged, LockedDatabase, NotRestored, NotWritten, UnknownDatabase
from storage.ids import now
from storage.search.pages import PageRequest

HOLD = (
    "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
    "[c.execute(one) for one in sys.argv[2].split(';')]; print('held', flush=True); time.sleep(60)"
)


def damage(file: Path, table_or_index: str | None) -> None:
    """Write over the page where a table or an index begins; over the file's first bytes where none is named."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        asked = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        page = connection.execute(asked, (table_or_index,)).fetchone()[0] if table_or_index else 1
    with file.open("r+b") as out:
        out.seek((page - 1) * size)
        out.write(b"\xa5" * size)


def test_a_snapshot_is_of_one_moment_however_much_is_written_meanwhile(kit, tmp_path):
    for _ in range(150):  # some hundred pages, so that it takes many steps
        kit.enhancement(original="x" * 40_000)
    kit.store.jobs.finish(kit.job(count=0).id, "cancelled")
    written = 0

    def write() -> bool:
        """What others do between two of its steps; it is asked there whether it shall stop."""
        nonlocal written
        kit.store.jobs.finish(kit.job(count=0).id, "cancelled")
        written += 1
        assert written < 1000, "each write begins the copy anew"
        return False

    snapshots.snapshot(kit.store.folder / "studio.db", tmp_path / "there.db", pause_s=0.001, stop=write)
    assert written > 5, "writers went on"
    with closing(sqlite3.connect(tmp_path / "there.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (1,)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "there.db"]


def test_a_snapshot_that_is_stopped_or_finds_no_room_leaves_nothing(kit, tmp_path):
    with pytest.raises(NotWritten, match="told to stop"):
        snapshots.snapshot(kit.store.folder / "studio.db", tmp_path / "a.db", pause_s=0.001, stop=lambda: True)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotWritten):
        snapshots.snapshot(kit.store.folder / "studio.db", tmp_path / "file" / "a.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "file"]


def test_seven_days_and_four_weeks_are_kept(kit):
    begin = datetime(2026, 3, 1, 2, tzinfo=timezone.utc)
    for hours in range(0, 24 * 45, 12):
        made = snapshots.nightly_snapshot(kit.store.folder, begin + timedelta(hours=hours), pause_s=0)
    there = list(snapshots.snapshots(kit.store.folder).values())
    newest = begin + timedelta(days=44.5)
    assert there[-1] == newest and made.exists()
    days = [newest - timedelta(days=n) for n in range(7)]
    assert set(days) <= set(there) and len(there) <= 11
    assert min(there) <= newest - timedelta(days=14), "a day of the fourth week"


def test_a_damaged_index_leaves_a_studio_that_reads_and_says_how_to_go_on(kit):
    picture = kit.picture("a cat")
    snapshot = snapshots.nightly_snapshot(kit.store.folder, now(), pause_s=0)
    kit.store.close()
    damage(kit.store.folder / "studio.db", "ix_pictures_pixel_sha256")
    (kit.store.folder / NOTE).unlink()  # as after a death
    kit.store = storage.open(kit.store.folder)
    sentence = kit.store.damaged
    command = f"python app.py restore {shlex.quote(str(snapshot))} --data {kit.store.folder}-restored"
    assert sentence and sentence.endswith(command)
    assert kit.store.pictures.page(PageRequest(owner="ann")).items[0].id == picture.id
    assert kit.store.pictures.page(PageRequest(owner="ann", query="cat")).total == 1
    assert kit.store.pictures.thumb("ann", picture.id).exists()
    before = (kit.store.folder / "studio.db").read_bytes()
    for change in (
        lambda: kit.store.pictures.edit("ann", picture.id, favourite=True),
        lambda: kit.store.pictures.delete("ann", picture.id),
        lambda: kit.job(),
        kit.store.jobs.recover,
    ):
        with pytest.raises(Damaged, match="nothing is generated or changed"):
            change()
    kit.reopen()
    assert kit.store.damaged is not None, "it stays so"
    kit.store.close()
    assert (kit.store.folder / "studio.db").read_bytes() == before


def test_where_nothing_can_be_read_the_studio_refuses_and_says_how_to_go_on(kit):
    kit.picture()
    snapshot = snapshots.nightly_snapshot(kit.store.folder, now(), pause_s=0)
    for what in (None, "pictures"):
        kit.store.close()
        damage(kit.store.folder / "studio.db", what)
        (kit.store.folder / NOTE).unlink(missing_ok=True)
        with pytest.raises(UnknownDatabase, match="cannot be used as the studio's database") as refused:
            storage.open(kit.store.folder)
        assert str(snapshot) in str(refused.value)
        (kit.store.folder / "studio.db").write_bytes(snapshot.read_bytes())
        kit.store = storage.open(kit.store.folder)
        assert kit.store.damaged is None


def test_damage_that_shows_while_it_works_is_the_same_sentence(kit):
    kit.picture("a cat")
    kit.store.close()
    damage(kit.store.folder / "studio.db", "turns")
    kit.store = storage.open(kit.store.folder)  # the stop was clean, so nobody looked
    assert kit.store.damaged is None
    kit.job()
    with pytest.raises(Damaged, match="What can be read is shown"):
        kit.store.jobs.claim()


def test_no_snapshot_is_kept_of_a_damaged_database(kit):
    kit.picture()
    first = snapshots.nightly_snapshot(kit.store.folder, now() - timedelta(days=1), pause_s=0)
    damage(kit.store.folder / "studio.db", "ix_pictures_pixel_sha256")
    with pytest.raises((NotRestored, NotWritten)):
        snapshots.nightly_snapshot(kit.store.folder, now(), pause_s=0)
    assert list(snapshots.snapshots(kit.store.folder)) == [first]


def test_the_file_is_looked_through_after_a_death_and_once_a_week(kit):
    note = kit.store.folder / NOTE
    assert not note.exists(), "not while somebody works"
    kit.store.close()
    damage(kit.store.folder / "studio.db", "ix_pictures_pixel_sha256")
    kit.store = storage.open(kit.store.folder)
    assert kit.store.damaged is None, "the stop was clean"
    kit.store.close()
    note.write_text(json.dumps({"looked_at": (now() - timedelta(days=8)).isoformat()}))
    kit.store = storage.open(kit.store.folder)
    assert kit.store.damaged is not None


@pytest.mark.parametrize("how", ["BEGIN EXCLUSIVE", "PRAGMA locking_mode = EXCLUSIVE;BEGIN EXCLUSIVE"])
@pytest.mark.parametrize("clean", [True, False])
def test_a_database_that_another_program_holds_is_a_sentence_within_seconds(kit, how, clean):
    kit.picture()
    kit.store.close()
    if not clean:
        (kit.store.folder / NOTE).unlink()
    file = kit.store.folder / "studio.db"
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(file), how], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None and child.stdout.readline() == "held\n"
        with pytest.raises(LockedDatabase, match="is locked by another program"):
            storage.open(kit.store.folder)
    finally:
        child.kill()
        child.communicate()
    kit.store = storage.open(kit.store.folder)
    assert kit.store.damaged is None and kit.store.pictures.page(PageRequest(owner="ann")).total == 1
