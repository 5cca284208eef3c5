"""Who a request is for, and the cookie that says so."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import SimpleCookie

import pytest
from itsdangerous import TimestampSigner

Door = Callable[..., Callable[..., object]]
SPACE = {"host": "0.0.0.0", "public_url": "https://me-studio.hf.space", "space": True, "rule": "browser"}
AT_SPACE = {"host": "me-studio.hf.space", "x-forwarded-proto": "https"}


def pair(answer: object) -> str:
    """The cookie that an answer sets, as a browser sends it back."""
    return answer.headers["set-cookie"].split(";")[0]  # type: ignore[attr-defined]


def test_at_home_everybody_is_one_owner_and_gets_no_cookie(door: Door) -> None:
    answer = door()()
    assert answer.json()["owner"] == "home"
    assert "set-cookie" not in answer.headers


def test_a_browser_is_an_owner_by_its_cookie(door: Door) -> None:
    ask = door(rule="browser")
    first, other = ask(), ask()
    owner = first.json()["owner"]
    assert owner.startswith("browser:")
    assert other.json()["owner"] != owner
    again = ask(headers={"cookie": f"x=1; {pair(first)}; y=2"})
    assert again.json()["owner"] == owner
    assert "set-cookie" not in again.headers
    assert door(rule="browser")(headers={"cookie": pair(first)}).json()["owner"] == owner  # after a restart


def test_the_cookie_at_home(door: Door) -> None:
    line = door(rule="browser")().headers["set-cookie"]
    cookie = next(iter(SimpleCookie(line).values()))
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Lax", "/", "")
    assert int(cookie["max-age"]) == 400 * 86_400
    assert not cookie["domain"]
    assert "Partitioned" not in line


@pytest.mark.parametrize(
    ("settings", "headers"),
    [
        (SPACE, AT_SPACE),
        (SPACE, {"host": "me-studio.hf.space"}),
        ({"rule": "browser"}, {"x-forwarded-proto": "https"}),
        ({"rule": "browser"}, {"x-forwarded-proto": "https, http"}),
        ({"rule": "browser", "public_url": "https://draw.example"}, {"host": "draw.example"}),
    ],
)
def test_the_cookie_behind_https_survives_in_an_iframe(
    door: Door, settings: dict[str, object], headers: dict[str, str]
) -> None:
    line = door(**settings)(headers=headers).headers["set-cookie"]
    attributes = {part.strip() for part in line.split(";")[1:]}
    assert {"Secure", "SameSite=None", "Partitioned", "HttpOnly", "Path=/"} <= attributes


@pytest.mark.parametrize(
    "spoil",
    [
        lambda value: value[:-9] + ("A" if value[-9] != "A" else "B") + value[-8:],  # the last one has idle bits
        lambda value: "victim" + value,
        lambda value: value.rsplit(".", 1)[0],
        lambda value: "",
        lambda value: "." * 200,
        lambda value: "\xff\xfe",
        lambda value: "a.b.c",
        lambda value: TimestampSigner(b"w" * 32, salt="studio.owner").sign("x" * 32).decode(),
        lambda value: "x" * 5000,
    ],
)
def test_a_spoilt_cookie_is_a_new_visitor_and_never_a_fault(door: Door, spoil: Callable[[str], str]) -> None:
    ask = door(rule="browser")
    first = ask()
    name, _, value = pair(first).partition("=")
    answer = ask(headers={"cookie": f"{name}={spoil(value)}".encode("latin-1")})
    assert answer.status_code == 200
    assert answer.json()["owner"] != first.json()["owner"]
    assert "set-cookie" in answer.headers


def test_a_good_cookie_wins_over_a_spoilt_one_beside_it(door: Door) -> None:
    ask = door(rule="browser")
    first = ask()
    name = pair(first).partition("=")[0]
    assert ask(headers={"cookie": f"{name}=old; {pair(first)}"}).json()["owner"] == first.json()["owner"]


def test_another_studio_of_the_machine_has_another_cookie(door: Door) -> None:
    one, other = door(rule="browser")(), door(rule="browser", key=b"o" * 32)()
    assert pair(one).split("=")[0] != pair(other).split("=")[0]


@pytest.mark.parametrize("path", ["/assets/index.js", "/scripts/1/main.js", "/theme.css", "/s/token", "/healthz"])
def test_what_everybody_shares_sets_no_cookie(door: Door, path: str) -> None:
    assert "set-cookie" not in door(rule="browser")(path).headers


@pytest.mark.parametrize(
    ("cookie", "owner"),
    [
        ("access-token-abc=tok", "person:ann"),
        ("access-token-unsecure-abc=tok", "person:ann"),
        ("access-token-abc=wrong", None),
        ("access-token-xyz=tok", None),
        ("", None),
    ],
)
def test_a_person_is_who_logged_in(door: Door, cookie: str, owner: str | None) -> None:
    answer = door(rule="person", tokens={"tok": "ann"})(headers={"cookie": cookie} if cookie else {})
    assert answer.json()["owner"] == owner
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("settings", "headers", "url"),
    [
        ({}, {}, "http://127.0.0.1:7860"),
        ({}, {"host": "localhost:9999"}, "http://localhost:9999"),
        ({}, {"x-forwarded-proto": "https"}, "https://127.0.0.1:7860"),
        ({}, {"x-forwarded-proto": "javascript"}, "http://127.0.0.1:7860"),
        ({"public_url": "https://draw.example/"}, {}, "https://draw.example"),
        ({"public_url": "http://draw.example:81"}, {}, "http://draw.example:81"),
        (SPACE, AT_SPACE, "https://me-studio.hf.space"),
    ],
)
def test_links_begin_with_how_people_reach_us(
    door: Door, settings: dict[str, object], headers: dict[str, str], url: str
) -> None:
    assert door(**settings)(headers=headers).json()["base_url"] == url
