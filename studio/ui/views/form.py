"""The form of Create: native components, and their conversion to a request.

Knows the catalog's defaults, so that every section can show its value; knows nothing of jobs. `GenerationRequest` validates
all values, so the fields have no limits of their own, which would cut, round or report differently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from enhancer.options import LENGTHS
from locales import text
from studio.domain.checkpoint import CheckpointInfo
from studio.domain.enhancement_options import AvailableOptions
from studio.domain.sizes import SIDE_STEP, classes, shape_of, shapes
from studio.errors import InvalidRequest
from studio.studio import Studio
from studio.ui.views import adapters_field
from studio.ui.views.form_values import FIELDS, presets, shown

FOLDS = "() => studio.emit('filled')"  # values set by the server fire no input event: refresh the sections
PRIVATE = "(...values) => [...values.slice(0, -1), studio.private]"  # the field is last; its switch is in the header


@dataclass(frozen=True, kw_only=True)
class Form:
    """The components by their API names, and their companions."""

    fields: Mapping[str, gr.components.Component]  # in the order of FIELDS
    shape: gr.Radio
    side: gr.Radio
    draw: gr.Button
    foot: gr.HTML  # of the prompt card: hint, tokens, caption button

    @property
    def inputs(self) -> list[gr.components.Component]:
        """The fields as inputs of a listener, in the order of FIELDS."""
        return [self.fields[name] for name in FIELDS]


def build(studio: Studio) -> Form:
    """Build the form in the open Blocks context."""
    info = studio.checkpoints.get()
    with gr.Column(elem_id="form", min_width=0):
        prompt, foot = _ask()
        enhance = _reason(studio)
        shape = gr.Radio(
            [one.name for one in shapes(info.defaults.native)],
            value="1:1",
            label=text("shape"),
            elem_id="shape",
            interactive=True,
        )
        with gr.Row(elem_id="seed-count"):
            seed = gr.Textbox(
                "", label=text("seed"), placeholder=text("random"), max_lines=1, elem_id="seed", min_width=0
            )
            count = gr.Number(1, label=text("count"), step=1, elem_id="count", min_width=0)
        draw = gr.Button(text("draw"), variant="primary", elem_id="draw")
        steering = _steering(studio, info)
        side, rarer = _folds(studio, info)
    fields = {"prompt": prompt, "enhance": enhance, "seed": seed, "count": count, **rarer, **steering}
    form = Form(fields=fields, shape=shape, side=side, draw=draw, foot=foot)
    _join(studio, form)
    return form


def _ask() -> tuple[gr.Textbox, gr.HTML]:
    with gr.Group(elem_id="ask"):
        prompt = gr.Textbox(
            "",
            label=text("prompt"),
            show_label=False,
            container=False,
            placeholder=text("placeholder"),
            lines=4,
            max_lines=14,
            elem_id="prompt",
        )
        foot = gr.HTML(
            None,
            html_template='<span class="hint"></span><span class="tokens" role="status"></span>',
            js_on_load="studio.mount('ask', {element, props, trigger, watch}); /* fires 'read' 'unread' */",
            apply_default_css=False,
            elem_id="ask-foot",
        )
    return prompt, foot


def _reason(studio: Studio) -> gr.Checkbox:
    can = studio.enhancement.enabled
    return gr.Checkbox(can, label=text("reason"), interactive=can, container=False, elem_id="reason")


def _folds(studio: Studio, info: CheckpointInfo) -> tuple[gr.Radio, dict[str, gr.components.Component]]:
    wants = info.defaults
    sides = {"step": SIDE_STEP, "min_width": 0}
    with _fold("size"):
        native, offered = wants.native, classes(wants.native)
        side = gr.Radio(
            list(offered),
            value=shape_of(native, native, native)[1],
            label=text("side"),
            elem_id="side",
            interactive=True,
            visible=shown(len(offered) > 1),
        )
        with gr.Row():
            width = gr.Number(native, label=text("width"), elem_id="width", **sides)
            height = gr.Number(native, label=text("height"), elem_id="height", **sides)
    with _fold("steps_model"):
        with gr.Row():
            steps = gr.Number(wants.steps, label=text("steps"), step=1, elem_id="steps", min_width=0)
            guidance = gr.Number(wants.guidance, label=text("guidance"), step=0.5, elem_id="guidance", min_width=0)
            shift = gr.Number(wants.shift, label=text("shift"), step=0.5, elem_id="shift", min_width=0)
        variation = gr.Textbox(
            "", label=text("variation_of"), placeholder=text("variation_hint"), max_lines=1, elem_id="variation"
        )
        guided = shown(wants.guidance > 0)
        negative = gr.Textbox("", label=text("negative"), lines=2, max_lines=6, elem_id="negative", visible=guided)
        truncation = gr.Number(1, label=text("truncation"), step=0.1, elem_id="truncation", min_width=0, visible=guided)
        normalization = gr.Checkbox(
            False, label=text("normalization"), container=False, elem_id="normalization", visible=guided
        )
    with _fold("adapters"):
        adapters = adapters_field.build()
    with _fold("model"):
        checkpoint = _models(studio, info)
    return side, {
        "width": width,
        "height": height,
        "steps": steps,
        "guidance": guidance,
        "negative_prompt": negative,
        "checkpoint": checkpoint,
        "shift": shift,
        "cfg_truncation": truncation,
        "cfg_normalization": normalization,
        "variation_of": variation,
        "adapters": adapters,
    }


def _models(studio: Studio, info: CheckpointInfo) -> gr.Radio:
    checkpoint = gr.Radio(
        [(one.title, one.name) for one in studio.checkpoints.all()],
        value=info.name,
        label=text("model"),
        show_label=False,
        elem_id="checkpoint",
        interactive=True,
    )
    gr.HTML(
        None,
        html_template='<div class="models"></div>',
        js_on_load="studio.mount('models', {element, props, trigger, watch})",
        apply_default_css=False,
        elem_id="models",
    )
    return checkpoint


def _steering(studio: Studio, info: CheckpointInfo) -> dict[str, gr.components.Component]:
    """The enhancement options. A style also applies without an enhancement; the other options need a model."""
    steers, can = studio.enhancement.options(info.name), studio.enhancement.enabled
    with _fold("steering"):
        style = gr.Radio(styles(steers), value="", label=text("style"), elem_id="style", interactive=True)
        length = gr.Radio(
            [(text(f"length_{one}"), one) for one in LENGTHS],
            value="auto",
            label=text("length"),
            elem_id="length",
            interactive=True,
            visible=shown(can and steers.follows),
        )
        locks = gr.Textbox(
            "", label=text("locks"), placeholder=text("locks_hint"), max_lines=1, elem_id="locks", visible=shown(can)
        )
        own = [(text("template_usual"), ""), *((one, one) for one in steers.templates)]
        template = gr.Radio(
            own,
            value="",
            label=text("template"),
            elem_id="template",
            interactive=True,
            visible=shown(can and bool(steers.templates)),
        )
        spread = gr.Checkbox(False, label=text("spread"), container=False, elem_id="spread", visible=shown(can))
    kept = gr.Textbox(
        "", label=text("kept_rewrite"), elem_id="enhancement", visible="hidden"
    )  # the page's script fills it
    source = gr.Textbox("", label=text("source"), elem_id="source", visible="hidden")
    strength = gr.Textbox("", label=text("source_far"), elem_id="strength", visible="hidden")
    private = gr.Textbox("", label=text("private"), elem_id="private", visible="hidden")  # and this one, with PRIVATE
    return {
        "style": style,
        "length": length,
        "locks": locks,
        "template": template,
        "spread": spread,
        "enhancement": kept,
        "source": source,
        "strength": strength,
        "private": private,
    }


def styles(steers: AvailableOptions) -> list[tuple[str, str]]:
    """The choices of styles, none first. The page's script translates them."""
    return [(text("style_none"), ""), *((one.titles["en"], one.name) for one in steers.styles)]


