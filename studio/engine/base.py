"""What an engine is: the seam between the worker and whatever draws.

Knows no torch and no diffusers: the page and the use cases import this module at start, and the pipeline's module only
when the engine starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol

from PIL import Image

from studio.domain.checkpoint import CheckpointInfo
from studio.domain.recipe import Adapter, Recipe
from studio.engine.memory.plan import Plan

if TYPE_CHECKING:
    from enhancer.base import ChatModel


@dataclass(frozen=True, kw_only=True)
class AdapterInfo:
    """A file of weights that can be added to a checkpoint's, as its header tells.

    `fits` says whether it suits the checkpoint that was asked about, None where only loading can tell; `problem` is the end of a sentence
    that says why not. `triggers` are words that it was trained to hear.
    """

    name: str  # as a wish spells it: its file's, without the ending
    title: str
    about: str = ""
    triggers: tuple[str, ...] = ()
    bytes: int = 0
    fits: bool | None = None
    problem: str = ""
    digest: Callable[[], str] = field(compare=False, repr=False)

    @cached_property
    def sha256(self) -> str:
        """The hash of its file, computed when it is first asked for, which takes a second for a large one; empty where it went away."""
        return self.digest()


@dataclass(frozen=True, kw_only=True)
class EngineState:
    """Where the engine stands. `message` is one sentence for people; `fraction` in [0, 1] while something is fetched."""

    status: Literal["loading", "ready", "failed"]
    checkpoint: str
    device: str
    revision: str = ""
    message: str = ""
    fraction: float | None = None
    eta_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class StepEvent:
    """After a step: `step` of `steps` forwards are done. `look` makes the preview; it is asked in the drawing's own thread."""

    step: int
    steps: int
    look: Callable[[], Image.Image]

    @cached_property
    def preview(self) -> Image.Image:
        """What the picture would be if it stopped now (small, RGB). Made when it is first asked for: it costs a part of a step."""
        return self.look()


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A drawn picture: RGB image, the environment that drew it (JSON: device, versions, options), seconds it took.

    `adapters` are the recipe's with the hashes of the files that drew it.
    """

    image: Image.Image
    environment: Mapping[str, object]
    seconds: float
    adapters: tuple[Adapter, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Option:
    """Something that is done for speed: `value` as people say it, `why`, and whether it leaves every pixel as it was.

    Of what is measured, `tried` holds what was: `{"value", "gain", "difference"}`, the part of the time that is spared and how far the
    numbers are off; None for what is not.
    """

    name: str
    value: str
    why: str
    exact: bool
    tried: tuple[Mapping[str, object], ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What draws, as its page shows it. Memory in GB of 10^9 bytes, None where it cannot be told; no plan before a checkpoint is loaded."""

    device: str
    kind: str
    numbers: str
    threads: int
    total_gb: float | None = None
    free_gb: float | None = None
    plan: Plan | None = None
    options: tuple[Option, ...] = ()


class Engine(Protocol):
    """Holds one resident pipeline. `draw` and `chat` are called from one thread only, the worker's; the rest from any.

    Every implementation passes tests/engine/test_engine_contract.py.
    """

    def start(self) -> None:
        """Begin to load the chosen checkpoint in the background and return at once. Called once."""

    def close(self) -> None:
        """Let go of the pipeline and its memory; stop a download in progress."""

    @property
    def state(self) -> EngineState:
        """Where it stands now."""

    def wait(self, timeout: float | None = None) -> EngineState:
        """Block until it is no longer loading, or `timeout` seconds have gone."""

    @property
    def machine(self) -> Machine | None:
        """What draws; None until the device has been looked at."""

    def checkpoints(self) -> tuple[CheckpointInfo, ...]:
        """The catalogue, with what is on the disk."""

    def info(self, checkpoint: str | None) -> CheckpointInfo:
        """One entry (None: the resident or chosen one). Raises InvalidRequest("checkpoint", ...) for any other name."""

    def adapters(self, checkpoint: str | None) -> tuple[AdapterInfo, ...]:
        """Every adapter that is here, by name, as it suits a checkpoint (None: the resident or chosen one). Raises as `info`."""

    def switch(self, checkpoint: str) -> None:
        """Make `checkpoint` the resident one, blocking. Raises EngineError with a sentence; the old one may be gone then."""

    def download(self, checkpoint: str) -> None:
        """Fetch a catalogue checkpoint in the background, because the user agreed; `downloads` tells how it goes."""

    @property
    def downloads(self) -> Mapping[str, EngineState]:
        """Downloads since the start, by checkpoint name: loading (with fraction, eta_s), ready, or failed."""

    def draw(
        self,
        recipe: Recipe,
        *,
        on_step: Callable[[StepEvent], None],
        cancelled: Callable[[], bool],
        like: Mapping[str, object] | None = None,
        source: Image.Image | None = None,
    ) -> Drawing:
        """Draw, blocking; in the ways of `like`, the environment of a picture that is drawn again, where they are to be had.

        `source` is the picture whose pixels the recipe names as its own, of any size.

        The recipe's adapters are found by name; a hash in it is not looked at. Raises Cancelled within one step, OutOfMemory, NotReady,
        EngineError, the last also where an adapter is not here or could be used in part only.
        """

    def tune(self, wanted: Callable[[], bool]) -> bool:
        """Measure what is quickest here and use it from now on, blocking; False where that is done or nothing is loaded.

        The worker calls it when pictures were drawn and nothing waits. It ends early when `wanted` is true, and is then asked again.
        """

    def chat(self) -> ChatModel:
        """The language model inside the text encoder, over its own weights. Raises NotReady."""

    def tokens(self, prompt: str) -> int | None:
        """Tokens that the encoder would see for `prompt`, or None while nothing is loaded."""
