"""Pictures to take along: what PNG, JPEG and WebP tell, read back by ours, by Pillow, and by somebody else's reader."""

from __future__ import annotations

import io
import json
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sd_parsers import ParserManager

import storage
from storage.errors import BadValue
from storage.metadata import containers, exif, writer, xmp
from storage.metadata.policy import ALL, MetadataPolicy
from storage.metadata.readers import parse_metadata
from storage.records import NewJob, QueueLimits
from storage.repositories import mappers
from storage.transfer.image_export import export_bytes

PROPERTY = settings(deadline=None, max_examples=60, database=None)
NASTY = (
    "two\nlines\r\nand more",
    'with "quotes", commas: and colons',
    "Steps: 20, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 8x8",
    "a\nSteps: 20, Sampler: Euler, Seed: 3",
    'Hashes: {"a": 1}',
    "emoji 🐇🐇 兔子 é \u2028 \x85 \ufffe",
    "</zis:record>]]> <script>&amp;\\u0041",
    "x" * 10_000,
    "兔" * 10_000,
    '{"prompt": "json", "base_model": "x"}',
)
MARK = "Negative prompt:"
KINDS = ("png", "jpeg", "webp")
texts = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


def make(tmp_path, prompt, negative="", told=ALL, **changes):
    facts = {"prompt": prompt, "negative_prompt": negative, "seed": 2**53 - 1, "steps": 8, "recipe": {"prompt": prompt}}
    line = {
        "Steps": 8,
        "Sampler": writer.SAMPLER,
        "CFG scale": "0",
        "Seed": 2**53 - 1,
        "Size": "32x16",
        "Model": "pocket",
    }
    path = tmp_path / "one.png"
    image = Image.effect_noise((32, 16), 40).convert("RGB")
    image.save(
        path,
        "PNG",
        pnginfo=writer.png_info({**facts, **changes}, writer.write_infotext(prompt, negative, line), told),
    )
    return path


