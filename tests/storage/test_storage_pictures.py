"""Pictures: whole or not at all, found by page, edited, thrown away and brought back, by their owner."""

from __future__ import annotations

import hashlib
from dataclasses import fields

import pytest
from PIL import Image

from storage.errors import BadCursor, BadQuery, BadValue, NotFound
from storage.records import NewPicture
from storage.search.pages import PageRequest


def test_a_picture_comes_back_with_every_fact_after_a_restart(kit):
    enhancement = kit.enhancement()
    job = kit.job(kind="generate", count=2)
    parent = kit.picture()
    new = kit.new(job, 1, enhancement_id=enhancement.id, parent_id=parent.id, negative_prompt="blurry")
    kept = kit.store.pictures.add(new, kit.image(), finish=False)
    kit.reopen()
    found = kit.store.pictures.get("ann", kept.id)
    assert found == kept
    for field in fields(NewPicture):
        assert getattr(found, field.name) == getattr(new, field.name), field.name
    assert found.enhancement == enhancement
    assert (found.favourite, found.rating, found.tags, found.deleted_at) == (False, 0, (), None)
    assert kit.store.jobs.get("ann", job.id).pictures == (kept.id,)
    assert kit.store.jobs.get("ann", job.id).indices == (1,)


def test_the_file_holds_the_pixels_and_the_hash_is_theirs(kit):
    image = Image.effect_noise((48, 32), 90).convert("RGB")
    kept = kit.store.pictures.add(kit.new(kit.job()), image, finish=True)
    with Image.open(kit.store.pictures.path("ann", kept.id)) as file:
        assert file.format == "PNG" and file.mode == "RGB"
        assert file.tobytes() == image.tobytes()
    assert kept.pixel_sha256 == hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()
    assert kit.store.pictures.path("ann", kept.id).relative_to(kit.store.folder).as_posix() == (
        f"pictures/{kept.id[:2]}/{kept.id}.png"
    )


@pytest.mark.parametrize(("size", "thumb"), [((1024, 512), (384, 192)), ((100, 60), (100, 60))])
def test_the_thumbnail_is_webp_and_never_larger_than_the_picture(kit, size, thumb):
    kept = kit.store.pictures.add(kit.new(kit.job()), Image.new("RGB", size, "red"), finish=True)
    path = kit.store.pictures.thumb("ann", kept.id)
    with Image.open(path) as file:
        assert (file.format, file.size) == ("WEBP", thumb)
    assert path == kit.store.folder / "thumbs" / kept.id[:2] / f"{kept.id}.webp"


def test_the_last_picture_ends_its_job(kit):
    job = kit.job(count=2)
    kit.store.jobs.claim()
    kit.store.pictures.add(kit.new(job, 0), kit.image(), finish=False)
    assert kit.store.jobs.get("ann", job.id).status == "running"
    kit.store.pictures.add(kit.new(job, 1), kit.image(), finish=True)
    ended = kit.store.jobs.get("ann", job.id)
    assert ended.status == "done" and ended.finished_at is not None
    assert [p.id for p in kit.store.pictures.by_job("ann", job.id)] == list(ended.pictures)
    assert ended.indices == (0, 1)


def test_the_same_picture_of_a_job_is_kept_once(kit):
    job = kit.job()
    first = kit.store.pictures.add(kit.new(job), kit.image("red"), finish=False)
    before = kit.store.pictures.path("ann", first.id).read_bytes()
    again = kit.store.pictures.add(kit.new(job), kit.image("blue"), finish=True)
    assert again == first
    assert kit.store.pictures.path("ann", first.id).read_bytes() == before
    assert kit.store.pictures.page(PageRequest(owner="ann")).total == 1
    assert len(list(kit.store.folder.rglob("*.png"))) == 1
    assert kit.store.jobs.get("ann", job.id).status == "done"


def test_a_picture_of_what_is_not_the_owners_is_refused_and_leaves_no_file(kit):
    job, foreign = kit.job(), kit.picture(owner="bob")
    thought = kit.enhancement("bob")
    for new in (
        kit.new(job, owner="bob"),
        kit.new(job, job_id="nothing"),
        kit.new(job, parent_id=foreign.id),
        kit.new(job, enhancement_id=thought.id),
    ):
        with pytest.raises(NotFound):
            kit.store.pictures.add(new, kit.image(), finish=True)
    assert len(list(kit.store.folder.rglob("*.png"))) == 1  # bob's
    assert kit.store.jobs.get("ann", job.id).status == "queued"


