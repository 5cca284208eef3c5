"""The form's adapters: the list, and the hidden field that holds the selection.

The field holds JSON such as `[["ink", 0.8], ["fur", -0.5]]`, or nothing. Programs may also write `ink 0.8, fur -0.5`.
"""

from __future__ import annotations

import gradio as gr

from studio.domain.request import check_adapters
from studio.errors import InvalidRequest
from studio.services.adapters import format_adapters, parse_adapters
from studio.studio import Studio
from studio.ui.wording import text


def build() -> gr.Textbox:
    """The list, which the page's script fills, and the field, which it writes."""
    gr.HTML(
        None,
        html_template='<div class="adapters"></div>',
        js_on_load="studio.mount('adapters', {element, props, trigger, watch})",
        apply_default_css=False,
        elem_id="adapter-list",
    )
    return gr.Textbox("", label=text("adapters"), elem_id="adapters", visible="hidden")


def fitting(studio: Studio, checkpoint: str, said: object) -> str:
    """The selection without adapters that do not fit a checkpoint."""
    try:
        pairs = parse_adapters(said)
        check_adapters(pairs)
    except InvalidRequest:
        return ""
    fit = {one.name for one in studio.adapters(checkpoint) if one.fits is not False}
    return format_adapters([one for one in pairs if one[0] in fit])
