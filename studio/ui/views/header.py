"""The header of all views: logo, tabs, engine state, language and theme; and the script channel.

The scripts of the shell and of Create call the server through it (calls.py), since the header is always present. Knows no
picture.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import gradio as gr

from studio.services.serializers import View
from studio.ui.calls import Call, OwnerOf, respond

SEAL = (Path(__file__).parents[1] / "assets" / "shared" / "seal.svg").read_text("utf-8")
TEMPLATE = f"""<a class="skip" href="#prompt"></a>
<div class="brand">{SEAL}<h1>Z-Image Studio</h1></div>
<div class="bar-right"><span class="quota" role="status"></span><span class="engine" role="status"><i></i><span></span></span>
<button type="button" class="language"></button><button type="button" class="light"></button></div>
<div class="private-note" role="status"></div><p class="alarm" role="alert"></p>"""


def build(calls: Mapping[str, Call], *, owner_of: OwnerOf, facts: View) -> gr.HTML:
    """The header. Scripts may make `calls` and read the constants `facts`."""
    bar = gr.HTML(
        None,
        html_template=TEMPLATE,
        js_on_load="studio.mount('header', {element, props, trigger, watch}); /* fires 'call' */",
        apply_default_css=False,
        elem_id="bar",
        facts=json.dumps(facts, ensure_ascii=False),
    )

    def answer(event: gr.EventData, request: gr.Request) -> View:
        return respond(event._data, calls, owner_of, request)

    bar.call(
        answer,
        None,
        bar,
        queue=False,
        show_progress="hidden",
        trigger_mode="multiple",
        api_name="bar_call",
        api_visibility="private",
    )
    return bar
