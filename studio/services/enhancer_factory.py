"""Enhancer factory: builds the enhancer and the caption model that the settings choose.

Knows the engine's protocol and the enhancer; no page, no queue. Imports the remote backend only when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from enhancer import templates
from enhancer.enhancer import Enhancer, EnhancerSettings, Fit
from studio.domain.checkpoint import TOKENS_MAX, CheckpointInfo
from studio.domain.enhancement_options import FOLLOWS, HostOptions
from studio.engine.base import Engine
from studio.settings import Settings
from studio.worker.runner import EnhancerFor

if TYPE_CHECKING:
    from enhancer.models.remote import RemoteChat

DEFAULT_SAMPLING = {"temperature": 0.7, "top_p": 0.8}
REMOTE_TEMPLATE = FOLLOWS  # templates of small checkpoints do not suit a server's large model

VISION_TIMEOUT_S = 120.0  # without a GPU, a vision model needs up to a minute before its first word


def enhancer_for(settings: Settings, engine: Engine) -> EnhancerFor | None:
    """The function by which the worker gets an enhancer. Raises ValueError for an invalid address or template."""
    folder, fit = HostOptions(settings.data).templates, Fit(count=engine.tokens, most=TOKENS_MAX)
    said = None if settings.enhancer_template == "auto" else settings.enhancer_template
    if settings.enhancer == "off":
        return None
    if said is not None:
        for language in templates.LANGUAGES:
            templates.load(said, language, folder)  # fail at start, not in the first job
    if settings.enhancer == "remote" and (server := settings.server) and server.model:
        from enhancer.models.remote import RemoteChat

        chat = RemoteChat(server.url, server.model, key=settings.server_key, extra=server.extra)
        return lambda info, own: Enhancer(chat, template=own or said or REMOTE_TEMPLATE, folder=folder, fit=fit)

    def resident(info: CheckpointInfo, own: str) -> Enhancer:
        sampling = DEFAULT_SAMPLING | dict(info.sampling)
        return Enhancer(
            engine.chat(),
            template=own or said or info.template,
            folder=folder,
            fit=fit,
            settings=EnhancerSettings(
                temperature=sampling["temperature"], top_p=sampling["top_p"], follows=info.template == FOLLOWS
            ),
        )

    return resident


def captioner_for(settings: Settings) -> RemoteChat | None:
    """The remote caption model; None if none is configured. Raises ValueError for an invalid address."""
    server = settings.server
    if not settings.enhancer_vision or server is None:
        return None
    from enhancer.models.remote import RemoteChat

    key, extra = settings.server_key, server.extra
    return RemoteChat(server.url, settings.enhancer_vision, key=key, extra=extra, timeout_s=VISION_TIMEOUT_S)
