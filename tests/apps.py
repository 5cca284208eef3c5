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
import tempfile
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


def completed(
    *words: str, code: str | None = None, env: Mapping[str, str] | None = None, timeout: float = 240
) -> subprocess.CompletedProcess[str]:
    """Run `app.py WORDS`, or `code` with WORDS as its arguments, to the end in the environment `env`. Raises TimeoutExpired."""
    environment = dict(os.environ if env is None else env)
    program = [str(ROOT / "app.py")] if code is None else ["-c", code]
    if "forkserver" not in multiprocessing.get_all_start_methods():
        command = [sys.executable, *program, *words]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout)
    with tempfile.TemporaryDirectory() as folder:
        out, error = Path(folder, "out"), Path(folder, "error")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(PRELOAD))
        process = _Forked(context.Process(target=_run_to_end, args=(words, code, environment, out, error)))
        try:
            returned = process.wait(timeout)
        finally:
            process.kill()
        return subprocess.CompletedProcess(
            [*program, *words], returned, out.read_text("utf-8"), error.read_text("utf-8")
        )


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
    _become(words, env, log, log)
    walled.end_with_parent()
    walled.build(outside)
    runpy.run_path(str(ROOT / "app.py"), run_name="__main__")


def _run_to_end(words: tuple[str, ...], code: str | None, env: dict[str, str], out: Path, error: Path) -> None:
    _become(words, env, out, error)
    walled.end_with_parent()
    if code is None:
        runpy.run_path(str(ROOT / "app.py"), run_name="__main__")
    else:
        exec(compile(code, "-c", "exec"), {"__name__": "__main__"})


def _become(words: tuple[str, ...], env: dict[str, str], out: Path, error: Path) -> None:
    """Take on output files, the folder, the environment and the arguments of a new program."""
    for number, file in ((1, out), (2, error)):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = [str(ROOT / "app.py"), *words]
