"""The request guard: checks Host, Origin and body size, and sets the security headers.

Other sites can make a visitor's browser send requests here, and a DNS name can be pointed at this machine. So the Host must
be ours, the Origin must be the page that we served, and bodies are limited. Pure ASGI, around everything else, including
Gradio's CORS headers. Knows no owner and no use case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.web.address import LOOPBACK_NAMES, Netloc, Origin, header, netloc, origin

BODY_MAX = 32 * 2**20  # bytes of a request body
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FOREIGN_HOST = "This studio does not answer under the name {got}: set public_url to the address that people use."
FOREIGN_PAGE = "This studio answers only to its own page, not to one from {got}."
TOO_LARGE = "A request's body may have at most {limit} MiB."
HUB = "https://huggingface.co"
HUB_SOURCES = "https://huggingface.co https://*.huggingface.co https://*.hf.space"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The names under which the studio is reached. `names` is None if any name is allowed."""

    names: frozenset[str] | None
    literals: bool = False  # whether a bare IP address is allowed
    public: Origin | None = None
    space: bool = False

    def host(self, place: Netloc | None) -> bool:
        """Whether a request for `place` is for this studio."""
        if place is None:
            return False
        return self.names is None or place.host in self.names or (self.literals and place.literal)

    def page(self, sender: Origin | None, place: Netloc) -> bool:
        """Whether the page of `sender` was served by this studio under `place`."""
        if sender is None:
            return False
        if self.public and (sender.scheme, sender.netloc.host, sender.port) == (
            self.public.scheme,
            self.public.netloc.host,
            self.public.port,
        ):
            return True
        same_host = sender.netloc.host == place.host or (sender.netloc.loopback and place.loopback)
        return same_host and sender.netloc.port == place.port


def rules(*, host: str, public_url: str | None, share: bool, space: bool) -> Rules:
    """The rules for a bind address, the public address, Gradio's tunnel, and a Space.

    On loopback the names are known, and on a public host where `public_url` is set. Elsewhere any name is allowed: cookies
    and logins belong to one name, so another name is another visitor.
    """
    public = origin(public_url) if public_url else None
    bind = netloc(f"[{host}]" if ":" in host.strip("[]") and not host.startswith("[") else host)
    names = set(LOOPBACK_NAMES)
    names |= {bind.host} if bind else set()
    names |= {public.netloc.host} if public else set()
    closed = bind is not None and bind.loopback
    known = (closed or public is not None) and not share
    return Rules(names=frozenset(names) if known else None, literals=not closed, public=public, space=space)


class RequestGuard:
    """Refuses foreign requests, limits bodies, and sets security headers on every response."""

    def __init__(
        self, app: ASGIApp, *, rules: Rules, body_max: int = BODY_MAX, uploads: Mapping[str, int] | None = None
    ) -> None:
        """`uploads` are paths with their own limit, since their bodies are not read into memory."""
        self.app, self._rules, self._body_max, self._uploads = app, rules, body_max, dict(uploads or {})
        self._headers = _headers(rules.space)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if scope["type"] == "websocket":
            if refusal:
                await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
                return
            await self.app(scope, receive, send)
            return
        secured = self._secured(send)
        if refusal:
            status, sentence = refusal
            await PlainTextResponse(sentence, status)(scope, receive, secured)
            return
        body = _Body(receive, secured, self._most(scope))
        await self.app(scope, body.receive, body.send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = scope["headers"]
        said = header(headers, b"host")
        place = netloc(said)
        if place is None or not self._rules.host(place):
            return 403, FOREIGN_HOST.format(got=_readable(said))
        sender = header(headers, b"origin")
        if sender and not self._rules.page(origin(sender), place):
            return 403, FOREIGN_PAGE.format(got=_readable(sender))
        unsafe = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if unsafe and not sender and header(headers, b"sec-fetch-site") == "cross-site":
            return 403, FOREIGN_PAGE.format(got="another site")
        length = header(headers, b"content-length")
        if length.isdecimal() and int(length[:20]) > self._most(scope):
            return 413, TOO_LARGE.format(limit=self._most(scope) // 2**20)
        return None

    def _most(self, scope: Scope) -> int:
        return self._uploads.get(scope["path"], self._body_max)

    def _secured(self, send: Send) -> Send:
        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers:
                    headers.setdefault(name, value)
            await send(message)

        return secured


class _Body:
    """Counts a body without a declared length, and responds 413 instead of the app."""

    def __init__(self, receive: Receive, send: Send, most: int) -> None:
        self._receive, self._send, self._left, self._most = receive, send, most, most
        self._over = self._begun = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                self._over = True
                await self._refuse()
                return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        if self._over:  # the refusal was sent, or the response has begun: send nothing more
            return
        self._begun = True
        await self._send(message)

    async def _refuse(self) -> None:
        if self._begun:
            return
        sentence = TOO_LARGE.format(limit=self._most // 2**20).encode()
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(sentence)).encode())]
        headers.append((b"connection", b"close"))
        await self._send({"type": "http.response.start", "status": 413, "headers": headers})
        await self._send({"type": "http.response.body", "body": sentence})


def _headers(space: bool) -> tuple[tuple[str, str], ...]:
    """The security headers. Gradio's page needs inline scripts and eval, so those stay allowed; other hosts do not."""
    sources = f"'self' {HUB_SOURCES}" if space else "'self'"
    policy = (
        f"default-src {sources} 'unsafe-inline' 'unsafe-eval' data: blob:",
        f"frame-ancestors 'self' {HUB}" if space else "frame-ancestors 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    )
    return (
        ("Content-Security-Policy", "; ".join(policy)),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "cross-origin" if space else "same-site"),
    )


def _readable(said: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in said[:100]) or "nothing"
