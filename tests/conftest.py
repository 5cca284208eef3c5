"""Shared by all tests: the studio as people start it, a process of its own on a free port, drawing with Pocket.

    server       one studio for the whole run, at home (everybody is one owner). Do not stop it, and leave its queue empty
    start_app    starts more of them, with other settings or another folder; stopped at the end of the test
    client       a `gradio_client` of `server`
    pocket       the folder of Pocket's checkpoint
    loopback     a server that speaks the OpenAI protocol as `loopback.manners` say

Every one of them runs behind a wall (walled.py): a studio that asks another machine for anything fails the test that started it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from gradio_client import Client

from studio.cli.bootstrap import SPIN_COUNT
from tests import apps
from tests.apps import Process
from tests.loopback import Loopback, listening

os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)  # read once, when torch is imported

ROOT = Path(__file__).resolve().parent.parent
START_S = 240.0  # for a slow machine; a test of speed measures by itself
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback is never behind a proxy


SLOW_S = 900.0  # the time limit of a slow test


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give slow tests more time than pyproject.toml gives to the others."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_S))


@dataclass
class App:
    """A studio in a process of its own."""

    url: str
    port: int
    data: Path
    process: Process
    log: Path  # what it wrote
    outside: Path  # what it asked of other machines; there is no such file while it asked nothing
    _clients: list[Client] = field(default_factory=list)

    def health(self, timeout: float = 10) -> dict[str, object]:
        """What /healthz answers. Raises OSError while nobody listens."""
        with _direct.open(f"{self.url}/healthz", timeout=timeout) as answer:
            found: dict[str, object] = json.load(answer)
        return found

    def wait(self, *, ready: bool = True, seconds: float = START_S) -> App:
        """Until it answers and, with `ready`, until it can draw."""
        end = time.monotonic() + seconds
        status: object = None
        while time.monotonic() < end and self.process.poll() is None and status != "failed":
            try:
                status = self.health()["status"]
            except OSError:
                status = None
            if status is not None and (status == "ready" or not ready):
                return self
            time.sleep(0.05)
        raise AssertionError(f"The studio did not get there (status {status}):\n{self.written()[-4000:]}")

    def client(self, headers: Mapping[str, str] | None = None) -> Client:
        """A program of its own, with its own cookies."""
        made = Client(self.url, verbose=False, analytics_enabled=False, headers=dict(headers or {}))
        self._clients.append(made)
        return made

    def written(self) -> str:
        """Its log so far."""
        return self.log.read_text("utf-8", errors="replace")

    def stop(self, seconds: float = 60) -> int:
        """Ask it to end, as a service manager does; returns its code. Raises AssertionError where it asked other machines."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"The studio did not stop:\n{self.written()[-4000:]}") from None
        asked = self.outside.read_text("utf-8") if self.outside.exists() else ""
        assert not asked, f"The studio asked other machines:\n{asked}"
        return self.process.returncode

    def kill(self) -> None:
        """Pull the plug."""
        self.process.kill()
        self.process.wait()


StartApp = Callable[..., App]


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def plain_environment() -> dict[str, str]:
    """This process's environment without what the studio would take for settings."""
    ours = ("STUDIO_", "GRADIO_", "SPACE_")
    return {name: value for name, value in os.environ.items() if name != "SYSTEM" and not name.startswith(ours)}


def launch(
    folder: Path, *, data: Path | None = None, env: Mapping[str, str] | None = None, cold: bool = False, **flags: object
) -> App:
    """Start app.py behind the wall. `flags` are its settings, as `owners="browser"`; what it writes goes to `folder`.

    `cold` starts a new interpreter, which imports every library anew.
    """
    number = len(list(folder.glob("studio-*.log")))
    log, outside = folder / f"studio-{number}.log", folder / f"studio-{number}.outside"
    port = int(str(flags.pop("port", free_port())))
    data = data or folder / "data"
    said = {"port": port, "data": data, "checkpoint": "pocket", **flags}
    words = [word for name, value in said.items() for word in (f"--{name}", str(value))]
    process = apps.start(words, env=plain_environment() | dict(env or {}), log=log, outside=outside, cold=cold)
    return App(f"http://127.0.0.1:{port}", port, data, process, log, outside)


@pytest.fixture
def start_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartApp]:
    """`start_app(data=..., env={...}, owners="browser", ready=False)` gives an App that answers, by default one that can draw."""
    started: list[App] = []
    folder = tmp_path_factory.mktemp("app")

    def start(*, ready: bool = True, wait: bool = True, **settings: object) -> App:
        app = launch(folder, **settings)  # type: ignore[arg-type]
        started.append(app)
        return app.wait(ready=ready) if wait else app

    yield start
    for app in started:
        app.stop()


@contextmanager
def serving(folder: Path, **settings: object) -> Iterator[App]:
    """A studio that can draw, until the end of the block. As `launch`."""
    app = launch(folder, **settings)  # type: ignore[arg-type]
    try:
        yield app.wait()
    finally:
        app.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One studio at home for the whole run."""
    with serving(tmp_path_factory.mktemp("server"), queue_per_owner=200) as app:
        yield app


@pytest.fixture
def client(server: App) -> Client:
    """A program that talks to `server`."""
    return server.client()


@pytest.fixture(scope="session")
def pocket() -> Path:
    """Pocket's checkpoint, in diffusers layout."""
    folder = ROOT / "pocket" / "checkpoint"
    assert (folder / "model_index.json").is_file(), "Pocket's checkpoint is missing: python -m pocket.train makes it."
    return folder


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    """A real HTTP server that speaks the OpenAI protocol as `manners` say."""
    with listening() as made:
        yield made
