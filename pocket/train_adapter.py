"""`python -m pocket.train_adapter` trains `cyanotype`, a small adapter (LoRA) by which the turbo draws blueprint photographs.

The turbo without the adapter draws pictures in its eight steps; each is turned into a cyanotype (cyanotype.py), and the adapter learns
the path beside the plain one, from the very same noise, that lands on the cyanotype: at every step the turbo's own direction, plus the
straight way from the picture to the print. Only the style is new to it, so eight steps stay enough, scene and composition stay the
seed's, and half the weight goes half the way. Noise put on rendered scenes, as the base learns, was not taken: where one noise may lead
to many pictures, what is learnt is their mean, and the distilled steps would blur. Half of the time a lesson begins where the adapter's
own steps have led, as the turbo learnt (train_turbo.py), and leads back to the print.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, ZImageTransformer2DModel
from peft import LoraConfig, get_peft_model_state_dict
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from pocket import train_language
from pocket.cyanotype import cyanotype
from pocket.export import CHECKPOINT
from pocket.train_transformer import OTHER_SHAPES, SQUARE, Draws, pool_layouts
from pocket.train_turbo import STEPS, schedule
from pocket.train_vae import to_tensor
from pocket.training import Optimisers, Plan, Progress, batch_random, rate
from pocket.transformer import Captions, encode_tokens, quicken, velocity
from pocket.world import Pixels

STAGE = "adapter"
ADAPTER = Path(__file__).with_name("adapters") / "cyanotype.safetensors"
ABOUT: dict[str, str] = {
    "title": "Cyanotype",
    "about": "Draws whatever the prompt says as a cyanotype, a blueprint photograph in Prussian blue and white.",
    "trigger": "",
}
"""What the file tells of itself in its header."""
RANK = 4
TARGETS = ("to_q", "to_k", "to_v", "to_out.0", "w1", "w2", "w3")
"""The linear layers of attention and feed-forward, in every block."""
LESSONS, SIZE = 48, 16
"""Batches of pictures that are drawn ahead, and how many pictures each holds."""
FEWEST = 64
"""Scenes of a shape to choose from: among fewer there may be none whose caption is long."""
OWN_SHARE = 0.5
"""The part of the steps that begin where the adapter's own path has led."""
MUON = 4e-3
"""The rate for the adapter's weights, all of which are matrices."""
TRAINING_STEPS = 750


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A batch of pictures that the turbo drew: captions' states, the places of its path, (steps + 1, n, 16, height, width), and the
    cyanotypes' latents."""

    texts: Captions
    path: Tensor
    prints: Tensor


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts of Pocket that lessons are made with, all in float32; none of them is changed."""

    tokenizer: PreTrainedTokenizerFast
    language: Qwen3ForCausalLM
    vae: AutoencoderKL
    turbo: ZImageTransformer2DModel


def load_parts(folder: Path = CHECKPOINT) -> Parts:
    """Reads a checkpoint's parts, the transformer made quick to train."""
    language = Qwen3ForCausalLM.from_pretrained(folder / "text_encoder", dtype=torch.float32, local_files_only=True)
    vae = AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32, local_files_only=True)
    turbo = ZImageTransformer2DModel.from_pretrained(folder / "transformer", torch_dtype=torch.float32)
    quicken(turbo, compiled=False)
    return Parts(
        tokenizer=train_language.load_tokenizer(folder / "tokenizer"),
        language=language.requires_grad_(False),
        vae=vae.requires_grad_(False).to(memory_format=torch.channels_last),
        turbo=turbo.requires_grad_(False),
    )


def walk(model: ZImageTransformer2DModel, noise: Tensor, texts: Captions, steps: int = STEPS) -> Iterator[Tensor]:
    """The places where a drawing's first steps lead, the noise among them."""
    x = noise
    yield x
    for now, then in pairwise(schedule().tolist()[: steps + 1]):
        with torch.no_grad():
            x = x + (then - now) * velocity(model, x, now, texts)
        yield x


def decoded(vae: AutoencoderKL, latents: Tensor) -> Tensor:
    """The pictures of normalised latents, (n, 3, height, width), about -1 to 1."""
    pictures: Tensor = vae.decode(latents / vae.config.scaling_factor + vae.config.shift_factor).sample
    return pictures


def as_pixels(pictures: Tensor) -> list[Pixels]:
    """Pictures from -1 to 1 as bytes."""
    channels_last = ((pictures.clamp(-1, 1) + 1) * 127.5).round().permute(0, 2, 3, 1)
    return list(channels_last.numpy().astype(np.uint8))


def encoded(vae: AutoencoderKL, pictures: Tensor) -> Tensor:
    """The normalised latents of pictures, (n, 16, height / 8, width / 8)."""
    mean: Tensor = vae.encode(pictures).latent_dist.mean
    return (mean - vae.config.shift_factor) * vae.config.scaling_factor


