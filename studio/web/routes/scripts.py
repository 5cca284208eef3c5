"""GET /scripts: the page's scripts, the same for every visitor.

An address contains a hash of the content, so browsers cache it forever. The page requests all scripts at once, so they are
compressed beforehand, and the handler is a coroutine. Knows no owner.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from studio.web.routes.media import not_found

HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}


def routes(files: Mapping[str, bytes]) -> list[BaseRoute]:
    """The routes of scripts: `files` has the content of each address."""
    compressed = {address: gzip.compress(content, mtime=0) for address, content in files.items()}

    async def script(request: Request) -> Response:
        address = request.url.path
        if address not in files:
            return not_found()
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers = {**HEADERS, "Content-Encoding": "gzip"}
            return Response(compressed[address], media_type="text/javascript", headers=headers)
        return Response(files[address], media_type="text/javascript", headers=HEADERS)

    return [Route("/scripts/{rest:path}", script, methods=["GET"])]
