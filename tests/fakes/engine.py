"""A hand-written engine that behaves: it paints in a moment, honours seeds, steps and cancelling, and fails when told to.

It passes the same contract suite as the real one (tests/engine/test_engine_contract.py), and lets the worker's tests run many jobs
without a transformer.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from PIL import Image

from enhancer.base import Message, Sampling
from studio.domain.checkpoint import CheckpointInfo, Defaults
from studio.domain.recipe import Recipe
from studio.engine.base import AdapterInfo, EngineState, GeneratedImage, Machine, StepEvent
from studio.errors import Cancelled, EngineError, InvalidRequest, NotReady

ANSWER = (
    "## keep\n{wish}\n## solve\nnothing\n## compose\nin the middle\n## text\nnone\n## prompt\n{wish}, in soft light"
)
HERE = CheckpointInfo(
    side_max=1024,
    name="pocket",
    title="Paint",
    source="paint",
    defaults=Defaults(steps=8, guidance=0.0, shift=3.0, native=128, negative_prompt=False),
    template="pocket",
    on_disk=True,
)
ABSENT = replace(HERE, name="turbo", title="Absent", on_disk=False)
ENVIRONMENT = dict.fromkeys(("studio", "torch", "diffusers", "transformers", "dtype", "threads"), "paint")


class PaintChat:
    """Answers every wish with the five sections of the chain, a word at a time."""

    name, revision = "paint-chat", "r1"

    def stream(self, messages: Sequence[Message], sampling: Sampling, cancelled: Callable[[], bool]) -> Iterator[str]:
        answer = ANSWER.replace("{wish}", messages[-1]["content"])
        for word in answer.split(" "):
            if cancelled():
                return
            yield word + " "


class PaintEngine:
    """An engine whose pictures are noise, chosen by the whole recipe."""

    def __init__(self, *, step_s: float = 0.0, fail_load: str | None = None) -> None:
        self.step_s, self.fail_load = step_s, fail_load
        self.before_step: Callable[[Recipe, int], None] = lambda recipe, step: None  # tests hang their faults here
        self.drawing, self.most_at_once, self.drawn = 0, 0, 0
        self.tunings, self.likes = 0, list[Mapping[str, object] | None]()
        self.has = list[AdapterInfo]()  # adapters
        self._begun = threading.Event()
        self._closed = False

    def start(self) -> None:
        self._begun.set()

    def close(self) -> None:
        self._closed = True

    @property
    def state(self) -> EngineState:
        status: Literal["loading", "ready", "failed"] = "ready" if self._begun.is_set() else "loading"
        message = "The painter is ready."
        if self._begun.is_set() and (self._closed or self.fail_load):
            status, message = "failed", self.fail_load or "The painter has gone."
        return EngineState(status=status, checkpoint=HERE.name, device="cpu", revision="r1", message=message)

    def wait(self, timeout: float | None = None) -> EngineState:
        self._begun.wait(timeout)
        return self.state

    @property
    def machine(self) -> Machine | None:
        return Machine(device="paint", kind="cpu", numbers="fp32", threads=1) if self._begun.is_set() else None

    def checkpoints(self) -> tuple[CheckpointInfo, ...]:
        return (HERE, ABSENT)

    def info(self, checkpoint: str | None) -> CheckpointInfo:
        for entry in self.checkpoints():
            if checkpoint in (None, entry.name):
                return entry
        raise InvalidRequest("checkpoint", "one_of", checkpoint, names="pocket, turbo")

    def adapters(self, checkpoint: str | None) -> tuple[AdapterInfo, ...]:
        self.info(checkpoint)
        return tuple(self.has)

    def switch(self, checkpoint: str) -> None:
        if self.fail_load:
            raise NotReady("text", text=self.fail_load)
        if not self.info(checkpoint).on_disk:
            raise EngineError("not_on_disk", title=checkpoint)

    def download(self, checkpoint: str) -> None:
        self.info(checkpoint)

    @property
    def downloads(self) -> Mapping[str, EngineState]:
        return {}

    def tune(self, wanted: Callable[[], bool]) -> bool:
        self.tunings += 1
        return self.tunings == 1

    def generate(
        self,
        recipe: Recipe,
        *,
        on_step: Callable[[StepEvent], None],
        cancelled: Callable[[], bool],
        like: Mapping[str, object] | None = None,
        source: Image.Image | None = None,
    ) -> GeneratedImage:
        self.likes.append(like)
        self._need()
        if recipe.checkpoint != HERE.name:
            raise EngineError("other_checkpoint_loaded", checkpoint=recipe.checkpoint, name=self.state.checkpoint)
        adapters = tuple(replace(one, sha256=self._hash(one.name)) for one in recipe.adapters)
        recipe = replace(recipe, adapters=tuple(replace(one, name="") for one in adapters))  # a name makes no pixels
        begun = time.perf_counter()
        self.drawing += 1
        self.most_at_once = max(self.most_at_once, self.drawing)
        try:
            image = _paint(recipe, source)
            preview = image.resize((recipe.width // 16, recipe.height // 16))
            for step in range(1, recipe.steps + 1):
                if cancelled():
                    raise Cancelled("job_cancelled")
                self.before_step(recipe, step)
                time.sleep(self.step_s)
                on_step(StepEvent(step=step, steps=recipe.steps, look=lambda: preview))
            if cancelled():
                raise Cancelled("job_cancelled")
        finally:
            self.drawing -= 1
        self.drawn += 1
        seconds = time.perf_counter() - begun
        return GeneratedImage(
            image=image, environment={**ENVIRONMENT, "device": "paint"}, seconds=seconds, adapters=adapters
        )

    def chat(self) -> PaintChat:
        self._need()
        return PaintChat()

    def tokens(self, prompt: str) -> int | None:
        return len(prompt.split()) + 2 if self.state.status == "ready" else None

    def _hash(self, name: str) -> str:
        for one in self.has:
            if one.name == name:
                return one.digest()
        raise EngineError("adapter_missing", name=name)

    def _need(self) -> None:
        if self.state.status != "ready":
            raise NotReady("text", text=self.state.message)


def _paint(recipe: Recipe, source: Image.Image | None) -> Image.Image:
    chance, size = random.Random(repr(recipe)), (recipe.width, recipe.height)
    painted = Image.frombytes("RGB", size, chance.randbytes(3 * recipe.width * recipe.height))
    if recipe.source is None:
        return painted
    if source is None or recipe.strength is None:
        raise EngineError("source_missing")
    return Image.blend(source.convert("RGB").resize(size), painted, recipe.strength)