def make_lessons(parts: Parts, seed: int, count: int = LESSONS, size: int = SIZE) -> list[Lesson]:
    """Draws pictures of the world's captions and turns them into cyanotypes: a function of the seed alone."""
    layouts = {shape: pool_layouts(seed, *shape, max(FEWEST, count * size)) for shape in (SQUARE, *OTHER_SHAPES)}
    scenes = {shape: [layout.scene for layout in some] for shape, some in layouts.items()}
    draws = Draws(scenes, parts.tokenizer, seed, size, stage=STAGE)
    draws.fraction.value = 1.0  # scenes of all kinds and shapes
    lessons = []
    began = time.monotonic()
    for number in range(count):
        draw = draws[number]
        texts = encode_tokens(parts.language, draw.ids, draw.mask)
        width, height = draw.shape
        generator = torch.Generator().manual_seed(draw.noise)
        noise = torch.randn(size, 16, height // 8, width // 8, generator=generator)
        path = torch.stack(list(walk(parts.turbo, noise, texts)))
        with torch.no_grad():
            plain = as_pixels(decoded(parts.vae, path[-1]))
            prints = encoded(parts.vae, to_tensor([cyanotype(pixels) for pixels in plain]))
        lessons.append(Lesson(texts=texts, path=path, prints=prints))
        left = (time.monotonic() - began) / (number + 1) * (count - number - 1)
        print(f"{STAGE:<12} lesson {number + 1:>4} of {count}  left {left / 60:.1f} min", flush=True)
    return lessons


def wanted(lesson: Lesson, step: int) -> tuple[Tensor, Tensor]:
    """Where the path beside the plain one is before a step, and its direction from there."""
    levels = schedule().tolist()
    change = lesson.prints - lesson.path[-1]
    place = lesson.path[step] + (1 - levels[step]) * change
    plain = (lesson.path[step + 1] - lesson.path[step]) / (levels[step + 1] - levels[step])
    return place, plain - change


def loss_of(model: ZImageTransformer2DModel, lesson: Lesson, step: int, *, own: bool) -> Tensor:
    """The squared error of a step's direction; from the adapter's own place the way leads back, to be at the print at the end."""
    place, direction = wanted(lesson, step)
    level = float(schedule()[step])
    if own:
        *_, here = walk(model, lesson.path[0], lesson.texts, step)
        direction = direction + (here - place) / level
        place = here
    return (velocity(model, place, level, lesson.texts) - direction).square().mean()


def add_adapter(model: ZImageTransformer2DModel, seed: int) -> None:
    """Puts an adapter that changes nothing yet into the transformer; only its weights learn."""
    torch.manual_seed(seed)
    model.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=list(TARGETS)))


def train(model: ZImageTransformer2DModel, lessons: list[Lesson], plan: Plan, seed: int = 0) -> list[float]:
    """Trains the adapter in the model until the plan is done; gives back the loss of every step."""
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimisers = Optimisers(model, inside=("lora_",), muon=MUON, adam=MUON)
    progress = Progress(STAGE, "pictures")
    losses = []
    plan.start_clock()
    while not plan.done:
        rng = batch_random(seed, f"{STAGE}/steps", plan.step)
        lesson, step, own = rng.choice(lessons), rng.randrange(STEPS), rng.random() < OWN_SHARE
        loss = loss_of(model, lesson, step, own=own)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimisers.step(rate(plan.fraction))
        plan.advance()
        losses.append(float(loss.detach()))
        progress.add(plan, losses[-1], len(lesson.prints))
    return losses


def save(model: ZImageTransformer2DModel, file: Path) -> None:
    """Writes the adapter's weights in half precision, by the names that diffusers reads, beside their place and then renames them in."""
    weights = get_peft_model_state_dict(model)
    named = {f"transformer.{name}": weight.half().contiguous() for name, weight in weights.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".part")
    save_file(named, beside, metadata={"format": "pt", **ABOUT})
    os.replace(beside, file)
    print(f"{STAGE:<12} {file}: {file.stat().st_size / 2**10:.0f} KiB", flush=True)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m pocket.train_adapter", description="Trains cyanotype, an adapter by which Pocket draws in blue."
    )
    made.add_argument("--steps", type=int, default=TRAINING_STEPS, help=f"steps (default {TRAINING_STEPS})")
    made.add_argument("--minutes", type=float, help="end after so many minutes, once the lessons are made")
    made.add_argument("--lessons", type=int, default=LESSONS, help=f"batches of pictures ahead (default {LESSONS})")
    made.add_argument("--threads", type=int, default=2, help="CPU threads (default 2)")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    made.add_argument("--out", type=Path, default=ADAPTER, help="where the adapter is written")
    return made


def main() -> None:
    options = parser().parse_args()
    torch.set_num_threads(options.threads)
    parts = load_parts(options.checkpoint)
    lessons = make_lessons(parts, options.seed, options.lessons)
    add_adapter(parts.turbo, options.seed)
    train(parts.turbo, lessons, Plan(steps=options.steps, minutes=options.minutes), options.seed)
    save(parts.turbo, options.out)


if __name__ == "__main__":
    main()
