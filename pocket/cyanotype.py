"""Turns pictures into cyanotypes, blueprint photographs: by how light it is, each pixel is Prussian blue, mid blue, or nearly white.

It knows no model and no scene, and looks at one pixel at a time, so that every shape stays as sharp as it was.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pocket.world import Pixels

Floats = npt.NDArray[np.float64]

DARK, MIDDLE, LIGHT = (11, 42, 91), (11, 80, 180), (242, 246, 248)
"""The ramp goes from dark to light along a curve that bends towards the middle: blues that Pocket's VAE can make, as it has seen skies."""
EXPOSURE = np.array((0.2, 0.7, 0.1))
"""How much a channel's light counts: red counts less than for the eye, as on old plates, and so differs from a green as light."""
CONTRAST = 0.4
"""How far middle tones are pulled apart, 0 to 1; black and white stay what they are."""


def luminance(pixels: Pixels) -> Floats:
    """How light each pixel is, (height, width), 0 to 1."""
    light: Floats = pixels @ EXPOSURE / 255
    return light


def on_ramp(light: Floats) -> Floats:
    """The ramp's colours for lightness from 0 to 1, with an axis of channels more."""
    part = light[..., None]
    dark, middle, white = (np.array(colour, dtype=np.float64) for colour in (DARK, MIDDLE, LIGHT))
    colours: Floats = (1 - part) ** 2 * dark + 2 * part * (1 - part) * middle + part**2 * white
    return colours


def cyanotype(pixels: Pixels) -> Pixels:
    """The picture as a cyanotype, of the same size."""
    light = luminance(pixels)
    curve = light + CONTRAST * (light**2 * (3 - 2 * light) - light)
    printed: Pixels = (on_ramp(curve) + 0.5).astype(np.uint8)
    return printed
