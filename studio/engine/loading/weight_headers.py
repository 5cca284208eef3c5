"""Weight file headers: names and shapes of tensors, without their values.

Reads safetensors and GGUF only, no pickle.
"""

from __future__ import annotations

import json
import operator
import struct
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

HEADER_MAX = 100 * 2**20  # bytes; safetensors' own limit for a header
GGUF, SAFETENSORS = ".gguf", ".safetensors"
SUFFIXES = (GGUF, SAFETENSORS)

_GGUF_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of a plain value by its kind in a GGUF file."""
_GGUF_TEXT, _GGUF_ARRAY = 8, 9

SIDES_MAX = 16  # dimensions of a tensor

_BITS = {"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32,
         "F32": 32, "I64": 64, "U64": 64, "F64": 64}  # fmt: skip
"""Bits of a number by its kind in a safetensors file, of the kinds that are common."""

Shapes = dict[str, tuple[int, ...]]


def shapes(file: Path) -> Shapes:
    """Shapes by name. Raises OSError, ValueError for a damaged file."""
    if file.suffix.lower() == GGUF:
        return _gguf(file)
    return _shapes(file, header(file))


def checked_shapes(file: Path) -> tuple[Shapes, dict[str, str]]:
    """Shapes and metadata of a safetensors file whose header matches its size.

    Raises OSError, ValueError for a file that is truncated, longer, or has metadata other than texts.
    """
    told, size = header(file), file.stat().st_size
    found, broken = _shapes(file, told), ValueError(f"{file.parent.name}/{file.name} is damaged")
    notes: object = told.get("__metadata__", {})
    notes = {} if notes is None else notes
    if not isinstance(notes, dict) or not all(isinstance(text, str) for text in notes.values()):
        raise broken
    with file.open("rb") as stream:
        at = 8 + int.from_bytes(stream.read(8), "little")
    places = []
    for name, shape in found.items():
        place, bits = told[name].get("data_offsets"), _BITS.get(str(told[name].get("dtype")))
        if not isinstance(place, list) or len(place) != 2 or not all(type(one) is int for one in place):
            raise broken
        if len(shape) > SIDES_MAX or (bits and 8 * (place[1] - place[0]) != bits * prod(shape)):
            raise broken
        places.append((place[0], place[1]))
    end = 0
    for begins, ends in sorted(places):
        if begins != end or ends < begins:
            raise broken
        end = ends
    if at + end != size:
        raise broken
    return found, notes


def _shapes(file: Path, told: dict[str, dict[str, Any]]) -> Shapes:
    try:
        entries = {name: entry["shape"] for name, entry in told.items() if name != "__metadata__"}
        return {name: tuple(map(operator.index, shape)) for name, shape in entries.items()}
    except (TypeError, KeyError) as error:
        raise ValueError(f"{file.parent.name}/{file.name} is not a safetensors file") from error


def count(found: Shapes) -> int:
    """The number of values in tensors of these shapes."""
    return sum(prod(shape) for shape in found.values())


def header(file: Path) -> dict[str, dict[str, Any]]:
    """The header of a safetensors file: tensors by name with dtype, shape and offsets. Raises OSError, ValueError."""
    broken = f"{file.parent.name}/{file.name} is not a safetensors file"
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= min(HEADER_MAX, file.stat().st_size):
            raise ValueError(broken)
        try:
            found = json.loads(stream.read(length))
        except RecursionError as error:
            raise ValueError(broken) from error
    if not isinstance(found, dict):
        raise ValueError(broken)
    return found


def _gguf(file: Path) -> Shapes:
    """The header of a GGUF file. The file is untrusted, and the gguf package trusts its lengths, so it is parsed here."""
    try:
        with file.open("rb") as stream:
            return _Gguf(stream, file.stat().st_size).shapes()
    except (ValueError, struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"{file.name} is not a GGUF file") from error


class _Gguf:
    """Reads the header of a GGUF file (versions 2 and 3; ggml-org/ggml, docs/gguf.md)."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._size = stream, min(size, HEADER_MAX)

    def shapes(self) -> Shapes:
        if self._take(4) != b"GGUF" or self._number("I") not in (2, 3):
            raise ValueError("no GGUF file of a known version")
        tensors, values = self._number("Q"), self._number("Q")
        for _ in range(self._bounded(values)):
            self._text()
            self._pass(self._number("I"))
        found: Shapes = {}
        for _ in range(self._bounded(tensors)):
            name = self._text()
            sides = [self._number("Q") for _ in range(self._bounded(self._number("I")))]
            self._take(12)  # type and offset
            found[name] = tuple(reversed(sides))
        return found

    def _pass(self, kind: int) -> None:
        """Skip one value. Arrays hold plain values or texts; nested arrays are allowed by the format, but no known file has
        them."""
        if kind in _GGUF_SIZES:
            self._take(_GGUF_SIZES[kind])
        elif kind == _GGUF_TEXT:
            self._text()
        elif kind == _GGUF_ARRAY and (inside := self._number("I")) != _GGUF_ARRAY:
            count = self._bounded(self._number("Q"))
            if inside in _GGUF_SIZES:
                self._take(count * _GGUF_SIZES[inside])
            else:
                for _ in range(count):
                    self._pass(inside)
        else:
            raise ValueError(f"a value of kind {kind}")

    def _text(self) -> str:
        return self._take(self._bounded(self._number("Q"))).decode("utf-8")

    def _number(self, code: str) -> int:
        return int(struct.unpack(f"<{code}", self._take(struct.calcsize(code)))[0])

    def _bounded(self, count: int) -> int:
        """A count of things of at least one byte each, bounded by the file's size."""
        if count > self._size:
            raise ValueError(f"{count} of something in {self._size} bytes")
        return count

    def _take(self, count: int) -> bytes:
        if count > self._size - self._stream.tell():
            raise ValueError("it ends early")
        return self._stream.read(count)
