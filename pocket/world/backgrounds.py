"""Paints backgrounds: plain, two-tone, gradients, and the four views, each the same whenever it is painted.

It knows no things and no chance: stars, clouds, tufts and waves stand at fixed parts of the picture.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from pocket.world.scene import COLOURS, Background, Style

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

SUPERSAMPLING = 4
NIGHT_TINT = (30, 30, 110)
HORIZON = 0.36
"""Where sky meets land or sea, as a part of the height."""

# Left, top and length or radius, as parts of the width and height: chosen once to look scattered.
STARS = (
    (0.07, 0.09), (0.19, 0.22), (0.31, 0.06), (0.44, 0.17), (0.57, 0.08), (0.69, 0.24), (0.83, 0.05), (0.93, 0.19),
    (0.04, 0.36), (0.26, 0.41), (0.51, 0.35), (0.78, 0.43), (0.95, 0.52), (0.12, 0.57), (0.38, 0.62), (0.64, 0.59),
    (0.88, 0.69), (0.05, 0.76), (0.24, 0.83), (0.47, 0.79), (0.72, 0.86), (0.94, 0.91), (0.14, 0.95), (0.58, 0.95),
)  # fmt: skip
CLOUDS = ((0.16, 0.2, 0.16), (0.3, 0.17, 0.1), (0.74, 0.34, 0.17), (0.88, 0.31, 0.11), (0.34, 0.66, 0.15),
          (0.48, 0.63, 0.1), (0.82, 0.83, 0.15), (0.08, 0.9, 0.12))  # fmt: skip
TUFTS = (
    (0.08, 0.5), (0.29, 0.46), (0.52, 0.52), (0.76, 0.47), (0.94, 0.55), (0.17, 0.65), (0.41, 0.68), (0.64, 0.66),
    (0.87, 0.71), (0.06, 0.81), (0.3, 0.84), (0.54, 0.82), (0.78, 0.87), (0.18, 0.95), (0.43, 0.96), (0.68, 0.96),
    (0.93, 0.95),
)  # fmt: skip
WAVES = (
    (0.1, 0.47), (0.37, 0.44), (0.66, 0.48), (0.9, 0.45), (0.22, 0.59), (0.5, 0.57), (0.79, 0.6), (0.07, 0.71),
    (0.36, 0.72), (0.63, 0.7), (0.92, 0.73), (0.2, 0.84), (0.49, 0.85), (0.77, 0.83), (0.08, 0.95), (0.36, 0.96),
    (0.64, 0.95), (0.93, 0.96),
)  # fmt: skip


def _fade(upper: tuple[int, ...], lower: tuple[int, ...], width: int, height: int) -> Floats:
    """(height, width, 3): from one colour at the top to another at the bottom."""
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    ends = np.asarray(upper, dtype=np.float32), np.asarray(lower, dtype=np.float32)
    return np.broadcast_to(ends[0] * (1 - down) + ends[1] * down, (height, width, 3)).copy()


def _marks(name: str, width: int, height: int) -> Floats:
    """Where a view's small marks are painted: (height, width, 1), 0 to 1."""
    scale = SUPERSAMPLING
    wide, tall = width * scale, height * scale
    unit = scale * (width * height) ** 0.5 / 128
    image = Image.new("L", (wide, tall))
    pen = ImageDraw.Draw(image)
    if name == "stars":
        for number, (x, y) in enumerate(STARS):
            radius = unit * (1.5 if number % 3 == 0 else 1.0)
            pen.ellipse((x * wide - radius, y * tall - radius, x * wide + radius, y * tall + radius), fill=255)
    elif name == "clouds":
        for x, y, radius in CLOUDS:
            across, down = radius * wide, 0.36 * radius * wide
            pen.ellipse((x * wide - across, y * tall - down, x * wide + across, y * tall + down), fill=255)
        image = image.filter(ImageFilter.GaussianBlur(2.5 * unit))
    elif name == "tufts":
        for x, y in TUFTS:
            for lean in (-2.6, 0.0, 2.6):
                start, end = (x * wide, y * tall), (x * wide + lean * unit, y * tall - 4.2 * unit)
                pen.line((start, end), fill=255, width=round(1.1 * unit))
    else:
        for x, y in WAVES:
            across, down = 6.5 * unit, 3.2 * unit
            box = (x * wide - across, y * tall - down, x * wide + across, y * tall + down)
            pen.arc(box, 200, 340, fill=255, width=round(1.3 * unit))
    small = image.resize((width, height), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)[..., None] / np.float32(255)


def _mark(canvas: Floats, name: str, colour: tuple[int, int, int], strength: float) -> Floats:
    alpha = np.float32(strength) * _marks(name, canvas.shape[1], canvas.shape[0])
    marked: Floats = canvas * (1 - alpha) + alpha * np.asarray(colour, dtype=np.float32)
    return marked


def _with_horizon(sky: Floats, ground: Floats) -> Floats:
    height = sky.shape[0]
    level = round(HORIZON * height)
    return np.concatenate([sky[:level], ground[level:]])


def _paint(background: Background, width: int, height: int) -> Floats:
    colours = [COLOURS[colour] for colour in background.colours]
    match background.pattern:
        case "plain":
            return _fade(colours[0], colours[0], width, height)
        case "gradient":
            return _fade(colours[0], colours[1], width, height)
        case "two-tone":
            half = height // 2
            return np.concatenate(
                [
                    _fade(colours[0], colours[0], width, half),
                    _fade(colours[1], colours[1], width, height - half),
                ]
            )
        case "day sky":
            return _mark(_fade((96, 168, 238), (186, 222, 248), width, height), "clouds", (255, 255, 255), 0.3)
        case "night sky":
            return _mark(_fade((8, 10, 40), (48, 56, 118), width, height), "stars", (255, 246, 210), 0.8)
        case "grass":
            ground = _mark(_fade((166, 206, 96), (92, 160, 58), width, height), "tufts", (58, 120, 40), 0.5)
            return _with_horizon(_fade((178, 220, 246), (222, 240, 250), width, height), ground)
        case "sea":
            water = _mark(_fade((74, 160, 208), (18, 78, 146), width, height), "waves", (214, 238, 248), 0.45)
            return _with_horizon(_fade((250, 214, 186), (254, 236, 214), width, height), water)


@lru_cache(maxsize=320)
def painted(background: Background, style: Style, width: int, height: int) -> Pixels:
    """A background in a style: (height, width, 3) bytes, not to be written to. At night all is half-way to indigo."""
    canvas = _paint(background, width, height)
    if style == "night":
        canvas = 0.5 * canvas + 0.5 * np.asarray(NIGHT_TINT, dtype=np.float32)
    pixels = (canvas + 0.5).clip(0, 255).astype(np.uint8)
    pixels.setflags(write=False)
    return pixels
