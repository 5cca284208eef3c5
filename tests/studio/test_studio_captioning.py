"""A prompt from a picture as a use case: how it grows, what ends it, how many at once, and what is refused in which words."""

from __future__ import annotations

import asyncio
import base64
import io
import threading
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest
from PIL import Image
from pydantic import SecretStr

from enhancer.models.remote import RemoteChat
from studio.errors import InvalidRequest, Refused, StudioError
from studio.services import captioning
from studio.services.enhancer_factory import VISION_TIMEOUT_S, captioner_for
from studio.settings import Settings
from studio.studio import Studio
from tests.loopback import Loopback
from tests.studio.conftest import Make

KEY = "sk-very-secret-4711"


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 30), (255, 0, 0)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def seeing(make: Make, loopback: Loopback) -> Studio:
    """A studio that reads pictures by way of `loopback`."""
    return make(start=False, captioner=RemoteChat(loopback.url, "sees", key=KEY))


def read(studio: Studio, picture: bytes | None = None, *wanted: Any, **more: Any) -> list[str]:
    async def all_of_it() -> list[str]:
        return [
            text async for text in studio.enhancement.describe(png() if picture is None else picture, *wanted, **more)
        ]

    return asyncio.run(asyncio.wait_for(all_of_it(), 60))


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def readers() -> list[str]:
    """The threads that listen to a server."""
    return [thread.name for thread in threading.enumerate() if thread.name == "remote-chat"]


def test_the_prompt_grows_and_nothing_is_kept(seeing: Studio, loopback: Loopback) -> None:
    loopback.manners.pieces = ["Two cats", " on a", " wall."]
    assert read(seeing, None, "en", 5) == ["Two cats", "Two cats on a", "Two cats on a wall."]
    assert loopback.manners.asked["seed"] == 5
    assert "Look at this picture" in loopback.manners.asked["messages"][0]["content"][0]["text"]
    assert seeing.jobs.unfinished("one") == [] and seeing.library.history("one")["items"] == []
    read(seeing, None, "zh")
    assert "请看这张图片" in loopback.manners.asked["messages"][0]["content"][0]["text"]
    assert 0 <= loopback.manners.asked["seed"] < 2**32


