"""The named endpoints that programs rely on: names, parameters, defaults and results are a promise.

Each is a use case of `Studio` on behalf of the request's owner, and nothing more. Values may be anything that JSON can say: the use
cases check them. Streams are async and unbounded in number, since they only watch. Annotations are real objects here, not texts,
because Gradio reads the API's schema from them.
"""

import asyncio
import inspect
import io
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, TypeVar

import gradio as gr

from studio.domain.request import GenerationRequest
from studio.errors import InvalidRequest, StudioError
from studio.services import serializers
from studio.services.adapters import parse_adapters
from studio.services.captioning import from_base64
from studio.services.serializers import View
from studio.studio import Studio
from studio.ui.owner import base_url_of, owner_of
from studio.ui.views.form import texts

NAMES = (
    "generate", "enhance", "refine", "describe", "source", "steers", "rerun", "vary", "redraw", "history", "picture", "edit", "edit_many",
    "delete", "delete_many", "restore", "restore_many", "purge", "tags", "collections", "new_collection", "edit_collection", "collect",
    "move_in_collection", "delete_collection", "ancestry", "differences", "cancel", "jobs", "share", "unshare", "forget",
    "download_checkpoint", "machine", "adapters",
)  # fmt: skip
Stream = TypeVar("Stream", bound=Callable[..., AsyncIterator[dict[str, Any]]])
ERROR_S = 10.0  # how long the API's own page shows a refusal


def register(studio: Studio) -> None:
    """Add the endpoints to the Blocks whose context is open."""
    endpoints = Endpoints(studio)
    for name in NAMES:
        function = getattr(endpoints, name)
        gr.api(function, api_name=name, api_description=function.__doc__, concurrency_limit=None)


def stream(function: Stream) -> Stream:
    """Tell the schema what one message is: Gradio reads it from the annotation, and knows no iterators."""
    said = inspect.signature(function).replace(return_annotation=dict[str, Any])
    function.__signature__ = said  # type: ignore[attr-defined]
    return function


