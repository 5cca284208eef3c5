"""Decoding of untrusted images, and pixel hashes."""

from __future__ import annotations

import hashlib
import io
import warnings

from PIL import Image, ImageOps

from storage.errors import NotAPicture
from storage.records import Picture

_FORMATS = ("PNG", "JPEG", "WEBP")


def decode_image(data: bytes, name: str, *formats: str) -> Image.Image:
    """Decode the first image in `data`, upright and in RGB. Check its size by its header first. Raises NotAPicture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about harmless oddities of a file
            with Image.open(io.BytesIO(data), formats=formats or _FORMATS) as opened:
                opened.load()
                turned = opened if opened.format == "PNG" else ImageOps.exif_transpose(opened)
                return _rgb(turned)
    except Exception as error:  # decoders raise many kinds of exceptions for malformed files
        why = " ".join(str(error).split())[:100] or type(error).__name__
        raise NotAPicture(name, "picture_damaged", why=why) from None


def _rgb(image: Image.Image) -> Image.Image:
    """Convert to RGB on white: transparent pixels have colors of their own, and 16-bit gray needs scaling."""
    if image.mode.startswith("I;16"):
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L").convert("RGB")
    if image.has_transparency_data:
        shown = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert("RGB")
    return image.convert("RGB")


def pixel_sha256(image: Image.Image) -> str:
    """The SHA-256 of an RGB image's bytes."""
    return hashlib.sha256(image.tobytes()).hexdigest()


def same_pixels(record: Picture, image: Image.Image) -> bool:
    """Whether an RGB image has the size and the pixel hash of the record."""
    return image.size == (record.width, record.height) and pixel_sha256(image) == record.pixel_sha256
