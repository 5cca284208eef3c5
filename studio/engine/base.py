"""The engine protocol, between the worker and an implementation.

Knows no torch and no diffusers: the page and the use cases import this module at start, and the pipeline's modules only
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
    """An adapter file, according to its header.

    `fits` says whether it fits the given checkpoint, None if only loading can tell. `problem` is the end of a sentence that
    says why not. `triggers` are its trigger words.
    """

    name: str  # as a request spells it: the file name without its suffix
    title: str
    about: str = ""
    triggers: tuple[str, ...] = ()
    bytes: int = 0
    fits: bool | None = None
    problem: str = ""
    digest: Callable[[], str] = field(compare=False, repr=False)

    @cached_property
    def sha256(self) -> str:
        """The hash of its file, computed on first use, which takes a second for a large file; empty if the file is gone."""
        return self.digest()


@dataclass(frozen=True, kw_only=True)
class EngineState:
    """The state of the engine. `message` is one sentence; `fraction` in [0, 1] is the progress of a download."""

    status: Literal["loading", "ready", "failed"]
    checkpoint: str
    device: str
    revision: str = ""
    message: str = ""
    fraction: float | None = None
    eta_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class StepEvent:
    """The event after a step: `step` of `steps` forwards are done. `look` makes the preview, on the sampling thread."""

    step: int
    steps: int
    look: Callable[[], Image.Image]

    @cached_property
    def preview(self) -> Image.Image:
        """A small RGB preview of the picture, made on first use. It costs part of a step."""
        return self.look()


@dataclass(frozen=True, kw_only=True)
class GeneratedImage:
    """A generated picture: the RGB image, its environment (JSON: device, versions, options), and seconds.

    `adapters` are the recipe's, with the hashes of the files used.
    """

    image: Image.Image
    environment: Mapping[str, object]
    seconds: float
    adapters: tuple[Adapter, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Option:
    """A speed option: `value` for display, `why`, and whether it leaves every pixel unchanged.

    `tried` holds measurements as `{"value", "gain", "difference"}`: the share of time saved and the numeric difference;
    None for options that are not measured.
    """

    name: str
    value: str
    why: str
    exact: bool
    tried: tuple[Mapping[str, object], ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The system for display. Memory in GB of 10^9 bytes, None if unknown. There is no plan before a checkpoint is loaded."""

    device: str
    kind: str
    numbers: str
    threads: int
    total_gb: float | None = None
    free_gb: float | None = None
    plan: Plan | None = None
    options: tuple[Option, ...] = ()


class Engine(Protocol):
    """Holds one resident pipeline. The worker's thread alone calls `draw` and `chat`; any thread may call the rest.

    Every implementation passes tests/engine/test_engine_contract.py.
    """

    def start(self) -> None:
        """Start loading the chosen checkpoint in the background. Called once."""

    def close(self) -> None:
        """Release the pipeline and its memory; stop a running download."""

    @property
    def state(self) -> EngineState:
        """The current state."""

    def wait(self, timeout: float | None = None) -> EngineState:
        """Block until the engine is no longer loading, or for `timeout` seconds."""

    @property
    def machine(self) -> Machine | None:
        """The system; None until the device was chosen."""

    def checkpoints(self) -> tuple[CheckpointInfo, ...]:
        """The catalog, with what is on disk."""

    def info(self, checkpoint: str | None) -> CheckpointInfo:
        """One entry (None: the resident or chosen one). Raises InvalidRequest("checkpoint", ...)."""

    def adapters(self, checkpoint: str | None) -> tuple[AdapterInfo, ...]:
        """All adapters here by name, and whether they fit a checkpoint (None: the resident or chosen one). Raises as `info`."""

    def switch(self, checkpoint: str) -> None:
        """Load `checkpoint`, blocking. Raises EngineError; the old one may be unloaded then."""

    def download(self, checkpoint: str) -> None:
        """Download a checkpoint of the catalog in the background, with the user's consent. `downloads` reports progress."""

    @property
    def downloads(self) -> Mapping[str, EngineState]:
        """Downloads since the start by checkpoint: loading (with fraction, eta_s), ready, or failed."""

    def generate(
        self,
        recipe: Recipe,
        *,
        on_step: Callable[[StepEvent], None],
        cancelled: Callable[[], bool],
        like: Mapping[str, object] | None = None,
        source: Image.Image | None = None,
    ) -> GeneratedImage:
        """Generate a picture, blocking. `like` is the environment of a picture that is re-run, whose options are used where
        available.

        `source` is the starting image of the recipe, of any size. Adapters are found by name; their hashes in the recipe
        are ignored. Raises Cancelled within one step, OutOfMemory, NotReady, and EngineError, also for an adapter that is
        missing or only partly usable.
        """

    def tune(self, wanted: Callable[[], bool]) -> bool:
        """Measure the fastest options and use them, blocking. Returns False if that is done or nothing is loaded.

        The worker calls it after pictures, while the queue is empty. It stops early when `wanted` is true, and is called
        again.
        """

    def chat(self) -> ChatModel:
        """The chat model over the text encoder's weights. Raises NotReady."""

    def tokens(self, prompt: str) -> int | None:
        """The number of tokens that the encoder reads for `prompt`; None while nothing is loaded."""
