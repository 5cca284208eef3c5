"""What a PNG tells about itself: ours exactly, whatever the texts hold; and no file can hurt who reads it."""

from __future__ import annotations

import io
import json
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from storage.metadata import writer, xmp

PROPERTY = settings(deadline=None, max_examples=150, database=None)
NASTY = (
    "plain",
    "two\nlines\r\nand more",
    'with "quotes", commas: and colons',
    "Steps: 20, Sampler: Euler, Seed: 1",
    "a\nSteps: 20, Sampler: Euler",
    "a\nNegative prompt: not really\nb",
    "Negative prompt: at the start",
    "a\nNegative prompt: ",
    "a\n",
    "\n",
    " spaces around ",
    "emoji 🐇🐇 兔子 é \u2028 \x85",
    "${x} {{y}} <script>alert(1)</script> \\n \\",
    "x" * 10_000,
    "兔" * 10_000,
    '{"format": 1}',
)
text = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
lines = st.lists(st.sampled_from(["Negative prompt: ", "Steps: 8", "a", "", "Negative prompt:", " "]), max_size=5).map(
    "\n".join
)
either = text | lines


def png(facts, infotext="", size=(4, 4)):
    file = io.BytesIO()
    Image.new("RGB", size).save(file, "PNG", pnginfo=writer.png_info(facts, infotext))
    return file.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunk(kind, body):
    whole = png({})
    return whole[:33] + chunk(kind, body) + whole[33:]  # behind the signature and IHDR


def test_a_kept_picture_tells_everything_but_its_owner(kit):
    enhancement = kit.enhancement()
    kept = kit.picture(
        'a "quoted", 兔\nNegative prompt: x',
        owner="ann",
        enhancement_id=enhancement.id,
        negative_prompt="bad: hands",
    )
    path = kit.store.pictures.path("ann", kept.id)
    facts = writer.read(path)
    for name in (
        "id",
        "prompt",
        "original_prompt",
        "negative_prompt",
        "seed",
        "steps",
        "guidance",
        "shift",
        "pixel_sha256",
    ):
        assert facts[name] == getattr(kept, name), name
    assert (facts["recipe"], facts["environment"]) == (kept.recipe, kept.environment)
    thought = facts["enhancement"]
    assert (thought["original"], thought["prompt"], thought["seed"]) == ("two rabbits", enhancement.prompt, 7)
    assert [step["name"] for step in thought["steps"]] == ["keep", "solve", "compose", "text"]
    assert "owner" not in json.dumps(facts) and b"ann" not in path.read_bytes().split(b"IDAT")[0]
    told = writer.parse_infotext(writer.read_texts(path)["parameters"])
    assert told == {
        "Prompt": kept.prompt,
        "Negative prompt": "bad: hands",
        "Steps": "8",
        "Sampler": "Euler flow match",
        "CFG scale": "0",
        "Shift": "3",
        "Seed": str(2**53 - 1),
        "Size": "32x16",
        "Model": "pocket",
        "Model hash": "r1",
        "Version": "Z-Image Studio",
    }


def test_other_readers_see_the_same(kit):
    kept = kit.picture("two rabbits", negative_prompt="blur")
    with Image.open(kit.store.pictures.path("ann", kept.id)) as image:
        assert image.info["parameters"].startswith("two rabbits\nNegative prompt: blur\nSteps: 8, Sampler: Euler")
        assert json.loads(image.info["z-image-studio"])["id"] == kept.id


@PROPERTY
@given(prompt=either, negative=either, model=either)
def test_both_chunks_come_back_as_they_were(prompt, negative, model):
    facts = {"prompt": prompt, "negative": negative, "model": [model, {"x": None}]}
    infotext = writer.write_infotext(prompt, negative, {"Steps": 8, "Model": model, "Size": "4x4"})
    data = png(facts, infotext)
    assert writer.read(data) == {"format": 1, **facts}
    assert writer.read_texts(data)["parameters"] == infotext
    told = writer.parse_infotext(infotext)
    assert (told["Prompt"], told["Negative prompt"]) == (prompt, negative)
    assert (told["Model"], told["Steps"], told["Size"]) == (model, "8", "4x4")


