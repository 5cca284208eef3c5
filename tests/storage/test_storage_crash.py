"""kill -9 at every step of keeping a picture, and at any moment.

No wish is lost, no picture doubled, no half file left.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

import storage
from storage.records import Job, NewJob, NewPicture, QueueLimits
from storage.search.pages import PageRequest

ROOT = Path(storage.__file__).resolve().parents[1]
COMMON = """
import os, signal, sys
from pathlib import Path
from PIL import Image
import storage
from storage.records import NewJob, NewPicture, QueueLimits
from storage.search.pages import PageRequest

LIMITS = QueueLimits(per_owner=9, total=9)

def picture(job, index):
    return NewPicture(owner=job.owner, job_id=job.id, index=index, prompt=f"cat {index}",
        original_prompt="cat", negative_prompt="", seed=index, width=16, height=16, steps=8, guidance=0.0,
        shift=3.0, checkpoint="pocket", revision="", recipe={}, environment={}, seconds=0.1)

def image(index):
    return Image.new("RGB", (16, 16), (index % 256, 7, 9))
"""
# Counts everything that the process asks of files and of the database, and dies at the n-th.
STEPS = (
    COMMON
    + """
from sqlalchemy import Engine, event

def die_at(n):
    left = [n]
    def tick(*_):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    files = {"open", "os.mkdir", "os.rename", "os.rmdir", "os.remove", "shutil.rmtree"}
    sys.addaudithook(lambda name, arguments: tick() if name in files else None)
    event.listen(Engine, "before_cursor_execute", tick)
    event.listen(Engine, "commit", tick)

import shutil
root, template = Path(sys.argv[1]), Path(sys.argv[2])
warm = storage.open(root / "warm")  # loads what is loaded once, which is not what is to be interrupted
job = warm.jobs.add(NewJob(owner="ann", kind="generate", spec={}, count=1), LIMITS)
warm.pictures.add(picture(warm.jobs.claim(), 0), image(0), finish=True)
warm.close()
for n in range(1, 200):
    folder = root / str(n)
    shutil.copytree(template, folder)
    child = os.fork()
    if child == 0:
        store = storage.open(folder)
        job = store.jobs.unfinished("ann")[0]
        store.jobs.claim()
        die_at(n)
        store.pictures.add(picture(job, 0), image(0), finish=True)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        print(n, flush=True)
        break
"""
)
LOOP = (
    COMMON
    + """
store = storage.open(Path(sys.argv[1]))
store.jobs.recover()
for _ in range(10_000):
    job = store.jobs.claim()
    if job is None:
        store.jobs.add(NewJob(owner="ann", kind="generate", spec={}, count=3), LIMITS)
        job = store.jobs.claim()
    store.jobs.progressed(job.id)
    print("filed", job.id, flush=True)
    for index in range(3):
        if index not in job.indices:
            kept = store.pictures.add(picture(job, index), image(index), finish=index == 2)
            print("kept", kept.id, flush=True)
