"""Filters that read like sentences, pages both ways, the best first, collections, and changes of many at once."""

from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL.PngImagePlugin import PngInfo

from storage.errors import BadQuery, BadValue, NotFound
from storage.repositories import mappers as rows
from storage.repositories.collections import MEMBERS_MAX
from storage.repositories.picture_edits import PictureEdit
from storage.search import filters, pagination, query_parser
from storage.search.filters import key_of, moment_of
from storage.search.pages import PageRequest


def found(kit, query, owner="ann", **asked):
    return [one.prompt for one in kit.store.pictures.page(PageRequest(owner=owner, query=query, **asked)).items]


@pytest.fixture
def archive(kit):
    """Six pictures, the last one of another owner."""
    pictures = kit.store.pictures
    kit.red = kit.picture("red fox", seed=42, steps=8, width=1024, height=768, checkpoint="z-image-turbo")
    kit.sea = kit.picture("sea at night", seed=7, steps=20, guidance=4.5, checkpoint="base")
    thought = kit.enhancement(prompt="two white rabbits on grass")
    kit.thought = kit.picture("two white rabbits on grass", enhancement_id=thought.id, width=64, height=64)
    kit.edited = kit.picture("two black rabbits", enhancement_id=thought.id, parent_id=kit.thought.id)
    kit.lora = kit.picture("ink mountain", recipe={"format": 1, "loras": [{"name": "ink-wash_v2", "weight": 1}]})
    kit.picture("red fox of bob", owner="bob", seed=42)
    pictures.edit("ann", kit.red.id, favourite=True, rating=5, tags=["New York", "海"], note="for the client")
    pictures.edit("ann", kit.sea.id, rating=3)
    return kit


@pytest.mark.parametrize(
    ("query", "prompts"),
    [
        ("seed:42", ["red fox"]),
        ("steps:20 guidance:4.5", ["sea at night"]),
        ("size:1024x768", ["red fox"]),
        ("checkpoint:turbo", ["red fox"]),
        ("checkpoint:z-image", ["red fox"]),
        ("-checkpoint:pocket", ["sea at night", "red fox"]),
        ("lora:ink", ["ink mountain"]),
        ("lora:wash", ["ink mountain"]),
        ('tag:"new york"', ["red fox"]),
        ("tag:海", ["red fox"]),
        ("rating:>=4", ["red fox"]),
        ("rating:<4 rating:>0", ["sea at night"]),
        ("rating:none fox", []),
        ("is:favourite", ["red fox"]),
        ("IS:Favourite fox", ["red fox"]),
        ("has:note", ["red fox"]),
        ("client", ["red fox"]),
        ("has:enhancement is:edited", ["two black rabbits"]),
        ("has:enhancement -is:edited", ["two white rabbits on grass"]),
        ("has:parent", ["two black rabbits"]),
        ("is:square", ["two white rabbits on grass"]),
        ("whi -black", ["two white rabbits on grass"]),
        ("before:2020", []),
        ("fox before:9999", ["red fox"]),
        ("after:9999", []),
        ("on:9999", []),
        ("on:9999-12", []),
        ("on:9999-12-31", []),
        ("on:1969", []),
        ("seed:", ["ink mountain", "two black rabbits", "two white rabbits on grass", "sea at night", "red fox"]),
        ("http://fox", []),
    ],
)
def test_a_filter_finds_what_it_says(archive, query, prompts):
    assert found(archive, query) == prompts