def others(data):
    """What the `sd-parsers` package reads: prompt, seed, steps, size."""
    told = ParserManager().parse(io.BytesIO(data))
    sampler = told.samplers[0]
    prompt = sampler.prompts[0].value if sampler.prompts else ""
    return prompt, sampler.parameters["seed"], sampler.parameters["steps"], told.metadata["Size"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("exporting")


@pytest.mark.parametrize("kind", KINDS)
@PROPERTY
@given(prompt=texts, negative=texts | st.just(""))
def test_others_and_ours_read_every_kind(folder, kind, prompt, negative):
    data = export_bytes(make(folder, prompt, negative), kind)
    carried = containers.embedded_metadata(data)
    assert carried.format == kind and carried.generated
    facts = writer.facts_in(carried.record)
    assert (facts["prompt"], facts["negative_prompt"], facts["seed"]) == (prompt, negative, 2**53 - 1)
    told = writer.parse_infotext(carried.parameters)
    assert (told["Prompt"], told["Negative prompt"], told["Seed"]) == (prompt, negative, str(2**53 - 1))
    if MARK not in prompt + negative:  # see test_no_infotext_gives_others_a_text_with_their_mark_in_it
        assert others(data) == (prompt.strip(), str(2**53 - 1), "8", "32x16")


@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_that_others_part_is_read_by_our_json(folder, kind):
    prompt = "a\nNegative prompt: not really\nb"
    carried = containers.embedded_metadata(export_bytes(make(folder, prompt, "blur"), kind))
    assert writer.facts_in(carried.record)["prompt"] == prompt
    assert writer.parse_infotext(carried.parameters)["Prompt"] == prompt


@pytest.mark.parametrize("negative", ["b Negative prompt: c", "b\nNegative prompt: c", "Negative prompt:"])
def test_no_infotext_gives_others_a_text_with_their_mark_in_it(folder, negative):
    """`sd-parsers` takes what stands before the settings and calls `split("Negative prompt:")`, anywhere and without a bound.

    A part of a split never holds what it was split at, so no infotext at all makes it give back such a prompt or negative prompt;
    and with two marks it fails as a whole. Writing another text there (a space or an invisible letter in the mark) would let it
    read the prompt, but then nobody reads the negative prompt right: A1111 and Forge, which heed the mark only at the beginning of
    a line, read the first of these right as it is. So the text stays as it was wished; ours parts it at the first mark, or by
    the prompt's length where that is told.
    """
    data = export_bytes(make(folder, "a", negative), "png")
    told = writer.parse_infotext(containers.embedded_metadata(data).parameters)
    assert (told["Prompt"], told["Negative prompt"]) == ("a", negative)
    with pytest.raises(ValueError, match="too many values to unpack"):
        others(data)


def test_adapters_are_told_by_ours_and_by_their_hashes(kit):
    adapters = [
        {"name": name, "weight": 0.8, "sha256": short * 32}
        for name, short in (("ink wash-v2", "ab"), ('a, "b": c', "cd"))
    ]
    kept = kit.picture("a hare, running", recipe={"format": 1, "adapters": adapters})
    data = kit.store.exported("ann", kept.id, "png")
    line = writer.parse_infotext(containers.embedded_metadata(data).parameters)
    assert line["Lora hashes"] == "ink wash-v2: ababababab" and line["Version"] == "Z-Image Studio"
    assert others(data) == ("a hare, running", str(kept.seed), str(kept.steps), f"{kept.width}x{kept.height}")
    assert parse_metadata(data, "x").loras == (("ink wash-v2", 0.8), ('a, "b": c', 0.8))
    assert parse_metadata(writer.without(data, {writer.OURS}), "x").loras == (("ink wash-v2", 1.0),)
    odd = kit.picture("a hare", recipe={"format": 1, "adapters": {"ink": 1}})
    assert parse_metadata(kit.store.exported("ann", odd.id, "png"), "x").loras == ()


def test_a_png_is_the_file_and_the_others_its_pixels(kit):
    kept = kit.picture("a hare")
    path = kit.store.pictures.path("ann", kept.id)
    assert kit.store.exported("ann", kept.id, "png") == path.read_bytes()
    for kind, name in (("jpeg", "JPEG"), ("webp", "WEBP")):
        data = kit.store.exported("ann", kept.id, kind)
        with Image.open(io.BytesIO(data)) as image:
            assert (image.format, image.size) == (name, (kept.width, kept.height))
            assert (
                max(abs(a - b) for a, b in zip(image.convert("RGB").getpixel((3, 3)), (128, 0, 128), strict=True)) < 6
            )
        assert writer.facts_in(containers.embedded_metadata(data).record)["id"] == kept.id
    with pytest.raises(BadValue, match=r"kind must be one of png, jpeg, webp \(got gif\)"):
        export_bytes(path, "gif")


def test_the_mark_is_xml_that_any_reader_understands(folder):
    for kind in KINDS:
        with Image.open(io.BytesIO(export_bytes(make(folder, "a & <b>"), kind))) as image:
            packet = image.info["xmp"]
        told = packet.decode() if isinstance(packet, bytes) else packet
        tree = ElementTree.fromstring(told.split("?>", 1)[1].rsplit("<?", 1)[0])
        found = tree.find(".//{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
        assert found.text == "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
        ours = tree.find(".//{urn:z-image-studio:1}record")
        assert ours is None if kind == "png" else json.loads(ours.text)["prompt"] == "a & <b>"


def test_a_long_record_goes_on_in_further_segments(folder):
    record = "兔🐇<&" * 40_000
    data = export_bytes(make(folder, "short", besides=record), "jpeg")
    assert data.count(b"http://ns.adobe.com/xmp/extension/\0") > 5
    assert writer.facts_in(containers.embedded_metadata(data).record)["besides"] == record
    assert others(data)[0] == "short"
    torn = data.replace(b"http://ns.adobe.com/xmp/extension/\0", b"http://ns.adobe.com/xmp/extensioN/\0", 1)
    assert containers.embedded_metadata(torn).record is None


def test_what_does_not_fit_into_a_jpegs_exif_is_in_its_json(folder):
    data = export_bytes(make(folder, "兔" * 20_000, "坏" * 20_000), "jpeg")
    assert containers.embedded_metadata(data).exif == {}
    assert writer.facts_in(containers.embedded_metadata(data).record)["negative_prompt"] == "坏" * 20_000
    assert others(export_bytes(make(folder, "兔" * 20_000, "坏" * 20_000), "webp"))[0] == "兔" * 20_000


@pytest.mark.parametrize("listed", ["infotext", "json", "xmp", "xmp,infotext", "none"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_can_be_left_out(folder, kind, listed):
    told = MetadataPolicy.of(listed)
    for data in (
        export_bytes(make(folder, "a hare"), kind, told),
        export_bytes(make(folder, "a hare", told=told), kind, told),
    ):
        carried = containers.embedded_metadata(data)
        assert (bool(carried.parameters), carried.record is not None, carried.generated) == (
            told.infotext,
            told.json,
            told.xmp,
        )
        with Image.open(io.BytesIO(data)) as image:
            image.load()


def test_what_no_model_made_is_not_marked(folder):
    path = make(folder, "a photo", told=MetadataPolicy.of("json"), environment={"software": None})
    assert [containers.embedded_metadata(export_bytes(path, kind)).generated for kind in KINDS] == [False, False, False]
    path = make(folder, "a hare", told=MetadataPolicy.of("json"), environment={"software": "comfyui"})
    assert [containers.embedded_metadata(export_bytes(path, kind)).generated for kind in KINDS] == [False, True, True]


def test_the_setting_names_what_there_is(tmp_path):
    assert MetadataPolicy.of(" JSON , infotext,xmp") == ALL and MetadataPolicy.of("none") == MetadataPolicy(
        infotext=False, json=False, xmp=False
    )
    for wrong in ("", "json,exif", "none,json"):
        with pytest.raises(ValueError, match="metadata must be none, or one or more of infotext, json, xmp"):
            MetadataPolicy.of(wrong)
    store = storage.open(tmp_path / "data", policy=MetadataPolicy.of("xmp"))
    job = store.jobs.add(NewJob(owner="ann", kind="generate", spec={}, count=1), QueueLimits(per_owner=9, total=9))
    facts = {"owner": "ann", "job_id": job.id, "index": 0, "prompt": "p", "original_prompt": "p", "negative_prompt": ""}
    facts |= {
        "seed": 1,
        "width": 8,
        "height": 8,
        "steps": 8,
        "guidance": 0.0,
        "shift": 3.0,
        "checkpoint": "c",
        "revision": "r",
    }
    new = mappers.NewPicture(**facts, recipe={}, environment={}, seconds=1.0)
    kept = store.pictures.add(new, Image.new("RGB", (8, 8)), finish=True)
    assert list(writer.read_texts(store.pictures.path("ann", kept.id))) == [xmp.KEYWORD]
    store.close()


@PROPERTY
@given(data=st.binary(max_size=200), cut=st.integers(0, 3000))
def test_no_bytes_do_harm(folder, data, cut):
    for kind in KINDS:
        whole = export_bytes(make(folder, "a hare"), kind)
        for torn in (whole[:cut], whole[:cut] + data, whole[:20] + data + whole[20 + len(data) :]):
            try:
                containers.embedded_metadata(torn)
            except ValueError as error:
                assert str(error) == "This file is neither PNG, JPEG nor WebP."
    for head in (b"MM\0*", b"II*\0"):
        assert isinstance(exif.read(head + data), dict)


def test_comments_in_every_encoding_are_read():
    for told in (b"UNICODE\0" + "兔 a".encode("utf-16-be"), b"UNICODE\0" + "兔 a".encode("utf-16-le")):
        assert exif.text(told) == "兔 a"
    assert exif.text(b"ASCII\0\0\0abc\0") == "abc" and exif.text("兔".encode()) == "兔" and exif.text(b"\xe9") == "é"
    assert exif.text(b"UNICODE\0\xff\xfe" + "兔".encode("utf-16-le")) == "兔"
