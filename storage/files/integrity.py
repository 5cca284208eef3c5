"""File integrity: a cheap check of a PNG's end, and a full decode."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def has_end_marker(path: Path) -> bool:
    """Whether a file begins and ends like a PNG. A truncated file does not."""
    try:
        with path.open("rb") as file:
            if file.read(len(_SIGNATURE)) != _SIGNATURE:
                return False
            file.seek(-len(_END), 2)
            return file.read() == _END
    except OSError:
        return False


def decodes(path: Path) -> Image.Image | None:
    """Decode the picture in a file; None if it is damaged or not a picture."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return None
