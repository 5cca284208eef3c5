"""Owner identity: one owner at home, a browser by its signed cookie, or a logged-in person.

Pure ASGI. It stores the owner and the base URL in the request's state, for our routes and Gradio's handlers. A request
without an owner has no rights. Knows no use case, and of Gradio only its login tokens.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from typing import Literal

from itsdangerous import BadSignature, TimestampSigner
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.validation import HOME
from studio.web.address import Origin, header, netloc, scheme

Rule = Literal["one", "browser", "person"]

LONG_S = 400 * 86_400  # the longest lifetime of a cookie in browsers
RENEW_S = 30 * 86_400  # an older cookie is set again with the same id
ID = re.compile(r"[0-9A-Za-z_-]{16,64}")
SHARED = (
    "/assets/",
    "/scripts/",
    "/static/",
    "/svelte/",
    "/theme.css",
    "/favicon.ico",
    "/robots.txt",
    "/manifest.json",
    "/s/",
    "/healthz",
)


class Identity:
    """Resolves the owner by `rule`. Under `browser`, visitors without a cookie get one."""

    def __init__(
        self, app: ASGIApp, *, rule: Rule, key: bytes, public: Origin | None = None, space: bool = False
    ) -> None:
        self.app, self._rule, self._public, self._space = app, rule, public, space
        self._signer = TimestampSigner(key, salt="studio.owner", digest_method=hashlib.sha256)
        # Browsers share cookies between the ports of a host, so the name includes this studio's own id.
        self.cookie = f"studio-{hashlib.sha256(b'name' + key).hexdigest()[:10]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["base_url"] = self._base_url(scope)
        if self._rule == "one":
            state["owner"] = HOME
        elif self._rule == "person":
            state["owner"] = _person(scope)
        elif scope["type"] == "websocket" or not scope["path"].startswith(SHARED):
            owner, renew = self._browser(scope)
            state["owner"] = f"browser:{owner}"
            if renew and scope["type"] == "http":
                send = self._giving(send, self._set_cookie(owner, self._secure(scope)))
        await self.app(scope, receive, send)

    def _browser(self, scope: Scope) -> tuple[str, bool]:
        """The id in a valid cookie, else a new one, and whether the cookie must be set."""
        for value in _cookies(scope, self.cookie):
            try:
                said, signed = self._signer.unsign(value, return_timestamp=True)
            except (BadSignature, ValueError, OverflowError):
                continue
            owner = said.decode("ascii", "replace")
            if ID.fullmatch(owner):
                return owner, time.time() - signed.timestamp() > RENEW_S
        return secrets.token_urlsafe(24), True

    def _set_cookie(self, owner: str, secure: bool) -> str:
        value = self._signer.sign(owner).decode("ascii")
        where = "Secure; SameSite=None; Partitioned" if secure else "SameSite=Lax"
        return f"{self.cookie}={value}; Path=/; Max-Age={LONG_S}; HttpOnly; {where}"

    def _secure(self, scope: Scope) -> bool:
        """Whether the visitor uses https, according to a proxy or because the public address requires it."""
        if self._space or scheme(scope["headers"], scope["scheme"]) == "https":
            return True
        place = netloc(header(scope["headers"], b"host"))
        told = bool(header(scope["headers"], b"x-forwarded-proto"))
        public = self._public
        return not told and public is not None and public.scheme == "https" and place == public.netloc

    def _base_url(self, scope: Scope) -> str:
        if self._public is not None:
            place, spoken = self._public.netloc, self._public.scheme
            return f"{spoken}://{place.host}" + (f":{place.port}" if place.port else "")
        headers = scope["headers"]
        spoken = scheme(headers, "https" if scope["scheme"] in ("https", "wss") else "http")
        return f"{spoken}://{header(headers, b'host')}"

    @staticmethod
    def _giving(send: Send, cookie: str) -> Send:
        async def giving(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.append("Set-Cookie", cookie)
                headers.setdefault("Cache-Control", "private, no-store")
            await send(message)

        return giving


def _person(scope: Scope) -> str | None:
    """The logged-in user: Gradio stores a token in two cookies, and the token's user in its app object."""
    app = scope.get("app")
    tokens, cookie_id = getattr(app, "tokens", {}), getattr(app, "cookie_id", None)
    if cookie_id is None:
        return None
    for name in (f"access-token-{cookie_id}", f"access-token-unsecure-{cookie_id}"):
        for value in _cookies(scope, name):
            if isinstance(person := tokens.get(value), str):
                return f"person:{person}"
    return None


def _cookies(scope: Scope, name: str) -> list[str]:
    """All values of a cookie name: an old unpartitioned cookie may come beside the new one."""
    values = []
    for key, line in scope["headers"]:
        if key == b"cookie":
            for part in line.decode("latin-1").split(";"):
                said, _, value = part.strip().partition("=")
                if said == name:
                    values.append(value.strip('"'))
    return values
