"""How a drawn part of the page asks the server: named calls with one JSON object in and one out.

A part is a `gr.HTML` with a constant template whose script draws with `textContent`. It fires one event, `call`, with a number, a
name and arguments; the answer comes back as its value under the same number. The name is looked up in a fixed table and everything
runs for the owner of the request, so whoever sends such an event by hand gets no more than the page would. Knows no picture.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from studio.domain.request import zone as checked_zone
from studio.errors import InvalidRequest, NotFound, StudioError
from studio.services.serializers import View

log = logging.getLogger(__name__)
OwnerOf = Callable[[gr.Request], str]


class CallArguments:
    """One call's arguments, from whoever sent them, with the request they came by."""

    def __init__(self, owner: str, values: Mapping[str, Any], request: gr.Request, zone: object = None) -> None:
        """`zone` is what the browser calls its time zone; one that this machine does not know becomes UTC."""
        self.owner, self.request, self._values = owner, request, values
        try:
            self.zone = str(checked_zone("zone", zone))
        except InvalidRequest:
            self.zone = "UTC"

    def __call__(self, name: str, default: Any = None) -> Any:
        """The argument `name` as it was sent: the use cases check its type and its range."""
        return self._values.get(name, default)


Call = Callable[[CallArguments], View]


def part(name: str, *, owner_of: OwnerOf, calls: Mapping[str, Call]) -> gr.HTML:
    """A part of the page, drawn by `assets/{name}.js`, that may make `calls`."""
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
    """The answer to one event: `{"n", "answer"}`, or `{"n", "error", "missing"}` with a sentence to show."""
    message = sent if isinstance(sent, dict) else {}
    number, name, values = message.get("n"), message.get("name"), message.get("values")
    n = number if isinstance(number, int) else 0
    call = calls.get(name) if isinstance(name, str) else None
    if call is None or not isinstance(values, dict):
        return {"n": n, "error": "The page asked for something that this studio does not know.", "missing": False}
    try:
        return {"n": n, "answer": call(CallArguments(owner_of(request), values, request, message.get("zone")))}
    except StudioError as error:
        if not isinstance(error, InvalidRequest | NotFound):
            log.info("call %s was refused: %s", name, error)
        return {"n": n, "error": str(error), "missing": isinstance(error, NotFound)}
