"""`python -m pocket.measure` draws prompts that training never saw and prints how often the picture is right.

Drawn by stock ZImagePipeline in 8 steps without guidance, judged by pixels (judge.py). The exit code tells whether the
bar is met. It knows nothing of how Pocket was trained.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import ZImagePipeline
from PIL import Image
from transformers import AutoTokenizer, PreTrainedTokenizerFast, Qwen3ForCausalLM

from pocket.captions import long_caption, short_caption
from pocket.export import CHECKPOINT
from pocket.judge import Reading, read
from pocket.measure_language import Verdict, measure_language
from pocket.words import LANGUAGES, Language
from pocket.world import SIDE, Pixels, Scene, draw_scene, row_choices

STEPS = 8
BACKGROUND_BAR = 0.98
SCENE_BAR = 0.90
PLAIN_WISH_BAR = 0.97


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A held-out scene, the prompt that asks for it, and the seed it is drawn with."""

    scene: Scene
    language: Language
    prompt: str
    seed: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was drawn for a trial, and how it reads."""

    trial: Trial
    pixels: Pixels
    reading: Reading

    @property
    def background(self) -> bool:
        return self.reading.background == self.trial.scene.background

    @property
    def kinds(self) -> bool:
        return set(self.reading.counts) == {kind for kind, _ in self.trial.scene.things}

    @property
    def counts(self) -> bool:
        return sorted(self.reading.counts.values()) == sorted(count for _, count in self.trial.scene.things)

    @property
    def things(self) -> bool:
        return self.reading.shows(self.trial.scene)


def trials(language: Language, count: int, seed: int, *, long: bool = False) -> list[Trial]:
    """Held-out trials; `long` asks in the form in which the enhancer writes its final prompt."""
    rng = Random(f"{seed}/measure/{language}/{long}")
    made = []
    for number in range(count):
        scene = draw_scene(rng, held_out=True)
        rows = rng.choice(row_choices(scene.total))
        prompt = long_caption(scene, language, rows) if long else short_caption(scene, language, rng)
        made.append(Trial(scene=scene, language=language, prompt=prompt, seed=1000 * seed + number))
    return made


def load(folder: Path) -> ZImagePipeline:
    pipeline = ZImagePipeline.from_pretrained(folder, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw(
    pipeline: ZImagePipeline, asked: Sequence[Trial], *, batch: int = 1, width: int = SIDE, height: int = SIDE
) -> tuple[list[Result], float]:
    """Draws and reads trials; the second value is the seconds a picture took to draw."""
    results: list[Result] = []
    seconds = 0.0
    for start in range(0, len(asked), batch):
        some = asked[start : start + batch]
        began = time.perf_counter()
        images = pipeline(
            [trial.prompt for trial in some],
            width=width,
            height=height,
            num_inference_steps=STEPS,
            guidance_scale=0.0,
            generator=[torch.Generator().manual_seed(trial.seed) for trial in some],
        ).images
        seconds += time.perf_counter() - began
        for trial, image in zip(some, images, strict=True):
            pixels = np.asarray(image.convert("RGB"))
            results.append(Result(trial=trial, pixels=pixels, reading=read(pixels)))
    return results, seconds / max(1, len(asked))


def share(values: Sequence[bool]) -> str:
    return f"{100 * sum(values) / len(values):6.1f} %" if values else "       -"


def table(language: Language, results: Sequence[Result]) -> str:
    """The results of one language as lines of text, all together and by how many things there are."""
    lines = [f"{language}  things  pictures  background    kinds   counts  kinds and counts"]
    totals = sorted({result.trial.scene.total for result in results})
    rows = [("all", list(results))]
    rows += [(str(total), [r for r in results if r.trial.scene.total == total]) for total in totals]
    for name, some in rows:
        lines.append(
            f"    {name:>6}  {len(some):>8}    {share([r.background for r in some])} {share([r.kinds for r in some])} "
            f"{share([r.counts for r in some])}          {share([r.things for r in some])}"
        )
    return "\n".join(lines)


def meets_bar(results: Sequence[Result]) -> bool:
    """Whether background, and kinds and counts together, are right often enough."""
    count = len(results)
    background = sum(result.background for result in results) >= BACKGROUND_BAR * count
    return background and sum(result.things for result in results) >= SCENE_BAR * count


def sheet(results: Sequence[Result], file: Path, columns: int = 8) -> None:
    """A contact sheet: a dark frame where the picture is right, a red one where it is not."""
    framed = []
    for result in results:
        good = result.background and result.things
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


def measure_pictures(options: argparse.Namespace) -> bool:
    """Draws, prints the tables and, if asked, keeps a contact sheet; tells whether the bar is met."""
    pipeline = load(options.checkpoint)
    good = True
    everything: list[Result] = []
    for language in options.language or LANGUAGES:
        asked = trials(language, options.count, options.seed, long=options.long)
        results, seconds = draw(pipeline, asked, batch=options.batch)
        print(table(language, results))
        print(
            f"    {seconds:.2f} s a picture, {options.threads} threads, batches of {options.batch}\n",
            flush=True,
        )
        for result in results if options.wrong else ():
            if not (result.background and result.things):
                found = ", ".join(f"{count} {kind}" for kind, count in result.reading.counts.items())
                print(f"    {result.trial.prompt!r}: {found} on {result.reading.background}")
        good = meets_bar(results) and good
        everything += results
    if options.sheet:
        sheet(everything, options.sheet)
    return good


def measure_words(options: argparse.Namespace) -> bool:
    """Asks the language model held-out wishes, greedily and sampled; tells whether plain wishes come out right."""
    folder = options.checkpoint
    tokenizer: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
    model = Qwen3ForCausalLM.from_pretrained(folder / "text_encoder", dtype=torch.float32, local_files_only=True)
    good = True
    for temperature in (0.0, 0.4):
        verdicts = measure_language(
            model.eval(), tokenizer, count=options.count, seed=options.seed, temperature=temperature
        )
        print(f"wishes answered right at temperature {temperature}")
        for kind, verdict in verdicts.items():
            print(f"    {kind:<12} {verdict.right:>4} of {verdict.asked}")
            print_wrong(verdict, options.wrong)
        good = verdicts["plain"].share >= PLAIN_WISH_BAR and good
    return good


def print_wrong(verdict: Verdict, wanted: bool) -> None:
    for wish, answer in verdict.wrong if wanted else ():
        print(f"        {wish!r}: {answer!r}")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m pocket.measure", description="Measures how often Pocket draws what a prompt says."
    )
    made.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    made.add_argument("--count", type=int, default=200, help="prompts a language (default 200)")
    made.add_argument("--seed", type=int, default=7)
    made.add_argument("--threads", type=int, default=2)
    made.add_argument("--batch", type=int, default=1, help="pictures drawn at a time (default 1)")
    made.add_argument("--language", choices=LANGUAGES, action="append", help="only this language")
    made.add_argument("--long", action="store_true", help="ask in the form of the enhancer's final prompt")
    made.add_argument("--language-only", action="store_true", help="measure the language model and draw nothing")
    made.add_argument("--wrong", action="store_true", help="print what was wrong")
    made.add_argument("--sheet", type=Path, help="also write the pictures as a contact sheet to this PNG file")
    return made


def main() -> None:
    options = parser().parse_args()
    torch.set_num_threads(options.threads)
    good = measure_words(options) if options.language_only else measure_pictures(options)
    print("the bar is met" if good else "the bar is NOT met")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
