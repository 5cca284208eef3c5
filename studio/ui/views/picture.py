"""The view of one picture, above the current view: its fields and actions.

Answers the calls of the scripts in `assets/picture`. Ids come from the browser; the use cases check them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from studio.domain.request import GenerationRequest
from studio.services.serializers import View
from studio.studio import Studio
from studio.ui import owner
from studio.ui.calls import Call, CallArguments, OwnerOf, part


def build(studio: Studio, *, owner_of: OwnerOf = owner.owner_of) -> gr.HTML:
    """Build the view, hidden until a picture is opened. It belongs outside the tabs."""
    return part("picture", owner_of=owner_of, calls=calls(studio))


def calls(studio: Studio) -> Mapping[str, Call]:
    """The calls of the view's scripts."""
    return {
        "picture": lambda asked: studio.library.picture(asked.owner, asked("id")),
        "edit": lambda asked: studio.library.edit(
            asked.owner,
            asked("id"),
            favourite=asked("favourite"),
            rating=asked("rating"),
            tags=asked("tags"),
            note=asked("note"),
        ),
        "tags": lambda asked: studio.library.tags(asked.owner, asked("beginning", "")),
        "ancestry": lambda asked: studio.library.ancestry(asked.owner, asked("id")),
        "differences": lambda asked: studio.library.compare(asked.owner, asked("id"), asked("other")),
        "collections": lambda asked: studio.collections.of(asked.owner, zone=asked.zone),
        "collect": lambda asked: studio.collections.add_pictures(
            asked.owner, asked("collection"), [asked("id")], remove=asked("remove", False)
        ),
        "new_collection": lambda asked: studio.collections.create(asked.owner, asked("name"), ids=[asked("id")]),
        "placed": lambda asked: {"in": studio.collections.with_picture(asked.owner, asked("id"))},
        "delete": lambda asked: studio.library.delete(asked.owner, asked("id")),
        "restore": lambda asked: studio.library.restore(asked.owner, asked("id")),
        "rerun": lambda asked: {
            "job": studio.generation.rerun(asked.owner, asked("id"), private=asked("private", False))
        },
        "vary": lambda asked: {
            "job": studio.generation.vary(
                asked.owner,
                asked("id"),
                asked("count", 1),
                strength=asked("strength"),
                private=asked("private", False),
            )
        },
        "draw": lambda asked: generate(studio, asked),
        "job": lambda asked: studio.jobs.snapshot(asked.owner, asked("job")),
        "cancel": lambda asked: studio.generation.cancel(asked.owner, asked("job")),
        "share": lambda asked: studio.sharing.create(
            asked.owner, asked("id"), asked("days", 30), base_url=owner.base_url_of(asked.request)
        ),
        "links": lambda asked: {
            "links": studio.sharing.of_picture(asked.owner, asked("id"), base_url=owner.base_url_of(asked.request))
        },
        "unshare": lambda asked: studio.sharing.revoke(
            asked.owner, asked("token"), base_url=owner.base_url_of(asked.request)
        ),
    }


def generate(studio: Studio, asked: CallArguments) -> View:
    """File an edited prompt with the settings of picture `id`. Original and reasoning stay linked. Returns the job."""
    found: dict[str, Any] = studio.library.picture(asked.owner, asked("id"))
    enhancement = found["enhancement"]
    same = (
        "width",
        "height",
        "steps",
        "guidance",
        "negative_prompt",
        "shift",
        "cfg_normalization",
        "cfg_truncation",
        "source",
        "strength",
    )
    settings = {name: found[name] for name in same}
    if asked("same_seed") is True:
        settings |= {"seed": found["seed"], "variation_of": found["variation_of"]}
    wanted = GenerationRequest.of(
        prompt=asked("prompt"),
        enhance=False,
        checkpoint=studio.generation.checkpoint_of(asked.owner, found["id"]).name,
        enhancement=enhancement["id"] if enhancement else None,
        parent=found["id"],
        private=asked("private", False),
        adapters=[(adapter["name"], adapter["weight"]) for adapter in found["adapters"]],
        **settings,
    )
    return {"job": studio.generation.submit(asked.owner, wanted)}
