"""Turns pictures into brush-ink drawings: dark ink on warm paper, a wash where something dark stands, a line around it.

It knows no model and no scene. What lies behind the things is told from the picture's left and right edge, row by row,
and becomes bare paper, also where it is dark.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from pocket.world import Pixels

Floats = npt.NDArray[np.float64]

INK, PAPER = (26, 24, 34), (244, 234, 212)
LUMINANCE = np.array((0.299, 0.587, 0.114))
WASH = 0.9
"""How much of the ink something black takes."""
BRUSH = 1.7
"""The wash's exponent: above one, light colours take less than their share."""
LINE = 0.75
"""How much of the ink the line around things takes."""
BROAD = 1.4
"""How broad that line is: the blur, in pixels, of what lies under it."""
EDGE = 3
"""Pixels at the left and right edge that tell what lies behind."""


def luminance(pixels: Pixels) -> Floats:
    """How light each pixel is, (height, width), 0 to 1."""
    light: Floats = pixels @ LUMINANCE / 255
    return light


def behind(pixels: Pixels) -> Floats:
    """What lies behind the things: each row's colour from its left edge to its right one, (height, width, 3)."""
    left, right = (np.median(side.astype(np.float64), axis=1) for side in (pixels[:, :EDGE], pixels[:, -EDGE:]))
    across = np.linspace(0, 1, pixels.shape[1])[None, :, None]
    colours: Floats = left[:, None] * (1 - across) + right[:, None] * across
    return colours


def covered(pixels: Pixels) -> Floats:
    """Where something stands before what lies behind, (height, width), 0 to 1."""
    differs = np.abs(pixels - behind(pixels)).max(axis=2) / 255
    cover: Floats = np.clip(5 * differs - 0.3, 0, 1)
    return cover


def line_around(cover: Floats) -> Floats:
    """A soft line along the border of what is covered, 0 to 1."""
    soft = Image.fromarray((255 * cover).astype(np.uint8)).filter(ImageFilter.GaussianBlur(BROAD))
    part = np.asarray(soft, dtype=np.float64) / 255
    line: Floats = 4 * part * (1 - part)
    return line


def ink(pixels: Pixels) -> Pixels:
    """The picture as an ink drawing, of the same size."""
    cover = covered(pixels)
    wash = WASH * cover * (1 - luminance(pixels)) ** BRUSH
    line = LINE * line_around(cover)
    dry = ((1 - wash) * (1 - line))[..., None]
    drawn: Pixels = (np.array(INK) * (1 - dry) + np.array(PAPER) * dry + 0.5).astype(np.uint8)
    return drawn
