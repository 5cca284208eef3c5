"""The trash: what goes with a picture, what stays, and a death at every step of emptying it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

import storage
from storage.errors import NotFound
from storage.ids import now
from storage.repositories.trash import TrashSummary
from storage.search.pages import PageRequest
from tests.storage.test_storage_crash import STEPS, run

TABLES = ("pictures", "picture_tags", "picture_texts", "shares", "collection_pictures", "jobs", "enhancements")

# The same deaths as in adding a picture, of a trash with one picture that has everything.
EMPTYING = (
    STEPS.replace('store.jobs.unfinished("ann")[0]', "None")
    .replace("        store.jobs.claim()\n", "")
    .replace("200", "900")
)
EMPTYING = EMPTYING.replace("store.pictures.add(picture(job, 0), image(0), finish=True)", 'store.trash.empty("ann")')


def counts(folder: Path) -> dict[str, int]:
    with closing(sqlite3.connect(folder / "studio.db")) as connection:
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in TABLES}


def words(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / "studio.db")) as connection:
        return {row[0] for row in connection.execute("SELECT word FROM search_words")}


def full(kit):
    """A picture with all that one can have."""
    thought = kit.enhancement()
    picture = kit.picture("an armadillo", enhancement_id=thought.id, recipe={"loras": [{"name": "ink"}]})
    kit.store.pictures.edit("ann", picture.id, tags=["first"], rating=4, note="zebras are near", favourite=True)
    kit.store.shares.add("ann", picture.id, 3)
    group = kit.store.collections.add("ann", "animals")
    kit.store.collections.add_pictures("ann", group.id, [picture.id])
    return picture


def test_with_a_picture_goes_all_that_hung_on_it_and_nothing_else(kit):
    gone, stays = full(kit), kit.picture("a badger")
    kit.store.pictures.delete("ann", gone.id)
    before = words(kit.store.folder)
    assert {"armadillo", "zebras", "first", "loraink", "badger"} <= before
    assert kit.store.trash.empty("ann") == 1
    assert counts(kit.store.folder) == {
        "pictures": 1, "picture_tags": 0, "picture_texts": 1, "shares": 0, "collection_pictures": 0, "jobs": 1, "enhancements": 0,
    }  # fmt: skip
    left = words(kit.store.folder)
    assert before - left >= {"armadillo", "zebras", "first", "loraink"} and "badger" in left
    assert {path.stem for path in kit.store.folder.rglob("*.*") if path.suffix in (".png", ".webp")} == {stays.id}
    assert list((kit.store.folder / "incoming").iterdir()) == []
    with pytest.raises(NotFound):
        kit.store.pictures.restore("ann", gone.id)
    with closing(sqlite3.connect(kit.store.folder / "studio.db")) as connection:
        connection.execute("INSERT INTO picture_search(picture_search) VALUES ('integrity-check')")
    page = kit.store.pictures.page(PageRequest(owner="ann", trash=True))
    assert (
        page.total == 0 and kit.store.pictures.page(PageRequest(owner="ann", query="armadillo", trash=True)).total == 0
    )


def test_only_what_is_in_the_owners_trash_goes(kit):
    mine, other, kept = kit.picture(), kit.picture(owner="bob"), kit.picture()
    kit.store.pictures.delete("ann", mine.id)
    kit.store.pictures.delete("bob", other.id)
    for wrong in (other.id, kept.id, "nothing", "../x"):
        with pytest.raises(NotFound):
            kit.store.trash.empty("ann", [mine.id, wrong])
    assert kit.store.trash.empty("ann", [mine.id]) == 1
    assert kit.store.trash.empty("ann") == 0
    assert kit.store.pictures.get("bob", other.id).deleted_at is not None


def test_children_stay_without_a_parent_and_are_found_so(kit):
    parent = kit.picture("a cat")
    child = kit.picture("a kitten", parent_id=parent.id)
    both = kit.picture("a lost kitten", parent_id=parent.id)
    for one in (parent, both):
        kit.store.pictures.delete("ann", one.id)
    assert kit.store.pictures.page(PageRequest(owner="ann", query="has:parent")).total == 1
    assert kit.store.trash.empty("ann") == 2
    assert kit.store.pictures.get("ann", child.id).parent_id is None
    assert kit.store.pictures.page(PageRequest(owner="ann", query="has:parent")).total == 0


def test_before_it_is_emptied_it_tells_what_would_go_and_what_was_drawn_from_that(kit):
    def drawn(colour, parent=None, source=None):
        job = kit.job()
        recipe = {"prompt": "x", "source": source and source.pixel_sha256}
        new = kit.new(job, parent_id=parent and parent.id, recipe=recipe)
        return kit.store.pictures.add(new, kit.image(colour), finish=True)

    def leaning(*gone, ids=None):
        for one in gone:
            kit.store.pictures.delete("ann", one.id)
        try:
            return kit.store.trash.summarize("ann", ids).leaning
        finally:
            for one in gone:
                kit.store.pictures.restore("ann", one.id)

    photo = drawn("red")
    first = drawn("orange", photo, photo)
    again = drawn("yellow", first, photo)
    other = drawn("green", first)
    deeper = drawn("blue", again, again)
    assert leaning() == 0
    assert leaning(photo) == 2 == leaning(photo, other) == leaning(photo, deeper, ids=[photo.id])
    assert leaning(photo, first) == 1, "what is in the trash itself is not lost by this"
    assert leaning(first) == 0, "nothing begins with its pixels"
    assert leaning(photo, again) == 2 and leaning(photo, again, ids=[again.id]) == 1
    twin = drawn("red")
    assert leaning(photo) == 0 and leaning(photo, twin) == 2
    assert leaning(photo, twin, ids=[photo.id]) == 0, "the twin may be brought back"
    kit.store.pictures.delete("ann", photo.id)
    size = sum(path.stat().st_size for path in kit.store.folder.rglob(f"*/{photo.id}.*"))
    assert (
        kit.store.trash.summarize("ann")
        == kit.store.trash.summarize("ann", [photo.id])
        == TrashSummary(pictures=1, bytes=size, leaning=0, staying=0)
    )
    with pytest.raises(NotFound):
        kit.store.trash.summarize("ann", [photo.id, twin.id])
    waiting = kit.job(count=2)
    early = kit.store.pictures.add(kit.new(waiting), kit.image(), finish=False)
    kit.store.pictures.delete("ann", early.id)
    weight = kit.store.trash.summarize("ann")
    assert (weight.pictures, weight.staying) == (1, 1) and kit.store.trash.empty("ann") == 1


def test_what_is_thrown_away_after_it_was_weighed_does_not_go_with_it(kit):
    first, second, third = kit.picture(), kit.picture(), kit.picture()
    kit.store.pictures.delete("ann", first.id)
    kit.store.pictures.delete("ann", second.id)
    asked = now()
    kit.store.pictures.delete("ann", third.id)
    assert kit.store.trash.summarize("ann", until=asked).pictures == 2
    assert kit.store.trash.empty("ann", until=asked, most=1) == 1
    assert kit.store.trash.empty("ann", until=asked) == 1
    assert kit.store.trash.empty("ann", until=asked) == 0
    assert kit.store.pictures.get("ann", third.id).deleted_at is not None


def test_jobs_and_enhancements_stay_while_something_needs_them(kit):
    older = kit.enhancement()
    newer = kit.enhancement(parent_id=older.id)
    job = kit.job(count=2, enhancement_id=newer.id)
    pictures = [
        kit.store.pictures.add(kit.new(job, index, enhancement_id=newer.id), kit.image(), finish=index == 1)
        for index in range(2)
    ]
    waiting = kit.job(count=2)
    early = kit.store.pictures.add(kit.new(waiting), kit.image(), finish=False)
    for one in (pictures[0], early):
        kit.store.pictures.delete("ann", one.id)
    assert kit.store.trash.empty("ann") == 1
    assert kit.store.enhancements.get("ann", newer.id).parent_id == older.id
    assert kit.store.jobs.get("ann", waiting.id).indices == (0,), "else it would be drawn again"
    assert kit.store.files.picture(early.id).is_file() and not kit.store.files.provisional(early.id)
    kit.store.jobs.finish(waiting.id, "cancelled")
    assert kit.store.trash.empty("ann") == 1
    kit.store.pictures.delete("ann", pictures[1].id)
    kit.store.trash.empty("ann")
    for id in (newer.id, older.id):
        with pytest.raises(NotFound):
            kit.store.enhancements.get("ann", id)
    with pytest.raises(NotFound):
        kit.store.jobs.get("ann", job.id)


def test_thirty_days(kit):
    old, young = kit.picture(), kit.picture()
    kit.store.pictures.delete("ann", old.id)
    deleted = kit.store.pictures.get("ann", old.id).deleted_at
    assert kit.store.trash.expire(at=deleted + timedelta(days=29.9)) == 0
    kit.store.pictures.delete("ann", young.id)
    assert kit.store.trash.expire(at=deleted + timedelta(days=30)) == 1
    assert kit.store.pictures.get("ann", young.id).deleted_at is not None
    assert kit.store.trash.expire(at=now()) == 0


def test_a_link_rests_while_its_picture_is_in_the_trash(kit):
    picture = kit.picture()
    share = kit.store.shares.add("ann", picture.id, 3)
    kit.store.pictures.delete("ann", picture.id)
    with pytest.raises(NotFound):
        kit.store.shares.resolve(share.token)
    kit.store.pictures.restore("ann", picture.id)
    assert kit.store.shares.resolve(share.token)[1].pixel_sha256 == picture.pixel_sha256


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kill -9 and fork are POSIX")
def test_a_death_at_every_step_of_emptying_leaves_all_or_nothing(kit, tmp_path):
    picture = full(kit)
    kit.store.pictures.delete("ann", picture.id)
    bytes_before = kit.store.pictures.path("ann", picture.id).read_bytes()
    kit.store.close()
    (tmp_path / "runs").mkdir()
    child = run(EMPTYING, tmp_path / "runs", kit.store.folder)
    steps = int(child.communicate(timeout=240)[0])
    assert child.returncode == 0 and steps > 20
    outcomes = set()
    for n in range(1, steps):
        folder = tmp_path / "runs" / str(n)
        store = storage.open(folder)
        store.jobs.recover()
        files = [path for path in folder.rglob("*") if path.suffix in (".png", ".webp")]
        left = set(counts(folder).values())
        outcomes.add(len(files))
        if files:
            assert len(files) == 2 and left == {1}
            assert store.pictures.restore("ann", picture.id).tags == ("first",)
            path = store.pictures.path("ann", picture.id)
            assert path.read_bytes() == bytes_before
            with Image.open(store.pictures.thumb("ann", picture.id)) as image:
                image.load()
        else:
            assert left == {0}
        assert list((folder / "incoming").iterdir()) == []
        store.close()
        shutil.rmtree(folder)
    assert outcomes == {0, 2}
