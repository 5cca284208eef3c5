"""The studio: its services over one storage, one engine and one enhancer.

The page, the API and all routes call the services, each on behalf of an owner. Knows no gradio, no HTTP and no torch.
Another owner's things are "not found". Errors are `StudioError`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from storage import Storage
from storage.errors import Damaged
from studio.domain.enhancement_options import HostOptions
from studio.engine.base import Engine, EngineState
from studio.services.captioning import Captioner
from studio.services.checkpoints import Checkpoints
from studio.services.collections import Collections
from studio.services.enhancement import Enhancement
from studio.services.generation import Bounds, Generation
from studio.services.job_status import JobStatusReader
from studio.services.jobs import Jobs
from studio.services.library import Library
from studio.services.maintenance import Maintenance
from studio.services.serializers import View
from studio.services.sharing import Sharing
from studio.services.transfer import Transfer
from studio.validation import HOME
from studio.worker.disk_space import DiskSpace
from studio.worker.eta import EtaEstimator
from studio.worker.progress import ProgressHub
from studio.worker.quota import Quota
from studio.worker.runner import EnhancerAccess, EnhancerFor
from studio.worker.worker import Worker

if TYPE_CHECKING:
    from enhancer.models.remote import RemoteChat


@dataclass(frozen=True, kw_only=True)
class StudioOptions:
    """`public`: whether untrusted visitors use this studio. `remote`: whether the enhancer's model is a server's, which
    follows instructions. `share_s`: seconds of device time for an enhancement while another owner waits."""

    bounds: Bounds = field(default_factory=Bounds)
    public: bool = False
    remote: bool = False
    share_s: float = 5.0


DEFAULTS = StudioOptions()


class Studio:
    """The services. Safe from any thread and any event loop."""

    def __init__(
        self,
        storage: Storage,
        engine: Engine,
        enhancer_for: EnhancerFor | None,
        options: StudioOptions = DEFAULTS,
        *,
        quota: Quota | None = None,
        captioner: RemoteChat | None = None,
    ) -> None:
        """`captioner` captions pictures."""
        self._storage, self._engine, self._public = storage, engine, options.public
        self._quota = quota or Quota(storage.folder, 0)
        host, progress, eta = HostOptions(storage.folder), ProgressHub(), EtaEstimator()
        self.enhancement = Enhancement(
            engine, host, Captioner(captioner), enabled=enhancer_for is not None, remote=options.remote
        )
        access = EnhancerAccess(
            enhancer_for=enhancer_for,
            options_for=self.enhancement.options_of,
            remote=options.remote,
            share_s=options.share_s,
        )
        self._worker = Worker(storage, engine, access, progress, eta, DiskSpace(storage.folder, self._quota))
        self._maintenance = Maintenance(storage, None if options.public else HOME)
        self.library, self.collections, self.sharing = Library(storage), Collections(storage), Sharing(storage)
        self.transfer = Transfer(storage, self._quota)
        self.checkpoints = Checkpoints(storage, engine, self._worker, public=options.public)
        self.jobs = Jobs(storage, progress, JobStatusReader(storage, engine, progress, eta, lambda: self._worker.hold))
        self.generation = Generation(
            storage=storage, engine=engine, checkpoints=self.checkpoints, enhancement=self.enhancement, jobs=self.jobs, host=host,
            progress=progress, quota=self._quota, bounds=options.bounds, wake=self._worker.wake,
        )  # fmt: skip

    def start(self) -> None:
        """Start loading the engine, and continue the queue. On a damaged database, neither starts."""
        if self._storage.damaged is None:
            self._engine.start()
            self._worker.start()
            self._maintenance.start()

    def close(self) -> None:
        """Stop after the current step, queue the running job again, and release the device and the database."""
        self.enhancement.captioner.close()
        self._worker.close()
        self._maintenance.close()
        self._engine.close()
        self._storage.close()

    @property
    def state(self) -> EngineState:
        """The engine's state. Its message explains a paused queue."""
        state = self._engine.state
        if self.damaged is not None:
            return replace(state, status="failed", message=self.damaged)
        return state if self._worker.hold is None else replace(state, message=self._worker.hold)

    @property
    def damaged(self) -> str | None:
        """A message if the database is damaged and read-only. The public gets no details."""
        message = self._storage.damaged
        return Damaged.BRIEF if message is not None and self._public else message

    def health(self) -> View:
        """The answer of `/healthz`."""
        state, counts = self.state, self._storage.queue.counts()
        return {
            "status": state.status,
            "message": state.message,
            "checkpoint": state.checkpoint,
            "device": state.device,
            "queued": counts["queued"],
            "running": counts["running"],
        }

    def quota_warning(self) -> str | None:
        """Why the queue is paused, else a warning about the disk quota or maintenance."""
        return self._worker.hold or self._quota.warning() or self._maintenance.trouble
