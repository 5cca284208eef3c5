"""Media routes: an owner's pictures, thumbnails and previews.

A finished picture never changes, so browsers cache it forever. Previews and private pictures are not cached. Unknown,
foreign and malformed ids get the same 404. Use cases find files by id: nothing of a request becomes a path.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from studio.errors import StudioError
from studio.studio import Studio

ID = re.compile(r"[0-9A-Za-z_-]{1,100}")
KEEP = "private, max-age=31536000, immutable"
FindFile = Callable[[str, str], Path | bytes]


def routes(studio: Studio) -> list[BaseRoute]:
    """The routes under /media."""

    def picture(request: Request) -> Response:
        return _file(request, studio.library.file, "png", "image/png")

    def thumb(request: Request) -> Response:
        return _file(request, studio.library.thumb, "webp", "image/webp")

    def preview(request: Request) -> Response:
        owner, id = _asked(request)
        if not owner or not id:
            return not_found()
        try:
            data = studio.jobs.preview(owner, id)
        except StudioError:
            return not_found()
        return Response(data, media_type="image/webp", headers={"Cache-Control": "no-store"})

    def left(request: Request) -> Response:
        owner = getattr(request.state, "owner", None)
        if not owner:
            return not_found()
        try:
            studio.generation.leave_private_session(owner, request.query_params.get("session", ""))
        except StudioError:
            return not_found()
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    def nothing(request: Request) -> Response:
        return not_found()

    return [
        Route("/media/pictures/{id}.png", picture, methods=["GET"]),  # starlette handles HEAD with GET
        Route("/media/thumbs/{id}.webp", thumb, methods=["GET"]),
        Route("/media/previews/{id}.webp", preview, methods=["GET"]),
        Route("/media/private/left", left, methods=["POST"]),  # sent by a tab that is being closed
        Route("/media/{rest:path}", nothing, methods=["GET"]),
    ]


def not_found() -> Response:
    """The response for everything that does not exist or is not the owner's."""
    return PlainTextResponse("Not found.", 404, {"Cache-Control": "no-store"})


def _file(request: Request, find: FindFile, ending: str, kind: str) -> Response:
    owner, id = _asked(request)
    if not owner or not id:
        return not_found()
    try:
        found = find(owner, id)
    except StudioError:
        return not_found()
    attached = {}
    if request.query_params.get("download"):
        attached = {"Content-Disposition": f'attachment; filename="z-image-{id}.{ending}"'}
    if isinstance(found, bytes):  # private: browsers must not cache it
        return Response(found, media_type=kind, headers={"Cache-Control": "no-store", "Vary": "Cookie", **attached})
    tag = f'"{id}-{ending}"'  # the id stands for the bytes, which never change
    headers = {"ETag": tag, "Cache-Control": KEEP, "Vary": "Cookie"}
    if tag in [said.strip().removeprefix("W/") for said in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    if not found.is_file():  # the file was removed from the folder
        return not_found()
    return FileResponse(found, media_type=kind, headers={**headers, **attached})


def _asked(request: Request) -> tuple[str | None, str | None]:
    owner, id = getattr(request.state, "owner", None), request.path_params["id"]
    return owner, id if ID.fullmatch(id) else None
