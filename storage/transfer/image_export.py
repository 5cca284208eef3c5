"""Export of one picture as PNG, JPEG or WebP with the same metadata.

Knows no row: the metadata comes from the stored PNG. Bytes in, bytes out.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from storage.errors import BadValue
from storage.metadata import containers, exif, writer, xmp
from storage.metadata.containers import Format
from storage.metadata.policy import ALL, MetadataPolicy

QUALITY = 95
ENDINGS: dict[str, Format] = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp"}
MIME: dict[Format, str] = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


def export_bytes(kept: Path | bytes, kind: Format, policy: MetadataPolicy = ALL) -> bytes:
    """Convert a stored PNG, given as bytes or a path, with the metadata that `policy` allows.

    A PNG with all metadata is the stored file, unchanged. Pictures of other programs get no XMP mark unless they had one. A
    JPEG cannot hold an infotext of more than 64 KiB, which is left out there. Raises BadValue for another format, and
    OSError.
    """
    data = kept if isinstance(kept, bytes) else kept.read_bytes()
    if kind == "png":
        return data if policy == ALL else writer.without(data, _unwanted(policy))
    if kind not in MIME:
        raise BadValue("kind", "one_of", kind, names=", ".join(MIME))
    texts = writer.read_texts(data)
    infotext = texts.get(writer.INFOTEXT) if policy.infotext else None
    record = texts.get(writer.OURS) if policy.json else None
    generated = policy.xmp and _generated(texts)
    with Image.open(io.BytesIO(data)) as opened:
        image = opened.convert("RGB")
    comment = exif.write(infotext) if infotext else b""
    return _jpeg(image, comment, record, generated) if kind == "jpeg" else _webp(image, comment, record, generated)


def _generated(texts: Mapping[str, str]) -> bool:
    """Whether the picture is AI-generated: all are, except imports that name no program."""
    environment = writer.facts_in(texts.get(writer.OURS)).get("environment")
    return not isinstance(environment, dict) or environment.get("software", "") is not None


def _unwanted(policy: MetadataPolicy) -> set[str]:
    wanted = {writer.INFOTEXT: policy.infotext, writer.OURS: policy.json, xmp.KEYWORD: policy.xmp}
    return {keyword for keyword, yes in wanted.items() if not yes}


def _jpeg(image: Image.Image, comment: bytes, record: str | None, generated: bool) -> bytes:
    file = io.BytesIO()
    head = exif.PREFIX + comment
    fits = comment and len(head) <= containers.SEGMENT_MAX
    image.save(file, "JPEG", quality=QUALITY, subsampling=0, exif=head if fits else b"")
    return containers.with_segments(file.getvalue(), containers.xmp_segments(generated=generated, record=record))


def _webp(image: Image.Image, comment: bytes, record: str | None, generated: bool) -> bytes:
    file = io.BytesIO()
    packet = xmp.packet(generated=generated, record=record).encode() if generated or record else b""
    image.save(file, "WEBP", quality=QUALITY, exif=comment, xmp=packet)
    return file.getvalue()
