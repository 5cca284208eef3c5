"""Makes a layout's pixels from the bitmaps: background, things, letters. It knows no chance and no words."""

from __future__ import annotations

from random import Random

import numpy as np

from pocket.world.backgrounds import Pixels, painted
from pocket.world.layout import SIDE, Layout, lay_out
from pocket.world.lettering import letter
from pocket.world.scene import LETTER_COLOURS, Scene
from pocket.world.styles import glyph

DARK = 72.0
"""Ground whose mean of red, green and blue is below this is dark: an outline on it is light."""


def render(layout: Layout) -> Pixels:
    """The picture of a layout: (height, width, 3) bytes, the same for the same layout."""
    scene = layout.scene
    behind = painted(scene.background, scene.style, layout.width, layout.height)
    canvas = behind.astype(np.float32)
    for spot in layout.spots:
        middle = behind[spot.top + spot.size // 2, spot.left + spot.size // 2]
        colour, alpha = glyph(spot.kind, spot.size, scene.style, dark=bool(middle.mean() < DARK))
        patch = canvas[spot.top : spot.top + spot.size, spot.left : spot.left + spot.size]
        patch *= 1 - alpha
        patch += colour
    if scene.text is not None:
        ink = np.asarray(LETTER_COLOURS[scene.text.colour], dtype=np.float32)
        for one in layout.letters:
            shape = letter(one.character, one.width, one.height)
            patch = canvas[one.top : one.top + one.height, one.left : one.left + one.width]
            patch += shape * (ink - patch)
    return (canvas + 0.5).clip(0, 255).astype(np.uint8)


def picture(scene: Scene, rng: Random, width: int = SIDE, height: int = SIDE) -> Pixels:
    """A random picture of a scene: (height, width, 3) bytes."""
    return render(lay_out(scene, rng, width, height))