def test_a_plain_infotext_is_what_everybody_writes():
    assert writer.write_infotext("a cat", "blur", {"Steps": 8, "Model": "a, b", "Seed": 1}) == (
        'a cat\nNegative prompt: blur\nSteps: 8, Model: "a, b", Seed: 1'
    )
    theirs = "a cat,\n(dog:1.2)\nNegative prompt: blur,\nhands\n"
    theirs += "Steps: 20, Sampler: DPM++ 2M, CFG scale: 7, Size: 512x768"
    told = writer.parse_infotext(theirs)
    assert told["Prompt"] == "a cat,\n(dog:1.2)" and told["Negative prompt"] == "blur,\nhands"
    assert (told["Sampler"], told["CFG scale"], told["Size"]) == ("DPM++ 2M", "7", "512x768")
    assert writer.parse_infotext("only\nwords") == {"Prompt": "only\nwords", "Negative prompt": ""}


@PROPERTY
@given(data=st.binary(max_size=300) | st.binary(max_size=100).map(lambda end: png({"a": 1}, "x")[:60] + end))
def test_no_bytes_do_harm(data):
    try:
        assert isinstance(writer.read(data), dict)
    except ValueError as error:
        assert str(error) == "This file is no PNG."


@PROPERTY
@given(infotext=either | st.text().map(lambda rest: f"a\nSteps: {rest}"))
def test_any_infotext_can_be_parsed(infotext):
    assert set(writer.parse_infotext(infotext)) >= {"Prompt", "Negative prompt"}


@pytest.mark.parametrize(
    "value",
    [
        "",
        "null",
        "[1]",
        '"text"',
        "{",
        "{'format': 1}",
        '{"format": 2}',
        "__import__('os').getcwd()",
        "[" * 100_000,
    ],
)
def test_what_is_not_our_json_is_nothing(value):
    keyword = writer.OURS.encode()
    assert writer.read(with_chunk(b"tEXt", keyword + b"\0" + value.encode())) == {}


def test_chunks_beyond_the_cap_are_passed_over():
    keyword = writer.OURS.encode()
    bomb = zlib.compress(b" " * 50_000_000)
    for data in (
        with_chunk(b"zTXt", keyword + b"\0\0" + bomb),
        with_chunk(b"iTXt", keyword + b"\0\1\0\0\0" + bomb),
        with_chunk(b"tEXt", keyword + b"\0" + b" " * (writer.TEXT_MAX + 1)),
        with_chunk(b"iTXt", keyword + b"\0\1\0"),
        with_chunk(b"iTXt", keyword + b"\0\0\0\0\0\xff\xfe"),
    ):
        assert writer.read(data) == {"format": 1}  # the whole one that follows


def test_a_compressed_chunk_within_the_cap_is_read():
    facts = {"format": 1, "prompt": "兔子"}
    body = writer.OURS.encode() + b"\0\1\0\0\0" + zlib.compress(json.dumps(facts).encode())
    assert writer.read(with_chunk(b"iTXt", body)) == facts


def test_reading_decodes_no_pixel(tmp_path):
    path = tmp_path / "torn.png"
    whole = png({"a": 1}, size=(64, 64))
    head, pixels = whole.split(b"IDAT", 1)
    path.write_bytes(head + b"IDAT" + b"?" * len(pixels))
    with pytest.raises(Exception, match=r"truncated|broken|decod|invalid|IDAT"), Image.open(path) as image:
        image.load()
    assert writer.read(path)["a"] == 1


def test_a_bare_copy_has_the_pixels_and_the_mark_of_its_making_and_nothing_else():
    told = png({"secret": "machine"}, "a cat\nSteps: 8", size=(9, 7))
    copy = writer.bare(told)
    assert len(writer.read_texts(told)) == 3
    assert writer.read_texts(copy) == {xmp.KEYWORD: xmp.packet(generated=True)}
    assert writer.read_texts(writer.bare(writer.without(told, {xmp.KEYWORD}))) == {}
    assert b"machine" in told and b"machine" not in copy and b"a cat" not in copy
    assert Image.open(io.BytesIO(copy)).tobytes() == Image.open(io.BytesIO(told)).tobytes()
    with pytest.raises(ValueError, match="no PNG"):
        writer.bare(b"GIF89a")