class Endpoints:
    """The endpoints over one studio. `request` comes from Gradio and is no parameter of the API."""

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
        """Draw a prompt; with `enhance`, reason about it first. Streams the job from its row to its pictures.

        `{red|green}` is one of the two and `__animal__` one of a list, as each picture's seed decides; in quotation marks they are text.
        `/steers` tells styles, lengths and templates. `locks` are words that must stay; with `spread` each picture has its own rewrite.
        `enhancement` is the id of a kept one: `prompt` is drawn as given, original and reasoning stay linked. `parent` is the picture that
        this one is made from. `shift` moves the steps to where noise is more (3 for Turbo, 6 for the base). With guidance, `cfg_truncation`
        is how much of the way, 0 to 1, is guided; `cfg_normalization` keeps the guided direction as long as the prompt's own. With
        `private` (true, or a session's name) nothing is kept: pictures lie in memory until `/forget`, and what comes of something private
        is private. `variation_of` is told at `/vary`. `source` is a picture to begin with (its id, or the SHA-256 of its pixels; `/source`
        brings one in), and `strength`, between 0 and 1 (0.6), how far from there it goes, in as many steps as ever. `adapters` are names of
        `/adapters` with the weight, -4 to 4, by which each is added: `{"ink": 0.8}` or `[["ink", 0.8]]`.
        """
        with spoken():
            owner = owner_of(request)
            wish = GenerationRequest(
                prompt=prompt, enhance=enhance, seed=seed, width=width, height=height, steps=steps, guidance=guidance,
                negative_prompt=negative_prompt, count=count, checkpoint=checkpoint, enhancement=enhancement, shift=shift,
                cfg_normalization=cfg_normalization, cfg_truncation=cfg_truncation, style=style, length=length,
                locks=texts("locks", locks), template=template, spread=spread, parent=parent, private=private,
                variation_of=tuple(variation_of or ()), source=source, strength=strength, adapters=parse_adapters(adapters),
            )  # fmt: skip
            job = await asyncio.to_thread(self._studio.submit, owner, wish)
            async for shot in self._studio.watch(owner, job):
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
        """Reason about a prompt and draw nothing. Streams the steps keep, solve, compose and text as they are written."""
        with spoken():
            owner = owner_of(request)
            told: dict[str, Any] = {
                "style": style,
                "length": length,
                "locks": texts("locks", locks),
                "template": template,
                "private": private,
            }
            job = await asyncio.to_thread(self._studio.enhance, owner, prompt, seed, **told)
            async for shot in self._studio.watch(owner, job):
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
        """Change a kept enhancement's prompt (or `prompt`, what became of it) as an instruction says. Streams as `/enhance`.

        A new enhancement comes of it, with the old one as `parent_id`. Refused where `/steers` says that the model does not follow.
        """
        with spoken():
            owner = owner_of(request)
            said: dict[str, Any] = {"prompt": prompt, "seed": seed, "private": private}
            job = await asyncio.to_thread(self._studio.refine, owner, enhancement, instruction, **said)
            async for shot in self._studio.watch(owner, job):
                yield _enhancement(shot)

    @stream
    async def describe(
        self, request: gr.Request, picture: str, language: str = "en", seed: int | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Write the prompt from which a picture could be drawn again. Streams `prompt` as it grows; the last message has `done`.

        `picture` is the base64 of a PNG, JPEG or WebP file of at most 10,000,000 bytes; `language` is `en` or `zh`. A small copy without
        its notes goes to the server that the host named, and nothing is kept. Refused where no model reads pictures (`enhancer_vision`).
        """
        with spoken():
            owner_of(request)
            prompt = ""
            async with aclosing(self._studio.describe(from_base64(picture), language, seed)) as texts:
                async for prompt in texts:
                    yield {"prompt": prompt, "done": False}
            yield {"prompt": prompt, "done": True}

    def source(self, request: gr.Request, picture: str, private: bool | str = False) -> dict[str, Any]:
        """Have a picture to draw from, for `/generate`'s `source`: the one that is here with these pixels, or else it is brought in.

        `picture` is the base64 of a PNG, JPEG or WebP file of at most 10,000,000 bytes. With `private` it lies in memory until `/forget`.
        """
        with spoken():
            file = io.BytesIO(from_base64(picture))
            return self._studio.transfer.source(owner_of(request), file, "", private=private)

    def steers(self, request: gr.Request, checkpoint: str | None = None) -> dict[str, Any]:
        """What an enhancement can be told where a checkpoint draws: styles, lengths, the host's own templates, lists for choices."""
        with spoken():
            owner_of(request)
            return serializers.available_options(self._studio.steers(checkpoint), self._studio.lists())

    def adapters(self, request: gr.Request, checkpoint: str | None = None) -> dict[str, Any]:
        """The adapters (LoRA) that are here, whether each fits a checkpoint (null: that of the studio), and the words that it hears."""
        with spoken():
            owner_of(request)
            return serializers.adapters(self._studio.checkpoint(checkpoint), self._studio.adapters(checkpoint))

    @stream
    async def rerun(self, request: gr.Request, id: str, private: bool | str = False) -> AsyncIterator[dict[str, Any]]:
        """Draw a picture's exact recipe again. The end says `identical`, or names in `changed` what differs."""
        with spoken():
            owner = owner_of(request)
            filed = await asyncio.to_thread(self._studio.rerun, owner, id, private=private)
            async for shot in self._studio.watch(owner, filed):
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
        """Draw a picture's recipe with another seed, its reasoning and ancestry kept. Streams as `/generate`.

        With a `strength`, above 0 and up to 1, the noise goes only so far from the picture's own. Its `variation_of` then tells the
        way: pairs of a seed and the strength by which the next one takes over, in the end `seed`.
        """
        with spoken():
            owner = owner_of(request)
            filed = await asyncio.to_thread(
                self._studio.vary, owner, id, count, seed, strength=strength, private=private
            )
            async for shot in self._studio.watch(owner, filed):
                yield shot

    @stream
    async def redraw(
        self, request: gr.Request, job: str, plain: bool = False, private: bool | str = False
    ) -> AsyncIterator[dict[str, Any]]:
        """File a failed or cancelled job once more, with `plain` without reasoning. Streams as `/generate`."""
        with spoken():
            owner = owner_of(request)
            filed = await asyncio.to_thread(self._studio.retry, owner, job, plain=plain, private=private)
            async for shot in self._studio.watch(owner, filed):
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
        """A page of your pictures, newest first. `next` and `previous` are the cursors of the pages behind and before it.

        A query is words (each the beginning of one), "phrases", -words to leave out, and filters: `seed:42 steps:8 size:1024x1024
        checkpoint:turbo lora:ink tag:sea rating:>=4 is:favourite has:enhancement in:"a collection" after:2026-01-01 before:2026-06
        on:2026-03`. `at` begins with what was made before a moment. Days are those of the `zone`, such as Asia/Shanghai. With
        `sort="relevance"` the best of the newest 2,000 matches come first; `ranked` says how many those are.
        """
        with spoken():
            return self._studio.history(
                owner_of(request), query=query, cursor=cursor, limit=limit, favourite=favourite, tag=tag, trash=trash,
                collection=collection, sort=sort, at=at, zone=zone,
            )  # fmt: skip

    def picture(self, request: gr.Request, id: str) -> dict[str, Any]:
        """One picture, with everything that is kept of it."""
        with spoken():
            return self._studio.picture(owner_of(request), id)

    def edit(
        self,
        request: gr.Request,
        id: str,
        favourite: bool | None = None,
        rating: int | None = None,
        tags: list[str] | None = None,
        note: str | None = None,
    ) -> dict[str, Any]:
        """Star, rate (1 to 5; 0 takes it away), tag a picture, or note something. Null leaves a thing as it is."""
        with spoken():
            return self._studio.edit(owner_of(request), id, favourite=favourite, rating=rating, tags=tags, note=note)

    def edit_many(
        self,
        request: gr.Request,
        ids: list[str],
        favourite: bool | None = None,
        rating: int | None = None,
        add_tags: list[str] | None = None,
        remove_tags: list[str] | None = None,
    ) -> dict[str, Any]:
        """The same change of up to 1,000 pictures, all or none."""
        with spoken():
            return self._studio.edit_many(
                owner_of(request), ids, favourite=favourite, rating=rating, add_tags=add_tags, remove_tags=remove_tags
            )

    def delete_many(self, request: gr.Request, ids: list[str]) -> dict[str, Any]:
        """Put up to 1,000 pictures into the trash, all or none."""
        with spoken():
            return self._studio.delete_many(owner_of(request), ids)

    def restore_many(self, request: gr.Request, ids: list[str]) -> dict[str, Any]:
        """Bring up to 1,000 pictures back from the trash, all or none."""
        with spoken():
            return self._studio.restore_many(owner_of(request), ids)

    def forget(self, request: gr.Request, session: str | None = None) -> dict[str, Any]:
        """Forget everything of yours that is private, or of one session: pictures, reasoning, wishes. What still runs is `stopped`."""
        with spoken():
            return self._studio.forget(owner_of(request), session)

    def purge(
        self, request: gr.Request, ids: list[str] | None = None, dry_run: bool = False, until: str | None = None
    ) -> dict[str, Any]:
        """Remove pictures of your trash for good, or with null all of it: the one act that cannot be undone.

        `dry_run` only tells: `gone`, `bytes`, `leaning` (that stay, drawn from one), `staying` (whose job has not ended), and the
        moment `until`. Told to the next call, it spares what was thrown away later.
        """
        with spoken():
            return self._studio.purge(owner_of(request), ids, dry_run=dry_run, until=until)

    def tags(self, request: gr.Request, beginning: str = "") -> dict[str, Any]:
        """Your tags that begin so, and how many pictures have each."""
        with spoken():
            return self._studio.tags(owner_of(request), beginning)

    def collections(self, request: gr.Request) -> dict[str, Any]:
        """Your collections and saved searches, by name."""
        with spoken():
            return self._studio.collections(owner_of(request))

    def new_collection(
        self, request: gr.Request, name: str, query: str | None = None, ids: list[str] | None = None
    ) -> dict[str, Any]:
        """A new collection, with these pictures in it; with `query` a saved search."""
        with spoken():
            return self._studio.new_collection(owner_of(request), name, query=query, ids=ids or [])

    def edit_collection(
        self,
        request: gr.Request,
        collection: str,
        name: str | None = None,
        query: str | None = None,
        cover: str | None = None,
    ) -> dict[str, Any]:
        """Rename a collection, change what a saved search looks for, or choose the cover (a picture's id, or "" for the first)."""
        with spoken():
            return self._studio.edit_collection(owner_of(request), collection, name=name, query=query, cover=cover)

    def collect(self, request: gr.Request, collection: str, ids: list[str], remove: bool = False) -> dict[str, Any]:
        """Put pictures into a collection, behind those that are there, or take them out."""
        with spoken():
            return self._studio.collect(owner_of(request), collection, ids, remove=remove)

    def move_in_collection(
        self,
        request: gr.Request,
        collection: str,
        id: str | None = None,
        before: str | None = None,
        ids: list[str] | None = None,
    ) -> dict[str, Any]:
        """Move a picture of a collection, or several in this order, to the place before another one, or to the end."""
        with spoken():
            if (id is None) == (ids is None):
                raise InvalidRequest("ids", "must be given, or else id", ids)
            several = [id] if id is not None else ids or []
            return self._studio.move_in_collection(owner_of(request), collection, several, before)

    def delete_collection(self, request: gr.Request, collection: str) -> dict[str, Any]:
        """A collection goes; its pictures stay."""
        with spoken():
            return self._studio.delete_collection(owner_of(request), collection)

    def ancestry(self, request: gr.Request, id: str) -> dict[str, Any]:
        """What a picture was made from and what was made from it: `nodes`, and `edges` with their relation."""
        with spoken():
            return self._studio.ancestry(owner_of(request), id)

    def differences(self, request: gr.Request, id: str, other: str) -> dict[str, Any]:
        """What differs between two pictures: settings, prompts word by word, surroundings, and how far the pixels are apart."""
        with spoken():
            return self._studio.differences(owner_of(request), id, other)

    def delete(self, request: gr.Request, id: str) -> dict[str, Any]:
        """Put a picture into the trash; `/restore` brings it back."""
        with spoken():
            return self._studio.delete(owner_of(request), id)

    def restore(self, request: gr.Request, id: str) -> dict[str, Any]:
        """Bring a picture back from the trash."""
        with spoken():
            return self._studio.restore(owner_of(request), id)

    def cancel(self, request: gr.Request, job: str) -> dict[str, Any]:
        """Stop a job, and no other: at once if it waits, within a step if it runs."""
        with spoken():
            return self._studio.cancel(owner_of(request), job)

    def jobs(self, request: gr.Request) -> list[dict[str, Any]]:
        """Your unfinished jobs, oldest first."""
        with spoken():
            return self._studio.jobs(owner_of(request))

    def machine(self, request: gr.Request) -> dict[str, Any]:
        """What draws here: device, memory plan with every way that was weighed, what is done for speed, and your last timings."""
        with spoken():
            return self._studio.machine(owner_of(request))

    def share(self, request: gr.Request, id: str, days: int = 30) -> dict[str, Any]:
        """A link to one picture for anybody who has it, for so many days."""
        with spoken():
            return self._studio.share(owner_of(request), id, days, base_url=base_url_of(request))

    def unshare(self, request: gr.Request, token: str) -> dict[str, Any]:
        """Take a link back."""
        with spoken():
            return self._studio.unshare(owner_of(request), token, base_url=base_url_of(request))

    def download_checkpoint(self, request: gr.Request, name: str) -> dict[str, Any]:
        """Begin to fetch a checkpoint of the catalogue, because the host agreed. `/healthz` and the page tell how it goes."""
        with spoken():
            owner_of(request)
            self._studio.download(name)
            state = self._studio.downloads()[name]
            return {"checkpoint": name, "status": state.status, "message": state.message, "fraction": state.fraction}


def _enhancement(shot: View) -> View:
    """The form that `/enhance` streams, from a snapshot of its job."""
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
    """Refusals as Gradio tells them to the page and to programs: the sentence as it is, and no trace in the log."""
    try:
        yield
    except StudioError as error:
        sentence = str(error).encode("utf-8", "backslashreplace").decode()
        raise gr.Error(sentence, duration=ERROR_S, print_exception=False) from None
