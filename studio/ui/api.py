"""The named endpoints for programs: their names, parameters, defaults and results are stable.

Each endpoint calls a use case of `Studio` on behalf of the request's owner. The use cases validate all values. Streams are
async and not limited in number, since they only watch. Annotations are objects, not strings, because Gradio builds the
API's schema from them.
"""

import asyncio
import inspect
import io
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, TypeVar

import gradio as gr

from studio.domain.request import PARAMETERS, GenerationRequest
from studio.errors import InvalidRequest, StudioError
from studio.services import serializers
from studio.services.captioning import from_base64
from studio.services.serializers import View
from studio.studio import Studio
from studio.ui.owner import base_url_of, owner_of

NAMES = (
    "generate", "enhance", "refine", "describe", "upload", "options", "rerun", "vary", "retry", "history", "picture", "edit",
    "edit_many", "delete", "delete_many", "restore", "restore_many", "purge", "tags", "collections", "new_collection",
    "edit_collection", "add_to_collection", "move_in_collection", "delete_collection", "ancestry", "compare", "cancel",
    "jobs", "share", "unshare", "end_private_session", "download_checkpoint", "system", "adapters",
)  # fmt: skip
ALIASES = {
    "redraw": "retry",
    "steers": "options",
    "source": "upload",
    "collect": "add_to_collection",
    "differences": "compare",
    "forget": "end_private_session",
    "machine": "system",
}
"""Former names of endpoints, kept until version 0.3."""
Stream = TypeVar("Stream", bound=Callable[..., AsyncIterator[dict[str, Any]]])
ERROR_S = 10.0  # seconds for which the API's own page shows an error


def register(studio: Studio) -> None:
    """Add the endpoints to the open Blocks context."""
    endpoints = Endpoints(studio)
    for name in (*NAMES, *ALIASES):
        function = getattr(endpoints, ALIASES.get(name, name))
        gr.api(function, api_name=name, api_description=function.__doc__, concurrency_limit=None)


def stream(function: Stream) -> Stream:
    """Annotate a stream with the type of one message: Gradio's schema does not know iterators."""
    said = inspect.signature(function).replace(return_annotation=dict[str, Any])
    function.__signature__ = said  # type: ignore[attr-defined]
    return function


