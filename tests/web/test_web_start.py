"""Starting and stopping: what is said of wrong settings, how soon it answers, what a stop leaves behind."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from studio.cli.bootstrap import disable_telemetry, explain_error, free_port, logins
from studio.settings import read
from tests.apps import completed
from tests.conftest import App, StartApp, plain_environment
from tests.http_api import web


def start(*flags: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run app.py to its end, for a start that is refused."""
    return completed(*flags, env=plain_environment() | env)


@pytest.mark.parametrize(
    ("flags", "env", "says"),
    [
        ({"host": "0.0.0.0"}, {}, "owners=browser"),
        ({"share": True}, {}, "needs auth"),
        ({"port": "seven"}, {}, "port:"),
        ({}, {"STUDIO_QUEUE_TOTAL": "0"}, "queue_total:"),
        ({"enhancer": "remote"}, {}, "enhancer_url"),
        ({"public_url": "draw.example"}, {}, "http:// or https://"),
    ],
)
def test_wrong_settings_are_sentences(
    monkeypatch: pytest.MonkeyPatch, flags: dict[str, object], env: dict[str, str], says: str
) -> None:
    monkeypatch.delenv("SYSTEM", raising=False)  # on a Space, a public bind is no mistake
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as error:
        read(flags, os.environ)
    assert says in explain_error(error.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--host", "0.0.0.0"], "owners=browser"),
        (["--auth", "only-a-name"], "name:password"),
        (["--enhancer-template", "no-such"], "no-such"),
        (["--host", "no.such.address.invalid", "--owners", "browser"], "choose another host"),
    ],
)
def test_a_start_that_cannot_be_ends_with_a_sentence(tmp_path: Path, flags: list[str], says: str) -> None:
    ended = start("--data", str(tmp_path / "data"), *flags)
    assert ended.returncode == 2
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "only-a-name" not in ended.stderr


def test_a_taken_port_and_a_taken_folder_are_sentences(server: App, tmp_path: Path) -> None:
    taken = start("--data", str(tmp_path), "--port", str(server.port))
    assert (taken.returncode, taken.stderr.count("\n")) == (2, 1)
    assert f"Port {server.port} of 127.0.0.1 is taken" in taken.stderr
    used = start("--data", str(server.data), "--port", "0")
    assert (used.returncode, used.stderr.count("\n")) == (2, 1)


def test_it_answers_before_the_weights_are_loaded_and_says_when_they_are(start_app: StartApp) -> None:
    app = start_app(ready=False, cold=True)
    found = app.health()
    assert set(found) == {"status", "checkpoint", "device", "queued", "running", "message"}
    assert found["checkpoint"] == "pocket"
    assert app.wait().health()["status"] == "ready"


def test_a_wish_filed_while_it_loads_waits_its_turn_and_a_stop_queues_it_again(
    start_app: StartApp, tmp_path: Path
) -> None:
    first = start_app(data=tmp_path, ready=False)
    client = first.client()
    job = client.submit("a star", seed=5, enhance=False, steps=50, count=2, api_name="/generate")
    shots = iter(job)
    shot = next(shots)
    assert shot["status"] in ("queued", "running")
    while not shot["step"]:
        shot = next(shots)
    assert first.stop() == 0
    second = start_app(data=tmp_path)
    end = time.monotonic() + 240
    while (client := second.client()).predict(api_name="/jobs"):
        assert time.monotonic() < end
        time.sleep(0.5)
    assert sorted(one["seed"] for one in client.predict(api_name="/history")["items"]) == [5, 6]


def test_health_is_open_to_probes(server: App) -> None:
    with web(server.url) as browser:
        answer = browser.get("/healthz")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert answer.json()["status"] == "ready"
        assert browser.head("/healthz").status_code == 200
        assert browser.post("/healthz").status_code == 405


def test_logins_are_pairs_or_a_file_of_them(tmp_path: Path) -> None:
    assert logins("ann:one, bob:t:wo") == [("ann", "one"), ("bob", "t:wo")]
    path = tmp_path / "logins"
    path.write_text("# who may come\nann:one,two\n\nbob:three\n")
    assert logins(str(path)) == [("ann", "one,two"), ("bob", "three")]
    for wrong in ("hunter2", "ann:", ":hunter2", "", "ann:hunter2,ann:hunter3"):
        with pytest.raises(ValueError, match="auth") as error:
            logins(wrong)
        assert "hunter" not in str(error.value)


def test_explanations_name_the_setting_and_never_a_secret() -> None:
    with pytest.raises(ValidationError) as error:
        read({"port": "99999", "auth": "ann:hunter2"}, {})
    said = explain_error(error.value)
    assert "port" in said
    assert "99999" in said
    assert "hunter2" not in said


def test_a_free_port_is_chosen_for_zero_and_a_taken_one_is_refused() -> None:
    assert 0 < free_port("127.0.0.1", 0) < 65536
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(OSError, match="is taken"):
            free_port("127.0.0.1", holder.getsockname()[1])


def test_no_proxy_stands_between_the_machine_and_itself() -> None:
    environ = {"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "corp.example"}
    disable_telemetry(environ)
    assert environ["NO_PROXY"].split(",") == ["corp.example", "localhost", "127.0.0.1", "::1"]
    assert environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert "HF_HUB_OFFLINE" not in environ
