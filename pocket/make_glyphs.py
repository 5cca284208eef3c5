"""Makes the glyph bitmaps from Noto Color Emoji. Run once by hand; training and tests only read the bitmaps.

It needs the font's file (on Debian the package fonts-noto-color-emoji) and knows nothing of scenes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from pocket.world import GLYPHS, KINDS

FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
SIZE_IN_FONT = 109
SIDE = 96
CODEPOINTS: dict[str, str] = {
    "cat": "\U0001f431",
    "dog": "\U0001f436",
    "rabbit": "\U0001f430",
    "chicken": "\U0001f414",
    "fish": "\U0001f41f",
    "apple": "\U0001f34e",
    "star": "\u2b50",
    "moon": "\U0001f319",
    "sun": "\u2600",
    "tree": "\U0001f333",
    "flower": "\U0001f338",
    "house": "\U0001f3e0",
    "car": "\U0001f697",
    "rocket": "\U0001f680",
    "ball": "\u26bd",
    "balloon": "\U0001f388",
}


def bitmap(font: ImageFont.FreeTypeFont, character: str) -> Image.Image:
    """One character as a square RGBA bitmap, cropped to what is painted and centred."""
    canvas = Image.new("RGBA", (160, 160), (0, 0, 0, 0))
    ImageDraw.Draw(canvas).text((12, 12), character, font=font, embedded_color=True)
    box = canvas.getbbox()
    if box is None:
        raise ValueError(f"the font paints nothing for {character!r}")
    cropped = canvas.crop(box)
    side = max(cropped.size)
    square = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    square.paste(cropped, ((side - cropped.width) // 2, (side - cropped.height) // 2))
    return square.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes Pocket's glyph bitmaps from Noto Color Emoji.")
    parser.add_argument("--font", type=Path, default=FONT)
    parser.add_argument("--out", type=Path, default=GLYPHS)
    options = parser.parse_args()
    font = ImageFont.truetype(str(options.font), SIZE_IN_FONT)
    options.out.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        bitmap(font, CODEPOINTS[kind]).save(options.out / f"{kind}.png", optimize=True)


if __name__ == "__main__":
    main()
