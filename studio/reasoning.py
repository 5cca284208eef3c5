"""Which model reasons about prompts: the text encoder's own weights, a server, or none; and by which template.

Chooses by the settings. Knows the engine's contract and the chain; no page, no queue. The remote backend is imported only where it is
wished for.
"""

from __future__ import annotations

from enhancer import templates
from enhancer.chain import Enhancer
from studio.engine.contract import CheckpointInfo, Engine
from studio.settings import Settings
from studio.worker import EnhancerFor

DEFAULT_SAMPLING = {"temperature": 0.7, "top_p": 0.8}
REMOTE_TEMPLATE = "chain"  # a server's model is a large one; the small checkpoints' own templates would tell it nothing


def enhancer_for(settings: Settings, engine: Engine) -> EnhancerFor | None:
    """What the worker asks for an enhancer. Raises ValueError for an address or a template that is none."""
    said = None if settings.enhancer_template == "auto" else settings.enhancer_template
    if settings.enhancer == "off":
        return None
    if said is not None:
        for language in templates.LANGUAGES:
            templates.load(said, language)  # a name that is none is told now, not by the first job
    if settings.enhancer == "remote" and settings.enhancer_url and settings.enhancer_model:
        from enhancer.remote import RemoteChat

        key = settings.enhancer_key.get_secret_value() if settings.enhancer_key else None
        chat = RemoteChat(settings.enhancer_url, settings.enhancer_model, key=key)
        remote = Enhancer(chat, template=said or REMOTE_TEMPLATE)
        return lambda info: remote

    def resident(info: CheckpointInfo) -> Enhancer:
        sampling = DEFAULT_SAMPLING | dict(info.sampling)
        return Enhancer(
            engine.chat(),
            template=said or info.template,
            temperature=sampling["temperature"],
            top_p=sampling["top_p"],
            follows=(said or info.template) == REMOTE_TEMPLATE,
        )

    return resident
