"""The folder: one studio at a time, secrets that stay, and nothing made before it is asked for."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import storage
from storage.errors import BadValue, NotWritten, StorageError, StorageInUse

ROOT = Path(storage.__file__).resolve().parents[1]


def test_two_studios_never_work_on_one_folder(kit):
    with pytest.raises(StorageInUse, match="Another studio is using the folder"):
        storage.open(kit.store.folder)
    kit.store.close()
    kit.store.close()
    storage.open(kit.store.folder).close()


def test_a_killed_studio_holds_nothing(tmp_path):
    code = (
        "import pathlib, storage, sys, time; s = storage.open(pathlib.Path(sys.argv[1]));"
        "print('open', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        with pytest.raises(StorageInUse):
            storage.open(tmp_path)
    finally:
        child.kill()
        child.communicate()
    storage.open(tmp_path).close()


def test_a_failed_opening_lets_go_of_the_folder(tmp_path):
    (tmp_path / "studio.db").write_bytes(b"no database at all, but long enough to be looked at" * 50)
    for _ in range(2):
        with pytest.raises(StorageError, match="cannot be used as the studio's database"):
            storage.open(tmp_path)
    (tmp_path / "studio.db").unlink()
    storage.open(tmp_path).close()


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotWritten, match="could not be written"):
        storage.open(tmp_path / "file" / "data")


def test_a_folder_may_have_any_name(tmp_path):
    folder = tmp_path / "dä ta%20#?x&y=1"
    storage.open(folder).close()
    storage.open(folder).close()
    assert (folder / "studio.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_importing_makes_nothing(tmp_path):
    heavy = ("torch", "gradio", "studio")
    code = f"import storage, sys; print([name for name in sys.modules if name.split('.')[0] in {heavy}])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
    assert list(tmp_path.iterdir()) == []


def test_a_secret_stays_and_only_its_user_reads_it(kit):
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(kit.store.secret, ["cookies"] * 16))
    (key,) = keys
    assert len(key) == 32
    kit.reopen()
    assert kit.store.secret("cookies") == key != kit.store.secret("other")
    files = sorted(path.name for path in kit.store.folder.glob("secret-*"))
    assert files == ["secret-cookies", "secret-other"]
    if os.name != "nt":
        assert stat.S_IMODE((kit.store.folder / "secret-cookies").stat().st_mode) == 0o600
        assert stat.S_IMODE(kit.store.folder.stat().st_mode) == 0o700


def test_a_damaged_secret_and_a_name_that_is_a_path_are_refused(kit):
    kit.store.secret("cookies")
    (kit.store.folder / "secret-cookies").write_bytes(b"short")
    with pytest.raises(StorageError, match=r"is damaged .5 bytes, not 32"):
        kit.store.secret("cookies")
    for name in ("", "../x", "A", "a/b", "a" * 50, "a\n"):
        with pytest.raises(BadValue):
            kit.store.secret(name)