def test_today_is_found_by_each_of_its_names(archive):
    now = datetime.now(timezone.utc)
    for query in (
        f"on:{now:%Y-%m-%d}",
        f"on:{now:%Y-%m}",
        f"on:{now:%Y}",
        f"after:{now:%Y-%m-%d}",
        f"-before:{now:%Y}",
    ):
        assert len(found(archive, query)) == 5, query
    assert found(archive, f"before:{now:%Y-%m-%d}") == found(archive, f"-after:{now:%Y}") == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("seed:many", "seed: must be a whole number (got many)."),
        ("rating:6", "rating: must be 0 to 5, optionally after >, >=, < or <=, or none (got 6)."),
        ("size:big", "size: must be width x height, such as 1024x1024 (got big)."),
        ("is:nice", "is: must be one of favourite"),
        ("after:yesterday", "after: must be a day, a month or a year"),
        ("after:2026-13", "after: must be a day, a month or a year"),
        ("on:0000", "on: must be a day, a month or a year"),
        ("before:10000", "before: must be a day, a month or a year"),
        ("-on:2026", "on: cannot be negated"),
        ("in:nowhere", "in: must be the name of one of your collections (got nowhere)."),
    ],
)
def test_a_filter_that_is_none_is_named(archive, query, sentence):
    with pytest.raises(BadQuery) as caught:
        found(archive, query)
    assert str(caught.value).startswith(sentence)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet='seedisnratg:>="-( )*^NEAROR兔é1,', max_size=40))
def test_whatever_is_typed_is_found_or_refused_by_a_sentence(shared_kit, typed):
    try:
        shared_kit.store.pictures.page(PageRequest(owner="ann", query=typed))
    except BadQuery as error:
        assert str(error).endswith(".")


def test_pages_go_both_ways_and_begin_at_a_moment(kit):
    made = [kit.picture(f"number {n}") for n in range(7)][::-1]
    page = lambda **wanted: kit.store.pictures.page(PageRequest(owner="ann", **wanted))  # noqa: E731
    first = page(limit=3)
    assert (first.items, first.previous) == (tuple(made[:3]), None)
    second = page(limit=3, cursor=first.next)
    third = page(limit=3, cursor=second.next)
    assert third.items == (made[6],) and third.next is None
    back = page(limit=3, cursor=third.previous)
    assert (back.items, back.total) == (second.items, 7)
    assert page(limit=3, cursor=back.previous).items == first.items
    newest = page(limit=3, cursor=first.items[0] and back.previous)
    assert newest.previous is None and newest.next is not None
    there = page(limit=2, at=made[2].created_at)
    assert there.items == tuple(made[3:5]) and there.previous and there.total == 7
    assert page(at=made[6].created_at - timedelta(days=1)).items == ()


def test_the_best_of_the_newest_come_first(kit):
    kit.picture("a rabbit among many other animals of the wood and the field and the sea and the sky")
    both = kit.picture("rabbit rabbit", original_prompt="rabbit")
    page = kit.store.pictures.page(PageRequest(owner="ann", query="rabbit", sort="relevance", limit=1))
    assert page.items == (both,) and page.ranked == 2 and page.more
    rest = kit.store.pictures.page(
        PageRequest(owner="ann", query="rabbit", sort="relevance", limit=1, cursor=page.next)
    )
    assert len(rest.items) == 1 and rest.next is None
    with pytest.raises(BadQuery, match="sort must be one of newest, relevance"):
        kit.store.pictures.page(PageRequest(owner="ann", sort="best"))


def test_a_key_tells_when_and_a_clock_that_goes_back_changes_no_order(kit):
    moment = datetime(2026, 3, 4, 5, 6, 7, 891000, tzinfo=timezone.utc)
    assert moment_of(key_of(moment)) == moment
    first = kit.picture("first")
    with kit.store.database.write() as session:  # as if the clock had been an hour ahead
        connection = session.connection()
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for table, column in (("pictures", "key"), ("picture_texts", "key")):
            connection.exec_driver_sql(f"UPDATE {table} SET {column} = {column} + {3_600_000 << filters.KEY_SHIFT}")
    second = kit.picture("second")
    assert [one.id for one in kit.store.pictures.page(PageRequest(owner="ann")).items] == [second.id, first.id]


