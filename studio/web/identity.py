"""Who owns a request: everybody at home, a browser by its signed cookie, or the person who logged in.

Pure ASGI. It puts the owner and the address that links begin with into the request's state, for our routes and Gradio's handlers
alike. What has no owner has no right to anything. Knows no use case; of Gradio only where it notes who is logged in.
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

LONG_S = 400 * 86_400  # the longest that browsers keep a cookie
RENEW_S = 30 * 86_400  # an older one is set again with the same id
ID = re.compile(r"[0-9A-Za-z_-]{16,64}")
SHARED = (
    "/assets/",
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
    """Resolves the owner by `rule`; under `browser` it gives a cookie to those who come without one."""

    def __init__(
        self, app: ASGIApp, *, rule: Rule, key: bytes, public: Origin | None = None, space: bool = False
    ) -> None:
        self.app, self._rule, self._public, self._space = app, rule, public, space
        self._signer = TimestampSigner(key, salt="studio.owner", digest_method=hashlib.sha256)
        # Browsers keep one jar for all ports of a host: the name tells this studio's cookie from a neighbour's.
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
        """The id in a cookie that we signed, else a new one; and whether the cookie is to be set (again)."""
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
        """Whether the visitor came by https: as a proxy tells, or because that is the only way to where they came."""
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
    """Gradio's login keeps a token by cookie and, in its app object, whose it is; both cookies of one login hold the same token."""
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
    """Every value sent under a name: an old unpartitioned cookie may come beside the new one."""
    values = []
    for key, line in scope["headers"]:
        if key == b"cookie":
            for part in line.decode("latin-1").split(";"):
                said, _, value = part.strip().partition("=")
                if said == name:
                    values.append(value.strip('"'))
    return values
