"""What a weight file says of itself: the names and shapes of its tensors, read without its numbers.

Knows safetensors and GGUF; opens nothing else, and no pickle.
"""

from __future__ import annotations

import json
from math import prod
from pathlib import Path

HEADER_MAX = 100 * 2**20  # bytes; safetensors' own bound for a header
GGUF, SAFETENSORS = ".gguf", ".safetensors"
SUFFIXES = (GGUF, SAFETENSORS)

Shapes = dict[str, tuple[int, ...]]


def shapes(file: Path) -> Shapes:
    """Shapes by name, as torch orders them. Raises OSError, ValueError for a broken file, ImportError where its kind needs a package."""
    if file.suffix.lower() == GGUF:
        return _gguf(file)
    return {name: tuple(entry["shape"]) for name, entry in header(file).items() if name != "__metadata__"}


def count(found: Shapes) -> int:
    """How many numbers tensors of these shapes hold."""
    return sum(prod(shape) for shape in found.values())


def header(file: Path) -> dict[str, dict[str, list[int]]]:
    """The header of a safetensors file: tensors by name, with dtype, shape and place. Raises OSError, ValueError."""
    broken = f"{file.parent.name}/{file.name} is not a safetensors file"
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= min(HEADER_MAX, file.stat().st_size):
            raise ValueError(broken)
        found = json.loads(stream.read(length))
    if not isinstance(found, dict):
        raise ValueError(broken)
    return found


def _gguf(file: Path) -> Shapes:
    try:
        from gguf import GGUFReader
    except ImportError:
        raise ImportError("a GGUF file is read with the package gguf: pip install gguf") from None
    try:
        return {one.name: tuple(int(side) for side in reversed(one.shape)) for one in GGUFReader(file).tensors}
    except (ValueError, IndexError, KeyError, OverflowError) as error:
        raise ValueError(f"{file.name} is not a GGUF file") from error
