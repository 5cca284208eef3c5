"""Import and export routes for an owner's pictures.

    GET  /media/export.zip?query=&favourite=&tag=&collection=&zone=   all matching pictures, streamed
    POST /media/export.zip                   a selection: JSON {"ids": [...]}, or a form's comma-separated `ids`
    GET  /media/export/progress?token=       progress of an export that was started with this `token`
    GET  /media/pictures/{id}.jpg, .webp     one picture in another format
    POST /media/import?name=&preview=1&made= a file as the body: an archive, or any picture; `made` is the file's time in
                                             milliseconds since 1970, used if the picture has none
    POST /media/import?name=&source=1&private=   a starting image; `private` is 1 or a session id

Uploads are read from an unnamed temporary file. Errors are JSON with a message. Clients that accept
application/x-ndjson get progress (`studio.web.ndjson`). When they leave, the import stops and keeps what it has."""

from __future__ import annotations

import asyncio
import io
import json
import re
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime, timezone
from functools import partial
from threading import BoundedSemaphore
from typing import IO, Any
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from locales import Localized, accepted_language, message_of, replace_messages
from storage.metadata.readers import FILE_MAX
from storage.transfer.exporter import Progress
from studio.errors import InvalidRequest, NotFound, StudioError
from studio.services.serializers import View
from studio.studio import Studio
from studio.web import ndjson
from studio.web.routes.media import ID, not_found

IMPORT = "/media/import"
UPLOAD_MAX = 16 * 2**30  # bytes of an archive at home
STRANGER_MAX = 256 * 2**20  # bytes of an archive from public visitors
UPLOADS_MAX = 4  # concurrent uploads
GRACE_S = 10.0  # seconds before an upload slower than SLOWEST bytes per second is aborted
SLOWEST = 20_000
LIST_MAX = 4 * 2**20  # bytes of a selection
EXPORTS_MAX = 64  # exports whose progress is remembered
TOKEN = re.compile(r"[0-9A-Za-z]{8,64}")
NO_STORE = {"Cache-Control": "no-store"}


def routes(studio: Studio, *, grace_s: float = GRACE_S) -> list[BaseRoute]:
    """The routes. They come before `media`'s catch-all."""
    taking = _Taking(studio, grace_s)
    return [
        Route("/media/export.zip", taking.export, methods=["GET"]),
        Route("/media/export.zip", taking.export_some, methods=["POST"]),
        Route("/media/export/progress", taking.exported, methods=["GET"]),
        Route("/media/pictures/{id}.jpg", taking.picture, methods=["GET"]),
        Route("/media/pictures/{id}.webp", taking.picture, methods=["GET"]),
        Route(IMPORT, taking.bring, methods=["POST"]),
    ]


