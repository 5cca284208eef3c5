"""Image containers: text chunks, EXIF and XMP in PNG, JPEG and WebP files.

Knows no program's format and decodes no pixels. Input is untrusted: every length is checked and bounded, and malformed
parts are ignored.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from storage.metadata import exif, writer, xmp

Format = Literal["png", "jpeg", "webp"]
EXTENDED_MAX = writer.TEXT_MAX  # bytes of extended XMP in a JPEG
SEGMENT_MAX = 65_533  # bytes in one segment of a JPEG

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_PARTS_MAX = 10_000


@dataclass(frozen=True, kw_only=True)
class EmbeddedMetadata:
    """The metadata in a file. `texts` are a PNG's text chunks, `exif` is undecoded, `xmp` holds concatenated packets."""

    format: Format
    texts: dict[str, str] = field(default_factory=dict)
    exif: dict[int, bytes] = field(default_factory=dict)
    xmp: bytes = b""
    comment: str = ""  # of a JPEG

    @property
    def record(self) -> str | None:
        """The JSON text of our own record, not validated."""
        return self.texts.get(writer.OURS) or xmp.record_in(self.xmp)

    @property
    def parameters(self) -> str:
        """The text where programs store an infotext or JSON: a PNG's `parameters`, else the EXIF comment."""
        found = self.texts.get(writer.INFOTEXT) or exif.text(self.exif.get(exif.COMMENT, b""))
        return found or self.comment

    @property
    def generated(self) -> bool:
        """Whether the file is marked as AI-generated."""
        packets = self.xmp + self.texts.get(xmp.KEYWORD, "").encode("utf-8", "replace")
        return xmp.source_type(packets) == xmp.GENERATED


def format_of(data: bytes) -> Format | None:
    """The image format by its first bytes."""
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if data[:3] == b"\xff\xd8\xff":
        return "jpeg"
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def embedded_metadata(source: bytes | Path) -> EmbeddedMetadata:
    """Read the metadata of an image file. Raises ValueError for a file that is not PNG, JPEG or WebP."""
    data = source if isinstance(source, bytes) else source.read_bytes()
    format = format_of(data)
    if format == "png":
        return EmbeddedMetadata(format="png", texts=writer.read_texts(data), exif=exif.read(_png_exif(data)))
    if format == "jpeg":
        return _jpeg(data)
    if format == "webp":
        return _webp(data)
    raise ValueError("This file is neither PNG, JPEG nor WebP.")


def xmp_segments(*, generated: bool, record: str | None) -> bytes:
    """The segments of a JPEG for an XMP packet, with extended XMP for a record that is too long for one."""
    if not generated and record is None:
        return b""
    whole = _XMP + xmp.packet(generated=generated, record=record).encode()
    if len(whole) <= SEGMENT_MAX or record is None:
        return _segment(whole)
    name, data = xmp.extension(record)
    parts = [_segment(_XMP + xmp.packet(generated=generated, extended=name).encode())]
    step = 65_000
    for at in range(0, len(data), step):
        head = _EXTENDED + name.encode() + struct.pack(">II", len(data), at)
        parts.append(_segment(head + data[at : at + step]))
    return b"".join(parts)


def with_segments(jpeg: bytes, segments: bytes) -> bytes:
    """Insert `segments` into a JPEG after its JFIF and EXIF segments."""
    at = 2
    for marker, start, end in markers(jpeg):
        if marker != 0xE0 and not (marker == 0xE1 and jpeg.startswith(exif.PREFIX, start)):
            break
        at = end
    return jpeg[:at] + segments + jpeg[at:]


def _segment(body: bytes) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def markers(data: bytes) -> Iterator[tuple[int, int, int]]:
    """The marker, start and end of each segment before a JPEG's pixels."""
    at = 2
    for _ in range(_PARTS_MAX):
        while at < len(data) and data[at : at + 2] == b"\xff\xff":
            at += 1
        if at + 4 > len(data) or data[at] != 0xFF or data[at + 1] in (0xDA, 0xD9):
            return
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        if length < 2 or end > len(data):
            return
        yield data[at + 1], at + 4, end
        at = end


def _jpeg(data: bytes) -> EmbeddedMetadata:
    tags: dict[int, bytes] = {}
    packet = comment = b""
    parts: dict[str, dict[int, bytes]] = {}
    for marker, start, end in markers(data):
        body = data[start:end]
        if marker == 0xFE:
            comment = comment or body
        elif marker != 0xE1:
            continue
        elif body.startswith(exif.PREFIX):
            tags = tags or exif.read(body)
        elif body.startswith(_XMP):
            packet = packet or body[len(_XMP) :]
        elif body.startswith(_EXTENDED) and len(body) > len(_EXTENDED) + 40:
            rest = body[len(_EXTENDED) :]
            name, (_, at) = rest[:32].decode("latin-1"), struct.unpack_from(">II", rest, 32)
            parts.setdefault(name, {})[at] = rest[40:]
    named = xmp.extended_name(packet)
    return EmbeddedMetadata(
        format="jpeg", exif=tags, xmp=packet + _joined(parts.get(named or "", {})), comment=exif.text(comment)
    )


def _joined(parts: dict[int, bytes]) -> bytes:
    """Concatenate the parts. Empty if a part is missing or they are too long."""
    whole = io.BytesIO()
    for at in sorted(parts):
        if at != whole.tell() or at + len(parts[at]) > EXTENDED_MAX:
            return b""
        whole.write(parts[at])
    return whole.getvalue()


def _webp(data: bytes) -> EmbeddedMetadata:
    found: dict[bytes, bytes] = {}
    at = 12
    for _ in range(_PARTS_MAX):
        if at + 8 > len(data):
            break
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind in (b"EXIF", b"XMP ") and length <= EXTENDED_MAX and at + 8 + length <= len(data):
            found.setdefault(kind, data[at + 8 : at + 8 + length])
        at += 8 + length + length % 2
    return EmbeddedMetadata(format="webp", exif=exif.read(found.get(b"EXIF", b"")), xmp=found.get(b"XMP ", b""))


def _png_exif(data: bytes) -> bytes:
    at = 8
    for _ in range(writer.CHUNKS_MAX):
        if at + 12 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"eXIf" and length <= writer.TEXT_MAX:
            return data[at + 8 : at + 8 + length]
        at += 12 + length
    return b""
