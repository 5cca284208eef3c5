"""The named endpoints for programs: their names, parameters, defaults and results are stable.

Each endpoint calls a use case of `Studio` on behalf of the request's owner. The use cases validate all values. Streams are
async and not limited in number, since they only watch. Annotations are objects, not strings, because Gradio builds the
API's schema from them.
"""

import gradio as gr

from studio.studio import Studio
from studio.ui.api.collections import CollectionEndpoints
from studio.ui.api.generation import GenerationEndpoints
from studio.ui.api.library import LibraryEndpoints
from studio.ui.api.system import SystemEndpoints

NAMES = (
    "generate", "enhance", "refine", "describe", "upload", "options", "rerun", "vary", "retry", "history", "picture", "edit",
    "edit_many", "delete", "delete_many", "restore", "restore_many", "purge", "tags", "collections", "new_collection",
    "edit_collection", "add_to_collection", "move_in_collection", "delete_collection", "ancestry", "compare", "cancel",
    "jobs", "share", "unshare", "end_private_session", "download_checkpoint", "system", "adapters",
)  # fmt: skip
ALIASES = {
    "redraw": "retry",
    "steers": "options",
    "source": "upload",
    "collect": "add_to_collection",
    "differences": "compare",
    "forget": "end_private_session",
    "machine": "system",
}
"""Former names of endpoints, kept until version 0.3."""


class Endpoints(GenerationEndpoints, LibraryEndpoints, CollectionEndpoints, SystemEndpoints):
    """All endpoints over one studio."""


def register(studio: Studio) -> None:
    """Add the endpoints to the open Blocks context."""
    endpoints = Endpoints(studio)
    for name in (*NAMES, *ALIASES):
        function = getattr(endpoints, ALIASES.get(name, name))
        gr.api(function, api_name=name, api_description=function.__doc__, concurrency_limit=None)
