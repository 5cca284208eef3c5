"""The engine implementation: loads a checkpoint in the background, keeps it resident, and generates with it.

Importing it loads no torch; the loading thread imports the modules that do. Knows recipes and states; knows no queue, no
database and no page.
"""

from __future__ import annotations

import gc
import logging
import platform
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from PIL import Image

from locales import Localized
from studio.domain.checkpoint import CheckpointInfo
from studio.domain.recipe import Recipe
from studio.engine.adapters.files import Adapters
from studio.engine.base import AdapterInfo, EngineState, GeneratedImage, Machine, Option, StepEvent
from studio.engine.catalog import TURBO, Catalog, is_folder
from studio.engine.hub import providers
from studio.engine.hub.download import fetch
from studio.engine.hub.providers import Name
from studio.engine.loading import checkpoint_layout
from studio.errors import Cancelled, EngineError, NotReady, StudioError

if TYPE_CHECKING:
    from enhancer.base import ChatModel
    from studio.engine.device import Device
    from studio.engine.loading.loader import Loaded

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """`checkpoint` and `device` are the settings; `memory_gb` replaces the measured free memory; `pocket` is Pocket's folder;
    `cache` the Hub's cache (None: the machine's own); `consent` means that the host named the checkpoint, so it may be
    downloaded from `hub`; `endpoint` replaces the hub's address; `notes` is the tuning cache's file; `adapters` is the host's
    own adapter folder."""

    checkpoint: str
    device: str
    memory_gb: float | None
    pocket: Path
    cache: Path | None = None
    consent: bool = False
    hub: Name = "huggingface"
    endpoint: str | None = None
    notes: Path | None = None
    adapters: Path | None = None


