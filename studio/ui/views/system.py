"""The machine: what draws, how its memory is planned, what is done for speed, the checkpoints, and the last timings.

Answers the calls of `assets/machine.js`, which asks only while the room is visible. Knows no pipeline and no torch.
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
    """The room, drawn where it is called."""
    return part("machine", owner_of=owner_of, calls=calls(studio))


def calls(studio: Studio) -> Mapping[str, Call]:
    """What the room may ask for."""
    return {
        "machine": lambda asked: system_status(studio, asked),
        "load": lambda asked: _told(studio, asked, studio.load),
        "download": lambda asked: _told(studio, asked, studio.download),
    }


def system_status(studio: Studio, asked: CallArguments) -> View:
    """The machine, and the checkpoints with their downloads, as the bar has them."""
    return {**studio.machine(asked.owner), "models": state(studio)}


def _told(studio: Studio, asked: CallArguments, tell: Callable[[str], None]) -> View:
    name = asked("name")
    if not isinstance(name, str):
        raise InvalidRequest("checkpoint", "must be a text", name)
    tell(name)
    return system_status(studio, asked)
