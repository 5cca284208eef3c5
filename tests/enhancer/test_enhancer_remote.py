"""The remote backend against a server that misbehaves: each fault is one sentence, and the key is in none of them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from enhancer.base import Message, Sampling
from enhancer.errors import EnhancerError, ModelRefused, ModelUnreachable, NoPrompt
from enhancer.models.remote import NO_KEY, RemoteChat
from tests.enhancer.conftest import told_plainly

KEY = "sk-very-secret-4711"
ASK: list[Message] = [{"role": "system", "content": "s"}, {"role": "user", "content": "w"}]


def say(url: str, *, key: str | None = KEY, timeout_s: float = 20.0, model: str = "m") -> list[str]:
    return list(RemoteChat(url, model, key=key, timeout_s=timeout_s).stream(ASK, Sampling(seed=3), lambda: False))


def fault(url: str, **options: Any) -> EnhancerError:
    with pytest.raises(EnhancerError) as caught:
        say(url, **options)
    told_plainly(caught.value, KEY)
    return caught.value


def test_pieces_come_as_they_were_sent(loopback: Any) -> None:
    loopback.manners.pieces = ["## prompt\n", "三只", "兔子"]
    assert say(loopback.url) == ["## prompt\n", "三只", "兔子"]


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1/"])
def test_the_address_may_end_with_v1_or_not(loopback: Any, tail: str) -> None:
    loopback.manners.pieces = ["a"]
    say(loopback.url + tail)
    assert loopback.manners.path == "/v1/chat/completions"


def test_the_server_is_asked_for_all_that_was_chosen(loopback: Any) -> None:
    loopback.manners.pieces = ["a"]
    chat = RemoteChat(loopback.url, "qwen", key=KEY, extra={"enable_thinking": False})
    list(chat.stream(ASK, Sampling(seed=11, temperature=0.4, top_p=0.6, max_tokens=99), lambda: False))
    asked = loopback.manners.asked
    wanted = {"model": "qwen", "messages": ASK, "stream": True, "seed": 11, "temperature": 0.4, "top_p": 0.6}
    assert {name: asked[name] for name in wanted} == wanted
    assert (asked["max_tokens"], asked["enable_thinking"]) == (99, False)
    assert loopback.manners.asked_headers["authorization"] == f"Bearer {KEY}"


def test_without_a_key_no_other_key_of_the_user_is_sent(loopback: Any) -> None:
    loopback.manners.pieces = ["a"]
    code = (
        "import sys; from enhancer.models.remote import RemoteChat; from enhancer.base import Sampling\n"
        "chat = RemoteChat(sys.argv[1], 'm')\n"
        "print(list(chat.stream([{'role': 'user', 'content': 'w'}], Sampling(seed=1), lambda: False)))"
    )
    result = run(code, loopback.url, HF_TOKEN="hf_private_of_the_user")
    assert result == "['a']"
    assert loopback.manners.asked_headers["authorization"] == f"Bearer {NO_KEY}"
    assert "hf_private" not in json.dumps(loopback.manners.asked_headers)


def run(code: str, url: str, **environment: str) -> str:
    plain = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        [sys.executable, "-c", code, url], env={**plain, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_this_machine_is_reached_past_a_proxy(loopback: Any) -> None:
    loopback.manners.pieces = ["a"]
    code = (
        "import sys; from enhancer.models.remote import RemoteChat; from enhancer.base import Sampling\n"
        "chat = RemoteChat(sys.argv[1], 'm')\n"
        "print(list(chat.stream([{'role': 'user', 'content': 'w'}], Sampling(seed=1), lambda: False)))"
    )
    nowhere = f"http://127.0.0.1:{closed_port()}"
    assert run(code, loopback.url, HTTP_PROXY=nowhere, http_proxy=nowhere, ALL_PROXY=nowhere) == "['a']"


def test_offline_mode_of_the_hub_is_told(loopback: Any) -> None:
    code = (
        "import sys; from enhancer.models.remote import RemoteChat; from enhancer.base import Sampling\n"
        "try: list(RemoteChat(sys.argv[1], 'm').stream([], Sampling(seed=1), lambda: False))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    told = run(code, loopback.url, HF_HUB_OFFLINE="1")
    assert told.startswith("ModelUnreachable ")
    assert "HF_HUB_OFFLINE is set" in told
    assert loopback.manners.path == "", "nothing was asked"


def test_what_a_server_marks_as_reasoning_stands_apart(loopback: Any) -> None:
    loopback.manners.thoughts = ["hm ", "</think>", " so"]
    loopback.manners.pieces = ["a ", "cat"]
    assert "".join(say(loopback.url)) == "<think>\nhm < /think> so\n</think>\na cat"


def test_reasoning_without_an_answer_is_closed(loopback: Any) -> None:
    loopback.manners.thoughts = ["hm"]
    assert "".join(say(loopback.url)) == "<think>\nhm\n</think>\n"


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_a_refused_connection() -> None:
    error = fault(f"http://127.0.0.1:{closed_port()}")
    assert isinstance(error, ModelUnreachable)
    assert "not running, or the address is wrong" in str(error)


@pytest.mark.parametrize(
    ("status", "headers", "kind", "words"),
    [
        (400, {}, ModelRefused, "refused the request (400)"),
        (401, {}, ModelRefused, "did not accept the key (401)"),
        (403, {}, ModelRefused, "did not accept the key (403)"),
        (404, {}, ModelRefused, "has no model 'm', or its address is wrong (404)"),
        (429, {}, ModelRefused, "(429): try again later"),
        (429, {"Retry-After": "7"}, ModelRefused, "(429): try again in 7 seconds"),
        (429, {"Retry-After": "Fri, 20 Nov 2026 12:00:00 GMT"}, ModelRefused, "try again after Fri, 20 Nov 2026"),
        (500, {}, ModelUnreachable, "failed (500)"),
        (503, {}, ModelUnreachable, "failed (503)"),
    ],
)
def test_a_server_that_says_no(
    loopback: Any, status: int, headers: dict[str, str], kind: type[EnhancerError], words: str
) -> None:
    loopback.manners.status, loopback.manners.headers = status, headers
    error = fault(loopback.url)
    assert type(error) is kind
    assert words in str(error)


def test_a_key_that_is_wanted_and_not_set(loopback: Any) -> None:
    loopback.manners.status = 401
    assert "asks for a key, and none is set (401)" in str(fault(loopback.url, key=None))


@pytest.mark.parametrize("by", ["cut", "finish"])
def test_a_stream_that_is_cut_in_the_middle(loopback: Any, by: str) -> None:
    loopback.manners.pieces = ["## prompt\n", "three"]
    loopback.manners.cut, loopback.manners.finish = by == "cut", None
    got: list[str] = []
    with pytest.raises(ModelUnreachable, match=r"during its answer|ended its answer early"):
        got.extend(RemoteChat(loopback.url, "m").stream(ASK, Sampling(seed=1), lambda: False))
    fault(loopback.url)


@pytest.mark.parametrize(
    "raw",
    [
        [b"data: {not json\n\n"],
        [b"data: [1, 2]\n\n"],
        [b'data: {"choices": 3}\n\n'],
        [b'data: {"choices": [{"delta": null}]}\n\n'],
        [b'data: {"choices": [7]}\n\n'],
        [b"<html>not found</html>\n"],
        [b'{"choices": [{"message": {"content": "not streamed"}}]}\n'],
        [b"data: {}\n\n"],
        [b"\xff\xfe\n\n"],
    ],
)
def test_an_answer_of_another_form(loopback: Any, raw: list[bytes]) -> None:
    loopback.manners.raw = raw
    error = fault(loopback.url)
    assert isinstance(error, ModelUnreachable)
    assert "not follow the OpenAI protocol" in str(error)


@pytest.mark.parametrize(
    "line", ['data: {"error": {"message": "KEY", "type": "KEY"}}', "data: KEY", "KEY", "data: [KEY"]
)
def test_a_server_that_repeats_the_key_is_not_quoted(loopback: Any, line: str) -> None:
    loopback.manners.raw = [line.replace("KEY", KEY).encode() + b"\n\n"]
    assert isinstance(fault(loopback.url), ModelUnreachable)


def test_a_fault_reported_within_the_stream(loopback: Any) -> None:
    loopback.manners.raw = [b'data: {"error": {"message": "out of memory", "type": "server_error"}}\n\n']
    assert "error of its own" in str(fault(loopback.url))


def test_an_answer_held_back_by_a_filter(loopback: Any) -> None:
    loopback.manners.pieces, loopback.manners.finish = ["a"], "content_filter"
    assert isinstance(fault(loopback.url), ModelRefused)


def test_an_answer_cut_at_its_longest(loopback: Any) -> None:
    loopback.manners.pieces, loopback.manners.finish = ["a"], "length"
    assert isinstance(fault(loopback.url), NoPrompt)


def test_a_server_that_never_answers(loopback: Any) -> None:
    loopback.manners.silent_s = 600
    error = fault(loopback.url, timeout_s=0.2)
    assert isinstance(error, ModelUnreachable)
    assert "sent nothing for 0.2 seconds" in str(error)


def test_a_server_that_falls_silent_in_the_middle(loopback: Any) -> None:
    loopback.manners.pieces, loopback.manners.pause_s = ["a", "b"], 600
    assert "sent nothing for 0.2 seconds" in str(fault(loopback.url, timeout_s=0.2))


def test_a_silent_server_does_not_hold_up_who_cancels(loopback: Any) -> None:
    loopback.manners.silent_s = 600
    cancelled = threading.Event()
    threading.Timer(0.1, cancelled.set).start()
    began = time.monotonic()
    chat = RemoteChat(loopback.url, "m", timeout_s=300)
    assert list(chat.stream(ASK, Sampling(seed=1), cancelled.is_set)) == []
    assert time.monotonic() - began < 100, "far from the 300 seconds that the server may take"


def test_a_server_that_is_not_heard_out_stops_being_read(loopback: Any) -> None:
    loopback.manners.pieces = ["x" * 4000] * 100_000
    stream = RemoteChat(loopback.url, "m").stream(ASK, Sampling(seed=1), lambda: False)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 60
    while any(thread.name == "remote-chat" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert loopback.manners.sent < 100_000


def test_neither_key_nor_password_is_in_its_face() -> None:
    chat = RemoteChat(f"http://user:{KEY}@example.invalid:81/v1", "m", key=KEY)
    assert repr(chat) == "RemoteChat('m' at example.invalid:81)"


@pytest.mark.parametrize("address", ["", "localhost:11434", "ftp://host", f"file:///{KEY}", "http://"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(ValueError, match="must begin with http") as caught:
        RemoteChat(address, "m")
    assert KEY not in str(caught.value)
