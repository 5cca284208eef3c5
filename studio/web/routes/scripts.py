"""GET /scripts: the page's scripts, the same for every visitor.

An address contains a hash of the content, so browsers cache it forever. Knows no owner.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from studio.web.routes.media import not_found

KEEP = "public, max-age=31536000, immutable"


def routes(files: Mapping[str, bytes]) -> list[BaseRoute]:
    """The routes of scripts: `files` has the content of each address."""

    def script(request: Request) -> Response:
        content = files.get(request.url.path)
        if content is None:
            return not_found()
        return Response(content, media_type="text/javascript", headers={"Cache-Control": KEEP})

    return [Route("/scripts/{rest:path}", script, methods=["GET"])]
