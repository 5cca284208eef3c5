"""The queue: bounds, turns, cancelling, ends, and what a start makes of what a crash left."""

from __future__ import annotations

import itertools

import pytest

from storage.errors import BadValue, NotFound, QueueFull


def test_a_filed_wish_is_queued_and_comes_back_as_it_was(kit):
    wish = {"prompt": "兔子 “quoted” \n", "count": 2, "nested": {"a": [1, None, 0.5]}}
    job = kit.job(count=2, spec=wish)
    kit.reopen()
    kept = kit.store.jobs.get("ann", job.id)
    assert kept == job
    assert (kept.status, kept.spec, kept.count) == ("queued", wish, 2)
    assert kept.created_at.utcoffset().total_seconds() == 0
    assert (kept.started_at, kept.finished_at, kept.pictures, kept.crashes) == (None, None, (), 0)
    assert job.id.isalnum() and len(job.id) >= 20


def test_a_wish_with_what_json_cannot_say_is_refused(kit):
    with pytest.raises(Exception, match=r"JSON|Out of range"):
        kit.job(spec={"guidance": float("nan")})
    assert kit.store.jobs.counts() == {"queued": 0, "running": 0}


def test_bounds_count_unfinished_jobs_only_and_the_sentence_names_them(kit):
    jobs = kit.store.jobs
    first = kit.job(per_owner=2, total=3)
    kit.job(per_owner=2, total=3)
    with pytest.raises(QueueFull, match=r"at most 2 .*queue_per_owner") as refused:
        kit.job(per_owner=2, total=3)
    assert (refused.value.bound, refused.value.limit) == ("queue_per_owner", 2)
    kit.job("bob", per_owner=2, total=3)
    with pytest.raises(QueueFull, match=r"at most 3 .*queue_total"):
        kit.job("cat", per_owner=2, total=3)
    assert jobs.claim() == jobs.get("ann", first.id)  # a running one still counts
    with pytest.raises(QueueFull):
        kit.job("cat", per_owner=2, total=3)
    jobs.finish(first.id, "failed", "broken")
    kit.job("cat", per_owner=2, total=3)


def test_a_refused_wish_leaves_nothing(kit):
    kit.job(per_owner=1, total=9)
    with pytest.raises(QueueFull):
        kit.job(per_owner=1, total=9)
    with pytest.raises(BadValue, match="count must be at least 0"):
        kit.job(count=-1)
    with pytest.raises(NotFound):
        kit.job(enhancement_id="nothing")
    assert kit.store.jobs.counts() == {"queued": 1, "running": 0}


def test_claim_takes_the_oldest_of_one_owner_and_none_of_nobody(kit):
    jobs = kit.store.jobs
    assert jobs.claim() is None
    filed = [kit.job().id for _ in range(3)]
    claimed = jobs.claim()
    assert claimed.id == filed[0] and claimed.status == "running" and claimed.started_at is not None
    assert [jobs.claim().id, jobs.claim().id] == filed[1:]
    assert jobs.claim() is None
    assert jobs.counts() == {"queued": 0, "running": 3}


def test_owners_take_turns_whatever_each_has_filed(kit):
    jobs = kit.store.jobs
    for owner, many in (("ann", 5), ("bob", 2), ("cat", 1)):
        for _ in range(many):
            kit.job(owner)
    served = []
    while (job := jobs.claim()) is not None:
        served.append(job.owner)
        jobs.finish(job.id, "done")
    assert served == ["ann", "bob", "cat", "ann", "bob", "ann", "ann", "ann"]


def test_who_was_served_last_waits_even_if_they_file_first(kit):
    jobs = kit.store.jobs
    kit.job("ann")
    jobs.finish(jobs.claim().id, "done")
    kit.job("ann")
    kit.job("bob")
    assert jobs.claim().owner == "bob"


