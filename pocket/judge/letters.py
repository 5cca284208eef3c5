"""Reads the words below the things, by comparing with every letter's shape. It knows no things and no language.

A word is read whole: the number of letters, their script and their common place that explain the ink best.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from pocket.world.characters import CHARACTERS, LATIN
from pocket.world.layout import letter_cells
from pocket.world.lettering import band_top, letter
from pocket.world.scene import LETTER_COLOURS, MAX_CHINESE, MAX_LATIN

Floats = npt.NDArray[np.float32]

LARGEST_ERROR = 0.5
"""Largest error of a whole word; 1 is as bad as an empty band."""
LARGEST_LETTER = 0.6
"""Largest error of one letter, as a part of its own ink."""
MOST_OTHER_COLOUR = 0.3
"""The part of what is in the band that may have another colour than the letters."""
LEAST_INK = 12.0
"""What is less (in whole pixels of ink) is no word."""
ASIDE, SLACK = 7, 1
"""Pixels that a word may be moved to a side, and a letter within its word."""
DOWN = 2


@dataclass(frozen=True, kw_only=True)
class Words:
    """Words that were read: the letters, their colour, and the error of the whole."""

    words: str
    colour: str
    error: float


@lru_cache(maxsize=32)
def _shapes(characters: str, width: int, height: int) -> Floats:
    """Every character's shape in a cell, flat: (characters, height * width)."""
    return np.stack([letter(character, width, height).ravel() for character in characters])


def _ink(band: Floats, ground: Floats) -> tuple[str, Floats, float] | None:
    """The letters' colour, how much ink each pixel has (height, width), and the part of the band that no ink explains."""
    difference = band - ground
    energy = float(np.square(difference).sum())
    best: tuple[str, Floats, float] | None = None
    for name, colour in LETTER_COLOURS.items():
        toward = np.asarray(colour, dtype=np.float32) - ground
        length = np.square(toward).sum(axis=-1) + 1e-3
        amount = ((difference * toward).sum(axis=-1) / length).clip(0, 1.1)
        other = float(np.square(difference - amount[..., None] * toward).sum()) / (energy + 1e-3)
        if best is None or other < best[2]:
            best = name, amount, other
    if best is None or best[1].sum() < LEAST_INK or best[2] > MOST_OTHER_COLOUR:
        return None
    return best


def _slackened(errors: Floats) -> Floats:
    """The least error within SLACK pixels: (rows, columns, characters) stays its shape."""
    padded = np.pad(errors, ((SLACK, SLACK), (SLACK, SLACK), (0, 0)), constant_values=np.inf)
    rows, columns = errors.shape[:2]
    shifted = [padded[dy : dy + rows, dx : dx + columns] for dy in range(2 * SLACK + 1) for dx in range(2 * SLACK + 1)]
    least: Floats = np.minimum.reduce(shifted)
    return least


def _read_script(ink: Floats, characters: str, most: int, width: int, height: int) -> tuple[float, str]:
    """The word of one script that explains the ink best, and its error; the error is infinite where none can be."""
    chinese = characters == CHARACTERS
    edge = ASIDE + 2
    top = band_top(width, height)
    _, level, wide, tall = letter_cells(1, chinese, width, height)[0]
    first = level - top - DOWN
    padded = np.pad(ink, ((4, 4), (edge, edge)))[max(0, first + 4) : first + 4 + tall + 2 * DOWN]
    windows = sliding_window_view(padded, (tall, wide))
    rows, columns = windows.shape[:2]
    flat = np.ascontiguousarray(windows).reshape(rows * columns, tall * wide)
    shapes = _shapes(characters, wide, tall)
    own = np.square(shapes).sum(axis=1)
    energies = np.square(flat).sum(axis=1).reshape(rows, columns)
    errors = (energies.reshape(-1, 1) - 2 * flat @ shapes.T + own).reshape(rows, columns, len(characters))
    # What a letter adds to the whole error: its own less the ink that it covers.
    gains = _slackened(errors - energies[..., None])
    best_gain, best_letter = gains.min(axis=-1), gains.argmin(axis=-1)
    total = float(np.square(ink).sum())
    best = (float("inf"), "")
    for count in range(1, most + 1):
        lefts = np.asarray([cell[0] for cell in letter_cells(count, chinese, width, height)]) + edge
        for aside in range(-ASIDE, ASIDE + 1):
            places = lefts + aside
            if places[0] < 0 or places[-1] >= columns:
                continue
            sums = best_gain[:, places].sum(axis=1)
            row = int(sums.argmin())
            error = (total + float(sums[row])) / total
            if error < best[0]:
                numbers = best_letter[row, places]
                worst = max(
                    (float(best_gain[row, x]) + float(energies[row, x])) / float(own[n])
                    for x, n in zip(places, numbers, strict=True)
                )
                if worst <= LARGEST_LETTER:
                    best = error, "".join(characters[n] for n in numbers)
    return best


def read_words(pixels: Floats, ground: Floats) -> Words | None:
    """The words of a picture, or None where there are none that can be read; both arrays (height, width, 3)."""
    height, width = pixels.shape[:2]
    top = band_top(width, height)
    seen = _ink(pixels[top:], ground[top:])
    if seen is None:
        return None
    colour, ink, other = seen
    error, words = min(
        _read_script(ink, LATIN, MAX_LATIN, width, height),
        _read_script(ink, CHARACTERS, MAX_CHINESE, width, height),
    )
    if error + other > LARGEST_ERROR:
        return None
    return Words(words=words, colour=colour, error=error)
