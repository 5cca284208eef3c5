"""Metadata readers: what an image file of any program says about itself, treated as untrusted data.

    parse_metadata(data, name)    the entry point
    parsed.py                     its result, with limits
    a1111.py comfyui.py fooocus.py invokeai.py studio.py swarmui.py    one program each

Knows no row. Nothing is evaluated, and every text and number is bounded. Pixels are decoded only for a truncated PNG."""

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
PIXELS_MAX = 80_000_000  # Pillow decodes more only with a warning


def parse_metadata(data: bytes | Path, name: str) -> ParsedMetadata:
    """Parse the metadata of a PNG, JPEG or WebP. `name` is the file's name for display.

    Raises NotAPicture for a file that is not an image or too large, and OSError for an unreadable file.
    """
    called = words(name, 200) or "This file"
    if isinstance(data, Path):
        data = read(data)
    size = check_size(data, called)
    told = embedded_metadata(data)
    if told.format == "png" and _END not in data:
        decode_image(data, called)  # a truncated file: most of it may be there
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
    """Read a file, or one byte more than FILE_MAX of a larger one. Raises OSError."""
    with path.open("rb") as file:
        return file.read(FILE_MAX + 1)


def check_size(data: bytes, called: str) -> tuple[int, int]:
    """Read width and height from the header before decoding. Raises NotAPicture."""
    if len(data) > FILE_MAX:
        raise NotAPicture(called, "picture_too_many_mib", most=FILE_MAX // 2**20)
    format = format_of(data)
    if format is None:
        raise NotAPicture(called, "picture_not_a_picture")
    size = image_size(data, format)
    if size is None:
        raise NotAPicture(called, "picture_no_size")
    if size[0] * size[1] > PIXELS_MAX:
        raise NotAPicture(
            called, "picture_too_many_pixels_named", width=size[0], height=size[1], most=PIXELS_MAX // 10**6
        )
    return size


def _findings(told: EmbeddedMetadata) -> Findings:
    """Detect the program and run its reader."""
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
    """An infotext, which Fooocus can write too."""
    scheme = told.texts.get("fooocus_scheme") or exif.text(told.exif.get(exif.MAKER_NOTE, b""))
    if scheme == "a1111" or str(found.rest.get("Version", "")).startswith("Fooocus"):
        found.maker = "fooocus"
    return found


def _nothing(told: EmbeddedMetadata) -> Findings:
    found = Findings()
    if "workflow" in told.texts:
        found.maker = "comfyui"
        found.note("workflow_without_graph")
    elif told.parameters.strip():
        found.note("text_without_settings")
        found.besides({"text": told.parameters})
    else:
        found.note("no_settings")
    return found
