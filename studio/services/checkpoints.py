"""Checkpoints and adapters: the catalog, downloads, and what is loaded.

Knows no page and no owner, except for the owner's own timings.
"""

from __future__ import annotations

from collections.abc import Mapping

from storage import Storage
from storage.records import Picture
from storage.search.pages import PageRequest
from studio.domain.checkpoint import CheckpointInfo
from studio.domain.spec import checkpoint_of
from studio.engine.base import AdapterInfo, Engine, EngineState
from studio.errors import InvalidRequest, NotReady, Refused
from studio.services import serializers
from studio.services.serializers import View
from studio.validation import translate_errors
from studio.worker.worker import Worker

TIMINGS = 40  # pictures in the chart of the System view


class Checkpoints:
    """The use cases over one engine. Safe from any thread."""

    def __init__(self, storage: Storage, engine: Engine, worker: Worker, *, public: bool) -> None:
        """`public`: whether untrusted visitors use this studio."""
        self._storage, self._engine, self._worker, self._public = storage, engine, worker, public

    def all(self) -> tuple[CheckpointInfo, ...]:
        """The catalog."""
        return self._engine.checkpoints()

    def get(self, name: str | None = None) -> CheckpointInfo:
        """A checkpoint and its defaults, or the resident one. Raises InvalidRequest if the catalog does not have it."""
        return self._engine.info(name)

    def of_picture(self, picture: Picture) -> CheckpointInfo:
        """The checkpoint of a picture. Raises Refused if it is not known here."""
        return checkpoint_of(picture, self.all())

    def usable(self, name: str | None) -> CheckpointInfo:
        """A checkpoint that can generate. Raises InvalidRequest if it is not on the disk, and NotReady if it failed to load."""
        info = self._engine.info(name)
        if name is not None and not info.on_disk:
            raise InvalidRequest("checkpoint", "on_disk", name)
        state = self._engine.state
        if state.status == "failed" and state.checkpoint == info.name:
            raise NotReady("not_ready", why=state.message)
        return info

    def adapters(self, checkpoint: str | None = None) -> tuple[AdapterInfo, ...]:
        """The adapters here, and whether they fit a checkpoint. Raises InvalidRequest."""
        return self._engine.adapters(checkpoint)

    def download(self, name: str) -> None:
        """Download a checkpoint with the host's consent. Raises Refused for public visitors."""
        if self._public:
            raise Refused("download_host_only")
        self._engine.download(name)

    def downloads(self) -> Mapping[str, EngineState]:
        """Downloads since the start."""
        return self._engine.downloads

    def load(self, name: str) -> None:
        """Load a checkpoint when the queue is empty, at the host's request. Raises Refused for public visitors."""
        if self._public:
            raise Refused("load_host_only")
        info = self._engine.info(name)
        if not info.on_disk:
            raise InvalidRequest("checkpoint", "on_disk", name)
        self._worker.load(info.name)

    def system(self, owner: str) -> View:
        """The device, the memory plan, the speed options, and the times of the owner's latest pictures."""
        with translate_errors():
            latest = self._storage.pictures.page(PageRequest(owner=owner, limit=TIMINGS)).items
        return serializers.machine(self._engine.machine, self._engine.state, self._worker.trouble, latest)
