"""Nothing leaves the machine unless somebody asked for it. Every studio of these tests runs behind the wall; here it is tried."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, App
from tests.http_api import web


@pytest.mark.parametrize(
    ("program", "asked"),
    [
        ("import socket; socket.create_connection(('203.0.113.7', 80), 1)", "203.0.113.7"),
        ("import socket; socket.getaddrinfo('somewhere.invalid', 80)", "somewhere.invalid"),
        ("import urllib.request; urllib.request.urlopen('http://somewhere.invalid/')", "somewhere.invalid"),
        (
            "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('203.0.113.7', 53))",
            "203.0.113.7",
        ),
    ],
)
def test_the_wall_notices(tmp_path: Path, program: str, asked: str) -> None:
    path = tmp_path / "program.py"
    path.write_text(program)
    notes = tmp_path / "notes"
    command = [sys.executable, str(ROOT / "tests" / "walled.py"), str(notes), str(path)]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    assert asked in notes.read_text()


def test_the_wall_lets_this_machine_speak_with_itself(tmp_path: Path, server: App) -> None:
    path = tmp_path / "program.py"
    path.write_text(f"import socket; socket.create_connection(('localhost', {server.port}), 10).close()")
    notes = tmp_path / "notes"
    command = [sys.executable, str(ROOT / "tests" / "walled.py"), str(notes), str(path)]
    assert subprocess.run(command, check=False).returncode == 0
    assert not notes.exists()


def test_a_whole_visit_asks_no_other_machine(server: App) -> None:
    """Page, drawing, finding, sharing: also refused tries would stand in the notes."""
    client = server.client()
    last = client.predict("a tree", enhance=False, steps=1, api_name="/generate")
    client.predict(last["pictures"][0]["id"], api_name="/rerun")
    client.predict(query="tree", api_name="/history")
    client.predict(last["pictures"][0]["id"], api_name="/share")
    with web(server.url) as browser:
        for path in ("/", "/config", "/theme.css", "/gradio_api/info", "/manifest.json", "/favicon.ico"):
            browser.get(path)
    assert not server.outside.exists(), server.outside.read_text()


ELSEWHERE = "http://somewhere.invalid/x.png"
FILE = json.dumps({"path": ELSEWHERE, "url": ELSEWHERE, "meta": {"_type": "gradio.FileData"}})


@pytest.mark.parametrize(
    "path",
    [
        f"/gradio_api/file={ELSEWHERE}",
        "/gradio_api/file=https%3A%2F%2Fsomewhere.invalid/x.png",
        "/gradio_api/file=HTTP://somewhere.invalid/x.png",
        f"/gradio_api/file/{ELSEWHERE}",
        f"/gradio_api/proxy={ELSEWHERE}",
        "/gradio_api/proxy=https://somebody-studio.hf.space/x.png",
        "/gradio_api/deep_link?session_hash=x",
    ],
)
def test_a_visitor_cannot_make_the_server_fetch(server: App, path: str) -> None:
    with web(server.url) as browser:
        assert browser.get(path).status_code in (403, 404)
    assert not server.outside.exists(), server.outside.read_text()


@pytest.mark.parametrize(
    "prompt",
    [
        FILE,
        f"[[{FILE}]]",
        FILE.replace("gradio", "\\u0067radio").replace("http", "\\u0068ttp"),
        '{"value": ' + FILE.replace("http", "HTTPS", 1) + "}",
        "[" * 100_000 + "]" * 100_000,
        "not json",
    ],
    ids=["file", "nested", "escaped", "upper", "deep", "none"],
)
@pytest.mark.parametrize("route", ["call/v2/generate", "call/generate", "run/generate", "queue/join"])
def test_a_file_that_is_an_address_is_refused(server: App, route: str, prompt: str) -> None:
    with web(server.url) as browser:
        text = '{"prompt": ' + prompt + "}" if "v2" in route else '{"data": [' + prompt + '], "fn_index": 0}'
        answer = browser.post(f"/gradio_api/{route}", content=text, headers={"content-type": "application/json"})
        assert answer.status_code == 400, answer.text
    assert not server.outside.exists(), server.outside.read_text()
