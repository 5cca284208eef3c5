"""What is private: the same as what is kept, in memory alone, and gone when it is forgotten."""

from __future__ import annotations

import io
import threading
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import text

from storage.errors import NotFound, QueueFull
from storage.ids import is_private, new_id, private_id, public_id
from storage.records import Job, NewJob, Picture, QueueLimits
from storage.repositories.private import PrivateStore, open_private_store
from storage.search.pages import PageRequest
from tests.storage.conftest import Kit, new_job

TELLS_NOTHING = {"alembic_version", "turns", "tallies"}


def private_job(kit: Kit, owner: str = "ann", count: int = 1, **changes: Any) -> Job:
    place, other = kit.store.queue.places(True)
    new, limits = new_job(owner, count, {**changes, "elsewhere": other.waiting(owner)})
    return place.add(new, limits)


def private_picture(kit: Kit, prompt: str = "a secret garden", owner: str = "ann", **changes: Any) -> Picture:
    job = private_job(kit, owner)
    assert kit.store.queue.claim().id == job.id
    return kit.store.private.pictures.add(kit.new(job, prompt=prompt, **changes), kit.image(), finish=True)


def rows_left(private) -> dict[str, int]:
    with private.database.read() as session:
        names = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()
        counted = {name: session.scalar(text(f'SELECT count(*) FROM "{name}"')) for name in names}
    return {
        name: many
        for name, many in counted.items()
        if many and name not in TELLS_NOTHING and not name.startswith(("picture_search_", "sqlite_"))
    }


