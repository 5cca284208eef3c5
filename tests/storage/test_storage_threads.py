"""Many threads at once: every write lands, each job is claimed once, each picture is kept once."""

from __future__ import annotations

import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

import storage
from storage.db.snapshots import faults, snapshot
from storage.errors import QueueFull
from storage.search import filters
from storage.search.pages import PageRequest


def together(many, work):
    """Run work(0..many-1) in `many` threads; their results."""
    with ThreadPoolExecutor(many) as threads:
        return list(threads.map(work, range(many)))


def test_80_updates_from_8_threads_all_land(kit):
    jobs = [kit.job() for _ in range(80)]

    def link(thread):
        for job in jobs[thread::8]:
            kit.store.jobs.link(job.id, kit.enhancement(original=job.id).id)

    together(8, link)
    for job in jobs:
        kept = kit.store.jobs.get("ann", job.id)
        assert kit.store.enhancements.get("ann", kept.enhancement_id).original == job.id


def test_wishes_filed_at_once_are_all_rows_and_the_bound_holds(kit):
    def file(thread):
        filed = 0
        for _ in range(10):
            try:
                kit.job(per_owner=25, total=100)
            except QueueFull:
                continue
            filed += 1
        return filed

    assert sum(together(8, file)) == 25 == len(kit.store.jobs.unfinished("ann"))


def test_a_job_is_claimed_once(kit):
    filed = {kit.job(owner).id for owner in ("ann", "bob") for _ in range(12)}
    claimed = together(8, lambda thread: [kit.store.jobs.claim() for _ in range(5)])
    ids = [job.id for jobs in claimed for job in jobs if job is not None]
    assert Counter(ids) == Counter(filed)


def test_the_same_picture_added_by_all_is_kept_once(kit):
    job = kit.job()
    kept = together(6, lambda thread: kit.store.pictures.add(kit.new(job), kit.image(), finish=True))
    assert len({picture.id for picture in kept}) == 1
    assert len(list(kit.store.folder.rglob("*.png"))) == 1
    assert list((kit.store.folder / "incoming").iterdir()) == []
    assert kit.store.jobs.get("ann", job.id).status == "done"


def test_readers_see_whole_pictures_while_others_write(kit):
    job = kit.job(count=60)

    def work(thread):
        if thread < 3:
            for index in range(thread, 60, 3):
                kit.store.pictures.add(kit.new(job, index, prompt="a cat"), kit.image(), finish=index == 59)
            return True
        for _ in range(20):
            for picture in kit.store.pictures.page(PageRequest(owner="ann", query="cat", limit=200)).items:
                assert kit.store.pictures.path("ann", picture.id).is_file()
                assert picture.prompt == "a cat"
        return True

    assert all(together(6, work))
    assert (
        kit.store.pictures.page(PageRequest(owner="ann", query="cat")).total
        == kit.store.pictures.page(PageRequest(owner="ann")).total
        == 60
    )


@pytest.mark.slow
def test_fifty_threads_write_and_read_and_nobody_fails(kit):
    """What a busy house does at once: wishes, pictures, edits, the trash emptied, searches and a snapshot."""
    stay = [kit.picture(f"a cat number{n}") for n in range(10)]

    def work(thread):
        owner = ("ann", "bob")[thread % 2]
        for turn in range(4):
            picture = kit.picture(f"a dog by{thread} at{turn}", owner=owner)
            kit.store.pictures.edit(owner, picture.id, tags=[f"t{thread}"], rating=turn)
            kit.store.pictures.edit("ann", stay[(thread + turn) % 10].id, rating=thread % 6, note=f"by{thread}")
            assert (
                kit.store.pictures.page(PageRequest(owner=owner, query=f'"by{thread} at{turn}"')).items[0].id
                == picture.id
            )
            if turn % 2:
                kit.store.pictures.delete(owner, picture.id)
                kit.store.trash.empty(owner, [picture.id])
        if thread == 0:
            snapshot(kit.store.folder / "studio.db", kit.store.folder / "backups" / "there.db", pause_s=0.002)
        return True

    assert all(together(50, work))
    assert (
        kit.store.pictures.page(PageRequest(owner="ann")).total == 10 + 25 * 2
        and kit.store.pictures.page(PageRequest(owner="bob")).total == 25 * 2
    )
    assert kit.store.reconciler.run(depth="pixels").findings == []
    assert faults(kit.store.folder / "studio.db", full=True) is None


def test_pictures_made_after_the_clock_went_back_come_first_and_nothing_collides(kit):
    """A database as a studio whose clock was an hour ahead has made it, and then somebody put the clock right."""
    early = [kit.picture(f"early {n}") for n in range(5)]
    kit.store.close()
    hour = (3600 * 1000) << filters.KEY_SHIFT
    with closing(sqlite3.connect(kit.store.folder / "studio.db")) as connection:
        for table, column in (("pictures", "key"), ("picture_texts", "key")):
            connection.execute(f"UPDATE {table} SET {column} = -({column} + {hour})")
            connection.execute(f"UPDATE {table} SET {column} = -{column}")
        connection.execute("UPDATE pictures SET created_at = datetime(created_at, '+1 hour')")
        connection.execute("UPDATE jobs SET created_at = datetime(created_at, '+1 hour')")
        connection.commit()
    kit.store = storage.open(kit.store.folder)
    late = together(8, lambda n: kit.picture(f"late {n}"))
    items = kit.store.pictures.page(PageRequest(owner="ann", limit=50)).items
    assert {one.id for one in items[:8]} == {one.id for one in late}
    assert [one.id for one in items[8:]] == [one.id for one in early[::-1]]
    assert len({one.id for one in items}) == 13
    assert kit.store.pictures.page(PageRequest(owner="ann", query="late")).total == 8
    job = kit.job()
    assert kit.store.jobs.claim().id == job.id
    seen = kit.store.pictures.page(PageRequest(owner="ann", limit=8)).next
    assert kit.store.pictures.page(PageRequest(owner="ann", limit=5, cursor=seen)).items[0].id == early[-1].id
