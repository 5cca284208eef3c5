"""Runs a command line in this process, and returns its exit code and what it printed."""

from __future__ import annotations

import io
import signal
from contextlib import redirect_stderr, redirect_stdout

from studio.cli import main


def run(*arguments: object) -> tuple[int, str]:
    """Run `app.py ARGUMENTS`. Signal handlers stay as they are."""
    printed = io.StringIO()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            code = main.run([str(argument) for argument in arguments])
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return code, printed.getvalue().rstrip("\n")
