"""Image size from the file header. Decodes no pixels and trusts no length."""

from __future__ import annotations

import struct

from storage.metadata.containers import Format, markers

_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


def image_size(data: bytes, format: Format) -> tuple[int, int] | None:
    """Width and height in pixels; None if the header does not tell."""
    found = {"png": _png, "jpeg": _jpeg, "webp": _webp}[format](data)
    return found if found and min(found) > 0 else None


def _png(data: bytes) -> tuple[int, int] | None:
    if len(data) < 33 or data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _jpeg(data: bytes) -> tuple[int, int] | None:
    for marker, start, end in markers(data):
        if marker in _FRAMES and end - start >= 5:
            height, width = struct.unpack_from(">HH", data, start + 1)
            return width, height
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    if len(data) < 30:
        return None
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None
