"""Endpoints that generate and enhance, and those of jobs.

Annotations are objects, not strings, because Gradio builds the API's schema from them.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import gradio as gr

from studio.domain.request import PARAMETERS, GenerationRequest
from studio.services import serializers
from studio.services.captioning import from_base64
from studio.services.serializers import View
from studio.ui.api.base import Group, spoken, stream
from studio.ui.owner import owner_of


class GenerationEndpoints(Group):
    """Endpoints that generate and enhance, and those of jobs."""

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

    def cancel(self, request: gr.Request, job: str) -> dict[str, Any]:
        """Cancel a job: at once if it waits, within a step if it runs."""
        with spoken():
            return self._studio.generation.cancel(owner_of(request), job)

    def jobs(self, request: gr.Request) -> list[dict[str, Any]]:
        """Your unfinished jobs, oldest first."""
        with spoken():
            return self._studio.jobs.unfinished(owner_of(request))


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
