"""A stand-in for the Hub around a Space, on loopback with TLS: one server that is both sites, told apart by Host.

Under the Space's name it passes everything to the studio as the Hub's proxy does, in plain HTTP with the Space's Host and
`X-Forwarded-Proto: https`; under the Hub's, and any other, it gives a page that shows the Space in an iframe.
"""

from __future__ import annotations

import http.client
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

HUB_HOST = "huggingface.co"
PAGE = (
    '<!doctype html><title>A Space</title><iframe id="space" src="https://{space}/" width="1400" height="880"></iframe>'
)
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "proxy-connection"}
GONE = (ConnectionError, ssl.SSLError, TimeoutError)  # how a browser leaves


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    space: str
    port: int

    def do_GET(self) -> None:
        if self.headers.get("Host") == self.space:
            self._pass_on()
        elif self.path.startswith("/spaces/"):
            self._answer(200, PAGE.format(space=self.space).encode())
        else:
            self._answer(404, b"")

    def do_POST(self) -> None:
        if self.headers.get("Host") == self.space:
            self._pass_on()
        else:
            self._answer(404, b"")

    do_HEAD = do_GET
    do_OPTIONS = do_POST

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        sent = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        self.close_connection = True
        try:
            connection.request(self.command, self.path, body or None, {**sent, "X-Forwarded-Proto": "https"})
            answer = connection.getresponse()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            while piece := answer.read1(65_536):
                self.wfile.write(piece)
                self.wfile.flush()
        except GONE:
            return
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler: type[_Handler], context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self._context = context

    def finish_request(self, request: object, client_address: object) -> None:
        """The handshake happens here, in the request's own thread, so that one slow browser holds up nobody."""
        with suppress(*GONE):
            secured = self._context.wrap_socket(request, server_side=True)  # type: ignore[arg-type]
            try:
                super().finish_request(secured, client_address)  # type: ignore[arg-type]
            finally:
                secured.close()


@contextmanager
def hub(space: str, port: int) -> Iterator[int]:
    """The port of a Hub whose Space `space` is the studio at `port` of this machine."""
    handler = type("Handler", (_Handler,), {"space": space, "port": port})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        pem = Path(folder) / "key.pem"
        pem.write_bytes(trustme.CA().issue_cert(HUB_HOST, space).private_key_and_cert_chain_pem.bytes())
        context.load_cert_chain(pem)
    server = _Server(handler, context)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
