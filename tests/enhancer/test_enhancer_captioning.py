"""A prompt from a picture: what reaches the server, what its answer comes to, its faults, and files made to do harm."""

from __future__ import annotations

import base64
import io
import struct
import threading
import zlib
from typing import Any

import pytest
from PIL import Image

from enhancer.base import Sampling
from enhancer.captioning import ASK, BYTES_MAX, LONGEST, SIDE, describe_image, prepare_image
from enhancer.errors import EnhancerError, ModelRefused, ModelUnreachable, NoPicture, NoPrompt, Stopped, TimedOut
from enhancer.models.remote import RemoteChat
from enhancer.templates import LANGUAGES, Language
from tests.enhancer.conftest import told_plainly

KEY = "sk-very-secret-4711"
RED, BLUE = (255, 0, 0), (0, 0, 255)


def halves(width: int = 60, height: int = 30) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def file(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    assert image.format == "JPEG"
    assert image.mode == "RGB"
    image.load()
    return image


def near(image: Image.Image, where: tuple[int, int], colour: tuple[int, int, int]) -> bool:
    got = image.getpixel(where)
    assert isinstance(got, tuple)
    return all(abs(one - other) < 40 for one, other in zip(got, colour, strict=True))


def tell(url: str, language: Language = "en", picture: bytes | None = None, **options: Any) -> list[str]:
    chat = RemoteChat(url, "sees", key=KEY, timeout_s=options.pop("timeout_s", 20.0))
    return list(describe_image(chat, picture or prepare_image(file(halves())), language, 7, lambda: False, **options))


def fault(url: str, **options: Any) -> EnhancerError:
    with pytest.raises(EnhancerError) as caught:
        tell(url, **options)
    told_plainly(caught.value, KEY)
    return caught.value


# What reaches the server


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_server_is_shown_a_small_jpeg_and_asked_in_the_language(loopback: Any, language: Language) -> None:
    loopback.manners.pieces = ["A red wall."]
    exif = Image.Exif()
    exif[0x010F] = "CameraOfAnn"
    exif.get_ifd(0x8825)[1] = "N"
    photo = file(halves(3000, 1500), "JPEG", exif=exif, comment=b"written by Ann", dpi=(300, 300))
    assert b"CameraOfAnn" in photo
    tell(loopback.url, language, prepare_image(photo))
    (message,) = loopback.manners.asked["messages"]
    text, picture = message["content"]
    assert (message["role"], text) == ("user", {"type": "text", "text": ASK[language]})
    assert picture["type"] == "image_url"
    head, data = picture["image_url"]["url"].split(",", 1)
    assert head == "data:image/jpeg;base64"
    sent = base64.b64decode(data, validate=True)
    image = opened(sent)
    assert image.size == (SIDE, SIDE // 2)
    assert not image.getexif()
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert not [word for word in (b"Exif", b"Ann", b"GPS", b"ICC_PROFILE") if word in sent]


def test_the_server_is_asked_for_all_that_was_chosen(loopback: Any) -> None:
    loopback.manners.pieces = ["A red wall."]
    chat = RemoteChat(loopback.url, "sees", key=KEY, extra={"enable_thinking": False})
    pieces = chat.describe(b"as it is", "what?", Sampling(seed=3, max_tokens=9), lambda: False, media_type="image/webp")
    assert list(pieces) == ["A red wall."]
    asked = loopback.manners.asked
    assert (asked["model"], asked["seed"], asked["max_tokens"], asked["enable_thinking"]) == ("sees", 3, 9, False)
    assert asked["messages"][0]["content"][1]["image_url"]["url"] == "data:image/webp;base64,YXMgaXQgaXM="
    assert loopback.manners.asked_headers["authorization"] == f"Bearer {KEY}"


# What the answer comes to


def test_the_prompt_grows(loopback: Any) -> None:
    loopback.manners.pieces = ["Two cats", " on a", " wall."]
    assert tell(loopback.url) == ["Two cats", "Two cats on a", "Two cats on a wall."]


@pytest.mark.parametrize(
    "answer",
    [
        "Two cats on a wall.",
        "  Two cats on a wall.\n\n",
        '"Two cats on a wall."',
        "Prompt: Two cats on a wall.",
        "**Prompt:** Two cats on a wall.",
        "## Prompt\nTwo cats on a wall.",
        "```text\nTwo cats on a wall.\n```",
        "Here is the prompt:\n\nTwo cats on a wall.",
        "Here is the prompt:\n```\nTwo cats on a wall.\n```\nLet me know what you think!",
        "Two cats on a wall.\n\nNote: the picture is small.",
        "<think>\nHm, cats.\nTwo?\n</think>\n\nTwo cats on a wall.",
        "<think>one</think><think>two</think>Two cats on a wall.",
        "Hm, cats. Two?\n</think>\nTwo cats on a wall.",
        "<thinking>cats</thinking>\nPrompt:\nTwo cats on a wall.",
    ],
)
def test_only_the_prompt_is_left_of_an_answer(loopback: Any, answer: str) -> None:
    for pieces in ([answer], list(answer)):
        loopback.manners.pieces = pieces
        assert tell(loopback.url)[-1] == "Two cats on a wall."
    shown = tell(loopback.url)
    assert not [text for text in shown if "<" in text or "`" in text or "#" in text]


def test_reasoning_that_the_server_marks_is_not_shown(loopback: Any) -> None:
    loopback.manners.thoughts, loopback.manners.pieces = ["hm", " cats"], ["Two ", "cats."]
    assert tell(loopback.url) == ["Two", "Two cats."]


def test_chinese_is_told_as_it_is(loopback: Any) -> None:
    loopback.manners.pieces = ["提示词：", "两只猫，", "墙上写着“营业中”。"]
    assert tell(loopback.url, "zh") == ["两只猫，", "两只猫，墙上写着“营业中”。"]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ("", NoPrompt, "wrote nothing about the picture"),
        (" \n", NoPrompt, "wrote nothing about the picture"),
        ("<think>\ncats\n</think>\n", NoPrompt, "only thoughts"),
        ("<think>\ncats", NoPrompt, "only thoughts"),
        ("I'm sorry, but I can't describe this picture.", ModelRefused, "declined: I'm sorry, but"),
        ("抱歉，我无法描述这张图片。", ModelRefused, "declined: 抱歉"),
    ],
)
def test_an_answer_without_a_prompt(loopback: Any, answer: str, kind: type[EnhancerError], words: str) -> None:
    loopback.manners.pieces = [answer]
    with pytest.raises(kind, match=words):
        tell(loopback.url)


