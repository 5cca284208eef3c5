"""Which model reasons about prompts: the text encoder's own weights, a server, or none; by which template; and which one reads pictures.

Chooses by the settings. Knows the engine's contract and the chain; no page, no queue. The remote backend is imported only where it is
wished for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from enhancer import templates
from enhancer.enhancer import Enhancer, Fit
from studio.domain.checkpoint import TOKENS_MAX, CheckpointInfo
from studio.domain.enhancement_options import FOLLOWS, HostOptions
from studio.engine.base import Engine
from studio.settings import Settings
from studio.worker.worker import EnhancerFor

if TYPE_CHECKING:
    from enhancer.models.remote import RemoteChat

DEFAULT_SAMPLING = {"temperature": 0.7, "top_p": 0.8}
REMOTE_TEMPLATE = FOLLOWS  # a server's model is a large one; the small checkpoints' own templates would tell it nothing

VISION_TIMEOUT_S = 120.0  # a model without a card looks at a picture for a minute before its first word


def enhancer_for(settings: Settings, engine: Engine) -> EnhancerFor | None:
    """What the worker asks for an enhancer. Raises ValueError for an address or a template that is none."""
    folder, fit = HostOptions(settings.data).templates, Fit(count=engine.tokens, most=TOKENS_MAX)
    said = None if settings.enhancer_template == "auto" else settings.enhancer_template
    if settings.enhancer == "off":
        return None
    if said is not None:
        for language in templates.LANGUAGES:
            templates.load(said, language, folder)  # a name that is none is told now, not by the first job
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
            temperature=sampling["temperature"],
            top_p=sampling["top_p"],
            follows=info.template == FOLLOWS,
        )

    return resident


def captioner_for(settings: Settings) -> RemoteChat | None:
    """The server's model that reads pictures; None where none is named. Raises ValueError for an address that is none."""
    server = settings.server
    if not settings.enhancer_vision or server is None:
        return None
    from enhancer.models.remote import RemoteChat

    key, extra = settings.server_key, server.extra
    return RemoteChat(server.url, settings.enhancer_vision, key=key, extra=extra, timeout_s=VISION_TIMEOUT_S)
