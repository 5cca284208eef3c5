"""Two visitors of one studio never meet: whatever is one's is "not found" to the other, by every way in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from tests.conftest import App, launch
from tests.http_api import call, web

PASSWORDS = {"ann": "correct-horse-9", "bob": "battery-staple-7"}
KEY = "sk-very-secret-4711"


@dataclass
class Visitor:
    """A program and the cookies that it was given, and what it drew."""

    client: Client
    browser: httpx.Client
    picture: dict[str, Any]
    job: str


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A studio where each browser is an owner."""
    app = launch(tmp_path_factory.mktemp("strangers"), owners="browser")
    try:
        yield app.wait()
    finally:
        app.stop()


def visitor(app: App, word: str, **options: Any) -> Visitor:
    """Somebody who comes, and draws a picture of `word`."""
    client = Client(app.url, verbose=False, analytics_enabled=False, **options)
    last = client.predict(f"a {word} on a red background", enhance=False, steps=1, api_name="/generate")
    browser = web(app.url, cookies=dict(client.cookies))
    return Visitor(client, browser, last["pictures"][0], last["job"])


@pytest.fixture(scope="module")
def one(strangers: App) -> Iterator[Visitor]:
    """The first visitor."""
    found = visitor(strangers, "lighthouse")
    yield found
    found.browser.close()


@pytest.fixture(scope="module")
def other(strangers: App) -> Iterator[Visitor]:
    """The second visitor."""
    found = visitor(strangers, "windmill")
    yield found
    found.browser.close()


def same_refusal(client: Client, endpoint: str, theirs: str, *values: object) -> None:
    """What is another's is refused in the words that tell of what never was."""
    said = []
    for id in (theirs, "f" * len(theirs)):
        with pytest.raises(AppError) as error:
            client.predict(id, *values, api_name=endpoint)
        said.append(str(error.value).replace(id, "ID"))
    assert said[0] == said[1]
    assert "not found" in said[0]


def test_a_program_stays_the_same_owner(one: Visitor) -> None:
    assert [item["id"] for item in one.client.predict(api_name="/history")["items"]] == [one.picture["id"]]
    assert one.browser.get(one.picture["url"]).status_code == 200


@pytest.mark.parametrize("query", ["", "lighthouse", "background", "red"])
def test_history_and_search_find_ones_own_alone(one: Visitor, other: Visitor, query: str) -> None:
    found = other.client.predict(query=query, api_name="/history")
    assert one.picture["id"] not in [item["id"] for item in found["items"]]
    assert found["total"] == (query != "lighthouse")


@pytest.mark.parametrize("endpoint", ["/picture", "/edit", "/delete", "/restore", "/rerun", "/vary", "/share"])
def test_anothers_picture_is_not_found(one: Visitor, other: Visitor, endpoint: str) -> None:
    same_refusal(other.client, endpoint, one.picture["id"])
    assert one.client.predict(one.picture["id"], api_name="/picture") == one.picture


def test_anothers_enhancement_is_not_found(strangers: App, one: Visitor, other: Visitor) -> None:
    """An enhancement's id of another is no key to its original prompt."""
    theirs = one.client.predict("a cat", api_name="/enhance")["id"]
    said = []
    for id in (theirs, "f" * len(theirs)):
        kind, sentence = call(other.browser, "generate", {"prompt": "a cat", "enhancement": id})
        assert kind == "error"
        said.append(str(sentence).replace(id, "ID"))
    assert said[0] == said[1]
    assert "not found" in said[0]


@pytest.mark.parametrize("key", ["url", "thumb_url"])
def test_anothers_media_is_the_same_404(strangers: App, one: Visitor, other: Visitor, key: str) -> None:
    with web(strangers.url) as nobody:
        answers = [browser.get(one.picture[key]) for browser in (other.browser, nobody)]
        tag = one.browser.get(one.picture[key]).headers["etag"]
        answers.append(other.browser.get(one.picture[key], headers={"if-none-match": tag}))
        answers.append(other.browser.get(one.picture[key].replace(one.picture["id"], "f" * 24)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, "Not found.")}