def test_a_row_that_cannot_be_kept_leaves_no_file(kit):
    with pytest.raises(UnicodeEncodeError):
        kit.store.pictures.add(kit.new(kit.job(), checkpoint="\ud800"), kit.image(), finish=True)
    with pytest.raises(ValueError, match=r"JSON|range"):
        kit.store.pictures.add(kit.new(kit.job(), environment={"x": float("inf")}), kit.image(), finish=True)
    assert [p for p in kit.store.folder.rglob("*") if p.suffix in (".png", ".webp")] == []
    assert list((kit.store.folder / "incoming").glob("*")) == []


def test_pages_are_newest_first_and_hold_while_pictures_arrive(kit):
    made = [kit.picture(f"number {n}").id for n in range(7)][::-1]
    first = kit.store.pictures.page(PageRequest(owner="ann", limit=3))
    assert ([p.id for p in first.items], first.total, first.more) == (made[:3], 7, True)
    kit.picture("a new one")
    second = kit.store.pictures.page(PageRequest(owner="ann", limit=3, cursor=first.next))
    third = kit.store.pictures.page(PageRequest(owner="ann", limit=3, cursor=second.next))
    assert [p.id for p in (*second.items, *third.items)] == made[3:]
    assert (second.total, third.more, third.next) == (8, False, None)


def test_a_page_that_is_just_full_has_no_next(kit):
    kit.picture(), kit.picture()
    page = kit.store.pictures.page(PageRequest(owner="ann", limit=2))
    assert (len(page.items), page.more, page.next) == (2, False, None)
    assert kit.store.pictures.page(PageRequest(owner="nobody")) == kit.store.pictures.page(
        PageRequest(owner="ann", query="zebra")
    )


@pytest.mark.parametrize("cursor", ["", "p", "x1", "p-1", "pg", "p1 ", "p" + "f" * 16, "p" + "f" * 99, "\uff11"])
def test_a_cursor_of_nobodys_making_is_a_sentence(kit, cursor):
    with pytest.raises(BadCursor, match="cursor must be the `next` of an earlier page"):
        kit.store.pictures.page(PageRequest(owner="ann", cursor=cursor))


@pytest.mark.parametrize("limit", [0, -1, 201, True, "5", 2.0])
def test_a_limit_out_of_bounds_is_a_sentence(kit, limit):
    with pytest.raises(BadQuery, match="limit must be from 1 to 200"):
        kit.store.pictures.page(PageRequest(owner="ann", limit=limit))


def test_edit_changes_what_is_given_only(kit):
    pictures, id = kit.store.pictures, kit.picture().id
    assert pictures.edit("ann", id, favourite=True).favourite
    assert pictures.edit("ann", id, rating=4).rating == 4
    tagged = pictures.edit("ann", id, tags=["Sea", "  two   words ", "sea"])
    assert (tagged.favourite, tagged.rating, tagged.tags) == (True, 4, ("Sea", "two words"))
    assert pictures.edit("ann", id, tags=["two words", "兔子"]).tags == ("two words", "兔子")
    assert pictures.get("ann", id) == pictures.edit("ann", id)
    cleared = pictures.edit("ann", id, favourite=False, rating=0, tags=[])
    assert (cleared.favourite, cleared.rating, cleared.tags) == (False, 0, ())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rating": 6}, "rating must be a whole number from 0 .* to 5 .got 6"),
        ({"rating": -1}, "rating must"),
        ({"rating": True}, "rating must"),
        ({"rating": 2.5}, "rating must"),
        ({"favourite": 1}, "favourite must be true or false .got 1"),
        ({"tags": "sea"}, "tags must be a list"),
        ({"tags": [" "]}, "tags must be texts of 1 to 40"),
        ({"tags": ["x" * 41]}, "tags must be texts of 1 to 40"),
        ({"tags": ["a\x00b"]}, "tags must be texts"),
        ({"tags": [3]}, "tags must be texts"),
        ({"tags": [str(n) for n in range(33)]}, "tags must be at most 32"),
    ],
)
def test_an_edit_that_breaks_a_rule_changes_nothing(kit, change, sentence):
    before = kit.picture()
    with pytest.raises(BadValue, match=sentence):
        kit.store.pictures.edit("ann", before.id, **{"favourite": True, "rating": 3, **change})
    assert kit.store.pictures.get("ann", before.id) == before


def test_filters_favourite_tag_and_query_hold_together(kit):
    pictures = kit.store.pictures
    sea, land, both = (kit.picture(prompt).id for prompt in ("a fish", "a cat", "a fish and a cat"))
    pictures.edit("ann", sea, tags=["Sea"], favourite=True)
    pictures.edit("ann", both, tags=["sea", "land"])
    pictures.edit("ann", land, favourite=True)

    def ids(**asked):
        page = pictures.page(PageRequest(owner="ann", **asked))
        assert page.total == len(page.items)
        return [picture.id for picture in page.items]

    assert ids(tag="SEA") == [both, sea]
    assert ids(favourite=True) == [land, sea]
    assert ids(favourite=True, tag="sea") == [sea]
    assert ids(tag="sea", query="cat") == [both]
    assert ids(query="fish", favourite=True) == [sea]
    assert ids(tag="nothing") == []
    assert ids(query="land") == [both]  # tags are searched too
    pictures.edit("ann", both, tags=[])
    assert ids(query="land") == ids(tag="land") == []


