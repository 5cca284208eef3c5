"""The form's adapters: the place of their list, and how a choice of them is typed, read and told: `ink 0.8, fur -0.5`.

What is read is checked by `Wish`, whoever sent it. Names are those of files, so that they may hold spaces and commas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import gradio as gr

from studio.errors import InvalidWish
from studio.studio import Studio
from studio.ui.wording import text

PAIR = re.compile(r"\s*(\S.*?)\s+([+-]?(?:\d{1,9}[.]?\d{0,20}|[.]\d{1,20}))\s*(?:[,，;；]|$)", re.DOTALL)


def build() -> gr.Textbox:
    """The list, which the page's script fills, and the field that holds the choice, which it writes."""
    gr.HTML(
        None,
        html_template='<div class="adapters"></div>',
        js_on_load="studio.mount('adapters', {element, props, trigger, watch})",
        apply_default_css=False,
        elem_id="adapter-list",
    )
    return gr.Textbox("", label=text("adapters"), elem_id="adapters", visible="hidden")


def read(typed: object) -> Any:
    """`ink 0.8, fur -0.5`, a JSON object or a list as pairs of a name and a weight; anything else is left for `Wish` to refuse."""
    if isinstance(typed, Mapping):
        return tuple(typed.items())
    if isinstance(typed, list):
        return tuple(tuple(one) if isinstance(one, list) else one for one in typed)
    if not isinstance(typed, str):
        return () if typed is None else typed
    found, at = [], 0
    for one in PAIR.finditer(typed):
        if typed[at : one.start()].strip():
            break
        found.append((one[1], float(one[2])))
        at = one.end()
    if typed[at:].strip():
        rule = "must be a name and a weight, such as ink 0.8, with commas between several"
        raise InvalidWish("adapters", rule, typed[at:])
    return tuple(found)


def told(pairs: object) -> str:
    """The other way, of pairs or of a picture's adapters."""
    if not isinstance(pairs, list | tuple):
        return ""
    said = [(one["name"], one["weight"]) if isinstance(one, Mapping) else (one[0], one[1]) for one in pairs]
    return ", ".join(f"{name} {format(Decimal(str(weight)).normalize(), 'f')}" for name, weight in said)


def fitting(studio: Studio, checkpoint: str, typed: object) -> str:
    """What is typed, without what does not fit a checkpoint: what is not shown holds nothing."""
    try:
        pairs = read(typed)
    except InvalidWish:
        return ""
    fit = {one.name for one in studio.adapters(checkpoint) if one.fits is not False}
    return told([one for one in pairs if one[0] in fit] if isinstance(pairs, tuple) else [])
