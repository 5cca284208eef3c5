"""Makes the bitmaps of things and letters from fonts. Run once by hand; training and tests only read the bitmaps.

It needs the fonts' files (on Debian the packages fonts-noto-color-emoji, fonts-dejavu-core and fonts-noto-cjk) and
knows nothing of scenes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from pocket.world import lettering, styles
from pocket.world.characters import CHARACTERS, LATIN
from pocket.world.kinds import KIND, KINDS

FONTS = Path("/usr/share/fonts")
EMOJI = FONTS / "truetype/noto/NotoColorEmoji.ttf"
LATIN_FONT = FONTS / "truetype/dejavu/DejaVuSansMono-Bold.ttf"
CHINESE_FONT = FONTS / "opentype/noto/NotoSansCJK-Bold.ttc"
SIMPLIFIED = 2
"""The number of the simplified Chinese face in that collection."""
SIZE_IN_FONT = 109


def bitmap(font: ImageFont.FreeTypeFont, character: str) -> Image.Image:
    """One thing as a square RGBA bitmap, cropped to what is painted and centred."""
    canvas = Image.new("RGBA", (160, 160), (0, 0, 0, 0))
    ImageDraw.Draw(canvas).text((12, 12), character, font=font, embedded_color=True)
    box = canvas.getbbox()
    if box is None:
        raise ValueError(f"the font paints nothing for {character!r}")
    cropped = canvas.crop(box)
    side = max(cropped.size)
    square = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    square.paste(cropped, ((side - cropped.width) // 2, (side - cropped.height) // 2))
    return square.resize((styles.SIDE, styles.SIDE), Image.Resampling.LANCZOS)


def kinds_atlas(font_file: Path) -> Image.Image:
    """All kinds in the order of their table, in rows."""
    font = ImageFont.truetype(str(font_file), SIZE_IN_FONT)
    rows = -(-len(KINDS) // styles.COLUMNS)
    atlas = Image.new("RGBA", (styles.COLUMNS * styles.SIDE, rows * styles.SIDE))
    for number, name in enumerate(KINDS):
        row, column = divmod(number, styles.COLUMNS)
        atlas.paste(bitmap(font, KIND[name].character), (column * styles.SIDE, row * styles.SIDE))
    return atlas


def letters_atlas(latin_file: Path, chinese_file: Path) -> Image.Image:
    """All letters and characters, white on black, each in a cell; Latin ones on one line, Chinese ones as their em box."""
    cell = lettering.CELL
    latin = ImageFont.truetype(str(latin_file), cell - 6)
    chinese = ImageFont.truetype(str(chinese_file), cell - 2, index=SIMPLIFIED)
    characters = LATIN + CHARACTERS
    atlas = Image.new("L", (lettering.COLUMNS * cell, -(-len(characters) // lettering.COLUMNS) * cell))
    pen = ImageDraw.Draw(atlas)
    for number, character in enumerate(characters):
        row, column = divmod(number, lettering.COLUMNS)
        left, top = column * cell, row * cell
        if character in LATIN:
            pen.text(
                (left + lettering.LATIN_CELL / 2, top + 0.765 * cell), character, fill=255, font=latin, anchor="ms"
            )
        else:
            pen.text((left + cell / 2, top + 0.88 * cell), character, fill=255, font=chinese, anchor="ms")
    return atlas


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes Pocket's bitmaps of things and letters from fonts.")
    parser.add_argument("--emoji", type=Path, default=EMOJI)
    parser.add_argument("--latin", type=Path, default=LATIN_FONT)
    parser.add_argument("--chinese", type=Path, default=CHINESE_FONT)
    parser.add_argument("--out", type=Path, default=styles.GLYPHS)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    kinds_atlas(options.emoji).save(options.out / styles.ATLAS.name, optimize=True)
    letters_atlas(options.latin, options.chinese).save(options.out / lettering.ATLAS.name, optimize=True)


if __name__ == "__main__":
    main()