def on_disk(kit: Kit) -> dict[str, bytes]:
    """Every file of the folder, but for the index by which readers of the database find each other."""
    files = (path for path in kit.store.folder.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
    return {str(path): path.read_bytes() for path in files}


def test_an_id_says_whether_it_is_private():
    assert is_private(private_id()) and not is_private(new_id())
    assert not any(is_private(one) for one in ("photo1234", "p" * 25, None, 7, "p" + "0" * 23))
    private = private_id()
    assert public_id(private) == private[1:] and public_id("photo1234") == "photo1234"


def test_a_private_picture_is_shown_and_comes_to_no_disk(kit):
    kit.store.pictures.page(PageRequest(owner="ann"))  # the first look makes SQLite's own files
    before = on_disk(kit)
    made = private_picture(kit, "a secret garden, unheard of")
    assert is_private(made.id) and is_private(made.job_id)
    with Image.open(io.BytesIO(kit.store.png("ann", made.id))) as image:
        assert image.size == (32, 16) and image.format == "PNG"
    with Image.open(io.BytesIO(kit.store.webp("ann", made.id))) as image:
        assert image.format == "WEBP"
    assert kit.store.exported("ann", made.id, "jpeg")[:2] == b"\xff\xd8"
    for owner, id in (("bob", made.id), ("ann", private_id())):
        for ask in (kit.store.png, kit.store.webp):
            with pytest.raises(NotFound):
                ask(owner, id)
    assert kit.store.pictures.page(PageRequest(owner="ann")).items == ()
    assert on_disk(kit) == before


def test_what_is_forgotten_leaves_no_row(kit):
    private, queue = kit.store.private, kit.store.queue
    thought = kit.enhancement()
    private.copy_enhancement(thought)
    private.copy_enhancement(thought)  # twice is fine
    first = private_picture(kit, enhancement_id=thought.id)
    private_picture(kit, parent_id=first.id)
    failed = private_job(kit, spec={"prompt": "x", "refines": thought.id}, kind="enhance")
    assert queue.claim().id == failed.id
    private.jobs.finish(failed.id, "failed", "no")
    queued, theirs = private_job(kit), private_picture(kit, owner="bob")
    assert private.forget("ann") == ()
    assert [job.id for job in queue.recent("ann", 10)] == []
    with pytest.raises(NotFound):
        private.jobs.get("ann", queued.id)
    assert kit.store.png("bob", theirs.id)
    assert kit.store.enhancements.get("ann", thought.id) == thought, "what is kept stays"
    private.forget("bob")
    assert rows_left(private) == {}
    with pytest.raises(NotFound):
        private.files.png(first.id)


def test_what_runs_is_forgotten_once_it_has_ended(kit):
    private = kit.store.private
    job = private_job(kit, count=2)
    kit.store.queue.claim()
    made = private.pictures.add(kit.new(job), kit.image(), finish=False)
    (running,) = private.forget("ann")
    assert running.id == job.id and private.jobs.find(job.id).cancel_requested
    later = private_picture(kit)
    private.jobs.finish(job.id, "cancelled")
    assert private.prune() == 1
    with pytest.raises(NotFound):
        private.png("ann", made.id)
    assert private.png("ann", later.id), "what was wished after that stays"


def test_what_is_old_or_too_much_goes(kit):
    first, second = private_picture(kit), private_picture(kit)
    size = len(kit.store.png("ann", first.id)) + len(kit.store.webp("ann", first.id))
    small = replace(kit.store.private, bytes_max=size + size // 2)
    assert small.prune() == 1
    with pytest.raises(NotFound):
        small.png("ann", first.id)
    assert small.png("ann", second.id)
    assert replace(small, hours_max=0.0).prune() == 1
    assert rows_left(small) == {}


def test_one_private_picture_is_forgotten(kit):
    one, other = private_picture(kit), private_picture(kit)
    assert kit.store.private.forget_picture("ann", one.id).deleted_at is not None
    with pytest.raises(NotFound):
        kit.store.png("ann", one.id)
    with pytest.raises(NotFound):
        kit.store.private.forget_picture("bob", other.id)
    assert [picture.id for picture in kit.store.private.pictures.page(PageRequest(owner="ann")).items] == [other.id]


def test_private_and_kept_are_served_in_turn(kit):
    def served() -> list[str]:
        found = []
        while (job := kit.store.queue.claim()) is not None:
            found.append(f"{job.owner}{' private' if is_private(job.id) else ''}")
            kit.store.of(job.id).jobs.finish(job.id, "done")
        return found

    kit.job("ann"), private_job(kit, "ann"), kit.job("ann")
    assert served() == ["ann", "ann private", "ann"], "an owner's own jobs in the order of their wishes"
    for _ in range(3):
        kit.job("ann")
    for _ in range(2):
        private_job(kit, "bob")
    waiting = [*kit.store.jobs.unfinished("ann"), *kit.store.private.jobs.unfinished("bob")]
    places = sorted(len(kit.store.queue.ahead(job.id)) for job in waiting)
    assert places == [0, 1, 2, 3, 4]
    assert served() == ["bob private", "ann", "bob private", "ann", "ann"]
    assert kit.store.queue.counts() == {"queued": 0, "running": 0}


def test_the_bounds_count_both(kit):
    kit.job("ann")
    private_job(kit, "ann", per_owner=2)
    with pytest.raises(QueueFull):
        private_job(kit, "ann", per_owner=2)
    with pytest.raises(QueueFull):
        place, other = kit.store.queue.places(False)
        place.add(
            NewJob(owner="bob", kind="generate", spec={}, count=1),
            QueueLimits(per_owner=2, total=2, elsewhere=other.waiting("bob")),
        )
    assert len(kit.store.queue.unfinished("ann")) == 2


def test_a_private_job_gives_way_to_a_kept_one(kit):
    mine = private_job(kit, "ann", count=2)
    kit.store.queue.claim()
    assert not kit.store.queue.give_way(mine.id)
    kit.job("bob")
    assert kit.store.queue.give_way(mine.id) and kit.store.queue.claim().owner == "bob"


def test_it_is_another_one_each_time_and_many_may_write(kit):
    one, other = open_private_store(), open_private_store()
    errors: list[BaseException] = []

    def work(owner: str) -> None:
        try:
            for _ in range(10):
                job = one.jobs.add(
                    NewJob(owner=owner, kind="generate", spec={}, count=1), QueueLimits(per_owner=500, total=500)
                )
                one.pictures.add(kit.new(job), kit.image(), finish=True)
                one.prune()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(f"owner {n}",)) for n in range(12)]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    assert errors == []
    assert (
        one.pictures.page(PageRequest(owner="owner 3")).total == 10
        and other.pictures.page(PageRequest(owner="owner 3")).total == 0
    )
    one.database.close()
    other.database.close()
    again = open_private_store()
    assert rows_left(again) == {}
    again.database.close()