def test_what_was_made_in_one_moment_stands_side_by_side_and_before_what_came_later(kit):
    moment = datetime(2026, 3, 4, tzinfo=timezone.utc)
    last = kit.picture("now")
    with kit.store.database.write() as session:
        connection = session.connection()
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for table, column in (("pictures", "key"), ("picture_texts", "key")):
            connection.exec_driver_sql(f"UPDATE {table} SET {column} = {key_of(moment)}")
        assert rows.next_key(session, moment, now=False) == key_of(moment) + 1
        assert rows.next_key(session, moment - timedelta(days=1), now=False) == key_of(moment - timedelta(days=1))
        assert rows.next_key(session, moment - timedelta(days=1)) == key_of(moment) + 1, "what is drawn now comes last"
    assert kit.store.pictures.page(PageRequest(owner="ann", query="on:2026-03-04")).items[0].id == last.id


@pytest.mark.parametrize(
    ("zone", "query", "there"),
    [
        ("UTC", "on:2026-03-04", False),
        ("UTC", "on:2026-03-03 before:2026-03-04", True),
        ("Asia/Shanghai", "on:2026-03-04 after:2026-03-04", True),
        ("Asia/Shanghai", "before:2026-03-04", False),
        ("Asia/Shanghai", "-before:2026-03-04", True),
        ("Asia/Shanghai", "in:today", True),
        ("UTC", "in:today", False),
        ("America/New_York", "on:2026-03-03", True),
        ("America/New_York", "on:9999", False),
    ],
)
def test_a_day_is_one_of_the_zone_that_is_told(kit, zone, query, there):
    moment, where = datetime(2026, 3, 3, 20, 30, tzinfo=timezone.utc), ZoneInfo(zone)  # in Shanghai it is the fourth
    picture = kit.picture("owl")
    with kit.store.database.write() as session:
        session.connection().exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for table in ("pictures", "picture_texts"):
            session.connection().exec_driver_sql(f"UPDATE {table} SET key = {key_of(moment)}")
    kit.store.collections.add("ann", "Today", query="on:2026-03-04")
    found_there = [one.id for one in kit.store.pictures.page(PageRequest(owner="ann", query=query, zone=where)).items]
    assert (
        found_there
        == list(kit.store.pictures.matching(PageRequest(owner="ann", query=query, zone=where)))
        == [picture.id] * there
    )
    assert kit.store.collections.of("ann", where)[0].count == (zone == "Asia/Shanghai")


def test_a_day_ends_where_the_clocks_say_so():
    day = query_parser.parse("on:2026-03-29", ZoneInfo("Europe/Berlin"))  # the clocks go forward in its night
    assert moment_of(day.high) - moment_of(day.low) == timedelta(hours=23)
    assert query_parser.parse("after:1970", ZoneInfo("Asia/Shanghai")).low == 0


def test_our_own_adapters_are_found_and_what_is_none_harms_nothing(kit):
    told = [{"name": "Quill pen", "weight": 0.5, "sha256": "ab"}, 7]
    kept = kit.picture("a letter", recipe={"format": 1, "adapters": told})
    kit.picture("another", recipe={"format": 1, "adapters": 5, "loras": "quill"})
    for query in ("lora:quill", 'lora:"Quill pen"'):
        assert [one.id for one in kit.store.pictures.page(PageRequest(owner="ann", query=query)).items] == [kept.id]


def test_the_adapters_of_a_picture_from_elsewhere_are_found(kit):
    info = PngInfo()
    info.add_text(
        "parameters",
        "a heron <lora:reed-ink:0.7>\nSteps: 8, Sampler: Euler, CFG scale: 1, Seed: 3, Size: 32x16, Model: far",
    )
    file = io.BytesIO()
    kit.image().save(file, "PNG", pnginfo=info)
    picture, _, _ = kit.store.importer.import_file("ann", file.getvalue(), "heron.png")
    for query in ("lora:reed", "has:lora is:imported", "checkpoint:far seed:3"):
        assert [one.id for one in kit.store.pictures.page(PageRequest(owner="ann", query=query)).items] == [
            picture.id
        ], query


