"""Taken along and brought in elsewhere: equal records and bytes; and no zip of anybody's does harm."""

from __future__ import annotations

import csv
import io
import json
import struct
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from storage.errors import BadArchive, NotAPicture, NotFound
from storage.metadata import writer
from storage.records import Picture
from storage.search.pages import PageRequest
from storage.transfer import exporter as archives
from storage.transfer import manifest, zip_reader
from tests.storage.conftest import packed

NASTY = '=HYPERLINK("x")\nSteps: 1, "quoted", 兔子 🐇\nNegative prompt: no'


def some(kit):
    """Five pictures: two of one job, one that came of another, one in the trash, one with everything."""
    thought = kit.enhancement()
    job = kit.job(count=2, enhancement_id=thought.id, mark="line 7")
    pair = [
        kit.store.pictures.add(kit.new(job, n, enhancement_id=thought.id), kit.image("red"), finish=n == 1)
        for n in (0, 1)
    ]
    child = kit.picture(NASTY, parent_id=pair[0].id, negative_prompt="blur", seed=5)
    gone = kit.picture("gone")
    kit.store.pictures.delete("ann", gone.id)
    rich = kit.picture("rich", recipe={"format": 1, "deep": {"x": [1, None, 0.5]}})
    kit.store.pictures.edit("ann", rich.id, favourite=True, rating=4, tags=["Big Hare", "兔"])
    return [kit.store.pictures.get("ann", one.id) for one in (*pair, child, gone, rich)]


def test_all_of_it_is_the_same_on_another_machine(kit, other):
    made = some(kit)
    seen = []
    brought = other.store.importer.import_archive(
        "ann", packed(kit, ids=[one.id for one in made]), progress=lambda *at: seen.append(at)
    )
    assert (len(brought.brought), brought.here, brought.wrong, brought.notes, brought.renamed) == (5, 0, (), (), {})
    assert seen[-1] == (5, 5)
    for one in made:
        assert other.store.pictures.get("ann", one.id) == one
        assert (
            other.store.pictures.path("ann", one.id).read_bytes() == kit.store.pictures.path("ann", one.id).read_bytes()
        )
        with Image.open(other.store.pictures.thumb("ann", one.id)) as thumb:
            assert thumb.size == (32, 16)
    for id in {one.job_id for one in made}:
        was, now = kit.store.jobs.get("ann", id), other.store.jobs.get("ann", id)
        assert replace(was, status="done") == replace(now, status="done", finished_at=was.finished_at)
        assert now.status == "done"
    assert other.store.jobs.marked("ann", "line 7").id == made[0].job_id
    found = other.store.pictures.page(PageRequest(owner="ann", query="hare"))
    assert [one.id for one in found.items] == [made[-1].id]
    assert [one.id for one in other.store.pictures.page(PageRequest(owner="ann", tag="兔")).items] == [made[-1].id]
    assert list((other.store.folder / "incoming").iterdir()) == []


def test_twice_brings_nothing_twice_and_a_broken_import_goes_on(kit, other):
    made = some(kit)
    whole = packed(kit, ids=[one.id for one in made])
    part = packed(kit, ids=[made[0].id])
    assert other.store.importer.import_archive("ann", part).brought == (made[0].id,)
    preview = other.store.importer.preview("ann", whole)
    assert (preview.count, preview.here, preview.same_pixels, preview.wrong) == (5, 1, 1, ())
    brought = other.store.importer.import_archive("ann", whole)
    assert (len(brought.brought), brought.here) == (4, 1)
    again = other.store.importer.import_archive("ann", whole)
    assert (again.brought, again.here) == ((), 5)
    assert [other.store.pictures.get("ann", one.id) for one in made] == made
    home = kit.store.importer.import_archive("ann", whole)
    assert (home.brought, home.here) == ((), 5)


def test_an_interrupted_import_leaves_whole_batches(kit, other):
    made = some(kit)

    class Unplugged(Exception):
        pass

    def unplug(done, total):
        raise Unplugged

    with pytest.raises(Unplugged):
        other.store.importer.import_archive("ann", packed(kit), progress=unplug)
    assert other.store.importer.import_archive("ann", packed(kit)).here == 4
    assert list((other.store.folder / "incoming").iterdir()) == []
    assert made


