"""A hand-written engine that behaves: it paints in a moment, honours seeds, steps and cancelling, and fails when told to.

It passes the same contract suite as the real one, and lets the worker's tests run thousands of jobs without a transformer.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from PIL import Image

from enhancer.contract import Message, Sampling
from studio.engine.contract import CheckpointInfo, Defaults, Drawing, EngineState, StepEvent
from studio.errors import Cancelled, InvalidWish, NotReady
from studio.recipe import Recipe

ANSWER = (
    "## keep\n{wish}\n## solve\nnothing\n## compose\nin the middle\n## text\nnone\n## prompt\n{wish}, in soft light"
)


class PaintChat:
    """Answers every wish with the five sections of the chain, a word at a time."""

    name, revision = "paint-chat", "1"

    def stream(self, messages: Sequence[Message], sampling: Sampling, cancelled: Callable[[], bool]) -> Iterator[str]:
        answer = ANSWER.replace("{wish}", messages[-1]["content"])
        for word in answer.split(" "):
            if cancelled():
                return
            yield word + " "


class PaintEngine:
    """An engine whose pictures are noise of one colour, chosen by seed and prompt."""

    def __init__(self, *, step_s: float = 0.0, fail_load: str | None = None) -> None:
        self.step_s, self.fail_load = step_s, fail_load
        self.before_step: Callable[[Recipe, int], None] = lambda recipe, step: None  # tests hang their faults here
        self.drawing, self.most_at_once, self.drawn = 0, 0, 0
        self._loaded = threading.Event()
        self._info = CheckpointInfo(
            name="paint",
            title="Paint",
            source="paint",
            defaults=Defaults(steps=8, guidance=0.0, shift=3.0, native=128, negative_prompt=False),
            template="pocket",
            on_disk=True,
        )

    def start(self) -> None:
        self._loaded.set()

    def close(self) -> None:
        self._loaded.clear()

    @property
    def state(self) -> EngineState:
        status = (
            "failed" if self.fail_load and self._loaded.is_set() else "ready" if self._loaded.is_set() else "loading"
        )
        return EngineState(status=status, checkpoint="paint", device="cpu", revision="r1", message=self.fail_load or "")  # type: ignore[arg-type]

    def wait(self, timeout: float | None = None) -> EngineState:
        self._loaded.wait(timeout)
        return self.state

    def checkpoints(self) -> tuple[CheckpointInfo, ...]:
        return (self._info,)

    def info(self, checkpoint: str | None) -> CheckpointInfo:
        if checkpoint not in (None, "paint"):
            raise InvalidWish("checkpoint", "must be one of paint", checkpoint)
        return self._info

    def switch(self, checkpoint: str) -> None:
        if self.fail_load:
            raise NotReady(self.fail_load)
        self.info(checkpoint)

    def download(self, checkpoint: str) -> None:
        self.info(checkpoint)

    @property
    def downloads(self) -> Mapping[str, EngineState]:
        return {}

    def draw(self, recipe: Recipe, *, on_step: Callable[[StepEvent], None], cancelled: Callable[[], bool]) -> Drawing:
        if self.state.status != "ready":
            raise NotReady("Nothing is loaded.")
        begun = time.perf_counter()
        self.drawing += 1
        self.most_at_once = max(self.most_at_once, self.drawing)
        try:
            image = _paint(recipe)
            for step in range(1, recipe.steps + 1):
                if cancelled():
                    raise Cancelled("The job was cancelled.")
                self.before_step(recipe, step)
                time.sleep(self.step_s)
                on_step(StepEvent(step=step, steps=recipe.steps, preview=image.resize((32, 32))))
            if cancelled():
                raise Cancelled("The job was cancelled.")
        finally:
            self.drawing -= 1
        self.drawn += 1
        return Drawing(image=image, environment={"device": "paint"}, seconds=time.perf_counter() - begun)

    def chat(self) -> PaintChat:
        return PaintChat()

    def tokens(self, prompt: str) -> int | None:
        return len(prompt.split())


def _paint(recipe: Recipe) -> Image.Image:
    source = random.Random(f"{recipe.seed} {recipe.prompt}")
    return Image.frombytes("RGB", (recipe.width, recipe.height), source.randbytes(3 * recipe.width * recipe.height))