def test_the_beginning_of_a_word_is_looked_for_as_words_where_they_are_few(kit):
    for number in range(pagination.EXPANDED + 2):
        kit.picture(f"constellation{number:03d} {'starling' if number % 2 else 'starfish'}")
    with kit.store.database.read() as session:
        assert pagination.expand(session, "con") is None, "an index of its own"
        assert pagination.expand(session, "const") is None, "too many"
        assert set(pagination.expand(session, "starf")) == {"starfish"}
        assert pagination.expand(session, "starx") == []
    assert kit.store.pictures.page(PageRequest(owner="ann", query="conste starf")).total == pagination.EXPANDED // 2 + 1
    assert kit.store.pictures.page(PageRequest(owner="ann", query="starx")).total == 0


def test_many_are_changed_thrown_away_and_brought_back_all_or_none(archive):
    pictures, ids = archive.store.pictures, [archive.red.id, archive.sea.id]
    changed = pictures.edit_many("ann", ids, PictureEdit.checked(more_tags=["ink"], fewer_tags=["new york"], rating=4))
    assert [(one.tags, one.rating) for one in changed] == [(("海", "ink"), 4), (("ink",), 4)]
    assert pictures.tags("ann", "IN") == (("ink", 2),)
    theirs = pictures.page(PageRequest(owner="bob")).items[0].id
    with pytest.raises(NotFound):
        pictures.delete_many("ann", [*ids, theirs])
    assert pictures.page(PageRequest(owner="ann")).total == 5
    pictures.delete_many("ann", ids)
    assert pictures.page(PageRequest(owner="ann")).total == 3 and found(archive, "tag:ink") == []
    assert sorted(found(archive, "tag:ink", trash=True)) == ["red fox", "sea at night"]
    pictures.restore_many("ann", ids)
    assert len(found(archive, "tag:ink")) == 2
    with pytest.raises(BadValue, match="note must be a text of at most 5,000"):
        PictureEdit.checked(note="x" * 5_001)


def test_a_picture_without_room_for_a_tag_is_named(archive):
    pictures = archive.store.pictures
    pictures.edit("ann", archive.sea.id, tags=[str(n) for n in range(32)])
    with pytest.raises(BadValue) as refusal:
        pictures.edit_many("ann", [archive.red.id, archive.sea.id], PictureEdit.checked(more_tags=["ink"]))
    assert str(refusal.value) == 'tags must be at most 32, and the picture "rabbits" would have more (got 33).'
    assert found(archive, "tag:ink") == []
    pictures.edit_many("ann", [archive.red.id, archive.sea.id], PictureEdit.checked(more_tags=["7"]))


def test_several_are_moved_in_the_order_that_is_told(archive):
    kept = archive.store.collections
    made = kept.add("ann", "Row")
    ids = [archive.red.id, archive.sea.id, archive.lora.id, archive.thought.id]
    kept.add_pictures("ann", made.id, ids)

    def order():
        return list(archive.store.pictures.matching(PageRequest(owner="ann", collection="row")))

    a, b, c, d = ids
    kept.move("ann", made.id, [d, b], a)
    assert order() == [d, b, a, c]
    kept.move("ann", made.id, [b, a], c)
    assert order() == [d, b, a, c], "where they stand already"
    kept.move("ann", made.id, [d, a], None)
    assert (
        order()
        == [b, c, d, a]
        == [one.id for one in archive.store.pictures.page(PageRequest(owner="ann", collection="row")).items]
    )
    with pytest.raises(BadValue, match="before must not be one of those being moved"):
        kept.move("ann", made.id, [b, c], c)
    kept.remove_pictures("ann", made.id, [c])
    with pytest.raises(NotFound):
        kept.move("ann", made.id, [b, c], a)
    assert order() == [b, d, a]


