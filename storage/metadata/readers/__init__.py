"""Pictures that others made, or we: what they tell of themselves, read as somebody else's data.

understand(data, name)   the one way in
understood.py            what comes out, with its bounds
a1111.py comfyui.py fooocus.py invokeai.py ours.py swarmui.py    one maker each

Knows no row. Nothing that is read is evaluated, every text and number is bounded, and no pixel is decoded
but of a PNG without an end, to know whether it can be kept.
"""

from __future__ import annotations

from pathlib import Path

from storage.errors import NotAPicture
from storage.files.hashing import decode_image
from storage.metadata import exif
from storage.metadata.containers import EmbeddedMetadata, embedded_metadata, format_of
from storage.metadata.image_size import image_size
from storage.metadata.readers import a1111, comfyui, fooocus, invokeai, studio, swarmui
from storage.metadata.readers.parsed import Findings, ParsedMetadata, mapping, parsed, words

__all__ = ["FILE_MAX", "PIXELS_MAX", "ParsedMetadata", "check_size", "read", "understand"]

_END = b"IEND\xaeB`\x82"
FILE_MAX = 60 * 2**20  # bytes
PIXELS_MAX = 80_000_000  # what Pillow decodes without a warning


def parse_metadata(data: bytes | Path, name: str) -> ParsedMetadata:
    """What a picture tells: PNG, JPEG or WebP, by whomever. `name` is the file's, to be shown.

    Raises NotAPicture, a sentence, for what is none or is too large, and OSError for a file that cannot be read.
    """
    called = words(name, 200) or "This file"
    if isinstance(data, Path):
        data = read(data)
    size = check_size(data, called)
    told = embedded_metadata(data)
    if told.format == "png" and _END not in data:
        decode_image(data, called)  # it was cut off: enough of it may be there
    found = _findings(told)
    return ParsedMetadata(
        name=called,
        maker=found.maker,
        format=told.format,
        width=size[0],
        height=size[1],
        told_size=found.told_size,
        prompt=found.prompt,
        negative_prompt=found.negative_prompt,
        original_prompt=found.original_prompt or found.prompt,
        seed=found.seed,
        steps=found.steps,
        guidance=found.guidance,
        shift=found.shift,
        sampler=found.sampler,
        checkpoint=found.checkpoint,
        loras=tuple(found.loras.items()),
        created_at=found.created_at,
        rest=found.rest,
        notes=tuple(found.notes),
    )


def read(path: Path) -> bytes:
    """A file's bytes, or of one that is too large as many as show that. Raises OSError."""
    with path.open("rb") as file:
        return file.read(FILE_MAX + 1)


def check_size(data: bytes, called: str) -> tuple[int, int]:
    """Width and height by the header, before anything is decoded. Raises NotAPicture."""
    if len(data) > FILE_MAX:
        raise NotAPicture(called, f"has more than {FILE_MAX // 2**20} MiB")
    format = format_of(data)
    if format is None:
        raise NotAPicture(called, "is neither PNG, JPEG nor WebP")
    size = image_size(data, format)
    if size is None:
        raise NotAPicture(called, "is damaged: its header tells no size")
    if size[0] * size[1] > PIXELS_MAX:
        raise NotAPicture(called, f"has {size[0]:,} x {size[1]:,} pixels, more than {PIXELS_MAX // 10**6} million")
    return size


def _findings(told: EmbeddedMetadata) -> Findings:
    """Who made it, and what that one's reader found."""
    own = studio.read(told.record)
    if own is not None:
        return own
    parameters = told.parameters
    as_json = mapping(parsed(parameters)) if parameters.lstrip().startswith("{") else {}
    if isinstance(as_json.get(swarmui.KEY), dict):
        return swarmui.read(as_json)
    if fooocus.fits(as_json):
        return fooocus.read(as_json)
    graph = comfyui.read(comfyui.graph_in(told.texts, told.exif))
    if graph is not None and graph.prompt:
        return graph
    invoke = invokeai.read(told.texts)
    if invoke is not None:
        return invoke
    infotext = a1111.read(parameters) if parameters else None
    if infotext is not None:
        return _by_fooocus(infotext, told)
    if graph is not None:
        return graph
    return _nothing(told)


def _by_fooocus(found: Findings, told: EmbeddedMetadata) -> Findings:
    """An infotext, which Fooocus writes too where it is asked to."""
    scheme = told.texts.get("fooocus_scheme") or exif.text(told.exif.get(exif.MAKER_NOTE, b""))
    if scheme == "a1111" or str(found.rest.get("Version", "")).startswith("Fooocus"):
        found.maker = "fooocus"
    return found


def _nothing(told: EmbeddedMetadata) -> Findings:
    found = Findings()
    if "workflow" in told.texts:
        found.maker = "comfyui"
        found.note("It holds a workflow of ComfyUI, but not the graph that was run, so no setting is known.")
    elif told.parameters.strip():
        found.note("It holds a text, but none that tells settings.")
        found.besides({"text": told.parameters})
    else:
        found.note("It tells nothing about how it was made.")
    return found