"""
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kill -9 and fork are POSIX")


def run(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def finish(store: storage.Storage, job: Job) -> None:
    """Draw what is missing of a claimed job, as the worker would."""
    for index in range(job.count):
        if index not in job.indices:
            new = NewPicture(
                owner=job.owner, job_id=job.id, index=index, prompt=f"cat {index}", original_prompt="cat",
                negative_prompt="", seed=index, width=16, height=16, steps=8, guidance=0.0, shift=3.0,
                checkpoint="pocket", revision="", recipe={}, environment={}, seconds=0.1,
            )  # fmt: skip
            store.pictures.add(new, Image.new("RGB", (16, 16)), finish=index == job.count - 1)


def check_files(store: storage.Storage) -> None:
    """Every picture has its two files with the right pixels, every file has its picture, none is half."""
    ids = set()
    cursor = None
    while True:
        page = store.pictures.page(PageRequest(owner="ann", cursor=cursor, limit=200))
        for picture in page.items:
            with Image.open(store.pictures.path("ann", picture.id)) as image:
                assert hashlib.sha256(image.convert("RGB").tobytes()).hexdigest() == picture.pixel_sha256
            with Image.open(store.pictures.thumb("ann", picture.id)) as image:
                image.load()
            ids.add(picture.id)
        cursor = page.next
        if cursor is None:
            break
    assert {path.stem for path in (store.folder / "pictures").rglob("*.*")} == ids
    assert {path.stem for path in (store.folder / "thumbs").rglob("*.*")} == ids
    assert not (store.folder / "incoming").exists() or list((store.folder / "incoming").iterdir()) == []
    assert list(store.folder.rglob("*.part")) == []
    assert store.pictures.page(PageRequest(owner="ann", query="cat")).total == min(len(ids), 1000)


@pytest.mark.slow
def test_a_death_at_every_single_step_of_adding(tmp_path):
    template = tmp_path / "template"
    store = storage.open(template)
    wished = store.jobs.add(NewJob(owner="ann", kind="generate", spec={}, count=1), QueueLimits(per_owner=9, total=9))
    store.close()
    (tmp_path / "runs").mkdir()
    child = run(STEPS, tmp_path / "runs", template)
    steps = int(child.communicate(timeout=240)[0])
    assert child.returncode == 0 and steps > 20  # about 40 moments, from the first look to the last file removed
    outcomes = set()
    for n in range(1, steps):
        store = storage.open(tmp_path / "runs" / str(n))
        kept_before = store.pictures.page(PageRequest(owner="ann")).total
        ended_before = store.jobs.get("ann", wished.id).status == "done"
        assert kept_before == ended_before  # row of the picture and end of the job: both or neither
        recovered = store.jobs.recover()
        job = store.jobs.get("ann", wished.id)
        outcomes.add((job.status, kept_before))
        check_files(store)
        if job.status == "queued":
            assert [found.id for found in recovered] == [job.id]
            finish(store, store.jobs.claim())
        assert store.jobs.get("ann", wished.id).status == "done"
        assert store.pictures.page(PageRequest(owner="ann")).total == 1
        check_files(store)
        store.close()
        shutil.rmtree(tmp_path / "runs" / str(n))
    assert outcomes == {("queued", 0), ("done", 1)}


def test_deaths_at_any_moment_lose_and_double_nothing(tmp_path):
    chance = random.Random(7)
    filed: set[str] = set()
    kept: set[str] = set()
    for _ in range(4):
        child = run(LOOP, tmp_path)
        assert child.stdout is not None
        # Not before a step of progress: two deaths without one would fail the job, and rightly.
        line = child.stdout.readline()
        filed.add(line.split()[1])
        time.sleep(chance.uniform(0.0, 0.5))
        child.kill()
        lines = [line.split() for line in child.communicate()[0].splitlines() if line.count(" ") == 1]
        filed |= {line[1] for line in lines if line[0] == "filed" and len(line[1]) == 24}
        kept |= {line[1] for line in lines if line[0] == "kept" and len(line[1]) == 24}
    store = storage.open(tmp_path)
    store.jobs.recover()
    check_files(store)
    while (job := store.jobs.claim()) is not None:
        finish(store, job)
    check_files(store)
    for id in filed:
        job = store.jobs.get("ann", id)
        assert (job.status, job.indices) == ("done", (0, 1, 2))
        kept -= set(job.pictures)
    assert kept == set()  # whatever was said to be kept is there
    store.close()


def test_files_without_a_mark_of_ours_are_never_removed(kit):
    """A database restored from a backup knows fewer pictures than the folder holds: they stay."""
    stray = kit.store.folder / "pictures" / "ab" / "abcdefabcdef.png"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"somebody's")
    (kit.store.folder / "incoming").mkdir()
    (kit.store.folder / "incoming" / "notes.txt").write_text("not an id")
    kit.store.jobs.recover()
    assert stray.read_bytes() == b"somebody's"
    assert (kit.store.folder / "incoming" / "notes.txt").exists()


def test_a_full_disk_is_a_sentence_and_leaves_the_job_as_it_was(kit):
    resource = pytest.importorskip("resource", reason="limits on file sizes are POSIX")
    del resource
    script = (
        COMMON
        + """
import json, resource
store = storage.open(Path(sys.argv[1]))
job = store.jobs.add(NewJob(owner="ann", kind="generate", spec={}, count=1), LIMITS)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
try:
    store.pictures.add(picture(job, 0), Image.effect_noise((256, 256), 90), finish=True)
except storage.errors.NotWritten as error:
    print(json.dumps([str(error), store.jobs.get("ann", job.id).status, store.pictures.page(PageRequest(owner="ann")).total]))
"""
    )
    kit.store.close()
    child = run(script, kit.store.folder)
    sentence, status, total = json.loads(child.communicate()[0])
    assert sentence.startswith("The picture could not be written: ")
    assert (status, total) == ("queued", 0)
    assert [path for path in kit.store.folder.rglob("*") if path.suffix in (".png", ".webp")] == []
