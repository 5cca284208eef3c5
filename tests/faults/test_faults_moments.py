"""kill -9 at random moments of a studio at work: no wish lost, no picture twice, no half file, the database whole."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from storage.files.hashing import pixel_sha256
from studio.errors import NotFound
from studio.services.serializers import View
from studio.settings import ROOT
from studio.studio import Studio
from tests.faults.victim import ME, studio_over

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kill -9 and fork are POSIX")


def settled(studio: Studio, jobs: set[str], seconds: float = 240) -> dict[str, View]:
    """The last snapshot of each job once nothing waits. One that brought the studio down twice is drawn again, as by a click."""
    stop = time.monotonic() + seconds
    while studio.jobs.unfinished(ME):
        assert time.monotonic() < stop, "the queue does not end"
        time.sleep(0.1)
    shots = {}
    for job in jobs:
        with suppress(NotFound):
            shots[job] = studio.jobs.snapshot(ME, job)
    again = {job: studio.generation.retry(ME, job) for job, shot in shots.items() if shot["status"] == "failed"}
    while studio.jobs.unfinished(ME):
        assert time.monotonic() < stop, "the queue does not end"
        time.sleep(0.1)
    for job, other in again.items():
        assert "went down twice" in str(shots[job]["error"]), shots[job]["error"]
        rest = studio.jobs.snapshot(ME, other)
        shots[job] = {**rest, "pictures": [*shots[job]["pictures"], *rest["pictures"]]}
    return shots


def check(folder: Path) -> Counter[str]:
    """What was promised is there, once and whole; gives the counts."""
    said = [line.split() for line in (folder / "said").read_text().splitlines()]
    deaths = [line for line in said if line[0] == "dead"]
    assert {tuple(line[1:]) for line in deaths} <= {("-9", "ok"), ("-9", "none", "yet")}, deaths
    filed = {line[1]: (int(line[2]), int(line[3])) for line in said if line[0] == "filed"}
    doomed = {line[1]: line[2] for line in said if line[0] == "doomed"}
    thrown = Counter(doomed.values())
    cancelled = {line[1] for line in said if line[0] == "cancelling"}
    kept = {line[1] for line in said if line[0] == "kept"}
    studio = studio_over(folder / "data", step_s=0.0)
    studio.start()
    try:
        shots = settled(studio, set(filed) - cancelled)
        for job in set(filed) - cancelled:
            count, seed = filed[job]
            if job not in shots:
                assert thrown[job] == count, "a job goes only with its last picture, thrown away for good"
                continue
            shot = shots[job]
            assert shot["status"] == "done", (job, shot["status"], shot["error"])
            seeds = [one["seed"] for one in shot["pictures"]]
            assert len(seeds) == len(set(seeds)) and set(seeds) <= set(range(seed, seed + count))
            assert count - thrown[job] <= len(seeds) <= count, "a picture is gone that nobody threw away"
        everything: list[View] = []
        for trash in (False, True):
            cursor = None
            while True:
                page = studio.library.history(ME, limit=60, cursor=cursor, trash=trash)
                everything += page["items"]
                cursor = page["next"]
                if cursor is None:
                    break
        ids = {str(one["id"]) for one in everything}
        assert kept - set(doomed) <= ids, "what was seen is there"
        hashes = Counter(str(one["pixel_sha256"]) for one in everything)
        assert max(hashes.values(), default=1) == 1, "a picture is there twice"
        for one in everything:
            with Image.open(studio.library.file(ME, str(one["id"]))) as image:
                assert pixel_sha256(image) == one["pixel_sha256"]
            with Image.open(studio.library.thumb(ME, str(one["id"]))) as image:
                image.load()
        report = studio._storage.reconciler.run(depth="pixels")
        assert report.findings == []
    finally:
        studio.close()
    data = folder / "data"
    for kind in ("pictures", "thumbs"):
        assert {path.stem for path in (data / kind).rglob("*.*")} == ids, kind
    assert not (data / "incoming").exists() or not any((data / "incoming").iterdir())
    assert list(data.rglob("*.part")) == []
    return Counter(
        deaths=len(deaths), promises=len(said) - len(deaths), wishes=len(filed), cancelled=len(cancelled),
        doomed=len(doomed), pictures=len(ids),
    )  # fmt: skip


@pytest.mark.parametrize(
    "kills", [pytest.param(8), pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])]
)
def test_deaths_at_random_moments_lose_double_and_halve_nothing(tmp_path: Path, kills: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.victim", str(tmp_path), str(kills), "7"],
        cwd=ROOT,
        timeout=900,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    counts = check(tmp_path)
    print(dict(counts))
    assert counts["deaths"] == kills and counts["promises"] >= kills, "each life did something before its death"
    assert counts["wishes"] and counts["pictures"]