def test_without_a_model_it_is_refused_by_the_name_of_the_setting(make: Make) -> None:
    studio = make(start=False)
    assert not studio.enhancement.captioner.open and studio.enhancement.captioner.model is None
    with pytest.raises(Refused, match=r"The host sets one with enhancer_vision\.$"):
        read(studio)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (("fr",), "language must be one of en, zh (got fr)."),
        ((["en"],), "language must be one of en, zh (got ['en'])."),
        ((None,), "language must be one of en, zh (got nothing)."),
        (("en", -1), "seed must be from 0 to 9007199254740991 (got -1)."),
        (("en", "7"), "seed must be a whole number from 0 to 9007199254740991 (got 7)."),
        (("en", True), "seed must be a whole number from 0 to 9007199254740991 (got true)."),
    ],
)
def test_a_broken_rule_is_named(seeing: Studio, loopback: Loopback, wanted: Any, sentence: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(seeing, None, *wanted)
    assert str(refused.value) == sentence
    assert loopback.manners.path == "", "nothing was asked"


def test_what_is_no_picture_is_not_sent(seeing: Studio, loopback: Loopback) -> None:
    with pytest.raises(StudioError, match=r"^A picture must be a PNG, JPEG or WebP file"):
        read(seeing, b"<svg/>")
    assert loopback.manners.path == ""


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_what_the_server_says_no_to_is_one_sentence_without_the_key(
    seeing: Studio, loopback: Loopback, status: int
) -> None:
    loopback.manners.status = status
    with pytest.raises(StudioError) as refused:
        read(seeing)
    assert str(refused.value).startswith("The server at 127.0.0.1:") and f"({status})" in str(refused.value)
    told: BaseException | None = refused.value
    while told is not None:
        assert KEY not in f"{told} {told!r}"
        told = told.__cause__ or told.__context__


def test_a_third_at_once_is_refused_and_a_place_is_free_again(seeing: Studio, loopback: Loopback) -> None:
    loopback.manners.pieces, loopback.manners.pause_s = ["Two cats", " on a wall."], 600

    async def three() -> None:
        async with (
            aclosing(seeing.enhancement.describe(png())) as one,
            aclosing(seeing.enhancement.describe(png())) as other,
        ):
            assert [await anext(one), await anext(other)] == ["Two cats", "Two cats"]
            with pytest.raises(Refused, match=r"At most 2 pictures are captioned at once here \(now 2\)"):
                await anext(seeing.enhancement.describe(png()))
            await one.aclose()
            assert await anext(seeing.enhancement.describe(png())) == "Two cats"

    asyncio.run(asyncio.wait_for(three(), 60))
    loopback.manners.pause_s = 0
    loopback.manners.wake.set()
    assert read(seeing)[-1] == "Two cats on a wall."


@pytest.mark.parametrize("by", ["closing", "cancelling", "stopping", "the end of the studio"])
def test_whoever_leaves_stops_the_reading(seeing: Studio, loopback: Loopback, by: str) -> None:
    loopback.manners.thoughts, loopback.manners.pause_s = ["hm "] * 2000, 0.02
    if by == "closing":
        loopback.manners.thoughts, loopback.manners.pieces = [], ["Two cats", *[" on"] * 2000]
    stop = threading.Event()

    async def leave() -> None:
        texts = seeing.enhancement.describe(png(), stopped=stop.is_set)
        if by == "closing":
            assert (await anext(texts)).startswith("Two cats")
            return await texts.aclose()
        step = asyncio.ensure_future(anext(texts))
        while not loopback.manners.sent:
            await asyncio.sleep(0.01)
        if by == "cancelling":
            step.cancel()
            with pytest.raises(asyncio.CancelledError):
                await step
            return None
        stop.set() if by == "stopping" else seeing.close()
        with pytest.raises(StudioError, match="cancelled"):
            await step

    asyncio.run(asyncio.wait_for(leave(), 60))
    until(lambda: not readers())
    loopback.manners.thoughts, loopback.manners.pieces, loopback.manners.pause_s = [], ["A wall."], 0
    if by != "the end of the studio":
        for _ in range(captioning.AT_ONCE + 1):
            assert read(seeing) == ["A wall."], "no place was lost"


def test_a_picture_in_json_is_measured_before_it_is_unpacked() -> None:
    assert captioning.from_base64(base64.b64encode(png()).decode()) == png()
    assert len(captioning.from_base64(base64.b64encode(bytes(captioning.BYTES_MAX)).decode())) == captioning.BYTES_MAX


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("", 'picture must be the base64 of a PNG, JPEG or WebP file (got "").'),
        (None, "picture must be the base64 of a PNG, JPEG or WebP file (got nothing)."),
        (["x"], "picture must be the base64 of a PNG, JPEG or WebP file (got ['x'])."),
        ("not base64!", "picture must be the base64 of a PNG, JPEG or WebP file (got 'not base64!')."),
        ("\ud800", "picture must be the base64 of a PNG, JPEG or WebP file (got '\\ud800')."),
        ("A" * 14_000_000, "picture must have at most 10,000,000 bytes, in base64 13,333,336 (got AAAA"),
    ],
)
def test_what_is_no_base64_is_refused_by_name(value: object, sentence: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        captioning.from_base64(value)
    assert str(refused.value).startswith(sentence)
    assert len(str(refused.value)) < 250


def test_the_settings_name_what_reads() -> None:
    assert captioner_for(Settings()) is None
    assert captioner_for(Settings(enhancer_url="http://box:1")) is None
    named = captioner_for(Settings(enhancer_url="http://box:1", enhancer_vision="sees", enhancer_key=SecretStr(KEY)))
    assert repr(named) == "RemoteChat('sees' at box:1)"
    assert named is not None and named.name == "sees"
    assert VISION_TIMEOUT_S >= 60
    assert (
        repr(captioner_for(Settings(enhancer_preset="ollama", enhancer_vision="sees")))
        == "RemoteChat('sees' at 127.0.0.1:11434)"
    )


def test_the_presets_switches_and_the_key_are_sent(loopback: Loopback, make: Make) -> None:
    loopback.manners.pieces = ["A wall."]
    said: dict[str, Any] = {"enhancer_url": loopback.url, "enhancer_preset": "ollama", "enhancer_vision": "sees"}
    studio = make(start=False, captioner=captioner_for(Settings(**said, enhancer_key=SecretStr(KEY))))
    assert read(studio) == ["A wall."]
    assert (loopback.manners.asked["model"], loopback.manners.asked["reasoning_effort"]) == ("sees", "none")
    assert loopback.manners.asked_headers["authorization"] == f"Bearer {KEY}"
