"""Pictures, thumbnails and previews as a browser gets them, from a real studio."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from gradio_client import Client
from PIL import Image

from studio.ui.scripts import files
from tests.conftest import App
from tests.http_api import web


@pytest.fixture(scope="module")
def drawn(server: App) -> dict[str, Any]:
    """A picture of the studio's one owner."""
    last = server.client().predict("a fish on a blue background", enhance=False, steps=1, api_name="/generate")
    found: dict[str, Any] = last["pictures"][0]
    return found


@pytest.fixture
def browser(server: App) -> Iterator[httpx.Client]:
    """Speaks HTTP with the studio."""
    with web(server.url) as client:
        yield client


def test_a_picture_is_the_png_itself_and_kept_for_ever(browser: httpx.Client, drawn: dict[str, Any]) -> None:
    for key, kind, form in (("url", "image/png", "PNG"), ("thumb_url", "image/webp", "WEBP")):
        answer = browser.get(drawn[key])
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert Image.open(io.BytesIO(answer.content)).format == form
        assert {"private", "immutable"} <= set(answer.headers["cache-control"].split(", "))
        assert "content-disposition" not in answer.headers
    assert Image.open(io.BytesIO(browser.get(drawn["url"]).content)).text["parameters"]  # type: ignore[attr-defined]


def test_what_the_browser_has_is_not_sent_again(browser: httpx.Client, drawn: dict[str, Any]) -> None:
    for key in ("url", "thumb_url"):
        tag = browser.get(drawn[key]).headers["etag"]
        for said in (tag, f"W/{tag}", f'"other", {tag}'):
            answer = browser.get(drawn[key], headers={"if-none-match": said})
            assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
        assert browser.get(drawn[key], headers={"if-none-match": '"other"'}).status_code == 200


def test_head_tells_without_sending(browser: httpx.Client, drawn: dict[str, Any]) -> None:
    whole, head = browser.get(drawn["url"]), browser.head(drawn["url"])
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))


def test_a_download_has_a_harmless_name(browser: httpx.Client, drawn: dict[str, Any]) -> None:
    said = browser.get(drawn["url"], params={"download": "1"}).headers["content-disposition"]
    assert re.fullmatch(r'attachment; filename="z-image-[0-9A-Za-z_-]+\.png"', said)


@pytest.mark.parametrize(
    "path",
    [
        "/media/pictures/0123456789abcdef01234567.png",
        "/media/thumbs/0123456789abcdef01234567.webp",
        "/media/previews/0123456789abcdef01234567.webp",
        "/media/pictures/..%2f..%2fstudio.db.png",
        "/media/pictures/%2e%2e%2f%2e%2e%2fsecret-cookie.png",
        "/media/pictures/....//....//studio.db",
        "/media/pictures/%00.png",
        "/media/pictures/%ff%fe.png",
        "/media/pictures/.png",
        "/media/pictures/a b.png",
        "/media/pictures/{id}.gif",
        "/media/thumbs/{id}.png",
        "/media/pictures/{id}",
        "/media/thumbs/{id}.webp/",
        "/media/pictures/{id}.png%00.jpg",
        "/media/",
        "/media/studio.db",
        "/media/pictures//etc/passwd.png",
        "/media/pictures/" + "x" * 5000 + ".png",
    ],
)
def test_everything_else_is_the_same_404(browser: httpx.Client, drawn: dict[str, Any], path: str) -> None:
    answer = browser.get(path.replace("{id}", drawn["id"]))
    assert (answer.status_code, answer.text) == (404, "Not found.")


@pytest.mark.parametrize("name", ["studio.db", "secret-cookie", "pictures"])
def test_gradio_serves_nothing_of_the_data_folder(server: App, browser: httpx.Client, name: str) -> None:
    for path in (f"/gradio_api/file={server.data / name}", f"/file={server.data / name}", f"/static/../{name}"):
        assert browser.get(path).status_code in (403, 404)


def test_a_preview_is_shown_while_it_is_drawn_and_never_kept(client: Client, browser: httpx.Client) -> None:
    job = client.submit("a star", enhance=False, steps=50, count=64, api_name="/generate")
    try:
        shot = next(shot for shot in job if shot["preview"])
        answer = browser.get(shot["preview"])
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
        assert answer.headers["cache-control"] == "no-store"
        assert Image.open(io.BytesIO(answer.content)).format == "WEBP"
    finally:
        client.predict(shot["job"], api_name="/cancel")
    assert job.result(timeout=120)["status"] == "cancelled"
    assert browser.get(shot["preview"]).status_code == 404


def test_a_script_is_cached_forever_at_its_address(browser: httpx.Client) -> None:
    for address, content in files().items():
        answer = browser.get(address)
        assert answer.content == content and answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert browser.get("/scripts/000000000000/shared/main.js").status_code == 404
    assert browser.get("/scripts/..%2f..%2fpage.py").status_code == 404
