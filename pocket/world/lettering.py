"""The letters' bitmaps, from one atlas, and which colours are legible on a background. It knows no scenes' places."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from pocket.world.backgrounds import painted
from pocket.world.characters import CHARACTERS, LATIN
from pocket.world.scene import LETTER_COLOURS, Background, Style
from pocket.world.styles import GLYPHS

Floats = npt.NDArray[np.float32]

ATLAS = GLYPHS / "letters.png"
CELL = 64
"""A letter's cell in the atlas: CELL pixels high and, for Latin letters, LATIN_CELL wide."""
LATIN_CELL = 38
COLUMNS = 16
LATIN_HEIGHT, CHINESE_HEIGHT = 33, 28
"""A cell's height in a picture of 128 pixels."""
ADVANCE = {False: 20, True: 29}
"""From one letter to the next in such a picture: Latin, Chinese."""
LEGIBLE, LIGHTER = 130.0, 64.0
"""The least distance of letters to what is behind them, in RGB units, and the least difference in lightness, of 255."""
LIGHTNESS = np.asarray((0.299, 0.587, 0.114), dtype=np.float32)
BAND = 40
"""The part of a picture of 128 pixels, from below, in which the letters stand."""


def scale_of(width: int, height: int) -> float:
    """How much larger letters are than in a picture of 128 x 128: six must fit the width."""
    return min(width / 128, height / 112)


def band_top(width: int, height: int) -> int:
    """Where the letters' part of the picture begins."""
    return height - round(BAND * scale_of(width, height))


@lru_cache(maxsize=1)
def _atlas() -> Image.Image:
    with Image.open(ATLAS) as image:
        return image.convert("L")


@lru_cache(maxsize=1024)
def letter(character: str, width: int, height: int) -> Floats:
    """A letter's shape in a cell of a size: (height, width, 1), 0 to 1."""
    number = (LATIN + CHARACTERS).index(character)
    row, column = divmod(number, COLUMNS)
    own = LATIN_CELL if character in LATIN else CELL
    cell = _atlas().crop((column * CELL, row * CELL, column * CELL + own, row * CELL + CELL))
    return np.asarray(cell.resize((width, height), Image.Resampling.LANCZOS), dtype=np.float32)[..., None] / np.float32(
        255
    )


@lru_cache(maxsize=512)
def legible_colours(background: Background, style: Style) -> tuple[str, ...]:
    """The letters' colours that can be read on a background, the usual one first: black or white, the farther one."""
    width = height = 64
    behind = painted(background, style, width, height)[band_top(width, height) :].reshape(-1, 3).astype(np.float32)
    least: dict[str, float] = {}
    legible: list[str] = []
    for name, colour in LETTER_COLOURS.items():
        apart = behind - np.asarray(colour, dtype=np.float32)
        least[name] = float(np.percentile(np.linalg.norm(apart, axis=1), 2))
        if least[name] >= LEGIBLE and np.percentile(np.abs(apart @ LIGHTNESS), 2) >= LIGHTER:
            legible.append(name)
    usual = max(("black", "white"), key=lambda name: least[name])
    return (usual, *(name for name in legible if name != usual))
