"""`python -m pocket.measure` draws prompts that training never saw and prints, skill by skill, how often the picture is right.

Drawn by stock ZImagePipeline in 8 steps without guidance, judged by pixels (judge/); with `--against-base` also by the base
in 28 steps with guidance, against which the turbo is held. The exit code tells whether the bars are met. It knows nothing of
how Pocket was trained.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel
from PIL import Image
from transformers import AutoTokenizer, PreTrainedTokenizerFast, Qwen3ForCausalLM

from pocket import measure_language, train_vae
from pocket.captions import long_caption, short_caption
from pocket.export import CHECKPOINT
from pocket.judge import Verdict, judge
from pocket.words import LANGUAGES, Language
from pocket.world import SIDE, SKILLS, Pixels, Scene, draw_scene

STEPS = 8
BASE_STEPS, BASE_GUIDANCE = 28, 1.5
AGAINST_BASE = 0.97
"""The part of the base's right pictures that the turbo must draw right too."""
VAE_BAR = 30.0
"""Decibels on held-out scenes."""
LARGE, LARGE_PICTURES, LARGE_BAR_S = 256, 5, 1.5
SHARES: dict[str, int] = {
    "background": 3, "kinds": 3, "counts": 5, "sizes": 1, "places": 4, "latin": 3, "chinese": 3, "styles": 2,
}  # fmt: skip
"""How many of the prompts ask for each skill."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the table: a part of the verdict, over the prompts of some skills (all if none is named), and its bar."""

    name: str
    part: str
    skills: tuple[str, ...] = ()
    bar: float | None = None


ROWS = (
    Row(name="background", part="background", bar=0.99),
    Row(name="kinds", part="kinds", bar=0.95),
    Row(name="counts", part="counts", bar=0.90),
    Row(name="places", part="places", skills=("places",), bar=0.85),
    Row(name="Latin text", part="text", skills=("latin",), bar=0.85),
    Row(name="Chinese text", part="text", skills=("chinese",), bar=0.75),
    Row(name="letters' colour", part="ink", skills=("latin", "chinese")),
    Row(name="sizes", part="size", skills=("sizes",)),
    Row(name="styles", part="style", skills=("styles",)),
    Row(name="everything", part="right"),
)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A held-out scene that needs a skill, the prompt that asks for it, and the seed it is drawn with."""

    skill: str
    scene: Scene
    language: Language
    prompt: str
    seed: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was drawn for a trial, and what the judge says."""

    trial: Trial
    pixels: Pixels
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class Way:
    """How pictures are drawn: forwards, guidance, and how many at a time."""

    steps: int = STEPS
    guidance: float = 0.0
    batch: int = 1

    def __str__(self) -> str:
        return f"{self.steps} steps, guidance {self.guidance:g}, {self.batch} at a time"


