"""The guard: names, origins, bodies and headers, on a small app."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.web.address import Netloc, netloc, origin
from studio.web.middleware.request_guard import RequestGuard, rules

Door = Callable[..., Callable[..., object]]
SPACE = {"host": "0.0.0.0", "public_url": "https://me-studio.hf.space", "space": True, "rule": "browser"}
PUBLIC = {"host": "0.0.0.0", "rule": "browser"}


@pytest.mark.parametrize(
    ("settings", "host", "status"),
    [
        ({}, "127.0.0.1:7860", 200),
        ({}, "localhost:7860", 200),
        ({}, "LOCALHOST:7860", 200),
        ({}, "[::1]:7860", 200),
        ({}, "localhost:9999", 200),  # a forwarded port
        ({}, "evil.example", 403),
        ({}, "evil.example:7860", 403),
        ({}, "localhost.evil.example:7860", 403),
        ({}, "192.168.1.5:7860", 403),
        ({}, "0.0.0.0:7860", 403),
        ({}, "", 403),
        ({}, "a b", 403),
        ({}, "localhost:7860@evil.example", 403),
        ({"public_url": "https://draw.example"}, "draw.example", 200),
        ({"public_url": "https://draw.example"}, "evil.example", 403),
        ({"host": "::1"}, "[::1]:7860", 200),
        (SPACE, "me-studio.hf.space", 200),
        (SPACE, "10.1.2.3:7860", 200),  # a health probe
        (SPACE, "evil.example", 403),
        (PUBLIC, "nas.local:7860", 200),
        ({**PUBLIC, "public_url": "https://draw.example"}, "nas.local:7860", 403),
        ({"share": True, "rule": "person"}, "1234.tunnel.example", 200),
    ],
)
def test_which_names_are_ours(door: Door, settings: dict[str, object], host: str, status: int) -> None:
    answer = door(**settings)(headers={"host": host})
    assert answer.status_code == status
    if status == 403:
        assert "public_url" in answer.text


@pytest.mark.parametrize(
    ("settings", "host", "sender", "status"),
    [
        ({}, "127.0.0.1:7860", "http://127.0.0.1:7860", 200),
        ({}, "127.0.0.1:7860", "http://localhost:7860", 200),
        ({}, "localhost:9999", "http://localhost:9999", 200),
        ({}, "127.0.0.1:7860", "http://127.0.0.1:8000", 403),  # another program of this machine
        ({}, "127.0.0.1:7860", "http://127.0.0.1", 403),
        ({}, "127.0.0.1:7860", "http://evil.example", 403),
        ({}, "127.0.0.1:7860", "http://evil.example:7860", 403),
        ({}, "127.0.0.1:7860", "http://127.0.0.1:7860.evil.example", 403),
        ({}, "127.0.0.1:7860", "null", 403),
        ({}, "127.0.0.1:7860", "file://", 403),
        ({}, "127.0.0.1:7860", "chrome-extension://abcdef", 403),
        (SPACE, "me-studio.hf.space", "https://me-studio.hf.space", 200),
        (SPACE, "me-studio.hf.space", "https://huggingface.co", 403),
        (SPACE, "me-studio.hf.space", "https://other.hf.space", 403),
        (
            {"public_url": "https://draw.example"},
            "127.0.0.1:7860",
            "https://draw.example",
            200,
        ),  # a proxy that renames us
        ({"public_url": "https://draw.example"}, "127.0.0.1:7860", "http://draw.example", 403),
        (PUBLIC, "nas.local:7860", "http://nas.local:7860", 200),
        (PUBLIC, "nas.local:7860", "http://evil.example:7860", 403),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_only_our_own_page_may_ask(
    door: Door, settings: dict[str, object], host: str, sender: str, status: int, method: str
) -> None:
    headers = {"host": host, "origin": sender, "access-control-request-method": "POST"}
    answer = door(**settings)(method=method, headers=headers)
    if status == 403:
        assert answer.status_code == 403
        assert "its own page" in answer.text
    else:
        assert answer.status_code != 403
    assert "access-control-allow-origin" not in answer.headers


def test_a_cross_site_form_without_an_origin_is_refused(door: Door) -> None:
    ask = door()
    assert ask(method="POST", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert ask(method="POST", headers={"sec-fetch-site": "same-origin"}).status_code == 200
    assert (
        ask(method="GET", headers={"sec-fetch-site": "cross-site"}).status_code == 200
    )  # somebody followed a link to us


def test_a_foreign_websocket_is_closed_before_it_opens() -> None:
    sent: list[dict[str, object]] = []

    async def app(scope: object, receive: object, send: object) -> None:
        raise AssertionError("The app was asked.")

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    guard = RequestGuard(app, rules=rules(host="127.0.0.1", public_url=None, share=False, space=False))  # type: ignore[arg-type]
    headers = [(b"host", b"127.0.0.1:7860"), (b"origin", b"http://evil.example")]
    asyncio.run(guard({"type": "websocket", "headers": headers, "path": "/"}, None, send))  # type: ignore[arg-type]
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_a_body_has_a_bound_told_or_not(door: Door) -> None:
    ask = door(body_max=1000)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    assert ask(method="POST", content=b"x" * 1000).json()["body"] == 1000
    for content in (b"x" * 1001, pieces()):
        answer = ask(method="POST", content=content)
        assert (answer.status_code, "at most" in answer.text) == (413, True)


@pytest.mark.parametrize(
    ("settings", "ancestors"), [({}, "frame-ancestors 'self';"), (SPACE, "https://huggingface.co;")]
)
def test_every_answer_carries_the_security_headers(door: Door, settings: dict[str, object], ancestors: str) -> None:
    host = "me-studio.hf.space" if settings else "127.0.0.1:7860"
    for headers in ({"host": host}, {"host": "evil.example"}, {"host": host, "origin": "null"}):
        answer = door(**settings)(headers=headers)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert ancestors in answer.headers["content-security-policy"]
        assert "object-src 'none'; base-uri 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("localhost", Netloc("localhost", None)),
        ("A.B-c.example:80", Netloc("a.b-c.example", 80)),
        ("[::1]:7860", Netloc("[::1]", 7860)),
        ("::1", None),
        ("host:port", None),
        ("a/b", None),
        ("-a", None),
    ],
)
def test_hosts_are_read_strictly(text: str, found: Netloc | None) -> None:
    assert netloc(text) == found


BEGINNINGS = [
    "http://",
    "HTTPS://",
    "https:/",
    "ftp://",
    "file://",
    "javascript:",
    "//",
    "http://user@",
    "http://[::1]",
]
ADDRESSES = st.builds(str.__add__, st.sampled_from(BEGINNINGS), st.text("aZ0.-:/@?#[] \n", max_size=12))


@given(st.text(max_size=50) | ADDRESSES)
def test_no_text_makes_an_origin_that_is_not_http(text: str) -> None:
    found = origin(text)
    assert found is None or (found.scheme in ("http", "https") and found.netloc.host in text.lower())
