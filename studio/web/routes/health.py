"""GET /healthz: the state of the studio and its engine.

Responds from the first moment, before any weights are loaded. Needs no owner and reveals nobody's work.
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
