"""The things' bitmaps, from one atlas, at any size and in any style. It knows no scenes and no places."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter, ImageOps

from pocket.world.kinds import KINDS
from pocket.world.scene import Style

Floats = npt.NDArray[np.float32]

GLYPHS = Path(__file__).parent.parent / "glyphs"
ATLAS = GLYPHS / "kinds.png"
SIDE = 112
"""A bitmap's side in the atlas, in pixels."""
COLUMNS = 9
RING = 7
"""An outline's thickness on an atlas bitmap."""
DARK, LIGHT = (26, 24, 34), (250, 248, 240)
GLOW = (255, 226, 140)
GLOW_REACH = 8
GLOW_STRENGTH = 0.75


@lru_cache(maxsize=1)
def _atlas() -> Image.Image:
    with Image.open(ATLAS) as image:
        return image.convert("RGBA")


def _plain(kind: str) -> Image.Image:
    """A kind's bitmap as the font has it, SIDE x SIDE."""
    row, column = divmod(KINDS.index(kind), COLUMNS)
    left, top = column * SIDE, row * SIDE
    return _atlas().crop((left, top, left + SIDE, top + SIDE))


def _with_margin(image: Image.Image, margin: int) -> Image.Image:
    """The same bitmap, smaller, with `margin` clear pixels all around."""
    canvas = Image.new("RGBA", (SIDE, SIDE))
    inner = SIDE - 2 * margin
    canvas.paste(image.resize((inner, inner), Image.Resampling.LANCZOS), (margin, margin))
    return canvas


def _behind(image: Image.Image, alpha: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    """The bitmap over a shape of one colour."""
    shape = Image.new("RGBA", (SIDE, SIDE), (*colour, 0))
    shape.putalpha(alpha)
    return Image.alpha_composite(shape, image)


def _ringed(image: Image.Image, thickness: int, colour: tuple[int, int, int]) -> Image.Image:
    small = _with_margin(image, thickness + 1)
    solid = small.getchannel("A").point([0 if value < 96 else 255 for value in range(256)])
    wide = solid.filter(ImageFilter.GaussianBlur(thickness / 2))
    ring = wide.point([min(255, max(0, (value - 12) * 8)) for value in range(256)])
    return _behind(small, ring, colour)


def _pencilled(image: Image.Image) -> Image.Image:
    """A drawing in grey pencil on white paper: edges by dodging grey with its own blurred negative, light shading."""
    small = _with_margin(image, 4)
    paper = Image.new("RGBA", (SIDE, SIDE), (255, 255, 255, 255))
    grey = Image.alpha_composite(paper, small).convert("L")
    inverse = ImageOps.invert(grey).filter(ImageFilter.GaussianBlur(3))
    base, over = np.asarray(grey, dtype=np.float32), np.asarray(inverse, dtype=np.float32)
    lines = np.clip(base * 255 / np.maximum(255 - over, 1), 0, 255)
    shaded = np.clip(0.62 * lines**2 / 255 + 0.38 * (70 + base * 0.72), 0, 255).astype(np.uint8)
    drawn = Image.merge("RGBA", [Image.fromarray(shaded)] * 3 + [small.getchannel("A")])
    return _ringed(drawn, 3, (70, 70, 74))


@lru_cache(maxsize=512)
def _styled(kind: str, style: Style, dark: bool) -> Image.Image:
    """A kind's bitmap in a style, its colours multiplied by alpha; `dark`: whether it stands on a dark ground."""
    image = _plain(kind)
    if style == "outlined":
        image = _ringed(image, RING, LIGHT if dark else DARK)
    elif style == "pencil":
        image = _pencilled(image)
    elif style == "night":
        small = _with_margin(image, GLOW_REACH + 2)
        halo = small.getchannel("A").filter(ImageFilter.GaussianBlur(GLOW_REACH * 0.6))
        halo = ImageChops.multiply(halo, Image.new("L", halo.size, round(255 * GLOW_STRENGTH)))
        image = _behind(small, halo, GLOW)
    return image.convert("RGBa")


@lru_cache(maxsize=8192)
def _sized(kind: str, size: int, style: Style, dark: bool) -> npt.NDArray[np.uint8]:
    image = _styled(kind, style, dark)
    return np.asarray(image.resize((size, size), Image.Resampling.LANCZOS))


def glyph(kind: str, size: int, style: Style = "flat", *, dark: bool = False) -> tuple[Floats, Floats]:
    """A kind's bitmap at a size: its colour already multiplied by alpha (size, size, 3), and alpha (size, size, 1).

    Args:
        kind: its name.
        size: its side in pixels.
        style: an outline and a glow lie inside the square too.
        dark: whether the ground under it is dark: then an outline is light.
    """
    pixels = _sized(kind, size, style, dark and style == "outlined").astype(np.float32)
    return pixels[..., :3], pixels[..., 3:] / np.float32(255)
