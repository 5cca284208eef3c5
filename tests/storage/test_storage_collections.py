"""Collections that are taken along and brought in: the same in another studio, merged by name, and never harmful."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import storage
from storage.errors import BadArchive
from storage.search.pages import PageRequest
from storage.transfer import collection_manifest
from tests.storage.conftest import packed

MEMBER = "collections.jsonl"


def lines(archive):
    with zipfile.ZipFile(archive) as taken:
        return [json.loads(line) for line in taken.read(MEMBER).splitlines()] if MEMBER in taken.namelist() else []


def with_member(archive, data):
    """The archive with these bytes as its collections; None takes them out."""
    out = io.BytesIO()
    with zipfile.ZipFile(archive) as was, zipfile.ZipFile(out, "w") as now:
        for name in was.namelist():
            if name != MEMBER:
                now.writestr(name, was.read(name))
        if data is not None:
            now.writestr(MEMBER, data)
    out.seek(0)
    return out


def placed(kit, owner="ann"):
    """Name to ids in order, and the records without their counts, which hang on what else is there."""
    kept = kit.store.collections.of(owner)
    orders = {
        one.name: [
            found.id for found in kit.store.pictures.page(PageRequest(owner=owner, collection=one.id, limit=100)).items
        ]
        for one in kept
    }
    return orders, kept


def shelved(kit):
    """Four pictures, two collections in orders of their own, one with a cover, a saved search, and an empty one."""
    made = [kit.picture(f"hare {n}") for n in range(4)]
    a, b, c, d = (one.id for one in made)
    kept = kit.store.collections
    hares = kept.add("ann", "Hares")
    kept.add_pictures("ann", hares.id, [c, a, d])
    kept.edit("ann", hares.id, cover=a)
    best = kept.add("ann", "Best 兔 ones")
    kept.add_pictures("ann", best.id, [d, b, c, a])
    kept.add("ann", "all of 2", query='"hare 2"')
    kept.add("ann", "In best", query='in:"Best 兔 ones" hare')
    kept.add("ann", "Empty")
    return a, b, c, d


def test_collections_are_the_same_on_another_machine(kit, other):
    shelved(kit)
    kit.store.collections.delete("ann", next(one.id for one in kit.store.collections.of("ann") if one.name == "Empty"))
    archive = packed(kit)
    assert [line["name"] for line in lines(archive)] == ["all of 2", "Best 兔 ones", "Hares", "In best"]
    assert other.store.importer.preview("ann", archive).collections == 4
    brought = other.store.importer.import_archive("ann", archive)
    assert (len(brought.brought), brought.wrong, brought.notes) == (4, (), ())
    assert brought.collections == ("all of 2", "Best 兔 ones", "Hares", "In best")
    assert placed(other) == placed(kit)
    assert other.store.pictures.page(PageRequest(owner="ann", query="in:hares")).total == 3, (
        "they are found by their collection"
    )
    again = other.store.importer.import_archive("ann", archive)
    assert (again.brought, again.here, again.collections, again.wrong, again.notes) == ((), 4, (), (), ())
    assert placed(other) == placed(kit)
    assert lines(packed(other)) == lines(archive)


def test_a_selection_takes_what_holds_it_along_and_no_saved_search(kit, other):
    a, b, c, d = shelved(kit)
    archive = packed(kit, ids=[b, d, c])
    told = {line["name"]: (line["pictures"], line["cover"]) for line in lines(archive)}
    assert told == {"Best 兔 ones": ([d, b, c], None), "Hares": ([c, d], None)}
    assert lines(packed(kit, ids=[])) == [] and lines(packed(kit, "bob")) == []
    other.store.importer.import_archive("ann", archive)
    assert placed(other)[0] == {"Best 兔 ones": [d, b, c], "Hares": [c, d]}
    rest = other.store.importer.import_archive("ann", packed(kit))
    assert (rest.here, len(rest.brought)) == (3, 1)
    assert placed(other)[0]["Hares"] == [c, d, a], "what was there stays, what is new comes behind it"
    assert next(one for one in other.store.collections.of("ann") if one.name == "Hares").cover_id == a


def test_a_collection_of_that_name_takes_the_pictures_and_stays_what_it_is(kit, other):
    a, _, c, d = shelved(kit)
    mine = other.picture("mine")
    other.store.importer.import_archive("ann", packed(kit, ids=[d]))
    there = next(one for one in other.store.collections.of("ann") if one.name == "Hares")
    other.store.collections.edit("ann", there.id, name="HARES")
    other.store.collections.add_pictures("ann", there.id, [mine.id])
    other.store.collections.edit("ann", there.id, cover=mine.id)
    brought = other.store.importer.import_archive("ann", packed(kit))
    assert "Hares" in brought.collections
    assert placed(other)[0]["HARES"] == [d, mine.id, c, a]
    assert next(one for one in other.store.collections.of("ann") if one.name == "HARES").cover_id == mine.id


def test_a_name_that_means_something_else_here_is_told(kit, other):
    shelved(kit)
    other.store.collections.add("ann", "hares", query="fox")
    other.store.collections.add("ann", "All of 2", query="wolf")
    brought = other.store.importer.import_archive("ann", packed(kit))
    assert len(brought.brought) == 4 and brought.notes == (
        'The saved search "all of 2" was left out: another collection has its name.',
    )
    (wrong,) = brought.wrong
    assert (wrong.file, wrong.line) == (MEMBER, 3)
    assert wrong.sentence == "name must not be the name of an existing saved search (got Hares)."
    assert {one.name: one.query for one in other.store.collections.of("ann")}["All of 2"] == "wolf"


def test_another_owner_gets_collections_of_their_own(kit):
    a, _, c, d = shelved(kit)
    before = placed(kit)
    brought = kit.store.importer.import_archive("bob", packed(kit))
    mine = brought.renamed
    orders, kept = placed(kit, "bob")
    assert orders["Hares"] == [mine[c], mine[a], mine[d]]
    assert next(one for one in kept if one.name == "Hares").cover_id == mine[a]
    assert not {one.id for one in kept} & {one.id for one in before[1]}
    assert placed(kit) == before
    assert kit.store.importer.import_archive("bob", packed(kit)).collections == ()


def test_a_picture_whose_file_is_gone_is_in_no_exported_collection(kit, other):
    a, _, c, d = shelved(kit)
    kit.store.pictures.path("ann", a).unlink()
    told = {line["name"]: line for line in lines(packed(kit))}
    assert told["Hares"]["pictures"] == [c, d] and told["Hares"]["cover"] is None
    assert other.store.importer.import_archive("ann", packed(kit)).notes == ()


def test_an_archive_without_them_is_brought_as_before(kit, other):
    shelved(kit)
    brought = other.store.importer.import_archive("ann", with_member(packed(kit), None))
    assert (len(brought.brought), brought.collections, brought.wrong) == (4, (), ())
    assert other.store.collections.of("ann") == ()


def good(**changes):
    told = {"format": 1, "id": "abcdefgh1234", "name": "Fine", "created_at": "2026-01-01T00:00:00+00:00"}
    return {**told, "query": None, "cover": None, "pictures": [], **changes}


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ([], "The line must be a JSON object (got [])."),
        (good(format=2), "format must be 1, the format that this studio reads (got 2)."),
        (good(id="../../x"), "id must be an id (got ../../x)."),
        (good(name=7), 'name must be 1 to 60 printable characters without " (got 7).'),
        (good(name="a" * 61), 'name must be 1 to 60 printable characters without "'),
        (good(name='a "b"'), 'name must be 1 to 60 printable characters without "'),
        (good(name="a\nb"), "name must not have extra spaces (got a b)."),
        (good(name="a\x1bb"), 'name must be 1 to 60 printable characters without "'),
        (good(name="\ud800"), 'name must be 1 to 60 printable characters without "'),
        (good(created_at="2999-01-01T00:00:00+00:00"), "created_at must be a time with its zone"),
        (good(query=""), "query must have a search term"),
        (good(query="seed:none"), "seed: must be a whole number (got none)."),
        (good(query="x" * 1_001), "query must have at most 1,000 characters (got 1,001)."),
        (good(query="hare", pictures=["abcdefgh1234"]), "pictures must be empty together with a query (got 1 pictures)."),
        (good(cover="x"), "cover must be an id (got x)."),
        (good(pictures="x"), "pictures must be a list of at most 200,000 ids (got x)."),
        (good(pictures=["/etc/passwd"]), "pictures must be an id (got /etc/passwd)."),
        (good(pictures=["abcdefgh1234"] * 3), "pictures must name each picture once (got 2 of them twice)."),
        (b"{", "The line must be JSON in UTF-8, with finite numbers"),
        (b"\xff\xfe", "The line must be JSON in UTF-8"),
        (b"[" * 100_000, "The line must be JSON in UTF-8"),
    ],
)  # fmt: skip
def test_a_line_that_breaks_a_rule_is_named_and_the_pictures_come(kit, other, told, sentence):
    picture = kit.picture("a hare")
    line = told if isinstance(told, bytes) else json.dumps(told).encode()
    fine = json.dumps(good(name="Sound", pictures=[picture.id], unknown={"x": 1})).encode()
    archive = with_member(packed(kit), line + b"\n" + fine)
    assert other.store.importer.preview("ann", archive).collections == 1
    brought = other.store.importer.import_archive("ann", archive)
    assert brought.brought == (picture.id,) and brought.collections == ("Sound",)
    (wrong,) = brought.wrong
    assert (wrong.file, wrong.line) == (MEMBER, 1) and wrong.sentence.startswith(sentence)
    assert placed(other)[0] == {"Sound": [picture.id]}


def test_a_line_can_name_only_pictures_of_its_archive(kit, other):
    picture, theirs, mine = kit.picture("a hare"), other.picture("bob's", "bob"), other.picture("mine")
    told = good(pictures=[mine.id, picture.id, theirs.id, "nobodyknows"], cover=theirs.id)
    brought = other.store.importer.import_archive("ann", with_member(packed(kit), json.dumps(told)))
    assert brought.notes == ('3 of the 4 pictures of the collection "Fine" are not here.',)
    assert placed(other)[0] == {"Fine": [picture.id]}
    assert other.store.collections.of("ann")[0].cover_id == picture.id, "its first"
    nobodys = json.dumps(good(name="Of nobody", pictures=["nobodyknows", "norsheknows"]))
    brought = other.store.importer.import_archive("ann", with_member(packed(kit), nobodys))
    assert brought.notes == ('2 of the 2 pictures of the collection "Of nobody" are not here.',)
    assert list(placed(other)[0]) == ["Fine"], "none is made with nothing in it"


def test_a_member_that_cannot_be_read_leaves_the_pictures_whole(kit, other, tmp_path):
    picture = kit.picture("a hare")
    doubled = json.dumps(good()) + "\n" + json.dumps(good(name="FINE", id="abcdefgh5678"))
    for data, line, sentence in (
        (doubled, 2, "name must occur on one line only (got FINE)."),
        (b"\n" * 501, 0, "The file must have at most 500 lines (got more)."),
        (b"x" * (8 * 2**20 + 2), 0, "Line 1 must have at most 8,388,608 bytes (got more)."),
    ):
        there = type(kit)(storage.open(tmp_path / f"other-{line}-{len(data)}"))
        brought = there.store.importer.import_archive("ann", with_member(packed(kit), data))
        assert brought.brought == (picture.id,)
        assert [(one.file, one.line, one.sentence) for one in brought.wrong] == [(MEMBER, line, sentence)]
        there.store.close()
    torn = with_member(packed(kit), json.dumps(good(name="Torn"))).getvalue().replace(b'"Torn"', b'"Thorn'[:6])
    brought = other.store.importer.import_archive("ann", io.BytesIO(torn))
    assert brought.brought == (picture.id,) and "must be intact" in brought.wrong[0].sentence
    assert other.store.collections.of("ann") == ()
    with pytest.raises(BadArchive, match="two entries named"):
        twice = with_member(packed(kit), b"")
        with pytest.warns(UserWarning), zipfile.ZipFile(twice, "a") as archive:
            archive.writestr(MEMBER, b"")
        other.store.importer.import_archive("ann", twice)


def test_no_more_collections_come_in_than_an_owner_may_have(kit, other):
    picture = kit.picture("a hare")
    for n in range(499):
        other.store.collections.add("ann", f"c {n}")
    told = "\n".join(json.dumps(good(name=f"new {n}", id=f"abcdefgh{n}", pictures=[picture.id])) for n in range(3))
    brought = other.store.importer.import_archive("ann", with_member(packed(kit), told))
    assert brought.collections == ("new 0",)
    assert [one.sentence for one in brought.wrong] == ["collections must be at most 500 (got 501)."] * 2


def test_a_saved_search_for_a_collection_that_is_gone_finds_nothing(kit):
    shelved(kit)
    best = next(one for one in kit.store.collections.of("ann") if one.name.startswith("Best"))
    kit.store.collections.delete("ann", best.id)
    assert {one.name: one.count for one in kit.store.collections.of("ann")}["In best"] == 0


names = st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters='"'), min_size=1, max_size=60)


@settings(deadline=None, max_examples=60, database=None)
@given(
    name=names,
    query=st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0:"), max_size=50),
    pictures=st.lists(st.from_regex(r"[0-9A-Za-z]{8,64}", fullmatch=True), unique=True, max_size=20),
)
def test_any_collection_goes_through_a_line_as_it_was(name, query, pictures):
    query = query if query and query.strip() else None
    told = collection_manifest.collection_entry(
        json.loads(json.dumps(good(name=name, query=query, pictures=[] if query else pictures)))
    )
    assert (
        collection_manifest.collection_entry(json.loads(json.dumps(collection_manifest.collection_line(told)))) == told
    )
    assert (told.name, told.query, told.pictures) == (name, query, () if query else tuple(pictures))
    assert replace(told, name="x") != told or name == "x"