def test_an_import_that_is_killed_is_repeated(kit, other, tmp_path):
    job = kit.job(count=60)
    made = [kit.store.pictures.add(kit.new(job, n), kit.image(), finish=n == 59) for n in range(60)]
    path = tmp_path / "all.zip"
    path.write_bytes(packed(kit).getvalue())
    other.store.close()
    script = (
        "import os, sys, pathlib, storage; s = storage.open(pathlib.Path(sys.argv[1]));"
        "s.importer.import_archive('ann', pathlib.Path(sys.argv[2]), progress=lambda done, total: os._exit(9))"
    )
    died = subprocess.run([sys.executable, "-c", script, str(other.store.folder), str(path)], timeout=60)
    assert died.returncode == 9
    other.reopen()
    other.store.jobs.recover()
    there = other.store.pictures.page(PageRequest(owner="ann")).total
    assert 0 < there < 60
    brought = other.store.importer.import_archive("ann", path)
    assert (brought.here, len(brought.brought), brought.wrong) == (there, 60 - there, ())
    assert [other.store.pictures.get("ann", one.id) for one in made] == made


def test_two_imports_at_once_bring_everything_once(kit, other):
    made = some(kit)
    whole = packed(kit).getvalue()
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: other.store.importer.import_archive("ann", io.BytesIO(whole)), range(4)))
    assert sum(len(report.brought) for report in reports) == 4 and not any(report.wrong for report in reports)
    for one in (one for one in made if one.deleted_at is None):
        assert other.store.pictures.get("ann", one.id) == one
        assert other.store.pictures.path("ann", one.id).is_file()


def test_another_owner_gets_ids_of_their_own_on_one_machine(kit):
    made = some(kit)
    whole = packed(kit, ids=[one.id for one in made])
    brought = kit.store.importer.import_archive("bob", whole)
    assert (len(brought.brought), brought.wrong, brought.notes) == (5, (), ())
    assert set(brought.renamed) == {one.id for one in made} and not set(brought.brought) & set(brought.renamed)
    for one in made:
        mine = kit.store.pictures.get("bob", brought.renamed[one.id])
        renamed = {"id": mine.id, "owner": "bob", "job_id": mine.job_id, "enhancement_id": mine.enhancement_id}
        renamed["enhancement"] = mine.enhancement
        parent = brought.renamed.get(one.parent_id) if one.parent_id else None
        assert mine == replace(one, **renamed, parent_id=parent)
        assert mine.job_id != one.job_id
        if one.enhancement:
            assert mine.enhancement == replace(one.enhancement, id=mine.enhancement_id, owner="bob")
        assert kit.store.pictures.get("ann", one.id) == one
    assert kit.store.importer.import_archive("bob", whole).here == 5
    assert kit.store.importer.preview("bob", whole).here == 5


def test_a_parent_that_is_not_there_is_told(kit, other):
    made = some(kit)
    brought = other.store.importer.import_archive("ann", packed(kit, ids=[made[2].id]))
    assert brought.notes == (f"The parent {made[0].id} of picture {made[2].id} is not here, so the link is not kept.",)
    assert other.store.pictures.get("ann", made[2].id) == replace(made[2], parent_id=None)


def test_an_export_asks_for_its_owner_and_leaves_the_trash(kit):
    made = some(kit)
    with pytest.raises(NotFound):
        kit.store.exporter.export("bob", [made[0].id])
    with pytest.raises(NotFound):
        kit.store.exporter.export("ann", [made[0].id, "nobodyknowsthisone"])
    with zipfile.ZipFile(packed(kit)) as taken:
        assert len(taken.namelist()) == 4 + 2 and taken.testzip() is None
        assert all(one.compress_type == zipfile.ZIP_STORED for one in taken.infolist() if one.filename.endswith(".png"))
        lines = [json.loads(line) for line in taken.read("manifest.jsonl").splitlines()]
        assert {line["format"] for line in lines} == {1}
        told = {field.name for field in fields(Picture)} - {"owner", "enhancement", "missing_at"}
        assert all(set(line["picture"]) == told for line in lines)
        assert b'"owner"' not in taken.read("manifest.jsonl")
        table = list(csv.DictReader(io.StringIO(taken.read("manifest.csv").decode("utf-8-sig"))))
    assert [row["file"] for row in table] == [line["file"] for line in lines]
    assert table[2]["prompt"] == "'" + NASTY and table[3]["tags"] == "Big Hare, 兔"
    with zipfile.ZipFile(packed(kit, "bob")) as taken:
        assert taken.namelist() == ["manifest.jsonl", "manifest.csv"]
        assert taken.read("manifest.csv").decode("utf-8-sig").startswith("file,created_at")


