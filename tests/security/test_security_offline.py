"""Nothing leaves the machine unless somebody asked for it. Every studio of these tests runs behind the wall; here it is tried."""

from __future__ import annotations

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
