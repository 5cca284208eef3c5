"""Assembles the routes, the middleware and the identities for `launch(app_kwargs=...)`.

Knows the settings that concern the outside, and nothing of the page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from studio.settings import Settings
from studio.studio import Studio
from studio.web.address import origin
from studio.web.identity import Identity
from studio.web.middleware.gradio_hardening import GradioHardening
from studio.web.middleware.request_guard import BODY_MAX, RequestGuard, rules
from studio.web.routes import health, media, scripts, share, transfer

SESSIONS_MAX = 500  # page sessions kept in memory


def launch_kwargs(studio: Studio, settings: Settings, *, key: bytes, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Arguments of `launch` that concern the outside. `key` signs the cookies; `files` are the page's scripts by address.

    Routes and middleware come as `app_kwargs`. Internal errors stay in the log. Gradio's other services (a second server, a
    dashboard, an installable app) stay off.
    """
    return {
        "app_kwargs": {
            "routes": routes(studio, files),
            "lifespan": lifespan(settings, key),
            "docs_url": None,
            "redoc_url": None,
            "openapi_url": None,
        },
        "max_file_size": BODY_MAX,
        "state_session_capacity": SESSIONS_MAX,
        "prevent_thread_lock": True,
        "quiet": True,
        "show_error": False,
        "ssr_mode": False,
        "pwa": False,
        "num_workers": 0,
        "enable_monitoring": False,
    }


def routes(studio: Studio, files: Mapping[str, bytes]) -> list[BaseRoute]:
    """All our routes."""
    return [
        *health.routes(studio),
        *transfer.routes(studio),
        *media.routes(studio),
        *share.routes(studio),
        *scripts.routes(files),
    ]


def lifespan(settings: Settings, key: bytes) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Wraps the app before its first request.

    Middleware given to `launch` would be inside Gradio's CORS middleware, which answers preflight requests of foreign
    pages. Without this wrapper, requests have no owner and get nothing.
    """

    @asynccontextmanager
    async def wrapped(app: Starlette) -> AsyncIterator[None]:
        inner = app.middleware_stack
        if inner is None:
            raise RuntimeError("The app has no middleware stack yet, so the guard cannot stand in front of it.")
        public = origin(settings.public_url) if settings.public_url else None
        door = rules(host=settings.host, public_url=settings.public_url, share=settings.share, space=settings.space)
        identity = Identity(
            GradioHardening(inner), rule=settings.owner_rule, key=key, public=public, space=settings.space
        )
        most = transfer.UPLOAD_MAX if settings.owner_rule == "one" else transfer.STRANGER_MAX
        app.middleware_stack = RequestGuard(identity, rules=door, uploads={transfer.IMPORT: most})
        yield

    return wrapped