def test_a_picture_whose_file_is_gone_is_named(kit):
    made = some(kit)
    kit.store.pictures.path("ann", made[0].id).unlink()
    with zipfile.ZipFile(packed(kit)) as taken:
        assert made[0].id in taken.read("missing.txt").decode() and len(taken.namelist()) == 3 + 3


def test_an_export_holds_one_picture_at_a_time(kit):
    job = kit.job(count=3)
    noise = Image.effect_noise((512, 512), 90).convert("RGB")
    for n in range(3):
        kit.store.pictures.add(kit.new(job, n, width=512, height=512), noise, finish=n == 2)
    size = kit.store.pictures.path("ann", kit.store.jobs.get("ann", job.id).pictures[0]).stat().st_size
    assert max(map(len, kit.store.exporter.export("ann"))) < size + 10_000


nasty = st.sampled_from(
    (NASTY, "Steps: 8, Seed: 1", "x" * 10_000, "兔" * 10_000, "a\r\nb", "\u2028\x85", "@cmd", "\t=1")
) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@settings(deadline=None, max_examples=80, database=None)
@given(prompt=nasty, negative=nasty, original=nasty)
def test_any_text_goes_through_a_manifest_as_it_was(shared_kit, prompt, negative, original):
    made = shared_kit.picture(prompt, negative_prompt=negative, original_prompt=original, recipe={"prompt": prompt})
    with zipfile.ZipFile(packed(shared_kit, ids=[made.id])) as taken:
        line = json.loads(taken.read("manifest.jsonl"))
        cells = list(csv.reader(io.StringIO(taken.read("manifest.csv").decode("utf-8-sig"), newline="")))
    assert manifest.entry(line, "ann").picture == made
    told = dict(zip(*cells, strict=True))
    assert told["prompt"].removeprefix("'") == prompt.removeprefix("'")
    assert not told["prompt"].startswith(("=", "+", "-", "@", "\t", "\r"))


# What is no archive of ours


