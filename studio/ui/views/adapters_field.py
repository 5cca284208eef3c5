"""The form's adapters: the list, and the hidden field that holds the selection.

The field holds JSON such as `[["ink", 0.8], ["fur", -0.5]]`, or nothing. Programs may also write `ink 0.8, fur -0.5`.
"""

from __future__ import annotations

import gradio as gr

from locales import text
from studio.domain.adapter_text import format_adapters
from studio.domain.request import GenerationRequest
from studio.errors import InvalidRequest
from studio.studio import Studio


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
        pairs = GenerationRequest.of(prompt="-", adapters=said).adapters
    except InvalidRequest:
        return ""
    fit = {one.name for one in studio.checkpoints.adapters(checkpoint) if one.fits is not False}
    return format_adapters([one for one in pairs if one[0] in fit])