def trials(language: Language, count: int, seed: int, *, long: bool = False) -> list[Trial]:
    """At least `count` held-out trials over all skills; `long` asks in the form in which the enhancer writes its final prompt."""
    rng = Random(f"{seed}/measure/{language}/{long}")
    whole = sum(SHARES.values())
    made: list[Trial] = []
    for skill, share in SHARES.items():
        for _ in range(-(-count * share // whole)):
            scene = draw_scene(rng, SKILLS[skill], held_out=True)
            prompt = long_caption(scene, language) if long else short_caption(scene, language, rng)
            made.append(Trial(skill=skill, scene=scene, language=language, prompt=prompt, seed=1000 * seed + len(made)))
    return made


def load(folder: Path) -> ZImagePipeline:
    """The pipeline of a checkpoint's folder; a base's folder says in studio.json where the parts are that it shares."""
    own: dict[str, object] = {}
    whole = folder
    if not (folder / "model_index.json").exists():
        whole = folder / json.loads((folder / "studio.json").read_text(encoding="utf-8"))["shares"]
        own["transformer"] = ZImageTransformer2DModel.from_pretrained(folder / "transformer", local_files_only=True)
        own["scheduler"] = FlowMatchEulerDiscreteScheduler.from_pretrained(folder / "scheduler", local_files_only=True)
    pipeline = ZImagePipeline.from_pretrained(whole, local_files_only=True, **own)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw(
    pipeline: ZImagePipeline, asked: Sequence[Trial], way: Way = Way(), *, width: int = SIDE, height: int = SIDE
) -> tuple[list[Result], float]:
    """Draws and judges trials; the second value is the seconds a picture took to draw."""
    results: list[Result] = []
    seconds = 0.0
    for start in range(0, len(asked), way.batch):
        some = asked[start : start + way.batch]
        began = time.perf_counter()
        images = pipeline(
            [trial.prompt for trial in some],
            width=width,
            height=height,
            num_inference_steps=way.steps,
            guidance_scale=way.guidance,
            generator=[torch.Generator().manual_seed(trial.seed) for trial in some],
        ).images
        seconds += time.perf_counter() - began
        for trial, image in zip(some, images, strict=True):
            pixels = np.asarray(image.convert("RGB"))
            results.append(Result(trial=trial, pixels=pixels, verdict=judge(pixels, trial.scene)))
    return results, seconds / max(1, len(asked))


def scores(results: Sequence[Result], row: Row) -> list[bool]:
    """The row's part of the verdict on every picture that it is about."""
    about = [result for result in results if not row.skills or result.trial.skill in row.skills]
    return [bool(getattr(result.verdict, row.part)) for result in about]


def table(language: Language, results: Sequence[Result]) -> str:
    """The results of one language as lines of text."""
    lines = [f"{language}  skill             right      of    share     bar"]
    for row in ROWS:
        found = scores(results, row)
        share = f"{100 * sum(found) / len(found):.1f} %" if found else "-"
        bar = "" if row.bar is None else f"{100 * row.bar:.0f} %"
        lines.append(f"    {row.name:<15} {sum(found):>7} {len(found):>7} {share:>8} {bar:>7}")
    return "\n".join(lines)


def meets_bars(results: Sequence[Result]) -> bool:
    """Whether every row that has a bar reaches it."""
    rows = [(row.bar, scores(results, row)) for row in ROWS if row.bar is not None]
    return all(sum(found) >= bar * len(found) for bar, found in rows)


def sheet(results: Sequence[Result], file: Path, columns: int = 8) -> None:
    """A contact sheet: a dark frame where the picture is right, a red one where it is not."""
    framed = []
    for result in results:
        good = result.verdict.right
        frame = Image.new(
            "RGB", (result.pixels.shape[1] + 8, result.pixels.shape[0] + 8), (40, 40, 40) if good else "red"
        )
        frame.paste(Image.fromarray(result.pixels), (4, 4))
        framed.append(frame)
    width, height = framed[0].size
    rows = -(-len(framed) // columns)
    whole = Image.new("RGB", (width * columns, height * rows), "white")
    for number, frame in enumerate(framed):
        whole.paste(frame, (number % columns * width, number // columns * height))
    whole.save(file)


def score(results: Sequence[Result]) -> float:
    """The mean share over the rows: one number for a whole table."""
    rows = [found for row in ROWS if (found := scores(results, row))]
    return sum(sum(found) / len(found) for found in rows) / len(rows)


def measured(options: argparse.Namespace, folder: Path, way: Way) -> list[Result]:
    """Draws all trials one way and prints the tables."""
    pipeline = load(folder)
    everything: list[Result] = []
    for language in options.language or LANGUAGES:
        results, seconds = draw(pipeline, trials(language, options.count, options.seed, long=options.long), way)
        print(table(language, results))
        print(f"    {seconds:.2f} s a picture, {options.threads} threads, {way}\n", flush=True)
        for result in results if options.wrong else ():
            if not result.verdict.right:
                missed = ", ".join(name for name, right in result.verdict.by_skill().items() if not right)
                print(f"    {result.trial.prompt!r}: {missed}")
        everything += results
    return everything


def measure_pictures(options: argparse.Namespace) -> bool:
    """Draws, prints the tables and, if asked, keeps a contact sheet; tells whether the bars are met."""
    folder: Path = options.checkpoint
    results = measured(options, folder, Way(steps=options.steps, guidance=options.guidance, batch=options.batch))
    if options.sheet:
        sheet(results, options.sheet)
    languages = options.language or LANGUAGES
    good = all(meets_bars([one for one in results if one.trial.language == language]) for language in languages)
    if options.against_base:
        guided = Way(steps=BASE_STEPS, guidance=BASE_GUIDANCE, batch=options.batch)
        base = score(measured(options, folder.with_name(f"{folder.name}-base"), guided))
        turbo = score(results)
        bar = f"at least {100 * AGAINST_BASE:.0f} % of it"
        print(f"score of the turbo {100 * turbo:.1f} %, of the base {100 * base:.1f} %; wanted is {bar}")
        good = good and turbo >= AGAINST_BASE * base
    return good


def measure_parts(folder: Path) -> bool:
    """The VAE on held-out scenes, and the time of a large picture, whose content nobody asks for; tells whether the bars are met."""
    pipeline = load(folder)
    quality = train_vae.psnr(pipeline.vae)
    asked = trials("en", 1, 1)[:LARGE_PICTURES]
    draw(pipeline, asked[:1], width=LARGE, height=LARGE)
    _, seconds = draw(pipeline, asked, width=LARGE, height=LARGE)
    print(f"VAE on held-out scenes          {quality:.2f} dB    bar {VAE_BAR:.0f} dB")
    print(f"a picture of {LARGE} x {LARGE}, {STEPS} steps  {seconds:.2f} s     bar {LARGE_BAR_S} s")
    print("    (its time only: what is drawn is trained on pictures of a quarter of that)\n", flush=True)
    return quality >= VAE_BAR and seconds <= LARGE_BAR_S


def measure_words(options: argparse.Namespace) -> bool:
    """Asks the language model held-out wishes, greedily; tells whether the bars are met."""
    folder = options.checkpoint
    tokenizer: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
    model = Qwen3ForCausalLM.from_pretrained(folder / "text_encoder", dtype=torch.float32, local_files_only=True)
    good = True
    for language in options.language or LANGUAGES:
        verdicts = measure_language.measure_language(
            model.eval(), tokenizer, language=language, count=options.count, seed=options.seed
        )
        print(measure_language.table(language, verdicts), flush=True)
        for name, verdict in verdicts.items() if options.wrong else ():
            for wish, answer in verdict.wrong:
                print(f"    {name}: {wish!r}: {answer!r}")
        good = measure_language.meets_bars(verdicts) and good
    return good


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m pocket.measure", description="Measures how often Pocket draws what a prompt says."
    )
    made.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    made.add_argument("--count", type=int, default=500, help="prompts a language (default 500)")
    made.add_argument("--seed", type=int, default=7)
    made.add_argument("--threads", type=int, default=2)
    made.add_argument("--batch", type=int, default=1, help="pictures drawn at a time (default 1)")
    made.add_argument("--steps", type=int, default=STEPS, help="forwards a picture (default 8; the base wants 28)")
    made.add_argument("--guidance", type=float, default=0.0, help="guidance (default 0; the base wants some)")
    made.add_argument("--language", choices=LANGUAGES, action="append", help="only this language")
    made.add_argument("--long", action="store_true", help="ask in the form of the enhancer's final prompt")
    only = made.add_mutually_exclusive_group()
    only.add_argument("--language-only", action="store_true", help="measure the language model and draw nothing")
    only.add_argument("--pictures-only", action="store_true", help="draw, and ask the language model nothing")
    made.add_argument("--wrong", action="store_true", help="print what was wrong")
    made.add_argument(
        "--against-base", action="store_true", help="also draw with the base, and hold the turbo against it"
    )
    made.add_argument("--sheet", type=Path, help="also write the pictures as a contact sheet to this PNG file")
    return made


def main() -> None:
    options = parser().parse_args()
    torch.set_num_threads(options.threads)
    good = True
    if not options.language_only:
        good = measure_pictures(options)
        good = measure_parts(options.checkpoint) and good
    if not options.pictures_only:
        good = measure_words(options) and good
    print("the bars are met" if good else "the bars are NOT met")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