def test_an_answer_without_an_end_is_not_heard_out(loopback: Any) -> None:
    loopback.manners.pieces = ["cats and dogs " * 300] * 1000
    error = fault(loopback.url)
    assert isinstance(error, NoPrompt)
    assert f"{LONGEST:,} characters" in str(error)
    assert loopback.manners.sent < 1000


# Faults


@pytest.mark.parametrize(
    ("status", "headers", "kind", "words"),
    [
        (400, {}, ModelRefused, "refused the request (400). Perhaps its model 'sees' does not read pictures."),
        (401, {}, ModelRefused, "did not accept the key (401)."),
        (404, {}, ModelRefused, "has no model 'sees', or its address is wrong (404)."),
        (413, {}, ModelRefused, "refused the request (413)."),
        (429, {"Retry-After": "7"}, ModelRefused, "try again in 7 seconds."),
        (500, {}, ModelUnreachable, "failed (500). Perhaps its model 'sees' does not read pictures."),
        (503, {}, ModelUnreachable, "failed (503)."),
    ],
)
def test_a_server_that_says_no(
    loopback: Any, status: int, headers: dict[str, str], kind: type[EnhancerError], words: str
) -> None:
    loopback.manners.status, loopback.manners.headers = status, headers
    error = fault(loopback.url)
    assert type(error) is kind
    assert str(error).endswith(words)


