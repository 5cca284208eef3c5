"""A real studio in a process of its own, for measurements: started on a free port over an empty data folder, stopped at the end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

ROOT = Path(__file__).resolve().parent.parent
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback is never behind a proxy


def health(url: str) -> dict[str, object]:
    """What `/healthz` answers. Raises OSError while nobody listens."""
    with DIRECT.open(f"{url}/healthz", timeout=5) as answer:
        found: dict[str, object] = json.load(answer)
    return found


@contextmanager
def studio(*flags: str, wait: bool = True, ready_s: float = 300.0) -> Iterator[str]:
    """The address of a studio that is ready to draw, or with `wait` off of one that was started just now.

    Raises RuntimeError with the end of its log if it does not get ready.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = [
            sys.executable,
            "app.py",
            "--port",
            str(port),
            "--data",
            f"{folder}/data",
            "--checkpoint",
            "pocket",
            *flags,
        ]
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, cwd=ROOT, stdout=out, stderr=out, env=os.environ | {"NO_PROXY": "127.0.0.1"}
            )
        url = f"http://127.0.0.1:{port}"
        try:
            if wait:
                _until_ready(url, process, log, ready_s)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def last_of(client: httpx.Client, endpoint: str, **values: object) -> dict[str, Any]:
    """The last message of a named endpoint's stream, for a finished job. Raises RuntimeError for any other.

    Plain HTTP, since gradio_client looks for news only 20 times a second, which would be measured too.
    """
    return last_shot(client, endpoint, filed(client, endpoint, **values))


def filed(client: httpx.Client, endpoint: str, **values: object) -> str:
    """The event of a call that was begun."""
    posted = client.post(f"/gradio_api/call/v2/{endpoint}", json=values).raise_for_status()
    return str(posted.json()["event_id"])


def last_shot(client: httpx.Client, endpoint: str, event: str) -> dict[str, Any]:
    """The last message of an event's stream. Raises RuntimeError as `last_of` does."""
    shot: dict[str, Any] = {}
    with client.stream("GET", f"/gradio_api/call/{endpoint}/{event}") as answer:
        for line in answer.iter_lines():
            if line.startswith("data: [") and (message := json.loads(line[6:])[0]):
                shot = message
    if shot.get("status") != "done":
        raise RuntimeError(f"The studio did not do it: the job is {shot.get('status')} ({shot.get('error')}).")
    return shot


def _until_ready(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    status: object = None
    while time.monotonic() < end and process.poll() is None and status != "failed":
        try:
            status = health(url)["status"]
        except OSError:
            status = None
        if status == "ready":
            return
        time.sleep(0.1)
    raise RuntimeError(f"The studio did not get ready (status {status}):\n{log.read_text(errors='replace')[-3000:]}")