class Endpoints:
    """The endpoints over one studio. Gradio passes `request`, which is not a parameter of the API."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @stream
    async def generate(
        self,
        request: gr.Request,
        prompt: str,
        enhance: bool = True,
        seed: int | None = None,
        width: int | None = None,
        height: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        negative_prompt: str = "",
        count: int = 1,
        checkpoint: str | None = None,
        enhancement: str | None = None,
        shift: float | None = None,
        cfg_normalization: bool = False,
        cfg_truncation: float | None = None,
        style: str | None = None,
        length: str = "auto",
        locks: list[str] | None = None,
        template: str | None = None,
        spread: bool = False,
        parent: str | None = None,
        private: bool | str = False,
        variation_of: list[Any] | None = None,
        source: str | None = None,
        strength: float | None = None,
        adapters: dict[str, Any] | list[Any] | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """Generate pictures. With `enhance`, enhance the prompt first. Streams the job from its row to its pictures.

        `{red|green}` and `__animal__` are wildcards that each picture's seed resolves, except in quotation marks.
        `/options` lists styles, lengths and templates. `locks` are keywords that must stay; with `spread` each picture gets
        its own rewrite. `enhancement` is the id of a stored one: `prompt` is then used as it is, and stays linked to it.
        `parent` is the picture that this one is derived from. `shift` is the scheduler's (3 for Turbo, 6 for the base).
        With guidance, `cfg_truncation` in [0, 1] is the guided part of the steps, and `cfg_normalization` limits the norm
        of the guided prediction. With `private` (true, or a session id) pictures are held in memory until
        `/end_private_session`. `variation_of` is explained at `/vary`. `source` is a starting image (its id, or the SHA-256
        of its pixels; `/upload` adds one), and `strength` in (0, 1), by default 0.6, how far the picture moves away from
        it. `adapters` maps names of `/adapters` to weights from -4 to 4: `{"ink": 0.8}` or `[["ink", 0.8]]`.
        """
        parameters = {name: value for name, value in locals().items() if name in PARAMETERS}
        with spoken():
            owner, wanted = owner_of(request), GenerationRequest.of(**parameters)
            job = await asyncio.to_thread(self._studio.generation.submit, owner, wanted)
            async for shot in self._studio.jobs.watch(owner, job):
                yield shot

    @stream
    async def enhance(
        self,
        request: gr.Request,
        prompt: str,
        seed: int | None = None,
        style: str | None = None,
        length: str = "auto",
        locks: list[str] | None = None,
        template: str | None = None,
        private: bool | str = False,
    ) -> AsyncIterator[dict[str, Any]]:
        """Enhance a prompt without generating a picture. Streams the steps keep, solve, compose and text while they are
        written."""
        parameters = {name: value for name, value in locals().items() if name in PARAMETERS}
        with spoken():
            owner, wanted = owner_of(request), GenerationRequest.of(**parameters)
            job = await asyncio.to_thread(self._studio.generation.enhance, owner, wanted)
            async for shot in self._studio.jobs.watch(owner, job):
                yield _enhancement(shot)

    @stream
    async def refine(
        self,
        request: gr.Request,
        enhancement: str,
        instruction: str,
        prompt: str | None = None,
        seed: int | None = None,
        private: bool | str = False,
    ) -> AsyncIterator[dict[str, Any]]:
        """Change the prompt of a stored enhancement, or its edited form `prompt`, by an instruction. Streams as `/enhance`.

        The new enhancement has the old one as `parent_id`. Refused if `/options` says that the model does not follow
        instructions.
        """
        with spoken():
            owner = owner_of(request)
            said: dict[str, Any] = {"prompt": prompt, "seed": seed, "private": private}
            job = await asyncio.to_thread(self._studio.generation.refine, owner, enhancement, instruction, **said)
            async for shot in self._studio.jobs.watch(owner, job):
                yield _enhancement(shot)

    @stream
    async def describe(
        self, request: gr.Request, picture: str, language: str = "en", seed: int | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Caption a picture. Streams the growing `prompt`; the last message has `done`.

        `picture` is the base64 of a PNG, JPEG or WebP file of at most 10,000,000 bytes; `language` is `en` or `zh`. A small
        copy without metadata is sent to the configured server, and nothing is stored. Refused without a vision model
        (`enhancer_vision`).
        """
        with spoken():
            owner_of(request)
            prompt = ""
            async with aclosing(self._studio.enhancement.describe(from_base64(picture), language, seed)) as texts:
                async for prompt in texts:
                    yield {"prompt": prompt, "done": False}
            yield {"prompt": prompt, "done": True}

    def upload(self, request: gr.Request, picture: str, private: bool | str = False) -> dict[str, Any]:
        """Upload a starting image for `/generate`'s `source`. An existing picture with the same pixels is returned.

        `picture` is the base64 of a PNG, JPEG or WebP file of at most 10,000,000 bytes. With `private` it is held in memory
        until `/end_private_session`.
        """
        with spoken():
            file = io.BytesIO(from_base64(picture))
            return self._studio.transfer.source(owner_of(request), file, "", private=private)

    def options(self, request: gr.Request, checkpoint: str | None = None) -> dict[str, Any]:
        """The enhancement options of a checkpoint: styles, lengths, the host's own templates, wildcard lists."""
        with spoken():
            owner_of(request)
            return serializers.available_options(
                self._studio.enhancement.options(checkpoint), self._studio.enhancement.wildcard_lists()
            )

    def adapters(self, request: gr.Request, checkpoint: str | None = None) -> dict[str, Any]:
        """The adapters (LoRA) here, whether each fits a checkpoint (null: the resident one), and their trigger words."""
        with spoken():
            owner_of(request)
            return serializers.adapters(
                self._studio.checkpoints.get(checkpoint), self._studio.checkpoints.adapters(checkpoint)
            )

    @stream
    async def rerun(self, request: gr.Request, id: str, private: bool | str = False) -> AsyncIterator[dict[str, Any]]:
        """Re-run a picture's exact recipe. The last message has `identical`, or `changed` with the differences."""
        with spoken():
            owner = owner_of(request)
            filed = await asyncio.to_thread(self._studio.generation.rerun, owner, id, private=private)
            async for shot in self._studio.jobs.watch(owner, filed):
                yield shot

    @stream
    async def vary(
        self,
        request: gr.Request,
        id: str,
        count: int = 1,
        seed: int | None = None,
        private: bool | str = False,
        strength: float | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """Generate a picture's recipe with another seed. Its reasoning and ancestry are kept. Streams as `/generate`.

        With a `strength` in (0, 1], the noise moves only that far from the picture's own. `variation_of` of the new picture
        lists pairs of a seed and the strength toward the next one, in the end toward `seed`.
        """
        with spoken():
            owner = owner_of(request)
            filed = await asyncio.to_thread(
                self._studio.generation.vary, owner, id, count, seed, strength=strength, private=private
            )
            async for shot in self._studio.jobs.watch(owner, filed):
                yield shot

    @stream
    async def retry(
        self, request: gr.Request, job: str, plain: bool = False, private: bool | str = False
    ) -> AsyncIterator[dict[str, Any]]:
        """File a failed or cancelled job again, with `plain` without enhancement. Streams as `/generate`."""
        with spoken():
            owner = owner_of(request)
            filed = await asyncio.to_thread(self._studio.generation.retry, owner, job, plain=plain, private=private)
            async for shot in self._studio.jobs.watch(owner, filed):
                yield shot

    def history(
        self,
        request: gr.Request,
        query: str = "",
        cursor: str | None = None,
        limit: int = 24,
        favourite: bool = False,
        tag: str | None = None,
        trash: bool = False,
        collection: str | None = None,
        sort: str = "newest",
        at: str | None = None,
        zone: str = "UTC",
    ) -> dict[str, Any]:
        """A page of your pictures, newest first. `next` and `previous` are the cursors of the neighboring pages.

        A query holds words (as prefixes), "phrases", excluded -words, and filters: `seed:42 steps:8 size:1024x1024
        checkpoint:turbo lora:ink tag:sea rating:>=4 is:favourite has:enhancement in:"a collection" after:2026-01-01
        before:2026-06 on:2026-03`. `at` starts before a moment. Days are those of `zone`, such as Asia/Shanghai. With
        `sort="relevance"` the best of the newest 2,000 matches come first; `ranked` is their number.
        """
        with spoken():
            return self._studio.library.history(
                owner_of(request), query=query, cursor=cursor, limit=limit, favourite=favourite, tag=tag, trash=trash,
                collection=collection, sort=sort, at=at, zone=zone,
            )  # fmt: skip

    def picture(self, request: gr.Request, id: str) -> dict[str, Any]:
        """One picture with all its fields."""
        with spoken():
            return self._studio.library.picture(owner_of(request), id)

    def edit(
        self,
        request: gr.Request,
        id: str,
        favourite: bool | None = None,
        rating: int | None = None,
        tags: list[str] | None = None,
        note: str | None = None,
    ) -> dict[str, Any]:
        """Edit a picture's star, rating (1 to 5; 0 removes it), tags and note. Null keeps a field."""
        with spoken():
            return self._studio.library.edit(
                owner_of(request), id, favourite=favourite, rating=rating, tags=tags, note=note
            )

    def edit_many(
        self,
        request: gr.Request,
        ids: list[str],
        favourite: bool | None = None,
        rating: int | None = None,
        add_tags: list[str] | None = None,
        remove_tags: list[str] | None = None,
    ) -> dict[str, Any]:
        """Edit up to 1,000 pictures in the same way, all or none."""
        with spoken():
            return self._studio.library.edit_many(
                owner_of(request), ids, favourite=favourite, rating=rating, add_tags=add_tags, remove_tags=remove_tags
            )

    def delete_many(self, request: gr.Request, ids: list[str]) -> dict[str, Any]:
        """Move up to 1,000 pictures to the trash, all or none."""
        with spoken():
            return self._studio.library.delete_many(owner_of(request), ids)

    def restore_many(self, request: gr.Request, ids: list[str]) -> dict[str, Any]:
        """Restore up to 1,000 pictures from the trash, all or none."""
        with spoken():
            return self._studio.library.restore_many(owner_of(request), ids)

    def end_private_session(self, request: gr.Request, session: str | None = None) -> dict[str, Any]:
        """Remove your private pictures, enhancements and jobs, or those of one session. Running jobs are `stopped`."""
        with spoken():
            return self._studio.generation.end_private_session(owner_of(request), session)

    def purge(
        self, request: gr.Request, ids: list[str] | None = None, dry_run: bool = False, until: str | None = None
    ) -> dict[str, Any]:
        """Empty your trash, or with `ids` remove these pictures from it. This is permanent.

        `dry_run` only reports `gone`, `bytes`, `leaning` (remaining pictures that start from a removed one), `staying`
        (pictures of unfinished jobs), and the moment `until`. Passed to the next call, `until` spares pictures trashed
        later.
        """
        with spoken():
            return self._studio.library.purge(owner_of(request), ids, dry_run=dry_run, until=until)

    def tags(self, request: gr.Request, beginning: str = "") -> dict[str, Any]:
        """Your tags with this prefix and their counts."""
        with spoken():
            return self._studio.library.tags(owner_of(request), beginning)

    def collections(self, request: gr.Request) -> dict[str, Any]:
        """Your collections and saved searches, by name."""
        with spoken():
            return self._studio.collections.of(owner_of(request))

    def new_collection(
        self, request: gr.Request, name: str, query: str | None = None, ids: list[str] | None = None
    ) -> dict[str, Any]:
        """Create a collection with these pictures, or with `query` a saved search."""
        with spoken():
            return self._studio.collections.create(owner_of(request), name, query=query, ids=ids or [])

    def edit_collection(
        self,
        request: gr.Request,
        collection: str,
        name: str | None = None,
        query: str | None = None,
        cover: str | None = None,
    ) -> dict[str, Any]:
        """Change a collection's name, query or cover (a picture's id, or "" for the first)."""
        with spoken():
            return self._studio.collections.edit(owner_of(request), collection, name=name, query=query, cover=cover)

    def add_to_collection(
        self, request: gr.Request, collection: str, ids: list[str], remove: bool = False
    ) -> dict[str, Any]:
        """Append pictures to a collection, or remove them."""
        with spoken():
            return self._studio.collections.add_pictures(owner_of(request), collection, ids, remove=remove)

    def move_in_collection(
        self,
        request: gr.Request,
        collection: str,
        id: str | None = None,
        before: str | None = None,
        ids: list[str] | None = None,
    ) -> dict[str, Any]:
        """Move one or several pictures of a collection, in this order, before another one or to the end."""
        with spoken():
            if (id is None) == (ids is None):
                raise InvalidRequest("ids", "ids_or_id", ids)
            several = [id] if id is not None else ids or []
            return self._studio.collections.move_pictures(owner_of(request), collection, several, before)

    def delete_collection(self, request: gr.Request, collection: str) -> dict[str, Any]:
        """Delete a collection. Its pictures stay."""
        with spoken():
            return self._studio.collections.delete(owner_of(request), collection)

    def ancestry(self, request: gr.Request, id: str) -> dict[str, Any]:
        """The pictures that a picture was made from and those made from it: `nodes`, and `edges` with their relation."""
        with spoken():
            return self._studio.library.ancestry(owner_of(request), id)

    def compare(self, request: gr.Request, id: str, other: str) -> dict[str, Any]:
        """Compare two pictures: settings, prompts word by word, environment, and pixels."""
        with spoken():
            return self._studio.library.compare(owner_of(request), id, other)

    def delete(self, request: gr.Request, id: str) -> dict[str, Any]:
        """Move a picture to the trash. `/restore` restores it."""
        with spoken():
            return self._studio.library.delete(owner_of(request), id)

    def restore(self, request: gr.Request, id: str) -> dict[str, Any]:
        """Restore a picture from the trash."""
        with spoken():
            return self._studio.library.restore(owner_of(request), id)

    def cancel(self, request: gr.Request, job: str) -> dict[str, Any]:
        """Cancel a job: at once if it waits, within a step if it runs."""
        with spoken():
            return self._studio.generation.cancel(owner_of(request), job)

    def jobs(self, request: gr.Request) -> list[dict[str, Any]]:
        """Your unfinished jobs, oldest first."""
        with spoken():
            return self._studio.jobs.unfinished(owner_of(request))

    def system(self, request: gr.Request) -> dict[str, Any]:
        """The system: device, memory plans, speed options, and your latest timings."""
        with spoken():
            return self._studio.checkpoints.system(owner_of(request))

    def share(self, request: gr.Request, id: str, days: int = 30) -> dict[str, Any]:
        """Create a link to one picture for `days` days. Anybody with the link can see it."""
        with spoken():
            return self._studio.sharing.create(owner_of(request), id, days, base_url=base_url_of(request))

    def unshare(self, request: gr.Request, token: str) -> dict[str, Any]:
        """Revoke a link."""
        with spoken():
            return self._studio.sharing.revoke(owner_of(request), token, base_url=base_url_of(request))

    def download_checkpoint(self, request: gr.Request, name: str) -> dict[str, Any]:
        """Download a checkpoint of the catalog with the host's consent. `/healthz` and the page show progress."""
        with spoken():
            owner_of(request)
            self._studio.checkpoints.download(name)
            state = self._studio.checkpoints.downloads()[name]
            return {"checkpoint": name, "status": state.status, "message": state.message, "fraction": state.fraction}


def _enhancement(shot: View) -> View:
    """The message of `/enhance`, from a job's state."""
    written = shot["enhancement"]
    kept = written if isinstance(written, dict) else {}
    return {
        "id": None,
        "steps": serializers.no_steps(),
        **kept,
        "job": shot["job"],
        "status": shot["status"],
        "phase": shot["phase"],
        "message": shot["message"],
        "position": shot["position"],
        "eta_s": shot["eta_s"],
        "original": shot["prompt"],
        "prompt": kept.get("prompt", ""),
        "seed": kept.get("seed", shot["seed"]),
        "error": shot["error"],
    }


@contextmanager
def spoken() -> Iterator[None]:
    """Convert errors to Gradio's, which show the message and log no traceback."""
    try:
        yield
    except StudioError as error:
        sentence = error.message.encode("utf-8", "backslashreplace").decode()
        raise gr.Error(sentence, duration=ERROR_S, print_exception=False) from None