class _Exports:
    """The progress of recent exports, by owner and token."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], View] = OrderedDict()

    def of(self, owner: str, token: str) -> View:
        """Pictures done, pictures in all, and whether the export has ended."""
        with self._lock:
            return dict(self._known.get((owner, token), {"done": 0, "total": 0, "ended": False}))

    def put(self, owner: str, token: str, **told: object) -> None:
        """Record progress. The oldest exports are forgotten."""
        if TOKEN.fullmatch(token):
            with self._lock:
                known = self._known.setdefault((owner, token), {"done": 0, "total": 0, "ended": False})
                known.update(told)
                while len(self._known) > EXPORTS_MAX:
                    self._known.popitem(last=False)


class _Taking:
    """The handlers over one studio."""

    def __init__(self, studio: Studio, grace_s: float) -> None:
        self._transfer, self._grace_s = studio.transfer, grace_s
        self._uploads = BoundedSemaphore(UPLOADS_MAX)
        self._exports = _Exports()

    def export(self, request: Request) -> Response:
        asked = request.query_params
        return self._zip(
            request,
            partial(
                self._transfer.export,
                query=asked.get("query", ""),
                tag=asked.get("tag") or None,
                favourite=bool(asked.get("favourite")),
                collection=asked.get("collection") or None,
                zone=asked.get("zone") or "UTC",
            ),
        )

    async def export_some(self, request: Request) -> Response:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > LIST_MAX:
                return _refused(request, Localized("error.selection_too_large", most=LIST_MAX // 2**20), 413)
        try:
            ids = _ids(bytes(body), request.headers.get("content-type", ""))
        except StudioError as error:
            return _refused(request, message_of(error))
        return await run_in_threadpool(self._zip, request, partial(self._transfer.export, ids=ids))

    def exported(self, request: Request) -> Response:
        owner = _owner(request)
        if owner is None:
            return not_found()
        return JSONResponse(self._exports.of(owner, request.query_params.get("token", "")), headers=NO_STORE)

    def _zip(self, request: Request, export: Callable[..., Iterator[bytes]]) -> Response:
        owner, token = _owner(request), request.query_params.get("token", "")
        if owner is None:
            return not_found()
        try:
            blocks = export(owner, progress=lambda done, total: self._exports.put(owner, token, done=done, total=total))
        except NotFound:
            return not_found()
        except StudioError as error:
            return _refused(request, message_of(error))
        headers = {**NO_STORE, "Content-Disposition": 'attachment; filename="z-image-studio.zip"'}
        return StreamingResponse(self._counted(blocks, owner, token), media_type="application/zip", headers=headers)

    def _counted(self, blocks: Iterator[bytes], owner: str, token: str) -> Iterator[bytes]:
        """Yield the blocks, and record the end."""
        try:
            yield from blocks
        finally:
            self._exports.put(owner, token, ended=True)

    def picture(self, request: Request) -> Response:
        owner, id, ending = _owner(request), request.path_params["id"], request.url.path.rpartition(".")[2]
        if owner is None or not ID.fullmatch(id):
            return not_found()
        try:
            data, kind = self._transfer.exported(owner, id, ending)
        except StudioError:
            return not_found()
        headers = {**NO_STORE, "Vary": "Cookie"}  # its content depends on a setting
        if request.query_params.get("download"):
            headers["Content-Disposition"] = f'attachment; filename="z-image-{id}.{ending}"'
        return Response(data, media_type=kind, headers=headers)

    def _file(self) -> AbstractContextManager[IO[bytes]]:
        """An unnamed temporary file on the disk of the data folder."""
        return tempfile.TemporaryFile(dir=self._transfer.folder)

    async def bring(self, request: Request) -> Response:
        owner = _owner(request)
        if owner is None:
            return not_found()
        if not self._uploads.acquire(blocking=False):
            return _refused(request, Localized("error.uploads_at_once", n=UPLOADS_MAX), 503)
        with (
            ExitStack() as held
        ):  # the file and its slot are released when this ends, or when the work that uses them ends
            held.callback(self._uploads.release)
            try:
                begins = _yes(
                    request.query_params.get("source")
                )  # such a picture may be private: it must not touch a disk
                place: Callable[[], AbstractContextManager[IO[bytes]]] = io.BytesIO if begins else self._file
                file = held.enter_context(place())
                async for part in _in_time(request.stream(), self._grace_s):
                    await run_in_threadpool(file.write, part)
                    if begins and file.tell() > FILE_MAX:
                        return _refused(request, Localized("error.upload_too_large", most=FILE_MAX // 2**20), 413)
            except TimeoutError:
                return _refused(request, Localized("error.upload_too_slow", n=SLOWEST // 1000), 408)
            except ClientDisconnect:
                return _refused(request, Localized("error.upload_incomplete"))
            except OSError as error:
                return _refused(request, _unread(error), 507)
            work = partial(self._brought, owner, file, request, held.pop_all())
            if ndjson.wants_ndjson(request):
                return ndjson.ndjson_response(lambda tell, stop: _written(request, work(tell, stop)[0]), NO_STORE)
            told, status = await run_in_threadpool(work, None, lambda: False)
            return _told(request, told.get("result", told), status)

    def _brought(
        self,
        owner: str,
        file: IO[bytes],
        request: Request,
        held: ExitStack,
        tell: Progress | None,
        stop: Callable[[], bool],
    ) -> tuple[View, int]:
        """Import a file. Returns the last NDJSON line and the status of an error."""
        asked = request.query_params
        name = asked.get("name", "")[:200]
        with held:
            try:
                if _yes(asked.get("preview")):
                    return {"result": self._transfer.preview(owner, file, name, progress=tell)}, 200
                if _yes(asked.get("source")):
                    return {
                        "result": self._transfer.source(owner, file, name, private=_private(asked.get("private")))
                    }, 200
                made = _moment(asked.get("made", ""))
                return {
                    "result": self._transfer.import_file(owner, file, name, progress=tell, stop=stop, made=made)
                }, 200
            except StudioError as error:
                return {"error": message_of(error)}, 400
            except OSError as error:
                return {"error": _unread(error)}, 507


def _ids(body: bytes, kind: str) -> list[object]:
    """The ids of a selection, not validated. Raises InvalidRequest."""
    try:
        if kind.startswith("application/x-www-form-urlencoded"):
            return [id for said in parse_qs(body.decode()).get("ids", []) for id in said.split(",") if id]
        told = json.loads(body)
        ids = told.get("ids") if isinstance(told, dict) else None
    except (ValueError, RecursionError):
        ids = None
    if not isinstance(ids, list):
        raise InvalidRequest("ids", "ids_body", body[:40].decode("ascii", "replace"))
    return ids


async def _in_time(parts: AsyncGenerator[bytes, None], grace_s: float) -> AsyncIterator[bytes]:
    """Yield the chunks of a body while it arrives fast enough. Raises TimeoutError."""
    begun, size = time.monotonic(), 0
    while True:
        allowed = grace_s + size / SLOWEST - (time.monotonic() - begun)
        try:
            part = await asyncio.wait_for(anext(parts), max(allowed, 0.0))
        except StopAsyncIteration:
            return
        size += len(part)
        yield part


def _private(told: str | None) -> bool | str:
    """The query's `private`: true for 1, or a session id."""
    return True if told == "1" else (told or False)


def _yes(told: str | None) -> bool:
    """True for 1; false for nothing, 0 and false."""
    return (told or "").lower() not in ("", "0", "false", "no")


def _moment(told: str) -> datetime | None:
    """Convert milliseconds since 1970; None for invalid values."""
    if not re.fullmatch("[0-9]{1,15}", told):
        return None
    try:
        return datetime.fromtimestamp(int(told) / 1000, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None


def _unread(error: OSError) -> str:
    return Localized("error.upload_unreadable", reason=error.strerror or str(error))


def _owner(request: Request) -> str | None:
    found: str | None = getattr(request.state, "owner", None)
    return found or None


def _refused(request: Request, sentence: str, status: int = 400) -> Response:
    return _told(request, {"error": sentence}, status)


def _written(request: Request, answer: Any) -> Any:
    """An answer whose messages are in the language that the client accepts."""
    language = accepted_language(request.headers.get("accept-language", ""))
    return replace_messages(answer, lambda message: message.in_language(language))


def _told(request: Request, told: object, status: int) -> Response:
    """JSON in ASCII: file metadata may contain text that UTF-8 cannot encode."""
    return Response(json.dumps(_written(request, told)), status, media_type="application/json", headers=NO_STORE)
