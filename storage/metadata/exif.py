"""EXIF texts: reads and writes the comment in which other programs store their infotext.

Knows no container and decodes no image. Input is untrusted: offsets are checked, and data outside is ignored.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

PREFIX = b"Exif\0\0"  # prefix of the data in a JPEG's segment
COMMENT = 0x9286  # UserComment
MAKER_NOTE, SOFTWARE, DESCRIPTION, MAKE, MODEL = 0x927C, 0x0131, 0x010E, 0x010F, 0x0110

_SUB = 0x8769  # pointer to the Exif directory
_ENTRIES_MAX = 500
_TEXTS = (1, 2, 7)  # BYTE, ASCII, UNDEFINED: one byte a unit


def write(comment: str) -> bytes:
    """EXIF data with `comment`, big-endian and in UTF-16 like most programs, without PREFIX."""
    told = b"UNICODE\0" + comment.encode("utf-16-be")
    head = b"MM\0*" + struct.pack(">I", 8)
    first = struct.pack(">HHHIII", 1, _SUB, 4, 1, 26, 0)
    second = struct.pack(">HHHIII", 1, COMMENT, 7, len(told), 44, 0)
    return head + first + second + told


def read(data: bytes) -> dict[int, bytes]:
    """The texts in EXIF data by tag, undecoded, the first of each. Malformed entries are ignored."""
    data = data.removeprefix(PREFIX)
    order = {b"MM\0*": ">", b"II*\0": "<"}.get(data[:4])
    found: dict[int, bytes] = {}
    if order is None or len(data) < 8:
        return found
    (first,) = struct.unpack_from(f"{order}I", data, 4)
    waiting, seen = [first], {first}
    while waiting:
        for tag, kind, count, at in _entries(data, order, waiting.pop()):
            if tag == _SUB and kind == 4:
                (sub,) = struct.unpack_from(f"{order}I", data, at)
                if sub not in seen:
                    seen.add(sub)
                    waiting.append(sub)
            elif kind in _TEXTS:
                if count > 4:
                    (at,) = struct.unpack_from(f"{order}I", data, at)
                if at + count <= len(data):
                    found.setdefault(tag, data[at : at + count])
    return found


def text(told: bytes) -> str:
    """Decode an EXIF text, whatever its encoding."""
    if told.startswith(b"UNICODE\0"):
        return _utf16(told[8:]).rstrip("\0")
    for prefix in (b"ASCII\0\0\0", b"\0" * 8):
        told = told.removeprefix(prefix)
    try:
        return told.decode("utf-8").rstrip("\0")
    except UnicodeDecodeError:
        return told.decode("latin-1").rstrip("\0")


def _entries(data: bytes, order: str, at: int) -> Iterator[tuple[int, int, int, int]]:
    """The tag, type, count and value offset of a directory's entries."""
    if at + 2 > len(data):
        return
    (count,) = struct.unpack_from(f"{order}H", data, at)
    for entry in range(min(count, _ENTRIES_MAX)):
        place = at + 2 + 12 * entry
        if place + 12 > len(data):
            return
        tag, kind, length = struct.unpack_from(f"{order}HHI", data, place)
        yield tag, kind, length, place + 8


def _utf16(told: bytes) -> str:
    """Decode UTF-16, big-endian unless it says otherwise. Plain letters begin with zero bytes there."""
    if told[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return told.decode("utf-16", "replace")
    little = told[1::2].count(0) > told[0::2].count(0)
    return told.decode("utf-16-le" if little else "utf-16-be", "replace")
