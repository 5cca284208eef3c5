"""`python -m pocket.measure_adapter` draws prompts that training never saw with the adapter at three weights and prints how inky they are.

For each weight: how much colour is left, and how far the light of the pictures follows that of ink drawings made of the plain pictures
of the same seeds (ink.py), beside how far it follows other prompts' drawings. Drawn by stock ZImagePipeline. The judge is not asked: it
knows the world's own colours only. The exit code tells whether the bars are met.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import ZImagePipeline
from PIL import Image

from pocket.export import CHECKPOINT
from pocket.ink import ink, luminance
from pocket.measure import Trial, Way, draw, load, trials
from pocket.train_adapter import ADAPTER
from pocket.words import LANGUAGES
from pocket.world import Pixels

NAME = "ink"
WEIGHTS = (0.0, 0.5, 1.0)
EIGHT_STEPS = Way()
COLOUR_BAR, LIKENESS_BAR = 0.4, 0.5
"""At weight 1: the most colour, as a part of the plain pictures', and the least likeness to their ink drawings."""


@dataclass(frozen=True, kw_only=True)
class Inked:
    """What pictures of one weight are: how colourful, how like the plain pictures' ink drawings, and how like those of others."""

    colour: float
    likeness: float
    others: float


def colour(pixels: Pixels) -> float:
    """How colourful a picture is, 0 to 1: the mean difference between a pixel's strongest and weakest channel."""
    return float((pixels.max(axis=2).astype(float) - pixels.min(axis=2)).mean() / 255)


def likeness(one: Pixels, other: Pixels) -> float:
    """How far the light of two pictures of one size goes together, -1 to 1; 0 where one of them is of one tone."""
    first, second = (luminance(pixels) - luminance(pixels).mean() for pixels in (one, other))
    size = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / size if size else 0.0


def at_weights(
    pipeline: ZImagePipeline, asked: Sequence[Trial], way: Way = EIGHT_STEPS, weights: Sequence[float] = WEIGHTS
) -> dict[float, list[Pixels]]:
    """The pictures of trials at each weight of an adapter that the pipeline has loaded by the name `ink`."""
    drawn = {}
    for weight in weights:
        pipeline.set_adapters(NAME, weight)
        drawn[weight] = [result.pixels for result in draw(pipeline, asked, way)[0]]
    return drawn


def inked(pictures: Sequence[Pixels], plain: Sequence[Pixels]) -> Inked:
    """Holds pictures against the plain ones of the same prompts and seeds, which lie in the same order."""
    drawings = [ink(pixels) for pixels in plain]
    others = [*drawings[1:], drawings[0]]
    return Inked(
        colour=float(np.mean([colour(pixels) for pixels in pictures])),
        likeness=float(np.mean([likeness(*pair) for pair in zip(pictures, drawings, strict=True)])),
        others=float(np.mean([likeness(*pair) for pair in zip(pictures, others, strict=True)])),
    )


def table(found: dict[float, Inked]) -> str:
    """What was found at each weight, as lines of text."""
    lines = ["weight   colour   like the ink drawing   like another's"]
    lines += [f"{w:>6.2g} {one.colour:>8.3f} {one.likeness:>22.2f} {one.others:>16.2f}" for w, one in found.items()]
    return "\n".join(lines)


def meets_bars(found: dict[float, Inked]) -> bool:
    """Whether the full weight takes the colour away and keeps the scene."""
    full = found[1.0]
    return full.colour <= COLOUR_BAR * found[0.0].colour and full.likeness >= LIKENESS_BAR


def sheet(drawn: dict[float, list[Pixels]], file: Path, columns: int = 2) -> None:
    """A contact sheet: each prompt's pictures side by side, by rising weight."""
    each = [np.concatenate(row, axis=1) for row in zip(*drawn.values(), strict=True)]
    each += [np.zeros_like(each[0])] * (-len(each) % columns)
    rows = [np.concatenate(each[start : start + columns], axis=1) for start in range(0, len(each), columns)]
    Image.fromarray(np.concatenate(rows)).save(file)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m pocket.measure_adapter", description="Measures how inky Pocket draws with its adapter."
    )
    made.add_argument("--adapter", type=Path, default=ADAPTER)
    made.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    made.add_argument("--count", type=int, default=24, help="prompts a language (default 24)")
    made.add_argument("--seed", type=int, default=7)
    made.add_argument("--threads", type=int, default=2)
    made.add_argument("--batch", type=int, default=8, help="pictures drawn at a time (default 8)")
    made.add_argument("--steps", type=int, default=EIGHT_STEPS.steps, help="forwards a picture (default 8)")
    made.add_argument("--guidance", type=float, default=0.0, help="guidance (default 0; the base wants some)")
    made.add_argument("--sheet", type=Path, help="also write the pictures as a contact sheet to this PNG file")
    return made


def main() -> None:
    options = parser().parse_args()
    torch.set_num_threads(options.threads)
    pipeline = load(options.checkpoint)
    pipeline.load_lora_weights(options.adapter, adapter_name=NAME)
    asked = [trial for language in LANGUAGES for trial in trials(language, options.count, options.seed)]
    drawn = at_weights(pipeline, asked, Way(steps=options.steps, guidance=options.guidance, batch=options.batch))
    found = {weight: inked(pictures, drawn[0.0]) for weight, pictures in drawn.items()}
    print(table(found))
    if options.sheet:
        sheet(drawn, options.sheet)
    good = meets_bars(found)
    print("the bars are met" if good else "the bars are NOT met")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
