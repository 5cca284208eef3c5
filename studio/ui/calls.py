"""Calls from the page's scripts to the server: a name and arguments in, one JSON object out.

A part is a `gr.HTML` with a constant template whose script builds its DOM with `textContent`. It fires the event `call`
with a number, a name and arguments; the answer comes back as its value with the same number. Names are looked up in a fixed
table, and calls run for the request's owner, so forged events get no further than the page. Knows no picture.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from locales import Localized, for_page
from studio.errors import InvalidRequest, NotFound, StudioError
from studio.services.serializers import View
from studio.validation import checked_zone

log = logging.getLogger(__name__)
OwnerOf = Callable[[gr.Request], str]


class CallArguments:
    """The arguments of one call, not validated, and its request."""

    def __init__(self, owner: str, values: Mapping[str, Any], request: gr.Request, zone: object = None) -> None:
        """`zone` is the browser's time zone; an unknown one becomes UTC."""
        self.owner, self.request, self._values = owner, request, values
        try:
            self.zone = str(checked_zone("zone", zone))
        except InvalidRequest:
            self.zone = "UTC"

    def __call__(self, name: str, default: Any = None) -> Any:
        """The argument `name` as it was sent. The use cases validate it."""
        return self._values.get(name, default)


Call = Callable[[CallArguments], View]


def part(name: str, *, owner_of: OwnerOf, calls: Mapping[str, Call]) -> gr.HTML:
    """A part of the page, built by the scripts in `assets`, with its `calls`."""
    box = gr.HTML(
        None,
        html_template=f'<div class="part {name}"></div>',
        js_on_load=f"studio.mount('{name}', {{element, props, watch, trigger}});  // fires 'call'",
        apply_default_css=False,
        elem_id=f"part-{name}",
    )

    def answer(event: gr.EventData, request: gr.Request) -> View:
        return respond(event._data, calls, owner_of, request)

    box.call(
        answer,
        None,
        box,
        queue=False,
        show_progress="hidden",
        trigger_mode="multiple",
        api_name=f"{name}_call",
        api_visibility="private",
    )
    return box


def respond(sent: object, calls: Mapping[str, Call], owner_of: OwnerOf, request: gr.Request) -> View:
    """The answer to an event: `{"n", "answer"}`, or `{"n", "error", "missing"}` with a message."""
    message = sent if isinstance(sent, dict) else {}
    number, name, values = message.get("n"), message.get("name"), message.get("values")
    n = number if isinstance(number, int) else 0
    call = calls.get(name) if isinstance(name, str) else None
    if call is None or not isinstance(values, dict):
        return {"n": n, "error": for_page(Localized("error.unknown_call")), "missing": False}
    try:
        return {
            "n": n,
            "answer": for_page(call(CallArguments(owner_of(request), values, request, message.get("zone")))),
        }
    except StudioError as error:
        if not isinstance(error, InvalidRequest | NotFound):
            log.info("call %s was refused: %s", name, error)
        return {"n": n, "error": for_page(error.message), "missing": isinstance(error, NotFound)}
