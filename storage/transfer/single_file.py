"""A single file as a manifest entry: its own record for a PNG of this studio, else its parsed metadata.

Pure except for the clock: bytes and parsed metadata in, an entry and text chunks out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from storage.errors import StorageError
from storage.files.hashing import pixel_sha256
from storage.ids import SEED_MAX, now
from storage.metadata import writer, xmp
from storage.metadata.containers import EmbeddedMetadata, embedded_metadata
from storage.metadata.policy import MetadataPolicy
from storage.metadata.readers import ParsedMetadata
from storage.metadata.readers.a1111 import settings_in
from storage.records import Picture
from storage.repositories import mappers as rows
from storage.transfer import manifest
from storage.transfer.import_rows import other_id
from storage.transfer.manifest import Entry, Origin

TEXTS_MAX = 20  # texts of another program that are kept
_NOT_THEIRS = (writer.OURS, writer.INFOTEXT, xmp.KEYWORD)


def own_entry(data: bytes, owner: str) -> Entry | None:
    """The entry of a PNG of this studio; None if its record is incomplete. Its job is known by its id only."""
    try:
        return manifest.of_file(writer.facts_in(embedded_metadata(data).record), owner)
    except StorageError:
        return None


def file_id(data: bytes, owner: str) -> str:
    """The id of an imported file, derived from its bytes and owner, so that the same file is the same picture."""
    return other_id(owner, f"file {hashlib.sha256(data).hexdigest()}")


def parsed_entry(
    data: bytes,
    found: ParsedMetadata,
    image: Image.Image,
    owner: str,
    policy: MetadataPolicy,
    made: datetime | None = None,
) -> tuple[Entry, PngInfo]:
    """The entry of any image, and its text chunks. Unknown values are 0 or empty, and not in its recipe.

    `made` is the file's time, used if the metadata has none.
    """
    digest = hashlib.sha256(data).hexdigest()
    moment = min(found.created_at or made or now(), now())
    if moment.year < 1990:
        moment = now()
    picture = Picture(
        id=file_id(data, owner),
        owner=owner,
        job_id=other_id(owner, f"job of file {digest}"),
        index=0,
        prompt=found.prompt,
        original_prompt=found.original_prompt,
        negative_prompt=found.negative_prompt,
        seed=found.seed if found.seed is not None and found.seed <= SEED_MAX else 0,
        width=image.width,
        height=image.height,
        steps=found.steps or 0,
        guidance=found.guidance or 0.0,
        shift=found.shift or 0.0,
        checkpoint=found.checkpoint,
        revision="",
        recipe=_recipe(found),
        environment={"software": found.maker, "file": found.name, **({"told": dict(found.rest)} if found.rest else {})},
        seconds=0.0,
        created_at=moment,
        pixel_sha256=pixel_sha256(image),
    )
    spec = {"original_prompt": found.original_prompt, "file": found.name}
    job = Origin(
        id=picture.job_id, kind="import", spec=spec, count=1, created_at=moment, started_at=moment, finished_at=moment
    )
    return Entry(picture=picture, job=job), _chunks(picture, found, embedded_metadata(data), policy)


def _recipe(found: ParsedMetadata) -> dict[str, object]:
    """The known part of the recipe."""
    size = found.told_size or (None, None)
    known = {
        "prompt": found.prompt or None, "negative_prompt": found.negative_prompt or None, "seed": found.seed,
        "width": size[0], "height": size[1], "steps": found.steps, "guidance": found.guidance, "shift": found.shift,
        "checkpoint": found.checkpoint or None, "sampler": found.sampler or None, 
        "loras": [{"name": name, "weight": weight} for name, weight in found.loras] or None,
    }  # fmt: skip
    return {name: value for name, value in known.items() if value is not None}


def _chunks(picture: Picture, found: ParsedMetadata, theirs: EmbeddedMetadata, policy: MetadataPolicy) -> PngInfo:
    infotext = theirs.parameters if settings_in(theirs.parameters) else _infotext(found)
    facts: Mapping[str, object] = {
        "id": picture.id, "created_at": picture.created_at.isoformat(), "pixel_sha256": picture.pixel_sha256, **rows.facts(picture, None),
    }  # fmt: skip
    wants = replace(
        policy,
        infotext=policy.infotext and bool(infotext),
        xmp=policy.xmp and (found.maker is not None or theirs.generated),
    )
    besides = {name: text for name, text in theirs.texts.items() if name not in _NOT_THEIRS and _keyword(name)}
    return writer.png_info(facts, infotext, wants, dict(list(besides.items())[:TEXTS_MAX]))


def _infotext(found: ParsedMetadata) -> str:
    """An infotext of the known values; empty without steps, which begin its last line."""
    if found.steps is None:
        return ""
    size = found.told_size or (found.width, found.height)
    known = {
        "Steps": found.steps, "Sampler": found.sampler or None, "CFG scale": found.guidance, "Shift": found.shift, "Seed": found.seed,
        "Size": f"{size[0]}x{size[1]}", "Model": found.checkpoint or None,
    }  # fmt: skip
    line = {
        name: f"{value:g}" if isinstance(value, float) else value for name, value in known.items() if value is not None
    }
    return writer.write_infotext(found.prompt, found.negative_prompt, line)


def _keyword(name: str) -> bool:
    """Whether it can be a PNG keyword."""
    return 0 < len(name) < 80 and name.isprintable() and name == name.strip()