def test_as_many_are_moved_before_another_as_may_be_named_at_once(archive):
    kept = archive.store.collections
    made = kept.add("ann", "Row", pictures=[archive.red.id, archive.sea.id])
    kept.move("ann", made.id, [archive.sea.id] * MEMBERS_MAX, archive.red.id)
    assert found(archive, "", collection="row") == ["sea at night", "red fox"]
    with pytest.raises(BadValue, match=r"pictures must be at most 1,000 at once \(got 1001\)"):
        kept.move("ann", made.id, [archive.sea.id] * (MEMBERS_MAX + 1), archive.red.id)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"query": "fox"},
        {"query": "-fox rabbit"},
        {"favourite": True},
        {"tag": "ink"},
        {"query": "checkpoint:pocket", "favourite": True},
    ],
)
def test_all_that_match_are_named_in_the_order_of_the_pages(archive, asked):
    pictures = archive.store.pictures
    for one in (archive.red, archive.lora):
        pictures.edit("ann", one.id, favourite=True, tags=["ink"])
    group = archive.store.collections.add("ann", "All")
    archive.store.collections.add_pictures("ann", group.id, [archive.lora.id, archive.red.id, archive.sea.id])
    for more in ({}, {"collection": group.id}, {"trash": True}):
        there = [one.id for one in pictures.page(PageRequest(owner="ann", limit=200, **asked, **more)).items]
        assert list(pictures.matching(PageRequest(owner="ann", **asked, **more))) == there
        assert list(pictures.matching(PageRequest(owner="ann", **asked, **more), most=1)) == there[:1]
    assert pictures.matching(PageRequest(owner="nobody", **asked)) == ()
    assert pictures.matching(PageRequest(owner="ann")), "there is something"


def test_a_collection_has_an_order_a_cover_and_a_name(archive):
    kept = archive.store.collections
    made = kept.add("ann", " Cats  and dogs ")
    ids = [archive.red.id, archive.sea.id, archive.lora.id]
    assert kept.add_pictures("ann", made.id, ids).count == 3 and kept.add_pictures("ann", made.id, ids[:1]).count == 3
    assert found(archive, "", collection=made.id) == ["red fox", "sea at night", "ink mountain"]
    kept.move("ann", made.id, [archive.lora.id], archive.red.id)
    page = archive.store.pictures.page(PageRequest(owner="ann", collection=made.id, limit=2))
    assert [one.prompt for one in page.items] == ["ink mountain", "red fox"] and page.total == 3
    rest = archive.store.pictures.page(PageRequest(owner="ann", collection=made.id, limit=2, cursor=page.next))
    assert [one.prompt for one in rest.items] == ["sea at night"]
    assert kept.of("ann")[0].cover_id == archive.lora.id
    kept.remove_pictures("ann", made.id, [archive.red.id])
    kept.add_pictures("ann", made.id, [archive.red.id])  # now at the end, and one place in the middle is nobody's
    shown = archive.store.pictures.page(PageRequest(owner="ann", collection=made.id, limit=2))
    kept.move("ann", made.id, [archive.sea.id], archive.lora.id)
    rest = archive.store.pictures.page(PageRequest(owner="ann", collection=made.id, limit=2, cursor=shown.next))
    assert [one.prompt for one in rest.items] == ["red fox"]  # what was moved within a page moves nothing behind it
    kept.move("ann", made.id, [archive.sea.id], None)
    kept.move("ann", made.id, [archive.red.id], archive.sea.id)
    kept.edit("ann", made.id, cover=archive.sea.id, name="Dogs")
    with pytest.raises(BadValue, match="cover must be a picture of the collection"):
        kept.edit("ann", made.id, cover=archive.thought.id)
    (one,) = kept.of("ann")
    assert (one.name, one.cover_id, kept.with_picture("ann", archive.red.id)) == ("Dogs", archive.sea.id, (made.id,))
    assert found(archive, "in:dogs fox") == found(archive, "fox", collection=made.id) == ["red fox"]
    assert found(archive, "-in:dogs rabbit") == ["two black rabbits", "two white rabbits on grass"]
    archive.store.pictures.delete("ann", archive.red.id)
    assert (kept.of("ann")[0].count, found(archive, "in:dogs fox")) == (2, [])
    archive.store.pictures.restore("ann", archive.red.id)
    assert found(archive, "", collection=made.id) == ["ink mountain", "red fox", "sea at night"]
    kept.remove_pictures("ann", made.id, [archive.red.id])
    assert found(archive, "in:dogs") == ["ink mountain", "sea at night"]
    for act in (
        lambda: kept.add_pictures("bob", made.id, []),
        lambda: kept.add_pictures("ann", made.id, [archive.store.pictures.page(PageRequest(owner="bob")).items[0].id]),
    ):
        with pytest.raises(NotFound):
            act()
    with pytest.raises(BadValue, match="name must not be the name of another collection"):
        kept.add("ann", "DOGS")
    kept.delete("ann", made.id)
    assert kept.of("ann") == () and archive.store.pictures.page(PageRequest(owner="ann")).total == 5


