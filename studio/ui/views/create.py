"""The Create view: files a request, watches its job, and shows the result with its reasoning.

The form is native (form.py). The scripts in assets/create build the stage, the strip and the reasoning in one `gr.HTML` with a
constant template, fed with job states. Listeners own nothing: leaving the page stops no job.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

import gradio as gr
from huggingface_hub.constants import HF_HUB_CACHE

from locales import for_page
from studio.domain.request import GenerationRequest
from studio.domain.sizes import fitting
from studio.engine.catalog import is_folder
from studio.errors import InvalidRequest, StudioError
from studio.services import serializers
from studio.services.captioning import from_base64
from studio.services.serializers import View
from studio.studio import Studio
from studio.ui.calls import Call, CallArguments, OwnerOf
from studio.ui.views import form as forms
from studio.ui.views import form_values

STRIP = 24  # newest pictures on the page
STREAM: dict[str, Any] = {
    "concurrency_limit": None,  # a request must be filed at once, whatever else is being watched
    "show_progress": "hidden",
    "trigger_mode": "multiple",
    "api_visibility": "private",
}
ENDED = "() => studio.emit('stream-ended')"
UNREAD = "() => studio.emit('read-ended')"
EVENTS = "'draw' 'watch' 'again' 'vary' 'redraw' 'plain' 'think' 'refine' 'reuse'"


def build(studio: Studio, *, owner_of: OwnerOf) -> None:
    """Build the view in the open Blocks context."""
    with gr.Row(elem_id="columns", equal_height=False):
        form = forms.build(studio)
        canvas = gr.HTML(
            None,
            html_template='<div class="canvas"></div>',
            js_on_load=f"studio.mount('create', {{element, props, trigger, watch}}); /* fires {EVENTS} */",
            apply_default_css=False,
            elem_id="canvas",
        )
    _listen(studio, form, canvas, owner_of)
    _listen_reading(studio, form.foot, owner_of)


def calls(studio: Studio, *, base_url_of: Callable[[gr.Request], str]) -> Mapping[str, Call]:
    """The calls of the shell's and Create's scripts."""
    return {
        "state": lambda asked: state(studio),
        "home": lambda asked: home(studio, asked.owner, session=asked("private") or None),
        "forget": lambda asked: studio.generation.end_private_session(asked.owner, asked("session")),
        "adapters": lambda asked: _adapters(studio, asked("checkpoint")),
        "tokens": lambda asked: _tokens(studio, _text(asked("prompt"))),
        "snapshot": lambda asked: snapshot(studio, asked.owner, asked("job")),
        "picture": lambda asked: studio.library.picture(asked.owner, asked("id")),
        "begin": lambda asked: begin(studio, asked.owner, asked("source"), asked("checkpoint"), bool(asked("private"))),
        "cancel": lambda asked: studio.generation.cancel(asked.owner, asked("job")),
        "star": lambda asked: studio.library.edit(asked.owner, asked("id"), favourite=asked("favourite")),
        "delete": lambda asked: studio.library.delete(asked.owner, asked("id")),
        "restore": lambda asked: studio.library.restore(asked.owner, asked("id")),
        "share": lambda asked: link(studio, asked.owner, asked("id"), base_url_of(asked.request)),
        "unshare": lambda asked: studio.sharing.revoke(
            asked.owner, asked("token"), base_url=base_url_of(asked.request)
        ),
        "download": partial(_download, studio),
    }


def begin(studio: Studio, owner: str, source: Any, checkpoint: Any, private: bool) -> View:
    """A starting image by id or pixels, and the size in its ratio that suits a checkpoint."""
    found = studio.library.source(owner, source, private=private)
    info = studio.checkpoints.get(checkpoint or None)
    width, height = fitting(int(str(found["width"])), int(str(found["height"])), info.defaults.native, info.side_max)
    return {"picture": found, "width": width, "height": height}


def link(studio: Studio, owner: str, picture_id: Any, base_url: str) -> View:
    """The valid link to a picture, or a new one. A second click makes no second link."""
    made = studio.sharing.of_picture(owner, picture_id, base_url=base_url)
    return made[0] if made else studio.sharing.create(owner, picture_id, base_url=base_url)


def state(studio: Studio) -> View:
    """The state of the engine and the downloads, for the header and the list of checkpoints."""
    now = studio.state
    titles = {one.name: one.title for one in studio.checkpoints.all()}
    return {
        "status": now.status,
        "title": titles.get(now.checkpoint, now.checkpoint),
        "device": now.device,
        "message": now.message,
        "fraction": now.fraction,
        "quota": studio.quota_warning(),
        "damaged": studio.damaged,
        "free_gb": free_gb(),
        "checkpoints": [
            {
                "name": one.name,
                "title": one.title,
                "on_disk": one.on_disk,
                "folder": is_folder(one),  # a local file, which cannot be downloaded
                "gb": round(one.download_gb, 1),
                "steps": one.defaults.steps,
                "guidance": one.defaults.guidance,
                "native": one.defaults.native,
                "follows": studio.enhancement.options(one.name).follows,
            }
            for one in studio.checkpoints.all()
        ],
        "downloads": {
            name: {"status": one.status, "fraction": one.fraction, "eta_s": one.eta_s, "message": one.message}
            for name, one in studio.checkpoints.downloads().items()
        },
    }


def free_gb() -> int:
    """Free disk space for downloads in GB."""
    folder = Path(HF_HUB_CACHE)
    while not folder.exists():  # the first download creates the cache
        folder = folder.parent
    return int(shutil.disk_usage(folder).free / 1e9)


def home(studio: Studio, owner: str, *, session: Any = None) -> View:
    """The content of a newly opened page: unfinished jobs, and the newest pictures, stored or of a private session.

    Imported pictures appear in the gallery only.
    """
    jobs = [snapshot(studio, owner, str(line["id"])) for line in studio.jobs.unfinished(owner)]
    found = (
        studio.library.private(owner, session, STRIP)
        if session
        else studio.library.history(owner, query="-is:imported", limit=STRIP)
    )
    items: Any = found["items"]
    return {"jobs": jobs, "pictures": [one for one in items if one["steps"]], "state": state(studio)}


def snapshot(studio: Studio, owner: str, job: str) -> View:
    """A job's state with its preview."""
    shot = studio.jobs.snapshot(owner, job)
    return {**shot, "preview": preview(studio, owner, shot)}


