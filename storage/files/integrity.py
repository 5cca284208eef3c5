"""Whether a picture's file is whole: by its end, which costs nothing, or by its pixels, which proves it. Knows no row."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def has_end_marker(path: Path) -> bool:
    """Whether a file begins and ends as a PNG does: one that was cut off does not."""
    try:
        with path.open("rb") as file:
            if file.read(len(_SIGNATURE)) != _SIGNATURE:
                return False
            file.seek(-len(_END), 2)
            return file.read() == _END
    except OSError:
        return False


def decodes(path: Path) -> Image.Image | None:
    """The picture in a file; None where it is torn or none."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return None