def test_the_trash_hides_and_gives_back(kit):
    pictures = kit.store.pictures
    kept, thrown = kit.picture("a cat").id, kit.picture("a cat").id
    pictures.edit("ann", thrown, tags=["pet"], rating=5)
    gone = pictures.delete("ann", thrown)
    assert gone.deleted_at is not None
    assert pictures.delete("ann", thrown) == gone  # the first time counts
    for asked in ({}, {"query": "cat"}):
        assert [p.id for p in pictures.page(PageRequest(owner="ann", **asked)).items] == [kept]
        assert [p.id for p in pictures.page(PageRequest(owner="ann", trash=True, **asked)).items] == [thrown]
    assert pictures.page(PageRequest(owner="ann", tag="pet")).total == 0
    assert pictures.get("ann", thrown) == gone
    with pytest.raises(NotFound):
        pictures.get("ann", thrown, trash=False)
    assert pictures.path("ann", thrown).is_file()
    back = pictures.restore("ann", thrown)
    assert (back.deleted_at, back.rating, back.tags) == (None, 5, ("pet",))
    assert pictures.restore("ann", thrown) == back == pictures.get("ann", thrown, trash=False)
    assert (
        pictures.page(PageRequest(owner="ann")).total == 2
        and pictures.page(PageRequest(owner="ann", trash=True)).total == 0
    )


def test_anothers_picture_is_not_found_whatever_is_asked(kit):
    pictures, id = kit.store.pictures, kit.picture("a secret garden").id
    for ask in (
        pictures.get,
        pictures.edit,
        pictures.delete,
        pictures.restore,
        pictures.path,
        pictures.thumb,
        kit.store.shares.of_picture,
    ):
        with pytest.raises(NotFound) as refused:
            ask("bob", id)
        assert str(refused.value) == f"Picture {id} was not found."
        with pytest.raises(NotFound):
            ask("ann", "nothing")
    for asked in ({}, {"query": "secret"}, {"query": "-zebra"}, {"trash": True}, {"favourite": True}):
        assert pictures.page(PageRequest(owner="bob", **asked)).items == ()
        assert pictures.page(PageRequest(owner="bob", **asked)).total == 0
    assert pictures.page(PageRequest(owner="ann", query="secret")).total == 1


def test_an_id_is_never_a_path(kit):
    bad = ("../../etc/passwd", "..", "", "a/b", "x" * 65, "abcdefgh\n", "ABCDEF..", "\u0661" * 10, "\ud800")
    for id in bad:
        with pytest.raises(NotFound):
            kit.store.pictures.path("ann", id)
        with pytest.raises(NotFound):
            kit.store.files.picture(id)


@pytest.mark.parametrize("id", [None, 5, ["x"], {"a": 1}, b"x", "\ud800", "兔子", "\0", "x" * 100_000])
def test_what_cannot_be_an_id_is_not_found(kit, id):
    asked = (
        kit.store.pictures.get,
        kit.store.pictures.path,
        kit.store.pictures.by_job,
        kit.store.jobs.get,
        kit.store.jobs.cancel,
        kit.store.enhancements.get,
        kit.store.shares.revoke,
    )
    for ask in asked:
        with pytest.raises(NotFound, match="was not found") as refused:
            ask("ann", id)
        assert len(str(refused.value)) < 150
    with pytest.raises(NotFound):
        kit.store.shares.resolve(id)


def test_a_file_that_somebody_removed_is_not_found(kit):
    id = kit.picture().id
    kit.store.pictures.path("ann", id).unlink()
    with pytest.raises(NotFound, match="file of picture"):
        kit.store.pictures.path("ann", id)


def test_disk_bytes_are_those_of_the_files(kit):
    assert kit.store.pictures.disk_bytes() == 0
    kit.picture(), kit.picture(owner="bob")
    files = [path for path in kit.store.folder.rglob("*") if path.suffix in (".png", ".webp")]
    assert len(files) == 4
    assert kit.store.pictures.disk_bytes() == sum(path.stat().st_size for path in files)


def test_enhancements_are_their_owners(kit):
    kept = kit.enhancement()
    assert kit.store.enhancements.get("ann", kept.id) == kept
    for owner, id in (("bob", kept.id), ("ann", "nothing")):
        with pytest.raises(NotFound, match=f"Enhancement {id} was not found"):
            kit.store.enhancements.get(owner, id)