def test_a_stream_that_is_cut_in_the_middle(loopback: Any) -> None:
    loopback.manners.pieces, loopback.manners.cut, loopback.manners.finish = ["Two cats"], True, None
    assert isinstance(fault(loopback.url), ModelUnreachable)


def test_an_answer_of_another_form(loopback: Any) -> None:
    loopback.manners.raw = [b"data: {not json\n\n"]
    assert "not follow the OpenAI protocol" in str(fault(loopback.url))


def test_a_server_that_never_answers(loopback: Any) -> None:
    loopback.manners.silent_s = 600
    assert "sent nothing for 0.2 seconds" in str(fault(loopback.url, timeout_s=0.2))


def test_a_server_that_only_keeps_the_line_open(loopback: Any) -> None:
    loopback.manners.raw, loopback.manners.pause_s = [b": wait\n\n"] * 10_000, 0.02
    error = fault(loopback.url, time_limit_s=0.3)
    assert isinstance(error, TimedOut)
    assert "longer than 0.3 seconds" in str(error)


def test_a_description_is_cancelled(loopback: Any) -> None:
    loopback.manners.pieces, loopback.manners.pause_s = ["Two cats", " on a wall."], 600
    cancelled = threading.Event()
    texts = describe_image(RemoteChat(loopback.url, "sees"), prepare_image(file(halves())), "en", 7, cancelled.is_set)
    assert next(texts) == "Two cats"
    cancelled.set()
    with pytest.raises(Stopped, match="cancelled"):
        next(texts)


# Files


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_pictures_of_three_kinds_are_read(form: str) -> None:
    image = opened(prepare_image(file(halves(), form)))
    assert image.size == (60, 30), "a small one is not blown up"
    assert near(image, (10, 15), RED)
    assert near(image, (50, 15), BLUE)


@pytest.mark.parametrize(
    ("size", "shown"), [((2048, 512), (1024, 256)), ((300, 3000), (102, 1024)), ((5000, 1), (1024, 1))]
)
def test_the_longer_side_has_1024_pixels_at_most(size: tuple[int, int], shown: tuple[int, int]) -> None:
    for form in ("PNG", "JPEG"):
        assert opened(prepare_image(file(Image.new("RGB", size), form))).size == shown


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_photograph_is_turned_upright_and_says_nothing_of_its_place(form: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    exif[0x010F] = "CameraOfAnn"
    place = exif.get_ifd(0x8825)
    place[1], place[2] = "N", (52.0, 31.0, 12.0)
    photo = file(halves(), form, exif=exif)
    assert b"CameraOfAnn" in photo
    safe = prepare_image(photo)
    image = opened(safe)
    assert image.size == (30, 60)
    assert near(image, (15, 10), RED)
    assert near(image, (15, 50), BLUE)
    assert not image.getexif()
    assert b"CameraOfAnn" not in safe


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow says so and goes on; as an error it would not
@pytest.mark.parametrize(
    "notes", [b"II*\0\xff\xff\xff\x7f" + b"\xff" * 40, b"II*\0\x08\0\0\0\xff\xff", b"no notes at all"]
)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_whose_notes_are_broken_is_a_picture_still(form: str, notes: bytes) -> None:
    assert opened(prepare_image(file(halves(), form, exif=b"Exif\0\0" + notes))).size == (60, 30)


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_of_a_moving_picture_the_first_frame_is_shown(form: str) -> None:
    frames = [Image.new("RGB", (40, 40), colour) for colour in (RED, BLUE, BLUE)]
    moving = file(frames[0], form, save_all=True, append_images=frames[1:], duration=50)
    assert getattr(Image.open(io.BytesIO(moving)), "n_frames", 1) > 1
    assert near(opened(prepare_image(moving)), (20, 20), RED)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_becomes_white(mode: str) -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 20, 40))
    data = file(image.quantize(4) if mode == "P" else image.convert(mode))
    assert near(opened(prepare_image(data)), (30, 20), (255, 255, 255))