class ResidentEngine:
    """An Engine over diffusers' pipeline in this process. `studio.engine.base.Engine` documents the methods."""

    def __init__(self, options: EngineOptions) -> None:
        self._setting, self._wanted, self._memory_gb = options.checkpoint, options.device, options.memory_gb
        self._catalogue = Catalog(pocket=options.pocket, named=options.checkpoint, cache=options.cache)
        self._cache = options.cache or checkpoint_layout.hub_cache()
        self._hub = providers.hub(options.hub, options.endpoint)
        self._notes = options.notes
        self._adapters = Adapters(options.pocket.with_name("adapters"), *filter(None, (options.adapters,)))
        self._consent = options.consent and options.checkpoint != "auto"
        self._changed = threading.Condition()
        title = self._catalogue.info(likely := self._likely()).title
        self._state = EngineState(
            status="loading",
            checkpoint=likely,
            device=options.device,
            message=Localized("engine.starting", title=title),
        )
        self._downloads: dict[str, EngineState] = {}
        self._fetching: dict[str, threading.Thread] = {}
        self._loading = threading.Lock()  # one load at a time, the first one or a switch
        self._loader: threading.Thread | None = None
        self._closed = threading.Event()
        self._loaded: Loaded | None = None
        self._device: Device | None = None

    # --- lifecycle

    def start(self) -> None:
        self._loader = threading.Thread(target=self._begin, name="engine-load")
        self._loader.start()

    def close(self) -> None:
        self._closed.set()
        for thread in (self._loader, *self._fetching.values()):
            if thread is not None and thread is not threading.current_thread():
                thread.join()  # a thread inside torch when the interpreter finalizes aborts the process
        self._drop()
        with self._changed:
            if self._state.status != "failed":
                self._state = replace(
                    self._state, status="failed", message=Localized("engine.closed"), fraction=None, eta_s=None
                )
            self._changed.notify_all()

    @property
    def state(self) -> EngineState:
        with self._changed:
            return self._state

    def wait(self, timeout: float | None = None) -> EngineState:
        with self._changed:
            self._changed.wait_for(lambda: self._state.status != "loading", timeout)
            return self._state

    @property
    def machine(self) -> Machine | None:
        device, loaded = self._device, self._loaded
        if device is None:
            return None
        from studio.engine.device import free_gb, threads, total_gb

        options: tuple[Option, ...] = ()
        if loaded is not None:
            from studio.engine import environment

            options = environment.options(loaded)
        return Machine(
            device=device.title,
            kind=device.kind,
            numbers=loaded.plan.computed if loaded is not None else device.numbers,
            threads=threads(),
            total_gb=total_gb(device),
            free_gb=free_gb(device),
            plan=loaded.plan if loaded is not None else None,
            options=options,
        )

    # --- checkpoints

    def checkpoints(self) -> tuple[CheckpointInfo, ...]:
        return self._catalogue.entries()

    def info(self, checkpoint: str | None) -> CheckpointInfo:
        name = self.state.checkpoint if checkpoint is None else checkpoint
        resident = self._loaded  # a resident checkpoint can be used, whatever happened to its files
        return resident.info if resident is not None and resident.info.name == name else self._catalogue.info(name)

    def adapters(self, checkpoint: str | None) -> tuple[AdapterInfo, ...]:
        entry = self.info(checkpoint)
        return self._adapters.entries(self._catalogue.folder(entry))

    def switch(self, checkpoint: str) -> None:
        entry = self._catalogue.info(checkpoint)
        if is_folder(entry):
            if wrong := checkpoint_layout.problem(Path(entry.source).expanduser()):
                raise EngineError("not_loadable", title=entry.title, why=wrong)
        elif not entry.on_disk:
            raise EngineError("not_on_disk", title=entry.title)
        with self._loading:
            if self._loaded is not None and self._loaded.info.name == entry.name:
                return
            self._load(entry)

    def download(self, checkpoint: str) -> None:
        entry = self._catalogue.info(checkpoint)
        if is_folder(entry):
            raise EngineError("nothing_to_download", title=entry.title)
        with self._changed:
            running = self._fetching.get(entry.name)
            if running is not None and running.is_alive():
                return
            self._downloads[entry.name] = self._note(entry, "loading", Localized("engine.asking", title=entry.title))
            thread = threading.Thread(target=self._fetch_quietly, args=(entry,), name="engine-fetch")
            self._fetching[entry.name] = thread
        thread.start()

    @property
    def downloads(self) -> Mapping[str, EngineState]:
        with self._changed:
            return MappingProxyType(dict(self._downloads))

    # --- generation

    def generate(
        self,
        recipe: Recipe,
        *,
        on_step: Callable[[StepEvent], None],
        cancelled: Callable[[], bool],
        like: Mapping[str, object] | None = None,
        source: Image.Image | None = None,
    ) -> GeneratedImage:
        loaded = self._ready()
        if recipe.checkpoint != loaded.info.name:
            raise EngineError("other_checkpoint_loaded", checkpoint=recipe.checkpoint, name=loaded.info.name)
        from studio.engine.sampling import generate

        return generate(loaded, recipe, on_step, cancelled, like, source)

    def tune(self, wanted: Callable[[], bool]) -> bool:
        loaded = self._loaded
        if loaded is None or loaded.plan.place == "stream" or (loaded.tuned and not loaded.ways.cold()):
            return False
        from studio.engine.adapters.attached import detach
        from studio.engine.speed.tuning import tune

        detach(loaded)
        loaded.tuned = tune(loaded, self._notes, wanted)
        return loaded.tuned

    def chat(self) -> ChatModel:
        loaded = self._ready()
        if loaded.chat is None:
            from enhancer.models.resident import ResidentChat

            loaded.chat = ResidentChat(
                loaded.pipe.text_encoder, loaded.pipe.tokenizer, name=loaded.info.title, revision=loaded.revision
            )
        model: ChatModel = loaded.chat
        return model

    def tokens(self, prompt: str) -> int | None:
        loaded = self._loaded
        return None if loaded is None else loaded.counter(prompt)

    @property
    def pipeline(self) -> Any:
        """The resident `ZImagePipeline`, for measurements and tests. Raises NotReady."""
        return self._ready().pipe

    # --- internals

    def _likely(self) -> str:
        """The checkpoint to start with, as far as it can be told without torch."""
        if self._setting != "auto":
            return self._catalogue.info(self._setting).name
        return "turbo" if self._catalogue.info("turbo").on_disk and accelerator_likely() else "pocket"

    def _decide(self) -> str:
        """The checkpoint to start with. For `auto`, torch is asked for an accelerator if Turbo is on disk."""
        if self._setting != "auto":
            return self._setting
        return "turbo" if self._catalogue.info("turbo").on_disk and self._on().accelerator else "pocket"

    def _begin(self) -> None:
        """The loading thread: choose a checkpoint, download it with consent, and load it."""
        try:
            entry = self._catalogue.info(self._decide())
            self._tell(status="loading", checkpoint=entry.name, message=Localized("engine.starting", title=entry.title))
            if not entry.on_disk and self._consent:
                if not is_folder(entry):
                    self._fetch(entry, first=True)
                elif checkpoint_layout.alone(
                    Path(entry.source).expanduser()
                ):  # the parts that the released model lends to a single file
                    self._fetch(TURBO, first=True, whole=False)
                entry = self._catalogue.info(entry.name)
            with self._loading:
                if not self._closed.is_set():
                    self._load(entry)
        except StudioError as error:
            self._tell(status="failed", message=error.message)
        except Exception:  # the thread's last handler: without it the page would wait forever
            log.exception("starting the engine")
            self._tell(status="failed", message=Localized("engine.failed_start"))

    def _load(self, entry: CheckpointInfo) -> None:
        """Unload the old checkpoint and load the new one. The caller holds `_loading`. Raises EngineError; the state
        reports it too."""
        self._drop()
        self._tell(
            status="loading",
            checkpoint=entry.name,
            revision="",
            message=Localized("engine.starting", title=entry.title),
        )
        try:
            device = self._on()
            self._tell(device=device.name)
            folder = self._catalogue.folder(entry)
            if folder is None:
                raise EngineError("not_on_disk", title=entry.title)
            from studio.engine.loading.loader import load

            loaded = load(entry, folder, device, self._memory_gb, self._notes)
        except EngineError as error:
            self._tell(status="failed", message=error.message)
            raise
        except Exception as error:  # loaders raise anything, and the state must not stay "loading"
            log.exception("loading %s", entry.name)
            failed = EngineError("load_failed_kind", title=entry.title, kind=type(error).__name__)
            self._tell(status="failed", message=failed.message)
            raise failed from error
        loaded.adapters = self._adapters
        self._loaded = loaded
        message = Localized(
            "engine.ready", title=entry.title, device=device.title, computed=loaded.plan.computed, why=loaded.plan.why
        )
        self._tell(status="ready", revision=loaded.revision, message=message)

    def _on(self) -> Device:
        if self._device is None:
            from studio.engine.device import choose

            self._device = choose(self._wanted)
        return self._device

    def _drop(self) -> None:
        """Unload the pipeline and free its memory."""
        loaded, self._loaded = self._loaded, None
        if loaded is None:
            return
        device = loaded.device
        loaded.chat = None
        loaded.pipe.remove_all_hooks()
        del loaded
        gc.collect()
        from studio.engine.device import release

        release(device)

    def _ready(self) -> Loaded:
        loaded, state = self._loaded, self.state
        if loaded is None or state.status != "ready":
            wait = Localized("engine.moment", message=state.message)
            raise NotReady("text", text=state.message if state.status == "failed" else wait)
        return loaded

    def _fetch_quietly(self, entry: CheckpointInfo) -> None:
        """The download thread. The state reports how it ends."""
        try:
            self._fetch(entry)
        except StudioError:
            log.info("%s was not fetched", entry.name)

    def _fetch(self, entry: CheckpointInfo, *, first: bool = False, whole: bool = True) -> None:
        """Download, reporting to `downloads`, and for the `first` checkpoint to the engine's state too. Raises as `fetch`."""
        downloading = "engine.downloading" if whole else "engine.downloading_parts"
        downloaded = "engine.downloaded" if whole else "engine.downloaded_parts"

        def told(note: EngineState) -> None:
            with self._changed:
                self._downloads[entry.name] = note
            if first:
                self._tell(message=note.message, fraction=note.fraction, eta_s=note.eta_s)

        def report(done: int, total: int, eta_s: float | None) -> None:
            gb = {"done": f"{done / 1e9:.1f}", "total": f"{total / 1e9:.1f}"}
            message = Localized(downloading, title=entry.title, **gb)
            told(replace(self._note(entry, "loading", message), fraction=done / total if total else 0.0, eta_s=eta_s))

        try:
            fetch(entry.source, self._cache, report=report, stopped=self._closed.is_set, place=self._hub, whole=whole)
        except (Cancelled, EngineError) as error:
            told(self._note(entry, "failed", error.message))
            raise
        told(replace(self._note(entry, "ready", Localized(downloaded, title=entry.title)), fraction=1.0))

    def _note(self, entry: CheckpointInfo, status: Any, message: str) -> EngineState:
        return EngineState(status=status, checkpoint=entry.name, device=self.state.device, message=message)

    def _tell(self, **changes: Any) -> None:
        """Change the state. `fraction` and `eta_s` are reset unless given."""
        with self._changed:
            if not self._closed.is_set():
                self._state = replace(self._state, **{"fraction": None, "eta_s": None, **changes})
                self._changed.notify_all()


def accelerator_likely() -> bool:
    """Guess without torch whether this machine has an accelerator, for the seconds until torch is imported."""
    if platform.system() == "Darwin":
        return platform.machine() == "arm64"
    return any(Path(sign).exists() for sign in ("/dev/nvidiactl", "/proc/driver/nvidia/version", "/dev/kfd"))
