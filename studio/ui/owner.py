"""On whose behalf a Gradio handler runs: what the door noted in the request, read back.

The note travels in the request's state, which queued and streamed events keep. Knows no cookie and no login.
"""

from __future__ import annotations

import gradio as gr

from studio.errors import Refused

NOBODY = "Nobody is known behind this request: log in, or reload the page, and try again."


def owner_of(request: gr.Request) -> str:
    """The owner of a request. Raises Refused where the door noted none."""
    owner = _noted(request, "owner")
    if owner is None:
        raise Refused(NOBODY)
    return owner


def base_url_of(request: gr.Request) -> str:
    """How the visitor reached the studio, for links, without a slash at its end. Raises Refused where the door noted nothing."""
    url = _noted(request, "base_url")
    if url is None:
        raise Refused(NOBODY)
    return url


def _noted(request: gr.Request, name: str) -> str | None:
    state = getattr(request, "state", None)
    value = getattr(state, name, None)
    return value if isinstance(value, str) and value else None