def test_greys_of_sixteen_bits_keep_their_shade() -> None:
    grey = file(Image.new("I;16", (40, 40), 128 * 256))
    assert near(opened(prepare_image(grey)), (20, 20), (128, 128, 128))


def test_inks_become_light() -> None:
    assert near(opened(prepare_image(file(Image.new("CMYK", (40, 40), (0, 255, 255, 0)), "JPEG"))), (20, 20), RED)


def huge_png(width: int, height: int) -> bytes:
    """A few bytes that claim to be a picture of any size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")
    )


def huge_jpeg(width: int, height: int) -> bytes:
    data = bytearray(file(halves(), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def swollen_png() -> bytes:
    """A small picture with a note that unpacks to a hundred megabytes."""
    note = b"Comment\0\0" + zlib.compress(b"\0" * 100_000_000, 9)
    plain = file(halves())
    chunk = struct.pack(">I", len(note)) + b"zTXt" + note + struct.pack(">I", zlib.crc32(b"zTXt" + note))
    return plain[:33] + chunk + plain[33:]


def slow_jpeg(scans: int) -> bytes:
    """A small progressive picture whose last pass comes again and again, which would cost hours at a large size."""
    data = file(halves(), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * scans + b"\xff\xd9"


def test_what_looks_like_scans_in_notes_and_behind_the_end_does_not_count() -> None:
    photo = file(halves(), "JPEG", progressive=True, comment=b"\xff\xda" * 2000) + b"\xff\xda" * 2000
    assert opened(prepare_image(photo)).size == (60, 30)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (slow_jpeg(5000), "A JPEG picture may have at most 100 scans (got 5,0"),
        (b"", "A picture must be a PNG, JPEG or WebP file (got 0 bytes of something else)."),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "must be a PNG, JPEG or WebP file"),
        (file(halves(), "GIF"), "must be a PNG, JPEG or WebP file"),
        (file(halves(), "TIFF"), "must be a PNG, JPEG or WebP file"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "must be a PNG, JPEG or WebP file"),
        (b"\x89PNG\r\n\x1a\n", "The PNG picture is broken or cut off (got 8 bytes)."),
        (b"\xff\xd8\xff\xe0", "The JPEG picture is broken or cut off (got 4 bytes)."),
        (b"RIFF\x04\0\0\0WEBP", "The WebP picture is broken or cut off (got 12 bytes)."),
        (file(halves(400, 400), "PNG")[:-60], "The PNG picture is broken or cut off"),
        (file(halves(400, 400), "JPEG")[:-900], "The JPEG picture is broken or cut off"),
        (file(halves(400, 400), "WEBP")[:-60], "The WebP picture is broken or cut off"),
        (b"\xff\xd8\xff" + file(halves(), "PNG"), "The JPEG picture is broken or cut off"),
        (swollen_png(), "The PNG picture is broken or cut off"),
        (huge_png(100_000, 100_000), "A picture may have at most 50 megapixels (got 100000 x 100000)."),
        (huge_png(2**31 - 1, 1), "at most 50 megapixels (got 2147483647 x 1)."),
        (huge_jpeg(65_500, 65_500), "A picture may have at most 50 megapixels (got 65500 x 65500)."),
        (file(halves()) + b"\0" * BYTES_MAX, "A picture may have at most 10,000,000 bytes (got 10,"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else f"{len(value)}-bytes",
)
def test_a_file_that_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(NoPicture) as caught:
        prepare_image(data)
    text = str(caught.value)
    assert sentence in text
    assert text.endswith(".")
    assert "\n" not in text


def test_a_file_that_claims_less_than_it_unpacks_to_is_read_as_claimed() -> None:
    assert opened(prepare_image(huge_png(3, 3))).size == (3, 3)
