"""The owner of a Gradio request, which the identity middleware stored in the request's state.

Queued and streamed events keep that state. Knows no cookie and no login.
"""

from __future__ import annotations

import gradio as gr

from studio.errors import Refused


def owner_of(request: gr.Request) -> str:
    """The owner of a request. Raises Refused without one."""
    owner = _noted(request, "owner")
    if owner is None:
        raise Refused("owner_unknown")
    return owner


def base_url_of(request: gr.Request) -> str:
    """The studio's address as the visitor reached it, without a trailing slash. Raises Refused if unknown."""
    url = _noted(request, "base_url")
    if url is None:
        raise Refused("owner_unknown")
    return url


def _noted(request: gr.Request, name: str) -> str | None:
    state = getattr(request, "state", None)
    value = getattr(state, name, None)
    return value if isinstance(value, str) and value else None
