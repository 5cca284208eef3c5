"""Starts app.py in a process of its own, by a fork of one process that has imported the libraries already.

Importing torch, diffusers and gradio takes most of a start. A fork server imports them once a test worker. The started process is
a real one, with its own environment, log and exit code. Without fork, or with `cold=True`, a new interpreter starts instead.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tests import walled

ROOT = Path(__file__).resolve().parent.parent
PRELOAD = ("tests.preload",)


class Process(Protocol):
    """The part of `subprocess.Popen` that the tests use."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int) -> None: ...

    def kill(self) -> None: ...


def start(words: Sequence[str], *, env: Mapping[str, str], log: Path, outside: Path, cold: bool = False) -> Process:
    """Start `app.py WORDS` with exactly the environment `env`. Its output goes to `log`, refused connections to `outside`."""
    if cold or "forkserver" not in multiprocessing.get_all_start_methods():
        program = [sys.executable, str(ROOT / "tests" / "walled.py"), str(outside), str(ROOT / "app.py"), *words]
        with log.open("wb") as out:
            return subprocess.Popen(program, cwd=ROOT, stdout=out, stderr=out, env={**env, "PYTHONUNBUFFERED": "1"})
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOAD))
    return _Forked(context.Process(target=_run, args=(tuple(words), dict(env), log, outside)))


class _Forked:
    """A process of the fork server, with the methods of `subprocess.Popen`."""

    def __init__(self, process: multiprocessing.process.BaseProcess) -> None:
        self._process = process
        process.start()
        self.pid = process.pid or 0

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if (code := self._process.exitcode) is None:
            raise subprocess.TimeoutExpired("app.py", timeout or 0)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(words: tuple[str, ...], env: dict[str, str], log: Path, outside: Path) -> None:
    with log.open("wb") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = [str(ROOT / "app.py"), *words]
    walled.end_with_parent()
    walled.build(outside)
    runpy.run_path(str(ROOT / "app.py"), run_name="__main__")
