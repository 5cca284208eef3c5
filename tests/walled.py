"""Runs a Python program behind a wall: whatever it asks of another machine is noted in a file and refused.

`python tests/walled.py NOTES PROGRAM [ARGUMENT...]`. The wall is an audit hook, so it stands below every library.
"""

from __future__ import annotations

import ipaddress
import os
import runpy
import sys
import threading
import time
from pathlib import Path

WATCHED = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
}  # which argument


def host_of(address: object) -> str | None:
    """The host in a socket's address; None for one that has none, such as a path on this machine."""
    if isinstance(address, tuple):
        address = address[0] if address else None
    if isinstance(address, bytes):
        address = address.decode("ascii", "replace")
    return address if isinstance(address, str) and address and not address.startswith("/") else None


def inside(host: str) -> bool:
    """Whether asking for `host` asks nobody but this machine."""
    if host in ("localhost", "<broadcast>"):
        return host == "localhost"
    try:
        found = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    return found.is_loopback or found.is_unspecified


def build(notes: Path) -> None:
    """Set the wall up, for the rest of this process."""

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event not in WATCHED:
            return
        host = host_of(arguments[WATCHED[event]])
        if host is None or inside(host):
            return
        with notes.open("a", encoding="utf-8") as out:
            out.write(f"{event} {host}\n")
        raise OSError(f"{host} is outside of the wall.")

    sys.addaudithook(watch)


def end_with_parent() -> None:
    """End this process when the one that started it is gone, so that a broken run leaves no studio behind."""
    parent = os.getppid()

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()


if __name__ == "__main__":
    end_with_parent()
    build(Path(sys.argv[1]))
    program = Path(sys.argv[2]).resolve()
    sys.argv = sys.argv[2:]
    sys.path[0] = str(program.parent)
    runpy.run_path(str(program), run_name="__main__")
