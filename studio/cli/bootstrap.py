"""Process setup: environment, log, error messages for settings, logins, the port and the stop signal.

Knows no storage, no engine and no page. app.py calls it before anything heavy is imported.
"""

from __future__ import annotations

import errno
import logging
import signal
import socket
import sys
import threading
from collections.abc import MutableMapping
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

LOOPBACK = ("localhost", "127.0.0.1", "::1")


SWITCH_S = 0.0005
"""Threads that compute in Python hand over after this long; by torch's count a step is many short calls, and the default of 5 ms makes the
thread that draws wait behind every message that goes out meanwhile."""


SPIN_COUNT = "1000"
"""How long OpenMP's threads spin before they sleep. The default makes a picture take many times as long where other processes need
the cores (`python -m bench.threads`)."""


def prepare_process(environ: MutableMapping[str, str]) -> None:
    """Prepare the process: no telemetry, a log, short thread turns, OpenMP threads that spin briefly.

    Call it before torch is imported.
    """
    disable_telemetry(environ)
    if "OMP_WAIT_POLICY" not in environ:
        environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
    configure_logging()
    sys.setswitchinterval(SWITCH_S)


def disable_telemetry(environ: MutableMapping[str, str]) -> None:
    """Turn off the libraries' telemetry, and bypass proxies for this machine.

    Call it before gradio and huggingface_hub are imported, which read these variables once.
    """
    environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    environ["DO_NOT_TRACK"] = "1"
    for name in ("NO_PROXY", "no_proxy"):
        said = [part for part in environ.get(name, "").split(",") if part]
        environ[name] = ",".join(dict.fromkeys([*said, *LOOPBACK]))


def configure_logging() -> None:
    """Log to standard error, without a line for each HTTP request of the studio itself."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in ("httpx", "httpx2", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


def exit_with_error(sentence: str) -> NoReturn:
    """Print an error and exit with code 2."""
    print(sentence, file=sys.stderr)
    sys.exit(2)


def explain_error(error: Exception) -> str:
    """Format a start error. Validation errors become one line per setting. Secret values are never shown."""
    if not isinstance(error, ValidationError):
        return str(error)
    lines = []
    for problem in error.errors(include_url=False, include_context=False):
        where = ".".join(str(part) for part in problem["loc"])
        rule = problem["msg"].removeprefix("Value error, ")
        secret = where in ("auth", "enhancer_key") or not where
        got = "" if secret else f" (got {problem['input']!r})"
        lines.append(f"{where}: {rule}{got}." if where else rule)
    return "\n".join(lines)


def logins(auth: str) -> list[tuple[str, str]]:
    """Parse `auth`: comma-separated `name:password` pairs, or a file with one pair a line.

    Raises ValueError for an invalid pair and for a duplicate name. The message contains no part of a password.
    """
    path = Path(auth)
    try:
        lines = path.read_text("utf-8").splitlines() if path.is_file() else auth.split(",")
    except OSError as error:
        raise ValueError(f"The file of logins that auth names cannot be read ({error.strerror}).") from None
    pairs: dict[str, str] = {}
    for number, line in enumerate((line.strip() for line in lines), start=1):
        if not line or (path.is_file() and line.startswith("#")):
            continue
        name, colon, password = line.partition(":")
        if not colon or not name.strip() or not password:
            raise ValueError(f"auth must be name:password pairs, or a file of them; pair {number} is not one.")
        if name.strip() in pairs:
            raise ValueError(f"auth gives the name {name.strip()} twice.")
        pairs[name.strip()] = password
    if not pairs:
        raise ValueError("auth must hold at least one name:password pair.")
    return list(pairs.items())


def free_port(host: str, port: int) -> int:
    """The port to serve on; 0 chooses a free one. Raises OSError with advice."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except socket.gaierror:
        raise OSError(f"There is no address {host} to serve the page on: choose another host.") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OSError(f"Port {port} of {host} is taken, perhaps by another studio: choose another port.") from None
        raise OSError(f"The page cannot be served on {host}, port {port}: {error.strerror or error}.") from None


def stop_event() -> threading.Event:
    """An event that the first SIGINT or SIGTERM sets. A second signal ends the process as usual. Main thread only."""
    stop = threading.Event()

    def ask(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    return stop