def preview(studio: Studio, owner: str, shot: View) -> str | None:
    """The preview of a job's state as a data URL, or None. Fetched by address, it would often come too late."""
    if shot["preview"] is None:
        return None
    try:
        data = studio.jobs.preview(owner, str(shot["job"]))
    except StudioError:  # the picture has been finished
        return None
    return f"data:image/webp;base64,{b64encode(data).decode()}"


def _tokens(studio: Studio, prompt: str) -> View:
    """The number of a prompt's tokens, and its truncated end."""
    return {"tokens": studio.enhancement.tokens(prompt), "unseen": studio.enhancement.truncated(prompt)}


def _adapters(studio: Studio, checkpoint: Any) -> View:
    name = _text(checkpoint) if checkpoint else None
    return serializers.adapters(studio.checkpoints.get(name), studio.checkpoints.adapters(name))


def _download(studio: Studio, asked: CallArguments) -> View:
    studio.checkpoints.download(_text(asked("name")))
    return state(studio)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidRequest("value", "text", value)
    return value


def _listen(studio: Studio, form: forms.Form, canvas: gr.HTML, owner_of: OwnerOf) -> None:
    async def draw(request: gr.Request, *values: Any) -> AsyncIterator[View]:
        async for shot in _stream(
            studio,
            owner_of(request),
            lambda owner: studio.generation.submit(owner, form_values.request_from_form(values)),
        ):
            yield shot

    async def draw_as_said(request: gr.Request, event: gr.EventData, *values: Any) -> AsyncIterator[View]:
        said = _said(event)
        instead = {name: said[name] for name in ("prompt", "enhance", "enhancement", "private") if name in said}
        async for shot in _stream(
            studio,
            owner_of(request),
            lambda owner: studio.generation.submit(owner, form_values.request_from_form(values, **instead)),
        ):
            yield shot

    def by_id(name: str, file: Callable[..., str], *more: str) -> None:
        async def listener(request: gr.Request, event: gr.EventData) -> AsyncIterator[View]:
            said = _said(event)
            told = {key: said[key] for key in ("private", *more) if key in said}
            async for shot in _stream(studio, owner_of(request), lambda owner: file(owner, said.get("id"), **told)):
                yield shot

        getattr(canvas, name)(listener, None, canvas, api_name=f"create_{name}", **STREAM).then(None, js=ENDED)

    def reuse(request: gr.Request, event: gr.EventData, chosen: Any) -> list[Any]:
        try:
            picture = studio.library.picture(owner_of(request), _text(_said(event).get("id")))
            return form_values.settings_of_picture(studio, picture, _text(chosen))
        except StudioError as error:
            raise gr.Error(str(error), print_exception=False) from error

    form.draw.click(draw, form.inputs, canvas, js=forms.PRIVATE, api_name="create_button", **STREAM).then(
        None, js=ENDED
    )
    canvas.draw(draw_as_said, form.inputs, canvas, api_name="create_draw", **STREAM).then(None, js=ENDED)
    _listen_reasoning(studio, canvas, owner_of)
    by_id("watch", lambda owner, job, **told: str(studio.jobs.snapshot(owner, job)["job"]))
    by_id("again", studio.generation.rerun)
    by_id("vary", studio.generation.vary, "strength")
    by_id("redraw", studio.generation.retry)
    quiet = {**STREAM, "queue": False}
    filled = [*form.inputs, form.shape, form.side]
    canvas.reuse(reuse, form.fields["checkpoint"], filled, api_name="create_reuse", **quiet).then(
        None, js="() => studio.emit('reused')"
    )


