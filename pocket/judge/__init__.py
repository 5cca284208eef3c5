"""Judges a picture by its pixels alone: background, style, things and words, against the world's own bitmaps.

No learned part. `read` says what a picture shows; `judge` holds that against a scene, skill by skill. It knows no
captions and no model.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields

import numpy as np
from PIL import Image

from pocket.judge.arrangement import has_size, is_arranged
from pocket.judge.grounds import read_ground
from pocket.judge.letters import Words, read_words
from pocket.judge.things import Found, read_things
from pocket.world import SIDE, Background, Pixels, Scene, Style
from pocket.world.lettering import band_top

__all__ = ["Found", "Reading", "Verdict", "Words", "judge", "read"]

LARGE = 1.6
"""Pictures whose sides are this much longer than the world's own are halved before they are read."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a picture of a width and height shows: its background, None where it is none of ours, its things, its words.

    `style` is None where there is no background of ours. Squares are in the pixels of `width` and `height`, which are
    half the picture's where that is large.
    """

    width: int
    height: int
    background: Background | None
    style: Style | None
    things: tuple[Found, ...]
    words: Words | None

    @property
    def counts(self) -> Counter[str | None]:
        return Counter(thing.kind for thing in self.things)

    def shows(self, scene: Scene) -> bool:
        """Whether kinds and counts are the scene's, nothing missing and nothing more."""
        return self.counts == Counter(dict(scene.things))


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a picture shows what a scene tells, skill by skill.

    Args:
        background: it is the scene's, and so is its style's day or night.
        style: the things are drawn in the scene's style.
        kinds: those of the scene are all there and no other thing is.
        counts: each kind is there as often as told.
        places: rows, place or relation are as told; always true where none is told.
        size: things are small, usual or big as told.
        text: the words are there letter by letter, or there are none where none are told.
        ink: those words have the colour told; true where none are told.
    """

    background: bool
    style: bool
    kinds: bool
    counts: bool
    places: bool
    size: bool
    text: bool
    ink: bool

    @property
    def right(self) -> bool:
        """Whether everything is as told."""
        return all(self.by_skill().values())

    def by_skill(self) -> dict[str, bool]:
        return {field.name: bool(getattr(self, field.name)) for field in fields(self)}


def _at_own_size(pixels: Pixels) -> Pixels:
    """The picture, halved where it is large, so that all are read at the size that the bitmaps' bounds are for."""
    height, width = pixels.shape[:2]
    if (height * width) ** 0.5 < LARGE * SIDE:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width // 2, height // 2), Image.Resampling.BOX))


def read(pixels: Pixels, *, below: bool = False) -> Reading:
    """Reads a picture, (height, width, 3) bytes.

    Args:
        pixels: the picture.
        below: whether the part for words holds no things, also where no word can be read there.
    """
    own = _at_own_size(pixels)
    height, width = own.shape[:2]
    ground = read_ground(own)
    if ground is None:
        return Reading(width=width, height=height, background=None, style=None, things=(), words=None)
    seen = own.astype(np.float32)
    behind = ground.pixels(width, height).astype(np.float32)
    words = read_words(seen, behind)
    top = band_top(width, height)
    if words is not None and not below:
        _, things = read_things(seen, behind, night=ground.night)
        # A candle is somewhat like the letter R, but more like a candle.
        if any(thing.kind and thing.middle[1] > top and thing.error < words.error for thing in things):
            words = None
    if words is not None or below:
        seen[top:] = behind[top:]
    style, things = read_things(seen, behind, night=ground.night)
    return Reading(width=width, height=height, background=ground.background, style=style, things=things, words=words)


def judge(pixels: Pixels, scene: Scene) -> Verdict:
    """Holds a picture, (height, width, 3) bytes, against a scene."""
    reading = read(pixels, below=scene.text is not None)
    wanted = dict(scene.things)
    things, words = reading.things, reading.words
    return Verdict(
        background=reading.background == scene.background,
        style=reading.style == scene.style,
        kinds=set(reading.counts) == set(wanted),
        counts=reading.counts == Counter(wanted),
        places=is_arranged(scene, things, reading.width, reading.height),
        size=has_size(scene, things, reading.width, reading.height),
        text=(words.words if words else None) == (scene.text.words if scene.text else None),
        ink=scene.text is None or (words is not None and words.colour == scene.text.colour),
    )
