"""Somebody else's picture, decoded once and with care; and whether its pixels are those that a record tells."""

from __future__ import annotations

import hashlib
import io
import warnings

from PIL import Image, ImageOps

from storage.errors import NotAPicture
from storage.records import Picture

_FORMATS = ("PNG", "JPEG", "WEBP")


def decode_image(data: bytes, name: str, *formats: str) -> Image.Image:
    """The first image in `data`, whole, upright and in RGB. Raises NotAPicture. Its size was bounded by its header."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what is odd in a file and does no harm
            with Image.open(io.BytesIO(data), formats=formats or _FORMATS) as opened:
                opened.load()
                turned = opened if opened.format == "PNG" else ImageOps.exif_transpose(opened)
                return _rgb(turned)
    except Exception as error:  # decoders raise whatever comes to their minds about a malformed file
        raise NotAPicture(name, f"is damaged: {' '.join(str(error).split())[:100] or type(error).__name__}") from None


def _rgb(image: Image.Image) -> Image.Image:
    """The pixels as they are seen on white: what is transparent has colours of its own, and 16 bits of grey are more than 8."""
    if image.mode.startswith("I;16"):
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L").convert("RGB")
    if image.has_transparency_data:
        shown = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert("RGB")
    return image.convert("RGB")


def pixel_sha256(image: Image.Image) -> str:
    """The hash that a record tells, of an image in RGB."""
    return hashlib.sha256(image.tobytes()).hexdigest()


def same_pixels(record: Picture, image: Image.Image) -> bool:
    """Whether an image in RGB has the size and the pixels that the record tells."""
    return image.size == (record.width, record.height) and pixel_sha256(image) == record.pixel_sha256
