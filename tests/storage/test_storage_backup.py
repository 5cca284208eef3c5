"""Backups and what comes back from them: the same rows and bytes, or a sentence and nothing."""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path

import pytest

import storage
from storage.db import snapshots
from storage.errors import NotRestored, NotWritten
from storage.files import backup
from storage.ids import now
from storage.search.pages import PageRequest
from tests.storage.test_storage_reconcile import drawn


def kept(store: storage.Storage) -> dict[str, tuple[object, bytes]]:
    return {
        one.id: (one, store.pictures.path("ann", one.id).read_bytes())
        for one in store.pictures.page(PageRequest(owner="ann", limit=200)).items
    }


def test_everything_comes_back_as_it_was(kit, tmp_path):
    thought = kit.enhancement()
    pictures = [drawn(kit, seed, enhancement_id=thought.id) for seed in range(4)]
    kit.store.pictures.edit("ann", pictures[0].id, tags=["a"], rating=3, note="好")
    kit.store.shares.add("ann", pictures[1].id, 3)
    key = kit.store.secret("cookie")
    (kit.store.folder / "wildcards").mkdir()
    (kit.store.folder / "wildcards" / "animal.txt").write_text("cat")
    told: list[tuple[int, int]] = []
    made = backup.create_backup(kit.store.folder, tmp_path / "backup", tell=lambda done, all: told.append((done, all)))
    assert (made.pictures, made.missing, made.linked) == (4, 0, 4) and told[-1] == (6, 6)
    before = kept(kit.store)
    back = backup.restore_backup(tmp_path / "backup", tmp_path / "new")
    assert (back.pictures, back.missing, back.linked) == (4, 0, 0)
    store = storage.open(tmp_path / "new")
    try:
        assert kept(store) == before and store.secret("cookie") == key
        assert store.reconciler.run(depth="pixels").open == 0
        assert store.pictures.thumb("ann", pictures[0].id).is_file()
        assert (tmp_path / "new" / "wildcards" / "animal.txt").read_text() == "cat"
        assert store.pictures.page(PageRequest(owner="ann", query="好")).total == 1
    finally:
        store.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "data", "new"]


def test_copied_where_asked_so_that_a_hand_on_one_is_none_on_the_other(kit, tmp_path):
    picture = drawn(kit)
    assert backup.create_backup(kit.store.folder, tmp_path / "backup", copy=True).linked == 0
    path = kit.store.pictures.path("ann", picture.id)
    assert not os.path.samefile(path, tmp_path / "backup" / path.relative_to(kit.store.folder))


def test_a_backup_beside_a_studio_at_work_is_whole(kit, tmp_path):
    stop = threading.Event()

    def work() -> None:
        seed = 0
        while not stop.is_set():
            seed += 1
            picture = drawn(kit, seed)
            if seed % 3 == 0:
                kit.store.pictures.delete("ann", picture.id)
                kit.store.trash.empty("ann")

    for seed in range(20):
        drawn(kit, -seed - 1)
    thread = threading.Thread(target=work)
    thread.start()
    try:
        for number in range(3):
            backup.create_backup(kit.store.folder, tmp_path / f"backup{number}")
    finally:
        stop.set()
        thread.join()
    for number in range(3):
        backup.restore_backup(tmp_path / f"backup{number}", tmp_path / f"new{number}")
        store = storage.open(tmp_path / f"new{number}")
        try:
            report = store.reconciler.run(depth="pixels", owner="ann")
            # A picture that was thrown away for good between its row and its file is all that may be missing.
            assert report.open <= 1, report.findings
            assert store.pictures.page(PageRequest(owner="ann")).total >= 20
        finally:
            store.close()


def test_a_snapshot_comes_back_with_the_pictures_beside_it_and_those_that_came_later(kit, tmp_path):
    early = drawn(kit, 1)
    snapshot = snapshots.nightly_snapshot(kit.store.folder, now(), pause_s=0)
    late = drawn(kit, 2)
    kit.store.close()
    (kit.store.folder / "studio.db").write_bytes(b"gone" * 5000)
    back = backup.restore_backup(snapshot, tmp_path / "new")
    assert (back.pictures, back.linked, back.missing) == (1, 2, 0)
    store = storage.open(tmp_path / "new")
    try:
        assert store.reconciler.run(owner="ann").open == 0
        assert [one.id for one in store.pictures.page(PageRequest(owner="ann")).items] == [late.id, early.id]
    finally:
        store.close()


@pytest.mark.parametrize(
    "fault", ["flipped", "short", "gone", "list", "outside", "database", "database that the list agrees with"]
)
def test_a_backup_that_is_not_whole_restores_nothing(kit, tmp_path, fault):
    picture = drawn(kit)
    backup.create_backup(kit.store.folder, tmp_path / "backup", copy=True)
    name = kit.store.files.picture(picture.id).relative_to(kit.store.folder)
    file, listed = tmp_path / "backup" / name, tmp_path / "backup" / backup.LIST
    told = json.loads(listed.read_text())
    if fault == "flipped":
        data = bytearray(file.read_bytes())
        data[100] ^= 1
        file.write_bytes(data)
    elif fault == "short":
        file.write_bytes(file.read_bytes()[:-1])
    elif fault == "gone":
        file.unlink()
    elif fault == "list":
        listed.write_text(listed.read_text()[:-10])
    elif fault == "outside":
        told["files"]["../../evil"] = {"sha256": "", "bytes": 0}
        listed.write_text(json.dumps(told))
    else:
        database = tmp_path / "backup" / backup.DATABASE
        data = bytearray(database.read_bytes())
        data[5000:9000] = b"\xa5" * 4000
        database.write_bytes(data)
        if "agrees" in fault:
            told["files"][backup.DATABASE] = backup._entry(database)
            listed.write_text(json.dumps(told))
    (tmp_path / "new").mkdir()
    with pytest.raises(NotRestored):
        backup.restore_backup(tmp_path / "backup", tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "data", "new"]


def test_a_snapshot_that_lies_elsewhere_comes_back_alone(kit, tmp_path):
    drawn(kit)
    snapshot = snapshots.nightly_snapshot(kit.store.folder, now(), pause_s=0)
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "letter.txt").write_text("not ours")
    moved = shutil.copy(snapshot, tmp_path / "private" / "there.db")
    back = backup.restore_backup(Path(moved), tmp_path / "new")
    assert (back.pictures, back.files, back.missing) == (1, 1, 1)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["studio.db"]


def test_nothing_is_written_over(kit, tmp_path):
    drawn(kit)
    for target in (kit.store.folder, kit.store.folder / "backup"):
        with pytest.raises(NotRestored):
            backup.create_backup(kit.store.folder, target)
    backup.create_backup(kit.store.folder, tmp_path / "backup")
    for target in (tmp_path / "backup", kit.store.folder):
        with pytest.raises(NotRestored, match="must be an empty folder"):
            backup.restore_backup(tmp_path / "backup", target)
    for source in (tmp_path / "none", tmp_path):
        with pytest.raises(NotRestored, match="is not a backup"):
            backup.restore_backup(source, tmp_path / "new")
    with pytest.raises(NotRestored, match="nothing to back up"):
        backup.create_backup(tmp_path / "none", tmp_path / "other")
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotWritten):
        backup.create_backup(kit.store.folder, tmp_path / "file" / "backup")
    shutil.rmtree(tmp_path / "backup")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "file"]


def test_a_file_that_is_no_database_is_no_snapshot(tmp_path):
    file: Path = tmp_path / "notes.txt"
    file.write_text("hello " * 1000)
    with pytest.raises(NotRestored):
        backup.restore_backup(file, tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
