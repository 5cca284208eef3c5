"""Many threads at once: every write lands, each job is claimed once, each picture is kept once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from storage.errors import QueueFull


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
            for picture in kit.store.pictures.page("ann", query="cat", limit=200).items:
                assert kit.store.pictures.path("ann", picture.id).is_file()
                assert picture.prompt == "a cat"
        return True

    assert all(together(6, work))
    assert kit.store.pictures.page("ann", query="cat").total == kit.store.pictures.page("ann").total == 60