def _fold(key: str) -> gr.Column:
    """A closed section with its title at the left and its value at the right. Use the result as a context.

    Gradio's Accordion creates its fields when it is opened, so that a script could not read their values.
    """
    gr.HTML(
        None,
        html_template='<button type="button" aria-expanded="false"><span></span><output></output></button>',
        js_on_load="studio.mount('fold', {element, props, trigger, watch})",
        apply_default_css=False,
        elem_id=f"fold-{key}",
        elem_classes="fold",
        key_of_words=key,
    )
    return gr.Column(elem_id=f"folded-{key}", elem_classes="folded", min_width=0)


def _join(studio: Studio, form: Form) -> None:
    """Connect dependent fields: shape and size, and a checkpoint's defaults."""
    width, height, guidance = form.fields["width"], form.fields["height"], form.fields["guidance"]
    checkpoint = form.fields["checkpoint"]
    quiet: dict[str, Any] = {
        "queue": False,
        "show_progress": "hidden",
        "trigger_mode": "always_last",
        "api_visibility": "private",
    }

    def shaped(shape: str, side: int, checkpoint: str) -> tuple[int, int]:
        native = studio.checkpoints.get(checkpoint).defaults.native
        for one in shapes(native, side if side in classes(native) else None):
            if one.name == shape:
                return one.width, one.height
        raise gr.Error(str(InvalidRequest("shape", "shape", shape)))

    def sized(width: float | None, height: float | None, checkpoint: str) -> tuple[str | None, int | None]:
        return shape_of(width, height, studio.checkpoints.get(checkpoint).defaults.native)

    def chosen(checkpoint: str, adapters: object) -> list[Any]:
        wants, steers = studio.checkpoints.get(checkpoint).defaults, studio.enhancement.options(checkpoint)
        native = wants.native
        return [
            *presets(native, native, native),
            native,
            native,
            wants.steps,
            wants.guidance,
            wants.shift,
            *guided(wants.guidance),
            gr.update(choices=styles(steers), value=""),
            gr.update(value="auto", visible=shown(studio.enhancement.enabled and steers.follows)),
            adapters_field.fitting(studio, checkpoint, adapters),
        ]

    def guided(guidance: float | None) -> list[Any]:
        fresh: list[Any] = ["", 1, False]  # hidden fields are empty, so that they have no effect
        return [gr.update(visible=True) if guidance else gr.update(visible="hidden", value=one) for one in fresh]

    fields = form.fields
    only_guided = [fields[name] for name in ("negative_prompt", "cfg_truncation", "cfg_normalization")]
    numbers = [fields[name] for name in ("steps", "guidance", "shift")]
    preset = [form.shape, form.side]
    for choice in preset:
        choice.input(shaped, [*preset, checkpoint], [width, height], **quiet).then(None, js=FOLDS)
    for side in (width, height):
        side.input(sized, [width, height, checkpoint], preset, **quiet).then(None, js=FOLDS)
    told = [fields["style"], fields["length"], fields["adapters"]]
    checkpoint.input(
        chosen, [checkpoint, fields["adapters"]], [*preset, width, height, *numbers, *only_guided, *told], **quiet
    ).then(None, js=FOLDS)
    guidance.input(guided, guidance, only_guided, **quiet).then(None, js=FOLDS)
