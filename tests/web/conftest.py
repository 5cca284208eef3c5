"""A small app behind the guard and the identities, asked without a network: what comes in, who it is, which headers go out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from studio.web.address import origin
from studio.web.identity import Identity, Rule
from studio.web.middleware.request_guard import RequestGuard, rules

KEY = b"k" * 32
Ask = Callable[..., httpx.Response]


async def who(request: Request) -> Response:
    """Who the request is for, and how much it brought."""
    try:
        body = await request.body()
    except ClientDisconnect:
        return Response("nobody will read this", 500)
    state = request.state
    return JSONResponse({"owner": getattr(state, "owner", None), "base_url": state.base_url, "body": len(body)})


@pytest.fixture
def door() -> Callable[..., Ask]:
    """`door(host=..., rule=..., space=...)` gives `ask(path, method=..., headers=...)` on an app behind that door."""

    def build(
        *,
        host: str = "127.0.0.1",
        rule: Rule = "one",
        public_url: str | None = None,
        share: bool = False,
        space: bool = False,
        key: bytes = KEY,
        body_max: int = 1000,
        tokens: Mapping[str, str] | None = None,
    ) -> Ask:
        app = Starlette(routes=[Route("/{rest:path}", who, methods=["GET", "POST"])])
        app.tokens, app.cookie_id = dict(tokens or {}), "abc"  # type: ignore[attr-defined]  # as Gradio's app has them

        async def scoped(scope: dict[str, object], receive: object, send: object) -> None:
            scope["app"] = app
            await guarded(scope, receive, send)  # type: ignore[arg-type]

        public = origin(public_url) if public_url else None
        identity = Identity(app, rule=rule, key=key, public=public, space=space)
        guarded = RequestGuard(
            identity, rules=rules(host=host, public_url=public_url, share=share, space=space), body_max=body_max
        )

        def ask(
            path: str = "/",
            *,
            at: str = "http://127.0.0.1:7860",
            method: str = "GET",
            headers: Mapping[str, str] | None = None,
            content: bytes | AsyncIterator[bytes] | None = None,
        ) -> httpx.Response:
            async def send() -> httpx.Response:
                transport = httpx.ASGITransport(app=scoped)  # type: ignore[arg-type]
                async with httpx.AsyncClient(transport=transport, base_url=at) as client:
                    return await client.request(method, path, headers=headers, content=content)

            return asyncio.run(send())

        return ask

    return build
