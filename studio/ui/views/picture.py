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
        "picture": lambda asked: studio.picture(asked.owner, asked("id")),
        "edit": lambda asked: studio.edit(
            asked.owner,
            asked("id"),
            favourite=asked("favourite"),
            rating=asked("rating"),
            tags=asked("tags"),
            note=asked("note"),
        ),
        "tags": lambda asked: studio.tags(asked.owner, asked("beginning", "")),
        "ancestry": lambda asked: studio.ancestry(asked.owner, asked("id")),
        "differences": lambda asked: studio.differences(asked.owner, asked("id"), asked("other")),
        "collections": lambda asked: studio.collections(asked.owner, zone=asked.zone),
        "collect": lambda asked: studio.collect(
            asked.owner, asked("collection"), [asked("id")], remove=asked("remove", False)
        ),
        "new_collection": lambda asked: studio.new_collection(asked.owner, asked("name"), ids=[asked("id")]),
        "placed": lambda asked: {"in": studio.collections_with(asked.owner, asked("id"))},
        "delete": lambda asked: studio.delete(asked.owner, asked("id")),
        "restore": lambda asked: studio.restore(asked.owner, asked("id")),
        "rerun": lambda asked: {"job": studio.rerun(asked.owner, asked("id"), private=asked("private", False))},
        "vary": lambda asked: {
            "job": studio.vary(
                asked.owner,
                asked("id"),
                asked("count", 1),
                strength=asked("strength"),
                private=asked("private", False),
            )
        },
        "draw": lambda asked: generate(studio, asked),
        "job": lambda asked: studio.snapshot(asked.owner, asked("job")),
        "cancel": lambda asked: studio.cancel(asked.owner, asked("job")),
        "share": lambda asked: studio.share(
            asked.owner, asked("id"), asked("days", 30), base_url=owner.base_url_of(asked.request)
        ),
        "links": lambda asked: {
            "links": studio.shares(asked.owner, asked("id"), base_url=owner.base_url_of(asked.request))
        },
        "unshare": lambda asked: studio.unshare(asked.owner, asked("token"), base_url=owner.base_url_of(asked.request)),
    }


def generate(studio: Studio, asked: CallArguments) -> View:
    """File an edited prompt with the settings of picture `id`. Original and reasoning stay linked. Returns the job."""
    found: dict[str, Any] = studio.picture(asked.owner, asked("id"))
    enhancement = found["enhancement"]
    wish = GenerationRequest(
        prompt=asked("prompt"),
        enhance=False,
        seed=found["seed"] if asked("same_seed") is True else None,
        width=found["width"],
        height=found["height"],
        steps=found["steps"],
        guidance=found["guidance"],
        negative_prompt=found["negative_prompt"],
        shift=found["shift"],
        cfg_normalization=found["cfg_normalization"],
        cfg_truncation=found["cfg_truncation"],
        source=found["source"],
        strength=found["strength"],
        checkpoint=studio.checkpoint_of(asked.owner, found["id"]).name,
        enhancement=enhancement["id"] if enhancement else None,
        parent=found["id"],
        private=asked("private", False),
        variation_of=tuple(found["variation_of"]) if asked("same_seed") is True else (),
        adapters=tuple((one["name"], one["weight"]) for one in found["adapters"]),
    )
    return {"job": studio.submit(asked.owner, wish)}
