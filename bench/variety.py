"""How different the pictures of one wish are: by other seeds alone, by other seeds of one rewritten prompt, and by other rewritings.

`python -m bench.variety`. For wishes that leave much open it draws n pictures of the seeds 0 to n-1 in three ways: `seeds`, the wish as
it is, enhancer off; `one rewrite`, the enhancer's prompt of seed 0 for all; `rewrites`, picture k from the enhancer's prompt of seed k.

How different, is said by the mean over all pairs of pictures: `pixels`, the root of the mean squared difference of their thumbnails of
16 x 16 pixels, from 0 to 255; `latents`, that of what the VAE makes of them. The judge reads how many different `grounds` and how many
different `scenes` (kinds with their counts, background, words, style) are among n: a picture whose background it does not know has
neither, and things that it does not know are one kind. `prompts` is how many different scenes the prompts tell. It knows not whether
the pictures are good ones; bench.enhancer does.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from bench.enhancer import Pocket, progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pocket.world import Pixels

WISHES = (
    "something cute", "a spring morning", "a farm", "surprise me", "rabbits", "some boats and a whale", "three stars", 'the word "HOPE"',
    "可爱的东西", "春天", "农场", "随便画点什么", "兔子", "几条船和一头鲸鱼", "三颗星星", "写“福”",
)  # fmt: skip
"""Vague ones, ones without count or background, and words alone, the same in both languages."""
WAYS = ("seeds", "one rewrite", "rewrites")
SIDE = 16


@dataclass(frozen=True, kw_only=True)
class Variety:
    """How different the pictures of a wish are, one way."""

    pixels: float
    latents: float
    grounds: float
    scenes: float
    prompts: float


def main() -> None:
    """Measure and print a line for each wish and way, then the means, then the ratios."""
    parser = argparse.ArgumentParser(prog="python -m bench.variety", description=__doc__)
    parser.add_argument("--pictures", type=int, default=8, metavar="N", help="pictures each way (default 8)")
    parser.add_argument("--batch", type=int, default=8, metavar="N", help="pictures drawn N at a time (default 8)")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (default 1)")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(options.threads)
    pocket, begun = Pocket(), time.monotonic()
    found: dict[str, list[Variety]] = {way: [] for way in WAYS}
    print(f"torch {torch.__version__}, {options.threads} threads, {options.pictures} pictures each way")
    print("wish                      way          " + "".join(f"{one.name:>9}" for one in fields(Variety)))
    for number, wish in enumerate(WISHES):
        for way, prompts in asked(pocket, wish, options.pictures).items():
            one = variety(pocket, prompts, options.batch)
            found[way].append(one)
            print(row(wish if way == WAYS[0] else "", way, one), flush=True)
        progress(number + 1, len(WISHES), begun)
    means = {way: mean(of) for way, of in found.items()}
    for way, one in means.items():
        print(row("mean" if way == WAYS[0] else "", way, one))
    for other in WAYS[:2]:
        print(f"rewrites/{other}: {ratios(means['rewrites'], means[other])}")


def asked(pocket: Pocket, wish: str, count: int) -> dict[str, list[str]]:
    """The prompts of the pictures, each way; where a rewriting came to nothing, the wish itself."""
    rewritten = [pocket.rewritten(wish, seed) or wish for seed in range(count)]
    return dict(zip(WAYS, ([wish] * count, [rewritten[0]] * count, rewritten), strict=True))


def variety(pocket: Pocket, prompts: Sequence[str], batch: int) -> Variety:
    """Draws prompt k with seed k and says how different the pictures are."""
    from pocket.judge import read
    from pocket.reading import parse

    drawn = pocket.drawn(prompts, range(len(prompts)), batch)
    readings = [reading for pixels in drawn if (reading := read(pixels)).background is not None]
    scenes = {
        (frozenset(one.counts.items()), one.background, one.words and one.words.words, one.style) for one in readings
    }
    return Variety(
        pixels=apart([_thumbnail(one) for one in drawn]),
        latents=apart([pocket.latents(one) for one in drawn]),
        grounds=len({one.background for one in readings}),
        scenes=len(scenes),
        prompts=len({parse(prompt) for prompt in prompts}),
    )


def _thumbnail(pixels: Pixels) -> NDArray[np.float32]:
    import numpy as np
    from PIL import Image

    return np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float32)


def apart(made: Sequence[NDArray[np.float32]]) -> float:
    """The root of the mean squared difference, its mean over all pairs."""
    import numpy as np

    return statistics.fmean(float(np.sqrt(np.mean((a - b) ** 2))) for a, b in itertools.combinations(made, 2))


def mean(found: Sequence[Variety]) -> Variety:
    return Variety(**{one.name: statistics.fmean(getattr(of, one.name) for of in found) for one in fields(Variety)})


def row(wish: str, way: str, one: Variety) -> str:
    """A line of the table; a Chinese character is as wide as two others."""
    wide = sum(2 if character > "\u2e7f" else 1 for character in wish)
    numbers = f"{one.pixels:9.1f}{one.latents:9.3f}{one.grounds:9.3g}{one.scenes:9.3g}{one.prompts:9.3g}"
    return f"{wish}{' ' * (26 - wide)}{way:13}{numbers}"


def ratios(one: Variety, other: Variety) -> str:
    """How many times as much."""
    return ", ".join(
        f"{of.name} {getattr(one, of.name) / max(1e-9, getattr(other, of.name)):.2f}" for of in fields(Variety)
    )


if __name__ == "__main__":
    main()
