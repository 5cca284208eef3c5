"""Entry point: builds settings, storage, engine, enhancer, use cases and page.

`python app.py` serves the page. `batch`, `bring`, `check`, `backup` and `restore` are commands; see `--help`.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import closing

import storage
from storage.errors import StorageError
from studio.cli import batch, bootstrap, maintenance
from studio.engine.engine import ResidentEngine
from studio.services import enhancer_factory
from studio.services.generation import Bounds
from studio.settings import ROOT, Settings, read
from studio.studio import Studio
from studio.validation import HOME
from studio.web import site
from studio.worker.quota import Quota

log = logging.getLogger("studio")


def main() -> None:
    """Serve until a stop signal. Exits with code 2 and a message if it cannot start."""
    bootstrap.prepare_process(os.environ)
    maintenance.answer(sys.argv[1:], os.environ, bootstrap.stop_event)  # exits here for these commands
    asked, flags = batch.split(sys.argv[1:])
    try:
        settings = read(flags, os.environ)
        auth = bootstrap.logins(settings.auth.get_secret_value()) if settings.auth else None
        if asked is None:
            settings = settings.model_copy(update={"port": bootstrap.free_port(settings.host, settings.port)})
        kept = storage.open(settings.data, policy=settings.metadata_policy)
        studio = build(settings, kept)
    except (ValueError, OSError, StorageError) as error:
        bootstrap.exit_with_error(bootstrap.explain_error(error))
    if asked is not None:
        with closing(studio):
            sys.exit(batch.run(studio, HOME, asked, stop=bootstrap.stop_event().is_set))
    serve(studio, settings, auth, kept.secret("cookie"))


def build(settings: Settings, kept: storage.Storage) -> Studio:
    """Build the studio from its parts. Starts nothing."""
    engine = ResidentEngine(
        checkpoint=settings.checkpoint, device=settings.device, memory_gb=settings.memory_gb, adapters=settings.data / "adapters",
        pocket=ROOT / "pocket" / "checkpoint", consent=settings.checkpoint != "auto", hub=settings.hub, notes=settings.data / "speed.json",
    )  # fmt: skip
    return Studio(
        kept, engine, enhancer_factory.enhancer_for(settings, engine),
        bounds=Bounds(per_owner=settings.queue_per_owner, total=settings.queue_total),
        quota=Quota(settings.data, settings.disk_quota_gb),
        public=settings.owner_rule != "one",
        remote=settings.enhancer == "remote",
        captioner=enhancer_factory.captioner_for(settings),
    )  # fmt: skip


def serve(studio: Studio, settings: Settings, auth: list[tuple[str, str]] | None, key: bytes) -> None:
    """Open the page, load the engine, and close everything in order at a stop signal."""
    from studio.ui import page, scripts

    stop = bootstrap.stop_event()
    blocks = page.build(studio, settings=settings)
    where = {"server_name": settings.host, "server_port": settings.port, "share": settings.share, "auth": auth}
    site_kwargs = site.launch_kwargs(studio, settings, key=key, files=scripts.files())
    blocks.launch(**where, **site_kwargs, **page.launch_kwargs())
    log.info("Z-Image Studio is at %s", settings.public_url or f"http://{settings.host}:{settings.port}")
    with closing(studio):
        studio.start()
        stop.wait()
        blocks.close(verbose=False)


if __name__ == "__main__":
    main()