def test_another_owners_job_can_be_claimed_where_its_wish_suits(kit):
    jobs = kit.store.jobs
    mine, first = kit.job("ann"), kit.job("bob", spec={"checkpoint": "far"})
    kit.job("bob", spec={"checkpoint": "here"})
    assert jobs.claim().id == mine.id
    kit.job("ann", spec={"checkpoint": "here"})
    assert jobs.claim(besides="ann", suits=lambda wish: wish["checkpoint"] == "here") is None, "bob's first comes first"
    assert jobs.claim(besides="bob", suits=lambda wish: False) is None
    assert jobs.claim(besides="ann").id == first.id
    assert jobs.give_way(first.id, waits=True) and jobs.get("bob", first.id).status == "queued"
    assert not jobs.give_way(first.id, waits=True), "it waits already"


def test_positions_are_the_order_of_the_claims(kit):
    jobs, ahead = kit.store.jobs, kit.store.queue.ahead
    kit.job("ann")
    jobs.finish(jobs.claim().id, "done")  # ann has been served before
    filed = [kit.job(owner).id for owner in ("ann", "ann", "bob", "ann", "cat", "bob")]
    expected = {id: len(ahead(id)) for id in filed}
    claims = [jobs.claim().id for _ in filed]
    assert expected == {id: place for place, id in enumerate(claims)}
    assert ahead(filed[0]) == ()  # running
    assert ahead("nothing") == ()


def test_a_queued_job_is_cancelled_at_once_and_a_running_one_is_asked(kit):
    jobs = kit.store.jobs
    running, queued = kit.job(), kit.job()
    jobs.claim()
    assert jobs.cancel("ann", queued.id).status == "cancelled"
    asked = jobs.cancel("ann", running.id)
    assert (asked.status, asked.cancel_requested) == ("running", True)
    assert jobs.claim() is None
    ended = jobs.finish(running.id, "cancelled")
    assert ended.status == "cancelled" and ended.finished_at is not None
    assert jobs.cancel("ann", running.id) == ended


def test_a_finished_job_is_never_changed_again(kit):
    jobs = kit.store.jobs
    job = kit.job()
    jobs.claim()
    failed = jobs.finish(job.id, "failed", "The device is on fire.")
    assert (failed.status, failed.error) == ("failed", "The device is on fire.")
    assert jobs.finish(job.id, "done") == jobs.requeue(job.id) == jobs.cancel("ann", job.id) == failed
    with pytest.raises(BadValue, match="status must be one of done, failed, cancelled"):
        jobs.finish(job.id, "running")


def test_a_requeued_job_is_the_next_one_even_among_other_owners(kit):
    jobs = kit.store.jobs
    first = kit.job("ann")
    kit.job("ann"), kit.job("bob")
    jobs.claim()
    back = jobs.requeue(first.id)
    assert (back.status, back.started_at, back.crashes) == ("queued", None, 0)
    assert kit.store.queue.ahead(first.id) == ()
    assert [jobs.claim().id, jobs.claim().owner] == [first.id, "bob"]


def test_lists_are_the_owners_oldest_first_and_newest_finished_first(kit):
    jobs = kit.store.jobs
    mine = [kit.job().id for _ in range(4)]
    kit.job("bob")
    for id in (mine[2], mine[0]):
        jobs.cancel("ann", id)
    assert [job.id for job in jobs.unfinished("ann")] == [mine[1], mine[3]]
    assert [job.id for job in jobs.recent("ann", 10)] == [mine[0], mine[2]]
    assert [job.id for job in jobs.recent("ann", 1)] == [mine[0]]
    assert len(jobs.unfinished("bob")) == 1 and jobs.recent("bob", 10) == () and jobs.unfinished("cat") == ()


def test_anothers_job_is_not_found(kit):
    jobs = kit.store.jobs
    job = kit.job("ann")
    for ask in (jobs.get, jobs.cancel, kit.store.pictures.by_job):
        with pytest.raises(NotFound) as refused:
            ask("bob", job.id)
        assert str(refused.value) == f"Job {job.id} was not found."
    assert jobs.find(job.id) == job
    with pytest.raises(NotFound):
        jobs.find("nothing")


