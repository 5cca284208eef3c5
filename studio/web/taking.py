"""The routes for taking pictures along and bringing them in: an owner's own, and nothing else.

    GET  /media/export.zip?query=&favourite=&tag=   all that match, or all; sent while it is written
    POST /media/export.zip                          a selection: JSON {"ids": [...]}, or a form's `ids` with commas between
    GET  /media/pictures/{id}.jpg, .webp            one picture in another format
    POST /media/import?name=&preview=1              a file as the body: a zip of ours, or anybody's picture

An upload lies in a file without a name while it is read. Refusals are JSON with one sentence.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from threading import BoundedSemaphore
from typing import IO
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from studio.errors import InvalidWish, NotFound, StudioError
from studio.studio import Studio
from studio.web.media import ID, not_found

IMPORT = "/media/import"
UPLOAD_MAX = 16 * 2**30  # bytes of an archive at home
STRANGER_MAX = 256 * 2**20  # bytes of one where strangers come
UPLOADS_MAX = 2  # at once
LIST_MAX = 4 * 2**20  # bytes of a selection
NO_STORE = {"Cache-Control": "no-store"}


def routes(studio: Studio) -> list[BaseRoute]:
    """The routes; they stand before those of `media`, whose last one takes all the rest."""
    taking = _Taking(studio)
    return [
        Route("/media/export.zip", taking.export, methods=["GET"]),
        Route("/media/export.zip", taking.export_some, methods=["POST"]),
        Route("/media/pictures/{id}.jpg", taking.picture, methods=["GET"]),
        Route("/media/pictures/{id}.webp", taking.picture, methods=["GET"]),
        Route(IMPORT, taking.bring, methods=["POST"]),
    ]


class _Taking:
    """The handlers over one studio."""

    def __init__(self, studio: Studio) -> None:
        self._archive = studio.archive
        self._uploads = BoundedSemaphore(UPLOADS_MAX)

    def export(self, request: Request) -> Response:
        asked = request.query_params
        query, tag, favourite = asked.get("query", ""), asked.get("tag") or None, bool(asked.get("favourite"))
        return _zip(request, lambda owner: self._archive.export(owner, query=query, tag=tag, favourite=favourite))

    async def export_some(self, request: Request) -> Response:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > LIST_MAX:
                return _refused(f"A selection may have at most {LIST_MAX // 2**20} MiB.", 413)
        try:
            ids = _ids(bytes(body), request.headers.get("content-type", ""))
        except StudioError as error:
            return _refused(str(error))
        return await run_in_threadpool(_zip, request, lambda owner: self._archive.export(owner, ids=ids))

    def picture(self, request: Request) -> Response:
        owner, id, ending = _owner(request), request.path_params["id"], request.url.path.rpartition(".")[2]
        if owner is None or not ID.fullmatch(id):
            return not_found()
        try:
            data, kind = self._archive.exported(owner, id, ending)
        except StudioError:
            return not_found()
        headers = {**NO_STORE, "Vary": "Cookie"}  # what it tells hangs on a setting
        if request.query_params.get("download"):
            headers["Content-Disposition"] = f'attachment; filename="z-image-{id}.{ending}"'
        return Response(data, media_type=kind, headers=headers)

    async def bring(self, request: Request) -> Response:
        owner = _owner(request)
        if owner is None:
            return not_found()
        if not self._uploads.acquire(blocking=False):
            return _refused(f"At most {UPLOADS_MAX} files come in at once: try again when one is done.", 503)
        try:
            with tempfile.TemporaryFile(dir=self._archive.folder) as file:
                async for part in request.stream():
                    await run_in_threadpool(file.write, part)
                return await run_in_threadpool(self._brought, owner, file, request)
        except ClientDisconnect:
            return _refused("The file did not come whole.")
        except OSError as error:
            return _refused(f"The file could not be read here: {error.strerror or error}.", 507)
        finally:
            self._uploads.release()

    def _brought(self, owner: str, file: IO[bytes], request: Request) -> Response:
        asked = request.query_params
        act = self._archive.preview if asked.get("preview") else self._archive.bring
        try:
            return JSONResponse(act(owner, file, asked.get("name", "")[:200]), headers=NO_STORE)
        except StudioError as error:
            return _refused(str(error))


def _zip(request: Request, export: Callable[[str], Iterator[bytes]]) -> Response:
    owner = _owner(request)
    if owner is None:
        return not_found()
    try:
        blocks = export(owner)
    except NotFound:
        return not_found()
    except StudioError as error:
        return _refused(str(error))
    headers = {**NO_STORE, "Content-Disposition": 'attachment; filename="z-image-studio.zip"'}
    return StreamingResponse(blocks, media_type="application/zip", headers=headers)


def _ids(body: bytes, kind: str) -> list[object]:
    """The ids of a selection, unchecked. Raises InvalidWish."""
    try:
        if kind.startswith("application/x-www-form-urlencoded"):
            return [id for said in parse_qs(body.decode()).get("ids", []) for id in said.split(",") if id]
        told = json.loads(body)
        ids = told.get("ids") if isinstance(told, dict) else None
    except (ValueError, RecursionError):
        ids = None
    if not isinstance(ids, list):
        raise InvalidWish("ids", 'must be a list of ids, as {"ids": [...]}', body[:40].decode("ascii", "replace"))
    return ids


def _owner(request: Request) -> str | None:
    found: str | None = getattr(request.state, "owner", None)
    return found or None


def _refused(sentence: str, status: int = 400) -> Response:
    return JSONResponse({"error": sentence}, status, headers=NO_STORE)
