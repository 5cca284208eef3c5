"""GET /healthz: whether the studio is up and where its engine stands, for whoever watches over it.

Answers from the first moment on, before any weight is loaded. Needs no owner and tells nothing of anybody's work.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from studio.studio import Studio


def routes(studio: Studio) -> list[BaseRoute]:
    """The route /healthz."""

    def health(request: Request) -> Response:
        return JSONResponse(studio.health(), headers={"Cache-Control": "no-store"})

    return [Route("/healthz", health, methods=["GET"])]