def test_link_names_an_enhancement_of_the_same_owner(kit):
    jobs = kit.store.jobs
    job, own, foreign = kit.job(), kit.enhancement(), kit.enhancement("bob")
    assert jobs.link(job.id, own.id).enhancement_id == own.id
    with pytest.raises(NotFound):
        jobs.link(job.id, foreign.id)
    with pytest.raises(NotFound):
        kit.job(enhancement_id=foreign.id)
    assert kit.job(enhancement_id=own.id).enhancement_id == own.id
    assert jobs.get("ann", job.id).enhancement_id == own.id


def test_recover_queues_what_was_running_before_everybody_else(kit):
    jobs = kit.store.jobs
    caught = kit.job("ann")
    kit.job("bob")
    jobs.claim()
    kit.reopen()
    (back,) = kit.store.jobs.recover()
    assert (back.id, back.status, back.crashes) == (caught.id, "queued", 1)
    assert kit.store.jobs.claim().id == caught.id


def test_two_crashes_without_progress_fail_the_job_and_the_next_one_runs(kit):
    jobs = kit.store.jobs
    bad, good = kit.job(), kit.job()
    assert jobs.claim().id == bad.id
    jobs.recover()
    assert jobs.claim().id == bad.id
    (failed,) = jobs.recover()
    assert (failed.status, failed.crashes) == ("failed", 2)
    assert "One click draws it again" in failed.error
    assert jobs.claim().id == good.id


def test_progress_between_crashes_gives_another_try(kit):
    jobs = kit.store.jobs
    job = kit.job()
    for _ in range(4):
        assert jobs.claim().id == job.id
        jobs.progressed(job.id)
        (back,) = jobs.recover()
        assert (back.status, back.crashes) == ("queued", 1)
    jobs.claim()
    assert jobs.recover()[0].status == "failed"  # this time without


def test_a_graceful_stop_is_no_crash(kit):
    jobs = kit.store.jobs
    job = kit.job()
    for _ in range(3):
        jobs.claim()
        jobs.requeue(job.id)
    assert jobs.recover() == ()
    assert jobs.get("ann", job.id).crashes == 0


def test_recover_ends_what_was_drawn_whole_and_what_was_asked_to_stop(kit):
    jobs, pictures = kit.store.jobs, kit.store.pictures
    drawn, asked, half = kit.job(count=2), kit.job(), kit.job(count=2)
    for _ in range(3):
        jobs.claim()
    for index in range(2):
        pictures.add(kit.new(drawn, index), kit.image(), finish=False)
    pictures.add(kit.new(half, 1), kit.image(), finish=False)
    jobs.cancel("ann", asked.id)
    found = {job.id: job for job in jobs.recover()}
    assert {id: job.status for id, job in found.items()} == {
        drawn.id: "done",
        asked.id: "cancelled",
        half.id: "queued",
    }
    assert found[half.id].indices == (1,)


def test_several_that_were_running_come_back_in_the_order_of_filing(kit):
    jobs = kit.store.jobs
    filed = [kit.job(owner).id for owner in ("ann", "bob", "ann")]
    for _ in filed:
        jobs.claim()
    assert [job.id for job in jobs.recover()] == filed
    waiting = [jobs.claim().id for _ in filed]
    assert waiting[0] == filed[0]
    assert sorted(waiting) == sorted(filed)


def test_ids_never_repeat_and_lists_of_many_are_right(kit):
    ids = [kit.job(owner).id for owner, _ in itertools.product(("ann", "bob"), range(15))]
    assert len(set(ids)) == 30
    assert [job.id for job in kit.store.jobs.unfinished("ann")] == ids[:15]


def test_a_job_is_found_again_by_its_mark(kit):
    """The newest one, of this owner alone."""
    first, second = kit.job(mark="line 1"), kit.job(mark="line 1")
    kit.job()
    marked = kit.store.jobs.marked
    assert first.mark == "line 1" and marked("ann", "line 1") == second
    assert marked("ann", "line 2") is None and marked("bob", "line 1") is None
