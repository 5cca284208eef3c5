"""`python -m pocket.measure_adapter` draws prompts that training never saw with the adapter at three weights and prints how blue they are.

For each weight: how far the pictures are from the cyanotypes (cyanotype.py) of the plain pictures of the same seeds, how far their
colours are from the ramp, and how far their light goes with the plain pictures', beside how far it goes with other prompts'. Drawn by
stock ZImagePipeline. The judge is not asked: it knows the world's own colours only. The exit code tells whether the bars are met.
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

from pocket.cyanotype import cyanotype, luminance, on_ramp
from pocket.export import CHECKPOINT
from pocket.measure import Trial, Way, draw, load, trials
from pocket.train_adapter import ADAPTER
from pocket.words import LANGUAGES
from pocket.world import Pixels

NAME = "cyanotype"
WEIGHTS = (0.0, 0.5, 1.0)
EIGHT_STEPS = Way()
DISTANCE_BAR, RAMP_BAR, LIKENESS_BAR = 0.05, 0.04, 0.85
"""At weight 1: the largest distances, as a part of 255, and the least likeness to the plain pictures."""
HALF_WAY = 0.3, 0.7
"""At weight 0.5: the least and the largest distance to the cyanotype, as a part of the plain picture's."""


@dataclass(frozen=True, kw_only=True)
class Printed:
    """What pictures of one weight are: how far from the plain ones' cyanotypes and from the ramp, how like the plain ones and others."""

    distance: float
    off_ramp: float
    likeness: float
    others: float


def distance(one: Pixels, other: Pixels) -> float:
    """How different two pictures of one size are, 0 to 1: the mean over pixels and channels."""
    return float(np.abs(one.astype(float) - other).mean() / 255)


def off_ramp(pixels: Pixels) -> float:
    """How far a picture's colours are from those of the ramp, 0 to 1: the mean distance to the nearest, over pixels and channels."""
    ramp = on_ramp(np.linspace(0, 1, 65))
    nearest = np.abs(pixels[:, :, None].astype(float) - ramp).mean(axis=3).min(axis=2)
    return float(nearest.mean() / 255)


def likeness(one: Pixels, other: Pixels) -> float:
    """How far the light of two pictures of one size goes together, -1 to 1; 0 where one of them is of one tone."""
    first, second = (luminance(pixels) - luminance(pixels).mean() for pixels in (one, other))
    size = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / size if size else 0.0


def at_weights(
    pipeline: ZImagePipeline, asked: Sequence[Trial], way: Way = EIGHT_STEPS, weights: Sequence[float] = WEIGHTS
) -> dict[float, list[Pixels]]:
    """The pictures of trials at each weight of an adapter that the pipeline has loaded by the name `cyanotype`."""
    drawn = {}
    for weight in weights:
        pipeline.set_adapters(NAME, weight)
        drawn[weight] = [result.pixels for result in draw(pipeline, asked, way)[0]]
    return drawn


def printed(pictures: Sequence[Pixels], plain: Sequence[Pixels]) -> Printed:
    """Holds pictures against the plain ones of the same prompts and seeds, which lie in the same order."""
    others = [*plain[1:], plain[0]]
    return Printed(
        distance=float(np.mean([distance(one, cyanotype(own)) for one, own in zip(pictures, plain, strict=True)])),
        off_ramp=float(np.mean([off_ramp(one) for one in pictures])),
        likeness=float(np.mean([likeness(*pair) for pair in zip(pictures, plain, strict=True)])),
        others=float(np.mean([likeness(*pair) for pair in zip(pictures, others, strict=True)])),
    )


def table(found: dict[float, Printed]) -> str:
    """What was found at each weight, as lines of text."""
    lines = ["weight   from the cyanotype   off the ramp   like the plain picture   like another"]
    lines += [
        f"{w:>6.2g} {one.distance:>20.3f} {one.off_ramp:>14.3f} {one.likeness:>24.2f} {one.others:>14.2f}"
        for w, one in found.items()
    ]
    return "\n".join(lines)


def meets_bars(found: dict[float, Printed]) -> bool:
    """Whether the full weight makes cyanotypes of the same scenes, and half of it goes half the way."""
    plain, half, full = (found[weight] for weight in WEIGHTS)
    blue = full.distance <= DISTANCE_BAR and full.off_ramp <= RAMP_BAR
    between = HALF_WAY[0] <= half.distance / plain.distance <= HALF_WAY[1]
    return blue and between and full.likeness >= LIKENESS_BAR


def sheet(drawn: dict[float, list[Pixels]], file: Path, columns: int = 2) -> None:
    """A contact sheet: each prompt's pictures side by side, by rising weight."""
    each = [np.concatenate(row, axis=1) for row in zip(*drawn.values(), strict=True)]
    each += [np.zeros_like(each[0])] * (-len(each) % columns)
    rows = [np.concatenate(each[start : start + columns], axis=1) for start in range(0, len(each), columns)]
    Image.fromarray(np.concatenate(rows)).save(file)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m pocket.measure_adapter",
        description="Measures how well Pocket draws blueprints with its adapter.",
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
    found = {weight: printed(pictures, drawn[0.0]) for weight, pictures in drawn.items()}
    print(table(found))
    if options.sheet:
        sheet(drawn, options.sheet)
    good = meets_bars(found)
    print("the bars are met" if good else "the bars are NOT met")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
