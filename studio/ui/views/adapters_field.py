"""The form's adapters: the place of their list, and the hidden field that holds what is chosen of them.

The field holds JSON, `[["ink", 0.8], ["fur", -0.5]]`, and nothing for none; programs may type `ink 0.8, fur -0.5`.
"""

from __future__ import annotations

import gradio as gr

from studio.domain.request import check_adapters
from studio.errors import InvalidRequest
from studio.services.adapters import format_adapters, parse_adapters
from studio.studio import Studio
from studio.ui.wording import text


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


def fitting(studio: Studio, checkpoint: str, said: object) -> str:
    """What is chosen, without what does not fit a checkpoint: what is not shown holds nothing."""
    try:
        pairs = parse_adapters(said)
        check_adapters(pairs)
    except InvalidRequest:
        return ""
    fit = {one.name for one in studio.adapters(checkpoint) if one.fits is not False}
    return format_adapters([one for one in pairs if one[0] in fit])
