"""The Queue view: the owner's waiting, running and recent jobs.

Answers the calls of `assets/queue/queue.js`, which polls only while the view is visible.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

import gradio as gr

from studio.errors import NotFound
from studio.services.serializers import View
from studio.studio import Studio
from studio.ui import owner
from studio.ui.calls import Call, CallArguments, OwnerOf, part

LIVE = ("phase", "message", "index", "step", "steps", "eta_s")
RECENT = 10


def build(studio: Studio, *, owner_of: OwnerOf = owner.owner_of) -> gr.HTML:
    """Build the view in the open Blocks context."""
    return part("queue", owner_of=owner_of, calls=calls(studio))


def calls(studio: Studio) -> Mapping[str, Call]:
    """The calls of the queue's scripts."""
    return {
        "jobs": lambda asked: jobs(studio, asked),
        "pictures": lambda asked: {"pictures": studio.jobs.snapshot(asked.owner, asked("job"))["pictures"]},
        "cancel": lambda asked: studio.generation.cancel(asked.owner, asked("job")),
        "redraw": lambda asked: {
            "job": studio.generation.retry(asked.owner, asked("job"), private=asked("private", False))
        },
    }


def jobs(studio: Studio, asked: CallArguments) -> View:
    """`{"jobs", "recent"}`: unfinished jobs, running ones with progress, and the newest finished ones."""
    unfinished = studio.jobs.unfinished(asked.owner)
    return {
        "jobs": [_live(studio, asked.owner, job) for job in unfinished],
        "recent": studio.jobs.recent(asked.owner, RECENT),
    }


def _live(studio: Studio, owner: str, job: View) -> View:
    if job["status"] != "running":
        return job
    shot = studio.jobs.snapshot(owner, str(job["id"]))
    return {**job, **{key: shot[key] for key in LIVE}, "preview": _preview(studio, owner, shot)}


def _preview(studio: Studio, owner: str, shot: View) -> str | None:
    """The preview as a data URL: fetched by address, the job might have ended."""
    if shot["preview"] is None:
        return None
    try:
        image = studio.jobs.preview(owner, str(shot["job"]))
    except NotFound:
        return None
    return f"data:image/webp;base64,{b64encode(image).decode()}"
