"""Somebody else's picture as pixels: as it is seen, whatever its file keeps."""

from __future__ import annotations

import io

from PIL import Image

from storage.files.hashing import decode_image


def packed(image: Image.Image, kind: str = "PNG", **told: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **told)
    return file.getvalue()


def test_what_is_transparent_is_seen_on_white():
    image = Image.new("RGBA", (4, 2), (255, 0, 0, 0))
    image.putpixel((0, 0), (0, 0, 255, 255))
    image.putpixel((1, 0), (0, 0, 0, 51))
    found = decode_image(packed(image), "x")
    assert [found.getpixel((x, 0)) for x in range(3)] == [(0, 0, 255), (204, 204, 204), (255, 255, 255)]
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.putpixel((1, 0), 1)
    found = decode_image(packed(palette, transparency=0), "x")
    assert [found.getpixel((x, 0)) for x in range(2)] == [(255, 255, 255), (0, 255, 0)]


def test_sixteen_bits_of_grey_become_eight():
    image = Image.new("I;16", (2, 1))
    image.putpixel((0, 0), 30_000)
    image.putpixel((1, 0), 65_535)
    found = decode_image(packed(image), "x")
    assert [found.getpixel((x, 0)) for x in range(2)] == [(117, 117, 117), (255, 255, 255)]


def test_plain_colours_stay_to_the_last_bit():
    image = Image.effect_noise((40, 30), 90).convert("RGB")
    assert decode_image(packed(image), "x").tobytes() == image.tobytes()
