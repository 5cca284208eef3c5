"""The values of Create's form: from the form to a request, and from a picture to the form.

`GenerationRequest` validates all values; here texts become numbers and lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import gradio as gr

from studio.domain.adapter_text import format_adapters
from studio.domain.enhancement_options import AvailableOptions
from studio.domain.request import GenerationRequest
from studio.domain.sizes import SIDE_STEP, classes, shape_of, shapes
from studio.errors import InvalidRequest
from studio.services.serializers import View
from studio.studio import Studio

FIELDS = (
    "prompt", "enhance", "seed", "count", "width", "height", "steps", "guidance", "negative_prompt", "checkpoint", "shift",
    "cfg_truncation", "cfg_normalization", "style", "length", "locks", "template", "spread", "enhancement", "variation_of",
    "source", "strength", "adapters", "private",
)  # fmt: skip


def shown(there: bool) -> Any:
    """Gradio's `visible` for a field. A field without effect is hidden, but stays in the DOM for scripts."""
    return True if there else "hidden"


def presets(width: object, height: object, native: int) -> list[Any]:
    """Updates of the shapes and classes for a checkpoint of this native side, and the selection for a size."""
    shape, side = shape_of(width, height, native)
    offered = classes(native)
    return [
        gr.update(choices=[one.name for one in shapes(native)], value=shape),
        gr.update(choices=list(offered), value=side, visible=shown(len(offered) > 1)),
    ]


def request_from_form(values: tuple[Any, ...], **instead: object) -> GenerationRequest:
    """The request of the form's values; `instead` replaces some. Raises InvalidRequest."""
    said: dict[str, Any] = dict(zip(FIELDS, values, strict=True))
    said["seed"] = seed(said["seed"])
    for name in ("count", "width", "height", "steps"):
        said[name] = as_integer(said[name])
    said["negative_prompt"] = said["negative_prompt"] or ""
    said["cfg_normalization"] = bool(said["cfg_normalization"])
    said["style"], said["template"] = said["style"] or None, said["template"] or None
    said["locks"] = parse_keep_words(said["locks"])
    said["enhancement"] = said["enhancement"] or None
    said["private"] = said["private"] or False
    said["variation_of"] = parse_variations(said["variation_of"])
    said["source"] = said["source"] or None
    said["strength"] = parse_share(said["strength"]) if said["source"] else None
    said.update(instead)
    if "prompt" in instead or said["enhancement"]:
        said["style"] = None  # the prompt is used as it is
    if not said["enhance"] or said["enhancement"]:  # these options apply to an enhancement only
        said |= {"length": "auto", "locks": (), "template": None, "spread": False}
    return GenerationRequest.of(**said)


def parse_keep_words(typed: object) -> object:
    """Split the typed keywords at commas. A value that is not a text is returned as it is; `GenerationRequest` refuses it."""
    if typed is None or not isinstance(typed, str):
        return () if typed is None else typed
    return tuple(part for one in re.split("[,，、\n]", typed) if (part := one.strip()))


def parse_share(typed: object) -> object:
    """`0.6` as a number, nothing as None. `GenerationRequest` refuses anything else."""
    return float(typed) if isinstance(typed, str) and re.fullmatch(r"\d*[.]?\d+", typed) else typed or None


def parse_variations(typed: object) -> object:
    """`42 0.3, 7 0.5` as pairs of a seed and a strength. `GenerationRequest` refuses anything else."""
    if not isinstance(typed, str):
        return () if typed is None else typed
    found = []
    for one in re.split("[,，;；]", typed):
        parts = one.split()
        if len(parts) == 2 and parts[0].isdecimal() and re.fullmatch(r"\d*[.]?\d+", parts[1]):
            found.append((seed(parts[0]), float(parts[1])))
        elif parts:
            raise InvalidRequest("variation_of", "variation_typed", one)
    return tuple(found)


def format_variations(told: object) -> str:
    """The inverse of `parse_variations`."""
    return ", ".join(f"{one[0]} {one[1]:g}" for one in told) if isinstance(told, list | tuple) else ""


def seed(typed: object) -> object:
    """A typed seed as a number, nothing as None (random). `GenerationRequest` refuses anything else."""
    digits = "".join(str(typed if typed is not None else "").split())
    if not digits:
        return None
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 20 else typed


def as_integer(value: object) -> object:
    """An integer that JSON from a browser made a float, as an int. Other values stay."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def settings_of_picture(studio: Studio, picture: View, chosen: str) -> list[Any]:
    """A stored picture's values in the order of FIELDS, then its presets. Its seed is locked.

    If its checkpoint is not here, only values that suit the `chosen` one are set.
    """
    if all(one.name != picture["checkpoint"] for one in studio.checkpoints.all()):
        return _understood(picture, studio.checkpoints.get(chosen).defaults.native)
    reasoned = picture["enhancement"] is not None and studio.enhancement.enabled
    guided = shown(bool(picture["guidance"]))
    native = studio.checkpoints.get(str(picture["checkpoint"])).defaults.native
    return [
        picture["original_prompt"],
        reasoned,
        str(picture["seed"]),
        1,
        picture["width"],
        picture["height"],
        picture["steps"],
        picture["guidance"],
        gr.update(value=picture["negative_prompt"], visible=guided),
        picture["checkpoint"],
        picture["shift"],
        gr.update(value=picture["cfg_truncation"], visible=guided),
        gr.update(value=picture["cfg_normalization"], visible=guided),
        *options_of_picture(picture, studio.enhancement.options(str(picture["checkpoint"]))),
        *presets(picture["width"], picture["height"], native),
    ]


def _understood(picture: View, native: int) -> list[Any]:
    """The values of a picture that suit every checkpoint."""
    width, height = (int(str(picture[side])) // SIDE_STEP * SIDE_STEP for side in ("width", "height"))
    told = {"prompt": picture["original_prompt"], "width": width, "height": height, "enhancement": ""}
    if picture["seed"]:  # 0 if it was unknown
        told["seed"] = str(picture["seed"])
    return [*(told.get(name, gr.skip()) for name in FIELDS), *presets(width, height, native)]


def options_of_picture(picture: View, steers: AvailableOptions) -> list[Any]:
    """The enhancement options of a stored picture in the order of FIELDS from `style` on, then the rare ones. The private
    switch stays."""
    kept, others = picture["enhancement"], seldom(picture)
    if kept is None:
        return [
            steers.style_of(str(picture["original_prompt"]), str(picture["prompt"])),
            "auto",
            "",
            "",
            False,
            "",
            *others,
            gr.skip(),
        ]
    said: Mapping[str, Any] = kept if isinstance(kept, Mapping) and not kept.get("instruction") else {}
    locks = ", ".join(said.get("locks") or ())
    return [said.get("style") or "", said.get("length") or "auto", locks, "", False, "", *others, gr.skip()]


def seldom(picture: View) -> list[str]:
    """The rare values in the order of FIELDS: variations, starting image, strength and adapters."""
    return [
        format_variations(picture["variation_of"]),
        str(picture["source"] or ""),
        str(picture["strength"] or ""),
        format_adapters(picture["adapters"]),
    ]