def test_a_private_picture_that_was_downloaded_comes_in_as_a_kept_one(kit):
    made = private_picture(kit, "a lighthouse, brought back")
    data = kit.store.exported("ann", made.id, "png")
    kept, _, _ = kit.store.importer.import_file("ann", data, "x.png")
    assert kept.id == made.id[1:] and not is_private(kept.job_id) and kept.pixel_sha256 == made.pixel_sha256
    assert kit.store.pictures.get("ann", kept.id).prompt == "a lighthouse, brought back"


def test_a_private_owner_has_no_more_turns_than_others(kit):
    owners = [f"owner {n}" for n in range(5)]
    for _ in range(4):
        for owner in owners:
            kit.job(owner)
        private_job(kit, "hidden")
    turns = []
    while (job := kit.store.queue.claim()) is not None:
        turns.append(job.owner)
        kit.store.of(job.id).jobs.finish(job.id, "done")
    for start in range(0, 24, 6):
        assert sorted(turns[start : start + 6]) == sorted([*owners, "hidden"])


def test_what_suits_is_found_in_either_place(kit):
    kit.job("ann", spec={"checkpoint": "far"})
    near = private_job(kit, "bob", spec={"checkpoint": "near"})
    assert kit.store.queue.claim(suits=lambda wish: wish["checkpoint"] == "near").id == near.id


def test_a_session_is_forgotten_alone(kit):
    mine, other = private_picture_of(kit, "tab1"), private_picture_of(kit, "tab2")
    waiting = private_job(kit, mark="tab1")
    assert [one.id for one in kit.store.private.recent("ann", 10, session="tab1")] == [mine.id]
    assert [one.id for one in kit.store.private.recent("ann", 10)] == [other.id, mine.id]
    assert kit.store.private.forget("bob", "tab1") == () and kit.store.png("ann", mine.id)
    kit.store.private.forget("ann", "tab1")
    for gone in (lambda: kit.store.png("ann", mine.id), lambda: kit.store.private.jobs.find(waiting.id)):
        with pytest.raises(NotFound):
            gone()
    assert kit.store.png("ann", other.id)


def private_picture_of(kit: Kit, session: str) -> Picture:
    job = private_job(kit, mark=session)
    kit.store.queue.claim()
    return kit.store.private.pictures.add(kit.new(job), kit.image(), finish=True)


def test_a_session_whose_tab_was_closed_goes_after_a_while_unless_it_is_back(kit):
    private = replace(kit.store.private, away_s=0.0)
    jobs = [private_job(kit, mark=mark) for mark in ("tab1", "tab2", "tab3")]
    for job in jobs:
        private.jobs.cancel("ann", job.id)
    left = lambda: {mark for mark in ("tab1", "tab2", "tab3") if marked(private, mark)}  # noqa: E731
    for mark in ("tab1", "tab2"):
        private.leave("ann", mark)
    private.leave("bob", "tab3")  # not his
    private.leave("ann", "none")
    private.back("ann", "tab2")
    kit.store.private.prune()
    assert left() == {"tab1", "tab2", "tab3"}, "the usual while is longer"
    private.prune()
    assert left() == {"tab2", "tab3"}
    private.prune()
    assert left() == {"tab2", "tab3"}


def marked(private: PrivateStore, mark: str) -> bool:
    with private.database.read() as session:
        return session.scalar(text("SELECT count(*) FROM jobs WHERE mark = :mark"), {"mark": mark}) > 0


def test_nobody_pushes_out_what_others_have(kit):
    private = replace(kit.store.private, bytes_max=60_000, owner_bytes_max=50_000)
    mine = private_picture(kit)
    for owner in ("bob", "cy", "dee"):
        file = io.BytesIO()
        Image.effect_noise((3000, 100), 80).convert("RGB").save(file, "PNG")
        there = private.import_source(owner, file.getvalue(), "x.png", session="a")
        assert max(there.width, there.height) == 2048  # no more than can be drawn
    assert private.pictures.get("ann", mine.id).id == mine.id
    assert sum(len(private.pictures.some(owner, [there.id])) for owner in ("bob", "cy", "dee")) == 0


def test_an_owner_takes_no_room_from_others_and_keeps_the_newest(kit):
    theirs, first, second = private_picture(kit, owner="bob"), private_picture(kit), private_picture(kit)
    small = replace(kit.store.private, owner_bytes_max=1)
    assert small.prune() == 1
    assert small.png("ann", second.id) and small.png("bob", theirs.id)
    with pytest.raises(NotFound):
        small.png("ann", first.id)