def test_a_saved_search_finds_what_comes_later(archive):
    kept = archive.store.collections
    smart = kept.add("ann", "Rabbits", query="rabbit has:enhancement")
    assert (smart.count, smart.cover_id) == (2, archive.edited.id)
    assert found(archive, "in:rabbits black") == ["two black rabbits"] == found(archive, "black", collection=smart.id)
    with pytest.raises(BadQuery, match="neither negated"):
        found(archive, "-in:rabbits")
    with pytest.raises(BadValue, match="not a saved search"):
        kept.add_pictures("ann", smart.id, [archive.red.id])
    with pytest.raises(BadQuery):
        kept.add("ann", "Wrong", query="seed:none")


def test_a_saved_search_names_no_other_however_that_would_come(archive):
    kept = archive.store.collections
    rabbits = kept.add("ann", "Rabbits", query="rabbit")
    red = kept.add("ann", "Red", query="red in:later")
    for query in ("in:rabbits black", '-in:"RABBITS"', f"in:{rabbits.id}"):
        with pytest.raises(BadValue, match=r"^query must not use in: with a saved search.* \(got Rabbits\)\.$"):
            kept.add("ann", "Black", query=query)
        with pytest.raises(BadValue, match=r"^query must not use in: with a saved search.* \(got Rabbits\)\.$"):
            kept.edit("ann", red.id, query=query)
    with pytest.raises(BadValue, match=r"^query must not use in: with a saved search.* \(got Self\)\.$"):
        kept.add("ann", "Self", query="in:self")
    for act in (
        lambda: kept.edit("ann", rabbits.id, name="Later"),
        lambda: kept.edit("ann", red.id, name="Later"),
        lambda: kept.add("ann", "Later", query="fox"),
    ):
        with pytest.raises(BadValue, match=r"^name must not be a name that a saved search uses .* \(got Later\)\.$"):
            act()
    assert [(one.name, one.query) for one in kept.of("ann")] == [("Rabbits", "rabbit"), ("Red", "red in:later")]
    kept.add_pictures("ann", kept.add("ann", "Later").id, [archive.red.id])
    assert found(archive, "in:red") == ["red fox"]
    kept.edit("ann", rabbits.id, query="rabbit in:later", name="Hares")
    assert kept.add("bob", "Later", query="fox").count == 1


def test_totals_are_counted_by_the_rows_themselves(archive):
    pictures = archive.store.pictures
    assert pictures.page(PageRequest(owner="ann", favourite=True)).total == 1
    pictures.delete("ann", archive.red.id)
    assert (
        pictures.page(PageRequest(owner="ann", favourite=True)).total,
        pictures.page(PageRequest(owner="ann", trash=True)).total,
    ) == (0, 1)
    assert (
        pictures.page(PageRequest(owner="ann")).total,
        pictures.page(PageRequest(owner="bob")).total,
        pictures.page(PageRequest(owner="cy")).total,
    ) == (4, 1, 0)


def test_an_owner_and_their_trash_have_tokens_of_their_own():
    assert (
        len(
            {
                query_parser.owner_token("ann"),
                query_parser.owner_token("bob"),
                query_parser.owner_token("ann", trash=True),
            }
        )
        == 3
    )
