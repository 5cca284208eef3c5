"""The world that Pocket draws: one to nine things of up to three kinds, on a background, with words, in a style.

A scene says what there is (scene.py, kinds.py, characters.py); a mix draws scenes by chance (mix.py); a layout says
where (layout.py); `render` makes the pixels (backgrounds.py, styles.py, lettering.py, render.py). No torch, no captions.
"""

from pocket.world.backgrounds import Pixels, painted
from pocket.world.characters import CHARACTERS, LATIN
from pocket.world.kinds import KIND, KINDS, Kind
from pocket.world.layout import (
    ROWS,
    SHAPES,
    SIDE,
    Layout,
    fits,
    lay_out,
    row_choices,
    size_range,
    usual_rows,
)
from pocket.world.lettering import band_top, legible_colours
from pocket.world.mix import BEGINNING, EVERYTHING, SKILLS, Mix, blend, draw_scene, draw_words
from pocket.world.render import picture, render
from pocket.world.scene import (
    COLOURS,
    LETTER_COLOURS,
    MAX_COUNT,
    PATTERNS,
    PLACES,
    PLAIN,
    RELATIONS,
    SIZES,
    STYLES,
    VIEWS,
    Background,
    Pattern,
    Place,
    Relation,
    Scene,
    Size,
    Style,
    Text,
    plain,
)

__all__ = [
    "BEGINNING",
    "CHARACTERS",
    "COLOURS",
    "EVERYTHING",
    "KIND",
    "KINDS",
    "LATIN",
    "LETTER_COLOURS",
    "MAX_COUNT",
    "PATTERNS",
    "PLACES",
    "PLAIN",
    "RELATIONS",
    "ROWS",
    "SHAPES",
    "SIDE",
    "SIZES",
    "SKILLS",
    "STYLES",
    "VIEWS",
    "Background",
    "Kind",
    "Layout",
    "Mix",
    "Pattern",
    "Pixels",
    "Place",
    "Relation",
    "Scene",
    "Size",
    "Style",
    "Text",
    "band_top",
    "blend",
    "draw_scene",
    "draw_words",
    "fits",
    "lay_out",
    "legible_colours",
    "painted",
    "picture",
    "plain",
    "render",
    "row_choices",
    "size_range",
    "usual_rows",
]