def until(true: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def test_anothers_job_cannot_be_seen_nor_stopped(one: Visitor, other: Visitor) -> None:
    job = one.client.submit("a star", enhance=False, steps=50, count=64, api_name="/generate")
    shot = next(shot for shot in job if shot["preview"])
    try:
        assert [line["id"] for line in one.client.predict(api_name="/jobs")] == [shot["job"]]
        assert other.client.predict(api_name="/jobs") == []
        same_refusal(other.client, "/cancel", shot["job"])
        same_refusal(other.client, "/redraw", shot["job"])
        assert other.browser.get(shot["preview"]).status_code == 404
        assert until(lambda: one.browser.get(shot["preview"]).status_code == 200), (
            "but between two pictures there is none"
        )
        assert [line["id"] for line in one.client.predict(api_name="/jobs")] == [shot["job"]]
    finally:
        one.client.predict(shot["job"], api_name="/cancel")
    assert job.result(timeout=120)["status"] == "cancelled"


def test_a_share_is_taken_back_by_its_owner_alone(strangers: App, one: Visitor, other: Visitor) -> None:
    link = one.client.predict(one.picture["id"], api_name="/share")
    same_refusal(other.client, "/unshare", link["token"])
    with web(strangers.url) as nobody:
        assert nobody.get(f"/s/{link['token']}").status_code == 200
        one.client.predict(link["token"], api_name="/unshare")
        assert nobody.get(f"/s/{link['token']}").status_code == 404


def test_a_stolen_name_without_its_signature_is_nobody(strangers: App, one: Visitor) -> None:
    name, value = next(iter(one.client.cookies.items()))
    with web(strangers.url, cookies={name: value.rsplit(".", 1)[0] + ".forged"}) as thief:
        assert thief.get(one.picture["url"]).status_code == 404
        kind, found = call(thief, "history", {})
        assert (kind, found["items"]) == ("complete", [])  # type: ignore[index]


def test_strangers_cannot_fetch_checkpoints(one: Visitor) -> None:
    with pytest.raises(AppError, match="Only the host may download"):
        one.client.predict("turbo", api_name="/download_checkpoint")


@pytest.mark.parametrize("checkpoint", ["turbo", "/etc", "../pocket", "someone/some-model"])
def test_strangers_draw_with_what_is_on_the_disk(one: Visitor, checkpoint: str) -> None:
    kind, said = call(one.browser, "generate", {"prompt": "a cat", "enhance": False, "checkpoint": checkpoint})
    assert kind == "error"
    assert "checkpoint" in str(said)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A studio where people log in, with every secret that can be set."""
    folder = tmp_path_factory.mktemp("people")
    logins = Path(folder / "logins")
    logins.write_text("".join(f"{name}:{word}\n" for name, word in PASSWORDS.items()))
    secrets = {"STUDIO_AUTH": str(logins), "STUDIO_ENHANCER_KEY": KEY}
    remote = {"enhancer": "remote", "enhancer_url": "http://127.0.0.1:9/v1", "enhancer_model": "none"}
    app = launch(folder, env=secrets, **remote)
    try:
        yield app.wait()
    finally:
        app.stop()


def test_people_own_what_they_drew_wherever_they_log_in(people: App) -> None:
    ann, bob = (visitor(people, name, auth=(name, PASSWORDS[name])) for name in PASSWORDS)
    again = Client(people.url, verbose=False, analytics_enabled=False, auth=("ann", PASSWORDS["ann"]))
    assert [item["id"] for item in again.predict(api_name="/history")["items"]] == [ann.picture["id"]]
    assert [item["id"] for item in bob.client.predict(api_name="/history")["items"]] == [bob.picture["id"]]
    same_refusal(bob.client, "/picture", ann.picture["id"])
    assert ann.browser.get(ann.picture["url"]).status_code == 200
    assert bob.browser.get(ann.picture["url"]).status_code == 404
    with web(people.url) as nobody:
        for url in (ann.picture["url"], ann.picture["thumb_url"]):
            assert nobody.get(url).status_code == 404
        link = ann.client.predict(ann.picture["id"], api_name="/share")
        assert nobody.get(f"/s/{link['token']}").status_code == 200
    ann.browser.close()
    bob.browser.close()


@pytest.mark.parametrize("path", ["/config", "/gradio_api/info", "/gradio_api/queue/data?session_hash=x"])
def test_who_is_not_logged_in_learns_nothing(people: App, path: str) -> None:
    with web(people.url) as nobody:
        assert nobody.get(path).status_code == 401
        assert nobody.post("/gradio_api/call/v2/history", json={}).status_code == 401
        assert nobody.post("/gradio_api/queue/join", json={"data": [], "fn_index": 0}).status_code == 401
        wrong = nobody.post("/login", data={"username": "ann", "password": "wrong"})
        assert wrong.status_code == 400


def test_no_secret_reaches_an_answer_or_the_log(people: App) -> None:
    ann = Client(people.url, verbose=False, analytics_enabled=False, auth=("ann", PASSWORDS["ann"]))
    failed = ann.predict("a cat", api_name="/generate")
    assert failed["status"] == "failed"
    with web(people.url, cookies=dict(ann.cookies)) as browser:
        told = [browser.get(path).text for path in ("/", "/config", "/gradio_api/info", "/healthz")]
    told += [str(failed), str(ann.predict(api_name="/history")), people.written()]
    assert len(told[0]) > 1000
    for text in told:
        for secret in (KEY, *PASSWORDS.values()):
            assert secret not in text