def _listen_reasoning(studio: Studio, canvas: gr.HTML, owner_of: OwnerOf) -> None:
    async def think(request: gr.Request, event: gr.EventData) -> AsyncIterator[View]:
        said = _said(event)
        wanted = {name: said[name] for name in ("prompt", "style", "length", "locks", "private") if said.get(name)}
        async for shot in _stream(
            studio,
            owner_of(request),
            lambda owner: studio.generation.enhance(owner, GenerationRequest.of(**{"prompt": "", **wanted})),
        ):
            yield shot

    async def refine(request: gr.Request, event: gr.EventData) -> AsyncIterator[View]:
        said = _said(event)
        id, instruction, prompt = (said.get(name) for name in ("id", "instruction", "prompt"))
        async for shot in _stream(
            studio,
            owner_of(request),
            lambda owner: studio.generation.refine(
                owner, _text(id), _text(instruction), prompt=_text(prompt), private=said.get("private", False)
            ),
        ):
            yield shot

    async def plain(request: gr.Request, event: gr.EventData) -> AsyncIterator[View]:
        said = _said(event)
        id, private = said.get("id"), said.get("private", False)
        async for shot in _stream(
            studio,
            owner_of(request),
            lambda owner: studio.generation.retry(owner, _text(id), plain=True, private=private),
        ):
            yield shot

    for name, listener in (("think", think), ("refine", refine), ("plain", plain)):
        getattr(canvas, name)(listener, None, canvas, api_name=f"create_{name}", **STREAM).then(None, js=ENDED)


def _listen_reading(studio: Studio, foot: gr.HTML, owner_of: OwnerOf) -> None:
    """Caption a picture for the prompt. Each request has a number, by which the page cancels it."""
    going: dict[tuple[str, str], threading.Event] = {}

    async def read(request: gr.Request, event: gr.EventData) -> AsyncIterator[View]:
        said, number = _said(event), _number(event)
        mine = owner_of(request), number
        stop = going[mine] = threading.Event()
        try:
            yield {"n": number, "prompt": "", "done": False}  # cancelled before it was registered
            prompt, picture = "", await asyncio.to_thread(from_base64, said.get("picture"))
            texts = studio.enhancement.describe(picture, said.get("language", "en"), stopped=stop.is_set)
            async with aclosing(texts):
                async for prompt in texts:
                    yield {"n": number, "prompt": prompt, "done": False}
            yield {"n": number, "prompt": prompt, "done": True}
        except StudioError as error:
            yield {"n": number, "error": for_page(error.message)}
        finally:
            going.pop(mine, None)

    def unread(request: gr.Request, event: gr.EventData) -> None:
        if stop := going.get((owner_of(request), _number(event))):
            stop.set()

    foot.read(read, None, foot, api_name="create_read", **STREAM).then(None, js=UNREAD)
    foot.unread(unread, None, None, api_name="create_unread", **{**STREAM, "queue": False})


def _number(event: gr.EventData) -> str:
    number = _said(event).get("n")
    return number if isinstance(number, str) and len(number) <= 40 else ""


async def _stream(studio: Studio, owner: str, file: Callable[[str], str]) -> AsyncIterator[View]:
    """File a request and watch its job. An error is one message, and the form stays as it is."""
    try:
        job = await asyncio.to_thread(file, owner)  # filing commits to disk: not on the event loop
        seen: tuple[object, str | None] = (None, None)
        async for shot in studio.jobs.watch(owner, job):
            if shot["preview"] != seen[0]:
                seen = shot["preview"], await asyncio.to_thread(preview, studio, owner, shot)
            yield for_page({**shot, "preview": seen[1]})
    except StudioError as error:
        number = token_hex(4)  # the page receives changes only: a repeated error must be another message
        yield {"refused": for_page(error.message), "parameter": getattr(error, "name", None), "number": number}


def _said(event: gr.EventData) -> dict[str, Any]:
    said = event._data
    return said if isinstance(said, dict) else {}
