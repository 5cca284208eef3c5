"""The System view: device, memory plan, speed options, checkpoints and timings.

Answers the calls of `assets/system/system.js`, which polls only while the view is visible. Knows no pipeline and no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import gradio as gr

from studio.errors import InvalidRequest
from studio.services.serializers import View
from studio.studio import Studio
from studio.ui import owner
from studio.ui.calls import Call, CallArguments, OwnerOf, part
from studio.ui.views.create import state


def build(studio: Studio, *, owner_of: OwnerOf = owner.owner_of) -> gr.HTML:
    """Build the view in the open Blocks context."""
    return part("machine", owner_of=owner_of, calls=calls(studio))


def calls(studio: Studio) -> Mapping[str, Call]:
    """The calls of the view's scripts."""
    return {
        "machine": lambda asked: system_status(studio, asked),
        "load": lambda asked: _told(studio, asked, studio.checkpoints.load),
        "download": lambda asked: _told(studio, asked, studio.checkpoints.download),
    }


def system_status(studio: Studio, asked: CallArguments) -> View:
    """The system, and the checkpoints with their downloads, as in the header."""
    return {**studio.checkpoints.system(asked.owner), "models": state(studio)}


def _told(studio: Studio, asked: CallArguments, tell: Callable[[str], None]) -> View:
    name = asked("name")
    if not isinstance(name, str):
        raise InvalidRequest("checkpoint", "text", name)
    tell(name)
    return system_status(studio, asked)
