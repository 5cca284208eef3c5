"""A server on loopback that speaks the OpenAI protocol, and recites or misbehaves as it is told."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Manners:
    """What the loopback server does with the next request, and what it was asked last."""

    pieces: list[str] = field(default_factory=list)  # content, one chunk each
    next_pieces: Callable[[], list[str]] | None = None  # the content of each answer, where they differ
    thoughts: list[str] = field(default_factory=list)  # reasoning_content, before the content
    raw: list[bytes] = field(default_factory=list)  # sent as they are, in place of chunks
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    finish: str | None = "stop"
    cut: bool = False  # closes the connection in the middle of a chunked body
    silent_s: float = 0.0  # says nothing for so long before the answer
    pause_s: float = 0.0  # between two pieces
    asked: dict[str, Any] = field(default_factory=dict)
    asked_headers: dict[str, str] = field(default_factory=dict)
    path: str = ""
    sent: int = 0
    wake: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        manners: Manners = self.server.manners  # type: ignore[attr-defined]
        manners.path, manners.asked_headers = self.path, dict(self.headers)
        manners.asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        manners.wake.wait(manners.silent_s) if manners.silent_s else None
        with contextlib.suppress(OSError):
            self._answer(manners)

    def _answer(self, manners: Manners) -> None:
        if manners.status != 200:
            body = b'{"error": {"message": "no"}}'
            self.send_response(manners.status)
            for name, value in manners.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in manners.raw or self._lines(manners):
            self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
            self.wfile.flush()
            manners.sent += 1
            manners.wake.wait(manners.pause_s) if manners.pause_s else None
        if manners.cut:
            self.wfile.write(b"ff\r\ndata: {")
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")

    def _lines(self, manners: Manners) -> Iterator[bytes]:
        deltas: list[dict[str, str]] = [{"reasoning_content": thought} for thought in manners.thoughts]
        deltas += [{"content": piece} for piece in (manners.next_pieces() if manners.next_pieces else manners.pieces)]
        for delta in deltas:
            yield self._chunk({"index": 0, "delta": delta})
        if manners.finish:
            yield self._chunk({"index": 0, "delta": {}, "finish_reason": manners.finish})
            yield b"data: [DONE]\n\n"

    def _chunk(self, choice: dict[str, Any]) -> bytes:
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        return b"data: " + json.dumps(chunk).encode() + b"\n\n"

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: a test's output is for the test."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the tests."""


@dataclass(frozen=True)
class Loopback:
    url: str
    manners: Manners


@contextlib.contextmanager
def listening() -> Iterator[Loopback]:
    """A real HTTP server that speaks the OpenAI protocol as `manners` say."""
    server = _Server(("127.0.0.1", 0), _Handler)
    manners = Manners()
    server.manners = manners  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield Loopback(f"http://127.0.0.1:{server.server_port}", manners)
    manners.wake.set()
    server.shutdown()
    server.server_close()
    thread.join()