def changed(whole, change=lambda line: line, files=lambda name, data: (name, data), extra=()):
    """The archive again, with each line and file changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(whole) as was, zipfile.ZipFile(out, "w") as now:
        for name in was.namelist():
            data = was.read(name)
            if name == "manifest.jsonl":
                told = [change(json.loads(line)) for line in data.splitlines()]
                data = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in told)
            name, data = files(name, data)
            if data is not None:
                now.writestr(name, data)
        for name, data in extra:
            now.writestr(name, data)
    out.seek(0)
    return out


def put(part, name, value):
    def change(line):
        (line if part is None else line[part])[name] = value
        return line

    return change


@pytest.mark.parametrize(
    ("part", "name", "value", "sentence"),
    [
        (None, "format", 2, "format must be 1"),
        (None, "picture", [], "picture must be a JSON object"),
        ("picture", "id", "../../etc/passwd", "id must be an id"),
        ("picture", "prompt", 7, "prompt must be a text"),
        ("picture", "prompt", "\ud800", "prompt must be a text"),
        ("picture", "prompt", "x" * 300_000, "prompt must be a text"),
        ("picture", "seed", -1, "seed must be a whole number"),
        ("picture", "seed", 2**64, "seed must be a whole number"),
        ("picture", "seed", True, "seed must be a whole number"),
        ("picture", "width", 31, "pixel_sha256 must be the hash of the picture's pixels"),
        ("picture", "width", 10**9, "width must be a whole number"),
        ("picture", "guidance", float("nan"), "The line must be JSON"),
        ("picture", "created_at", "2999-01-01T00:00:00+00:00", "created_at must be a time"),
        ("picture", "created_at", "2025-01-01T00:00:00", "created_at must be a time"),
        ("picture", "guidance", -1, "guidance must be a number"),
        ("picture", "rating", 6, "rating must be a whole number"),
        ("picture", "tags", ["a", "A"], "tags must be"),
        ("picture", "tags", ["x"] * 40, "tags must be"),
        ("picture", "recipe", {"x": float("inf")}, "The line must be JSON"),
        ("picture", "environment", {"x": [[]] * 60_000}, "environment must have at most"),
        ("picture", "pixel_sha256", "0" * 64, "pixel_sha256 must be the hash of the picture's pixels"),
        ("picture", "pixel_sha256", "xyz", "pixel_sha256 must be a SHA-256"),
        ("picture", "enhancement_id", "a" * 24, "enhancement_id must be the id of the enhancement in the same entry"),
        ("picture", "job_id", "a" * 24, "job_id must be the id of the job in the same entry"),
        ("picture", "index", 9, "index must be below the job's count"),
        ("job", "kind", "evil", "kind must be one of generate, enhance, rerun, import"),
        ("job", "count", 10**9, "count must be a whole number"),
        ("job", "spec", "x", "spec must be a JSON object"),
        (None, "enhancement", {"id": "a" * 24}, "must be"),
    ],
)  # fmt: skip
def test_a_line_that_breaks_a_rule_is_named_and_left_out(kit, other, part, name, value, sentence):
    kit.picture("a hare")
    zipped = changed(packed(kit), put(part, name, value))
    brought = other.store.importer.import_archive("ann", zipped)
    assert brought.brought == () and len(brought.wrong) == 1 and brought.wrong[0].line == 1
    assert sentence in brought.wrong[0].sentence
    assert other.store.pictures.page(PageRequest(owner="ann")).total == 0
    assert [path for path in other.store.folder.rglob("*") if path.suffix in (".png", ".webp")] == []


def test_lines_that_are_no_json_leave_the_others(kit, other):
    made = some(kit)
    lines = iter([b"{", b"[" * 100_000, b"\xff\xfe", b"null"])
    zipped = changed(packed(kit), lambda line: next(lines) if line["picture"]["id"] != made[-1].id else line)
    brought = other.store.importer.import_archive("ann", zipped)
    assert brought.brought == (made[-1].id,) and [wrong.line for wrong in brought.wrong] == [1, 2, 3]
    assert [wrong.line for wrong in other.store.importer.preview("ann", zipped).wrong] == [1, 2, 3]


def test_circles_of_parents_and_doubled_lines_come_to_an_end(kit, other):
    made = some(kit)[:2]
    others = {made[0].id: made[1].id, made[1].id: made[0].id}
    zipped = changed(
        packed(kit, ids=list(others)), lambda line: put("picture", "parent_id", others[line["picture"]["id"]])(line)
    )
    brought = other.store.importer.import_archive("ann", zipped)
    assert len(brought.brought) == 2 and len(brought.notes) == 1
    doubled = changed(packed(kit), lambda line: json.dumps(line).encode() + b"\n" + json.dumps(line).encode())
    assert "one line only" in kit.store.importer.import_archive("ann", doubled).wrong[0].sentence


def test_a_manifest_cannot_reach_what_runs_here_nor_another_picture(kit, other):
    made = kit.picture("a hare")
    running = other.job()
    zipped = changed(packed(kit), lambda line: put("job", "id", running.id)(put("picture", "job_id", running.id)(line)))
    assert "unfinished" in other.store.importer.import_archive("ann", zipped).wrong[0].sentence
    there = other.store.pictures.add(other.new(other.job(), prompt="another"), other.image("red"), finish=True)
    other.store.pictures.edit("ann", there.id, rating=3)
    stolen = changed(
        packed(kit), put("picture", "id", there.id), lambda name, data: (name.replace(made.id, there.id), data)
    )
    kept = other.store.pictures.path("ann", there.id).read_bytes()
    brought = other.store.importer.import_archive("ann", stolen)
    assert brought.brought == () and "another, existing one" in brought.wrong[0].sentence
    assert other.store.pictures.path("ann", there.id).read_bytes() == kept
    assert other.store.pictures.get("ann", there.id).rating == 3


def test_files_that_are_missing_damaged_or_no_pictures_are_named(kit, other):
    kit.picture("a hare")
    for files in (
        lambda name, data: (name, data[:-40] if name.endswith(".png") else data),
        lambda name, data: (name, b"GIF89a" if name.endswith(".png") else data),
        lambda name, data: (name, None if name.endswith(".png") else data),
        lambda name, data: (name, jpeg() if name.endswith(".png") else data),
    ):
        brought = other.store.importer.import_archive("ann", changed(packed(kit), files=files))
        assert brought.brought == () and len(brought.wrong) == 1


def jpeg(size=(32, 16), **options):
    file = io.BytesIO()
    Image.new("RGB", size, "purple").save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ([("../evil.png", b"x")], r"leads outside: \.\./evil.png"),
        ([("/etc/passwd", b"x")], "leads outside"),
        ([("a\\..\\b", b"x")], "leads outside"),
        ([("C:/x", b"x")], "leads outside"),
        ([("manifest.jsonl", b"")], "two entries named manifest.jsonl"),
    ],
)
def test_names_that_lead_out_or_are_doubled_are_refused(kit, other, extra, sentence):
    kit.picture("a hare")
    for act in (other.store.importer.preview, other.store.importer.import_archive):
        with pytest.raises(BadArchive, match=sentence):
            act("ann", changed(packed(kit), extra=extra))
    assert other.store.pictures.page(PageRequest(owner="ann")).total == 0


def test_bombs_are_refused_unopened(kit, other):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as made:
        for n in range(3):
            made.writestr(f"pictures/{n}.png", b"\0" * 50_000_000)
        made.writestr("manifest.jsonl", b"{}")
    with pytest.raises(BadArchive, match="would unpack to 150,000,002"):
        other.store.importer.import_archive("ann", bomb)
    long = io.BytesIO()
    with zipfile.ZipFile(long, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("manifest.jsonl", b"x" * (zip_reader.LINE_MAX + 5))
    with pytest.raises(BadArchive, match=r"Line 1 of the archive's .* has more than"):
        other.store.importer.import_archive("ann", long)
    packed_oddly = io.BytesIO()
    with zipfile.ZipFile(packed_oddly, "w", zipfile.ZIP_LZMA) as made:
        made.writestr("manifest.jsonl", b"")
    with pytest.raises(BadArchive, match="unsupported compression"):
        other.store.importer.import_archive("ann", packed_oddly)
    huge = bytearray(packed(kit).getvalue())
    at = huge.rfind(b"PK\5\6")
    struct.pack_into("<I", huge, at + 12, 2**31)
    with pytest.raises(BadArchive, match="directory has 2,147,483,648 bytes"):
        other.store.importer.import_archive("ann", io.BytesIO(bytes(huge)))


def test_what_is_no_archive_is_refused(kit, other, tmp_path):
    for data in (b"", b"PK", b"not a zip at all" * 100, jpeg(), packed(kit).getvalue()[:-30]):
        with pytest.raises(BadArchive, match="not a readable zip archive"):
            other.store.importer.import_archive("ann", io.BytesIO(data))
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as made:
        made.writestr("holiday.png", b"x")
    path = tmp_path / "x.zip"
    path.write_bytes(plain.getvalue())
    with pytest.raises(BadArchive, match="has no manifest"):
        other.store.importer.preview("ann", path)


def test_torn_archives_are_refused_or_read(kit, other):
    some(kit)
    whole = packed(kit).getvalue()
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        torn = whole[:at] + bytes(b ^ 0x55 for b in whole[at : at + 7]) + whole[at + 7 :]
        try:
            other.store.importer.preview("ann", io.BytesIO(torn))
            brought = other.store.importer.import_archive("ann", io.BytesIO(torn))
        except BadArchive as error:
            assert str(error)
        else:
            assert len(brought.brought) + brought.here + len(brought.wrong) >= 0
    for one in other.store.pictures.page(PageRequest(owner="ann")).items:
        mine = other.store.pictures.path("ann", one.id).read_bytes()
        assert mine == kit.store.pictures.path("ann", one.id).read_bytes()


# Single files


def test_an_own_file_restores_its_record(kit, other):
    thought = kit.enhancement()
    made = kit.picture(NASTY, negative_prompt="blur", enhancement_id=thought.id)
    data = kit.store.pictures.path("ann", made.id).read_bytes()
    picture, told, _ = other.store.importer.import_file("ann", data, "x.png")
    assert picture == made and told.maker == "studio" and told.notes == ()
    assert other.store.pictures.path("ann", made.id).read_bytes() == data
    assert other.store.jobs.get("ann", made.job_id).kind == "import"
    assert other.store.importer.import_file("ann", data, "x.png")[0] == made
    bobs, _, _ = other.store.importer.import_file("bob", data, "x.png")
    assert bobs.id != made.id and bobs.pixel_sha256 == made.pixel_sha256
    assert (
        other.store.pictures.page(PageRequest(owner="ann")).total
        == other.store.pictures.page(PageRequest(owner="bob")).total
        == 1
    )


def test_an_own_file_that_was_changed_is_a_picture_of_its_own(kit, other):
    made = kit.picture("a hare")
    with Image.open(kit.store.pictures.path("ann", made.id)) as image:
        info = PngInfo()
        info.add_itxt(writer.OURS, image.info[writer.OURS])
        file = io.BytesIO()
        image.transpose(Image.Transpose.ROTATE_90).save(file, "PNG", pnginfo=info)
    picture, told, _ = other.store.importer.import_file("ann", file.getvalue(), "x.png")
    assert picture.id != made.id and (picture.width, picture.height) == (16, 32)
    assert picture.prompt == "a hare" and "pixels" in told.notes[-1]
    jpg = kit.store.exported("ann", made.id, "jpeg")
    picture, told, _ = other.store.importer.import_file("ann", jpg, "x.jpg")
    assert (picture.prompt, picture.seed, picture.environment["software"]) == ("a hare", made.seed, "studio")


def test_a_foreign_file_becomes_a_picture_that_tells_what_was_understood(other):
    info = PngInfo()
    info.add_text(
        "parameters",
        "a fox\nNegative prompt: blur\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 9, Size: 16x16, Model: dream",
    )
    info.add_text("workflow", '{"nodes": []}')
    file = io.BytesIO()
    Image.new("RGBA", (32, 24), (10, 20, 30, 255)).save(file, "PNG", pnginfo=info)
    picture, told, _ = other.store.importer.import_file("ann", file.getvalue(), "fox.png")
    assert (picture.prompt, picture.negative_prompt, picture.seed, picture.steps) == ("a fox", "blur", 9, 20)
    assert (picture.width, picture.height, picture.checkpoint) == (32, 24, "dream")
    assert picture.recipe == {"prompt": "a fox", "negative_prompt": "blur", "seed": 9, "width": 16, "height": 16, "steps": 20,
                              "guidance": 7.0, "checkpoint": "dream", "sampler": "Euler"}  # fmt: skip
    assert picture.environment == {"software": "a1111", "file": "fox.png"} and told.maker == "a1111"
    job = other.store.jobs.get("ann", picture.job_id)
    assert (job.kind, job.status, job.count, job.pictures) == ("import", "done", 1, (picture.id,))
    texts = writer.read_texts(other.store.pictures.path("ann", picture.id))
    assert texts["parameters"].startswith("a fox\n") and texts["workflow"] == '{"nodes": []}'
    assert writer.facts_in(texts[writer.OURS])["prompt"] == "a fox"
    assert other.store.importer.import_file("ann", file.getvalue(), "again.png")[0] == picture
    assert [one.id for one in other.store.pictures.page(PageRequest(owner="ann", query="fox")).items] == [picture.id]
    assert other.store.importer.import_file("bob", file.getvalue(), "fox.png")[0].id != picture.id


def test_a_photo_is_kept_unmarked_and_upright(other):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture, told, _ = other.store.importer.import_file("ann", jpeg(exif=exif.tobytes()), "photo.jpg")
    assert (picture.width, picture.height, picture.prompt, told.maker) == (16, 32, "", None)
    path = other.store.pictures.path("ann", picture.id)
    assert set(writer.read_texts(path)) == {writer.OURS}
    assert b"DigitalSourceType" not in other.store.exported("ann", picture.id, "jpeg")


def test_a_foreign_picture_goes_along_too(other, kit):
    picture, _, _ = other.store.importer.import_file("ann", jpeg(), "photo.jpg")
    assert kit.store.importer.import_archive("ann", packed(other)).brought == (picture.id,)
    assert kit.store.pictures.get("ann", picture.id) == picture


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", jpeg()[:300], b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0\0\0\x10" * 2 + b"\x08\2\0\0\0"]
)
def test_a_single_file_that_is_no_picture_is_refused(other, data):
    with pytest.raises(NotAPicture):
        other.store.importer.import_file("ann", data, "x.png")
    assert other.store.pictures.page(PageRequest(owner="ann")).total == 0


@pytest.mark.slow
def test_a_thousand_pictures_are_the_same_after_the_way_through_a_zip(kit, other, tmp_path):
    job = kit.job(count=1000)
    made = []
    for n in range(1000):
        colour = Image.new("RGB", (32, 16), (n % 256, n // 256, 7))
        made.append(kit.store.pictures.add(kit.new(job, n, prompt=f"hare {n} {NASTY}"), colour, finish=n == 999))
    path = tmp_path / "all.zip"
    with path.open("wb") as file:
        for block in kit.store.exporter.export("ann"):
            file.write(block)
    brought = other.store.importer.import_archive("ann", path)
    assert (len(brought.brought), brought.wrong) == (1000, ())
    for one in made:
        assert other.store.pictures.get("ann", one.id) == one
        assert (
            other.store.pictures.path("ann", one.id).read_bytes() == kit.store.pictures.path("ann", one.id).read_bytes()
        )
    assert [one.id for one in other.store.pictures.page(PageRequest(owner="ann", limit=50)).items] == [
        one.id for one in made[:-51:-1]
    ]
    assert archives.MANIFEST in zipfile.ZipFile(path).namelist()
