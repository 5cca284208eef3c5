"""Builds a studio from its settings, and runs it: behind the page, or for a file of prompts."""

from __future__ import annotations

import logging
from contextlib import closing

import storage
from studio.cli import bootstrap
from studio.cli.batch import Batch
from studio.engine.engine import EngineOptions, ResidentEngine
from studio.services import enhancer_factory
from studio.services.generation import Bounds
from studio.settings import POCKET, Settings
from studio.studio import Studio, StudioOptions
from studio.validation import HOME
from studio.worker.quota import Quota

log = logging.getLogger("studio")


def run(settings: Settings) -> int:
    """Open the page, load the engine, and close everything in order at a stop signal.

    Raises ValueError, OSError and StorageError if it cannot start.
    """
    auth = bootstrap.logins(settings.auth.get_secret_value()) if settings.auth else None
    settings = settings.model_copy(update={"port": bootstrap.free_port(settings.host, settings.port)})
    stored = storage.open(settings.data, policy=settings.metadata_policy)
    studio = build(settings, stored)
    from studio.ui import page, scripts
    from studio.web import site

    stop = bootstrap.stop_event()
    blocks = page.build(studio, settings=settings)
    outside = site.launch_kwargs(studio, settings, key=stored.secret("cookie"), files=scripts.files())
    where = {"server_name": settings.host, "server_port": settings.port, "share": settings.share, "auth": auth}
    blocks.launch(**where, **outside, **page.launch_kwargs())
    log.info("Z-Image Studio is at %s", settings.public_url or f"http://{settings.host}:{settings.port}")
    with closing(studio):
        studio.start()
        stop.wait()
        blocks.close(verbose=False)
    return 0


def run_batch(settings: Settings, batch: Batch) -> int:
    """Generate a file of prompts until a stop signal. Raises as `run` does."""
    with closing(build(settings, storage.open(settings.data, policy=settings.metadata_policy))) as studio:
        return batch.run(studio, HOME, stop=bootstrap.stop_event().is_set)


def build(settings: Settings, stored: storage.Storage) -> Studio:
    """Build the studio from its parts. Starts nothing."""
    options = EngineOptions(
        checkpoint=settings.checkpoint,
        device=settings.device,
        memory_gb=settings.memory_gb,
        pocket=POCKET,
        consent=settings.checkpoint != "auto",
        hub=settings.hub,
        notes=settings.data / "speed.json",
        adapters=settings.data / "adapters",
    )
    engine = ResidentEngine(options)
    return Studio(
        stored, engine, enhancer_factory.enhancer_for(settings, engine),
        StudioOptions(
            bounds=Bounds(per_owner=settings.queue_per_owner, total=settings.queue_total),
            public=settings.owner_rule != "one",
            remote=settings.enhancer == "remote",
        ),
        quota=Quota(settings.data, settings.disk_quota_gb),
        captioner=enhancer_factory.captioner_for(settings),
    )  # fmt: skip
