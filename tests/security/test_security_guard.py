"""The guard in its place: in front of everything that a real studio serves, Gradio's own routes included."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import App, StartApp
from tests.http_api import call, web

PATHS = ["/", "/config", "/gradio_api/info", "/gradio_api/startup-events", "/theme.css", "/healthz", "/s/x", "/media/x"]
SPACE_HOST = "somebody-studio.hf.space"


@pytest.fixture
def browser(server: App) -> Iterator[httpx.Client]:
    """Speaks HTTP with the studio."""
    with web(server.url) as client:
        yield client


@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_name_gets_nowhere(browser: httpx.Client, path: str) -> None:
    answer = browser.get(path, headers={"host": "rebound.example"})
    assert answer.status_code == 403
    assert answer.text.startswith("This studio does not answer under the name rebound.example")


@pytest.mark.parametrize("sender", ["http://evil.example", "null", "http://127.0.0.1:1", "https://huggingface.co"])
@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_page_reads_nothing(browser: httpx.Client, path: str, sender: str) -> None:
    answer = browser.get(path, headers={"origin": sender})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/gradio_api/call/v2/delete", "/gradio_api/queue/join", "/gradio_api/upload", "/login"]
)
def test_a_foreign_page_does_nothing(browser: httpx.Client, path: str) -> None:
    asked = browser.options(path, headers={"origin": "http://evil.example", "access-control-request-method": "POST"})
    done = browser.post(path, json={}, headers={"origin": "http://evil.example"})
    plain = browser.post(path, content=b"{}", headers={"origin": "null", "content-type": "text/plain"})
    assert [answer.status_code for answer in (asked, done, plain)] == [403] * 3
    assert "access-control-allow-origin" not in asked.headers


def test_our_own_page_is_welcome(server: App, browser: httpx.Client) -> None:
    kind, found = call(browser, "history", {"limit": 1}, headers={"origin": server.url})
    assert kind == "complete"
    assert "items" in found  # type: ignore[operator]


def test_a_body_has_a_bound(browser: httpx.Client) -> None:
    answer = browser.post("/gradio_api/queue/join", content=b"x" * (33 * 2**20))
    assert answer.status_code == 413
    files = {"files": ("a.png", b"x" * (33 * 2**20))}
    assert browser.post("/gradio_api/upload", files=files).status_code == 413


def test_every_answer_says_how_it_may_be_used(browser: httpx.Client) -> None:
    for path in [*PATHS, "/no/such/thing"]:
        headers = browser.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "frame-ancestors" in headers["content-security-policy"], path


def test_what_gradio_would_tell_on_the_side_is_shut(browser: httpx.Client) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert browser.get(path).status_code == 404
    assert browser.get("/gradio_api/monitoring/summary").status_code != 200


def test_a_space_is_reached_by_its_own_name_and_gives_a_cookie_for_its_iframe(start_app: StartApp) -> None:
    app = start_app(env={"SYSTEM": "spaces", "SPACE_HOST": SPACE_HOST, "SPACE_ID": "somebody/studio"}, ready=False)
    proxied = {"host": SPACE_HOST, "x-forwarded-proto": "https"}
    with web(app.url) as visitor:
        answer = visitor.get("/", headers=proxied)
        assert answer.status_code == 200
        line = answer.headers["set-cookie"]
        assert {"Secure", "SameSite=None", "Partitioned", "HttpOnly"} <= {part.strip() for part in line.split(";")}
        assert "https://huggingface.co" in answer.headers["content-security-policy"]
        own = {**proxied, "origin": f"https://{SPACE_HOST}", "cookie": line.split(";")[0]}
        app.wait()
        kind, last = call(visitor, "generate", {"prompt": "a cat", "enhance": False, "steps": 1}, headers=own)
        assert (kind, last["status"]) == ("complete", "done")  # type: ignore[index]
        picture = last["pictures"][0]  # type: ignore[index]
        assert visitor.get(picture["url"], headers=own).status_code == 200
        assert visitor.get(picture["url"], headers=proxied).status_code == 404
        kind, link = call(visitor, "share", {"id": picture["id"]}, headers=own)
        assert link["url"].startswith(f"https://{SPACE_HOST}/s/")  # type: ignore[index]
        for foreign in ({"host": "evil.example"}, {**proxied, "origin": "https://huggingface.co"}):
            assert visitor.get("/config", headers=foreign).status_code == 403
    assert f"https://{SPACE_HOST}" in app.written()
