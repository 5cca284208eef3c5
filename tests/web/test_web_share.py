"""A shared picture, as a stranger and as the program that makes a link's preview see it."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from PIL import Image

from storage.metadata import writer, xmp
from tests.conftest import App
from tests.http_api import web

HOSTILE = "<script>alert(1)</script> ${alert(2)} {{1337*1337}} {% raw %} \"'><img src=x onerror=alert(3)> &lt;b&gt; 三只兔子 \u202e"


class Head(HTMLParser):
    """What a page says about itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.meta: dict[str, str] = {}
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        said = dict(attributes)
        self.tags.append(tag)
        self.attributes += list(said)
        if name := said.get("property") or said.get("name"):
            self.meta[name] = said.get("content") or ""

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def stranger(server: App) -> Iterator[httpx.Client]:
    """A browser that never was here."""
    with web(server.url) as client:
        yield client


@pytest.fixture(scope="module")
def shared(server: App) -> dict[str, Any]:
    """A shared picture with the worst of prompts; `link` is what /share gave."""
    client = server.client()
    last = client.predict(HOSTILE, enhance=False, steps=1, api_name="/generate")
    found: dict[str, Any] = last["pictures"][0]
    return {**found, "link": client.predict(found["id"], 1, api_name="/share")}


def test_the_page_shows_the_picture_and_its_prompt(stranger: httpx.Client, shared: dict[str, Any]) -> None:
    answer = stranger.get(shared["link"]["url"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    page = Head(answer.text)
    assert HOSTILE in page.text
    assert str(shared["seed"]) in page.text
    assert "Pocket" in page.text
    source = re.search(r'<img [^>]*src="([^"]+)"', answer.text)
    assert source
    image = stranger.get(httpx.URL(shared["link"]["url"]).join(source[1]))
    pixels = Image.open(io.BytesIO(image.content)).convert("RGB").tobytes()
    assert hashlib.sha256(pixels).hexdigest() == shared["pixel_sha256"]
    # The reasoning and the machine's facts stay with the owner; that a model made it does not.
    assert writer.read_texts(image.content) == {xmp.KEYWORD: xmp.packet(generated=True)}


def test_a_prompt_is_text_and_never_anything_else(stranger: httpx.Client, shared: dict[str, Any]) -> None:
    answer = stranger.get(shared["link"]["url"])
    page = Head(answer.text)
    assert "script" not in page.tags
    assert page.tags.count("img") == 1
    assert not [name for name in page.attributes if name.startswith("on")]
    assert "{{1337*1337}}" in page.text
    assert str(1337 * 1337) not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "unsafe" not in policy


def test_the_style_is_the_one_that_the_policy_allows(stranger: httpx.Client, shared: dict[str, Any]) -> None:
    answer = stranger.get(shared["link"]["url"])
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style
    import base64

    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("asked", "language", "words"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh", "画的内容"),
        ("zh", "zh", "下载图片"),
        ("en-GB,zh;q=0.5", "en", "What is drawn"),
        ("fr", "en", "Download the picture"),
        ("<script>", "en", "Seed"),
    ],
)
def test_it_speaks_the_browsers_language(
    stranger: httpx.Client, shared: dict[str, Any], asked: str, language: str, words: str
) -> None:
    answer = stranger.get(shared["link"]["url"], headers={"Accept-Language": asked})
    assert f'<html lang="{language}">' in answer.text and words in answer.text
    assert answer.headers["vary"] == "Accept-Language"
    gone = stranger.get("/s/nothing", headers={"Accept-Language": asked})
    assert gone.status_code == 404 and f'<html lang="{language}">' in gone.text


def test_the_head_lets_others_preview_it(stranger: httpx.Client, shared: dict[str, Any]) -> None:
    meta = Head(stranger.get(shared["link"]["url"]).text).meta
    assert meta["og:url"] == shared["link"]["url"]
    assert meta["og:image"] == meta["twitter:image"] == f"{shared['link']['url']}/picture.png"
    assert (meta["og:image:width"], meta["og:image:height"]) == (str(shared["width"]), str(shared["height"]))
    assert meta["twitter:card"] == "summary_large_image"
    assert meta["og:title"]
    assert "noindex" in meta["robots"]
    assert stranger.get(meta["og:image"]).headers["content-type"] == "image/png"


def test_nothing_of_it_stays_in_caches_or_asks_other_hosts(stranger: httpx.Client, shared: dict[str, Any]) -> None:
    url = shared["link"]["url"]
    for answer in (stranger.get(url), stranger.get(f"{url}/picture.png")):
        assert answer.headers["cache-control"] == "no-store"
        assert "noindex" in answer.headers["x-robots-tag"]
        assert "set-cookie" not in answer.headers
    text = stranger.get(url).text
    assert set(re.findall(r"https?://[^/\"'\s<]+", text)) == {url.rsplit("/s/", 1)[0]}


def test_links_follow_the_proxy_in_front(stranger: httpx.Client, shared: dict[str, Any]) -> None:
    path = f"/s/{shared['link']['token']}"
    meta = Head(stranger.get(path, headers={"x-forwarded-proto": "https"}).text).meta
    assert meta["og:url"] == shared["link"]["url"].replace("http://", "https://")


def test_unknown_revoked_and_malformed_are_one_and_the_same(
    server: App, stranger: httpx.Client, shared: dict[str, Any]
) -> None:
    client = server.client()
    link = client.predict(shared["id"], api_name="/share")
    path = f"/s/{link['token']}"
    assert stranger.get(path).status_code == 200
    client.predict(link["token"], api_name="/unshare")
    revoked, unknown = stranger.get(path), stranger.get("/s/" + "A" * len(link["token"]))
    assert revoked.status_code == unknown.status_code == 404
    assert revoked.text == unknown.text
    assert dict(revoked.headers, date="") == dict(unknown.headers, date="")
    for odd in ("/s/", "/s/%00", "/s/..%2f..%2fetc%2fpasswd", "/s/" + "x" * 3000, f"{path}/other", "/s/%ff"):
        answer = stranger.get(odd)
        assert (answer.status_code, answer.text) == (404, unknown.text), odd
    pictures = [stranger.get(f"{place}/picture.png") for place in (path, "/s/" + "A" * len(link["token"]))]
    assert [answer.status_code for answer in pictures] == [404, 404]
    assert pictures[0].text == pictures[1].text


def test_a_picture_in_the_trash_is_not_shown(server: App, stranger: httpx.Client) -> None:
    client = server.client()
    last = client.predict("a car", enhance=False, steps=1, api_name="/generate")
    found = last["pictures"][0]
    link = client.predict(found["id"], api_name="/share")
    client.predict(found["id"], api_name="/delete")
    assert stranger.get(f"/s/{link['token']}").status_code == 404
    assert stranger.get(f"/s/{link['token']}/picture.png").status_code == 404
    client.predict(found["id"], api_name="/restore")
    assert stranger.get(f"/s/{link['token']}").status_code == 200
