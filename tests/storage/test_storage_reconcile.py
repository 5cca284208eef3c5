"""Files and rows that were parted from outside, and brought together again."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import threading
from contextlib import closing

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import storage
from storage.errors import NotFound
from storage.files.hashing import pixel_sha256
from storage.metadata import writer
from storage.metadata.writer import OURS
from storage.search.pages import PageRequest


def noise(seed: int, side: int = 16) -> Image.Image:
    return Image.frombytes("RGB", (side * 2, side), random.Random(seed).randbytes(3 * 2 * side * side))


def drawn(kit, seed: int = 1, owner: str = "ann", **changes):
    job = kit.job(owner)
    return kit.store.pictures.add(kit.new(job, **changes), noise(seed), finish=True)


def sentences(report) -> str:
    return "\n".join(one.sentence for one in report.findings)


def forget_rows(kit) -> None:
    """The database of a fresh folder beside the files of this one."""
    kit.store.close()
    for path in kit.store.folder.glob("studio.*"):
        path.unlink()
    kit.store = storage.open(kit.store.folder)


def test_where_all_is_well_nothing_is_said_and_nothing_changes(kit):
    for seed in range(3):
        drawn(kit, seed)
    before = {
        path: path.stat().st_mtime_ns for path in kit.store.folder.rglob("*.*") if path.suffix in (".png", ".webp")
    }
    for depth in ("names", "pixels"):
        report = kit.store.reconciler.run(depth=depth, owner="ann")
        assert (report.pictures, report.findings) == (3, [])
    after = {
        path: path.stat().st_mtime_ns for path in kit.store.folder.rglob("*.*") if path.suffix in (".png", ".webp")
    }
    assert before == after


def test_files_without_rows_come_back_by_what_they_tell(kit):
    thought = kit.enhancement()
    parent = drawn(
        kit, 1, enhancement_id=thought.id, prompt="a cat\nNegative prompt: no", recipe={"format": 1, "x": [1]}
    )
    child = drawn(kit, 2, parent_id=parent.id, prompt="狗")
    forget_rows(kit)
    report = kit.store.reconciler.run(owner="ann")
    assert len(report.findings) == 2 and report.open == 0
    back = kit.store.pictures.get("ann", parent.id)
    for name in (
        "created_at",
        "prompt",
        "original_prompt",
        "seed",
        "recipe",
        "environment",
        "pixel_sha256",
        "job_id",
        "seconds",
    ):
        assert getattr(back, name) == getattr(parent, name), name
    assert back.enhancement == parent.enhancement
    assert kit.store.pictures.get("ann", child.id).parent_id == parent.id
    assert kit.store.jobs.get("ann", parent.job_id).kind == "import"
    assert [one.id for one in kit.store.pictures.page(PageRequest(owner="ann")).items] == [child.id, parent.id], (
        "by when they were made"
    )
    assert kit.store.pictures.page(PageRequest(owner="ann", query="is:imported")).total == 2
    assert kit.store.pictures.page(PageRequest(owner="ann", query="狗")).total == 1
    assert kit.store.reconciler.run(owner="ann").findings == []


def test_a_file_goes_back_into_its_own_job_whoever_asks(kit):
    job = kit.job("bob", count=2)
    first = kit.store.pictures.add(kit.new(job, 0), noise(1), finish=False)
    with closing(sqlite3.connect(kit.store.folder / "studio.db")) as connection:
        for table, column in (("picture_tags", "picture_key"), ("picture_texts", "key"), ("pictures", "key")):
            connection.execute(
                f"DELETE FROM {table} WHERE {column} = (SELECT key FROM pictures WHERE id = ?)", (first.id,)
            )
        connection.commit()
    kit.store.reconciler.run(owner="ann")
    assert kit.store.jobs.get("bob", job.id).indices == (0,)
    assert kit.store.pictures.get("bob", first.id).job_id == job.id
    with pytest.raises(NotFound):
        kit.store.pictures.get("ann", first.id)


def test_where_nobody_is_named_a_stranger_gets_nothing(kit):
    drawn(kit)
    forget_rows(kit)
    report = kit.store.reconciler.run(owner=None)
    assert "its owner is not known" in sentences(report) and report.open == 0
    assert len(list((kit.store.folder / "pictures").rglob("*.png"))) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../../etc/passwd"}, {"id": 7}, {"seed": "7"}, {"seed": 2**60}, {"seed": True}, {"width": 31}, {"guidance": float("1e999")},
        {"prompt": None}, {"prompt": "\ud800"}, {"recipe": []}, {"created_at": "yesterday"}, {"created_at": "2026-01-01T00:00:00"},
        {"enhancement": {"id": "x"}}, {"pixel_sha256": "0" * 64}, {"index": -1}, {"environment": "x"},
    ],
)  # fmt: skip
def test_what_a_file_tells_is_checked_and_a_bad_one_stays_where_it_is(kit, change):
    picture = drawn(kit)
    path = kit.store.pictures.path("ann", picture.id)
    facts = {**writer.read(path), **change}
    with Image.open(path) as image:
        whole = image.convert("RGB")
    forget_rows(kit)
    info = PngInfo()
    info.add_itxt(OURS, json.dumps(facts))
    whole.save(path, pnginfo=info)
    before = path.read_bytes()
    report = kit.store.reconciler.run(owner="ann", depth="pixels")
    assert "was left where it is" in sentences(report)
    assert path.read_bytes() == before and kit.store.pictures.page(PageRequest(owner="ann")).total == 0
    assert not (kit.store.folder / "damaged").exists()


def test_a_lost_file_is_missing_until_its_pixels_turn_up(kit, tmp_path):
    picture, other = drawn(kit, 1), drawn(kit, 2)
    path = kit.store.pictures.path("ann", picture.id)
    away = tmp_path / "elsewhere" / "holiday.png"
    away.parent.mkdir()
    path.rename(away)
    kit.store.files.thumb(picture.id).unlink()
    report = kit.store.reconciler.run()
    assert report.open == 1 and kit.store.pictures.get("ann", picture.id).missing_at is not None
    assert [one.id for one in kit.store.pictures.page(PageRequest(owner="ann", query="is:missing")).items] == [
        picture.id
    ]
    assert [one.id for one in kit.store.pictures.page(PageRequest(owner="ann", query="-is:missing")).items] == [
        other.id
    ]
    assert not any(one.news for one in kit.store.reconciler.run().findings), "it is known already"
    with Image.open(away) as image:  # another program wrote it again: no word of ours is left
        image.convert("RGBA").save(away)
    report = kit.store.reconciler.run(sources=[tmp_path / "elsewhere"])
    assert report.open == 0 and "was found again" in sentences(report)
    assert kit.store.pictures.get("ann", picture.id).missing_at is None
    assert kit.store.pictures.page(PageRequest(owner="ann", query="is:missing")).total == 0
    told = writer.read(kit.store.pictures.path("ann", picture.id))
    assert told["id"] == picture.id and told["prompt"] == picture.prompt
    assert kit.store.reconciler.run(depth="pixels").findings == []


def test_a_lost_file_is_found_under_pictures_and_in_its_twin(kit):
    moved = drawn(kit, 1)
    twin, lost = drawn(kit, 2), drawn(kit, 2, prompt="the same pixels")
    kit.store.pictures.path("ann", moved.id).rename(kit.store.folder / "pictures" / "sorted by hand.png")
    kit.store.pictures.path("ann", lost.id).unlink()
    report = kit.store.reconciler.run()
    assert report.open == 0 and sentences(report).count("was found again") == 2
    for picture in (moved, twin, lost):
        with Image.open(kit.store.pictures.path("ann", picture.id)) as image:
            assert pixel_sha256(image) == picture.pixel_sha256
    assert kit.store.pictures.get("ann", lost.id).prompt == "the same pixels"


def test_a_file_that_comes_back_by_itself_is_noticed(kit):
    picture = drawn(kit)
    path = kit.store.pictures.path("ann", picture.id)
    kept = path.read_bytes()
    path.unlink()
    assert kit.store.reconciler.run().open == 1
    path.write_bytes(kept)
    assert "its file is back" in sentences(kit.store.reconciler.run())
    assert kit.store.pictures.get("ann", picture.id).missing_at is None


@pytest.mark.parametrize("depth", ["names", "pixels"])
@pytest.mark.parametrize("left", [0, 7, 300, -1])
def test_a_torn_file_is_put_aside_and_its_row_is_missing(kit, depth, left):
    picture, well = drawn(kit, 1), drawn(kit, 2)
    path = kit.store.pictures.path("ann", picture.id)
    half = path.read_bytes()[:left]
    path.write_bytes(half)
    report = kit.store.reconciler.run(depth=depth)
    assert report.open == (left >= 0) and "torn" in sentences(report)
    assert (kit.store.folder / "damaged" / path.name).read_bytes() == half
    missing = kit.store.pictures.get("ann", picture.id).missing_at is not None
    assert missing is (left >= 0), "where only the end is gone, the pixels are all there"
    assert kit.store.pictures.get("ann", well.id).missing_at is None


def test_pixels_that_were_changed_are_found_by_the_close_look(kit):
    picture = drawn(kit, 1)
    noise(5).save(kit.store.pictures.path("ann", picture.id))
    assert kit.store.reconciler.run(depth="names").findings == []
    assert kit.store.reconciler.run(depth="pixels").open == 1


def test_a_thumbnail_that_is_gone_is_made_anew_when_it_is_asked_for(kit):
    picture, other = drawn(kit, 1), drawn(kit, 2)
    thumb = kit.store.files.thumb(picture.id)
    before = thumb.read_bytes()
    thumb.unlink()
    seen = set()
    threads = [
        threading.Thread(target=lambda: seen.add(kit.store.pictures.thumb("ann", picture.id).read_bytes()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {before}
    assert [path.name for path in thumb.parent.iterdir()] == [thumb.name]
    with pytest.raises(NotFound):
        kit.store.pictures.thumb("bob", picture.id)
    kit.store.files.thumb(other.id).write_bytes(b"RIFF")
    report = kit.store.reconciler.run(depth="pixels")
    assert "its thumbnail was made anew" in sentences(report) and report.open == 0
    kit.store.files.picture(other.id).unlink()
    kit.store.files.thumb(other.id).unlink()
    with pytest.raises(NotFound):
        kit.store.pictures.thumb("ann", other.id)


def test_thumbnails_of_nothing_and_half_made_ones_go(kit):
    picture = drawn(kit)
    folder = kit.store.files.thumb(picture.id).parent
    (folder / f"{folder.name}0123456789.webp").write_bytes(b"x")
    (folder / f"{picture.id}.webp.0a0a.part").write_bytes(b"x")
    (folder / "mine.txt").write_text("somebody's")
    kit.store.reconciler.run()
    assert sorted(path.name for path in folder.iterdir()) == sorted([f"{picture.id}.webp", "mine.txt"])


def test_checks_beside_writers_find_nothing_wrong(kit):
    stop = threading.Event()
    wrong: list[object] = []

    def look() -> None:
        while not stop.is_set():
            wrong.extend(kit.store.reconciler.run(owner="ann").findings)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for seed in range(25):
            picture = drawn(kit, seed)
            if seed % 2:
                kit.store.pictures.delete("ann", picture.id)
                kit.store.trash.empty("ann")
    finally:
        stop.set()
        thread.join()
    assert wrong == []
    assert kit.store.pictures.page(PageRequest(owner="ann")).total == 13
    assert len(list((kit.store.folder / "pictures").rglob("*.png"))) == 13
    assert os.listdir(kit.store.folder / "incoming") == []
