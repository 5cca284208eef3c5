"""Trains Pocket's base transformer by flow matching, on latents made once and captions drawn anew for every batch.

x_t = (1 - t) x0 + t n; the model is told 1 - t and predicts x0 - n, as Z-Image's pipeline expects; t is logit-normal,
shifted by 3 like the scheduler's steps. Some captions are dropped, so that guidance works. The language model and the
VAE stand still.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from diffusers import AutoencoderKL, ZImageTransformer2DModel
from torch import Tensor, multiprocessing
from torch.utils.data import DataLoader, Dataset
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from pocket import begin, train_language, train_vae
from pocket.captions import caption
from pocket.naming import PLACE, Naming, names_of, without_naming
from pocket.train_vae import to_tensor
from pocket.training import (
    Average,
    Keeper,
    Optimisers,
    Plan,
    Progress,
    Together,
    autocast,
    batch_random,
    device,
    load_state,
    rate,
    save_state,
)
from pocket.transformer import (
    Captions,
    WhitenedLinear,
    encode_tokens,
    length,
    new_transformer,
    quicken,
    tokenise,
    velocity,
    whiten,
)
from pocket.words import Language
from pocket.world import EVERYTHING, SHAPES, SIDE, Layout, Scene, band_top, draw_scene, lay_out, render

STAGE = "transformer"
BATCH = 64
"""Pictures a step, of each process: fewer would leave much of its time to Muon."""
ROOM = 32
"""Tokens to which the transformer pads captions: a batch's captions all fit into one such room, or none does."""
LONG_SHARE = 0.09
"""The part of the batches whose captions are longer than a room, as large as the part of such captions."""
SHIFT = 3.0
SQUARE = (SIDE, SIDE)
OTHER_SHAPES = tuple(shape for shape in SHAPES.values() if shape != SQUARE)
OTHER_SHARE = 0.15
OTHER_FROM = 0.5
"""Other shapes than the square come in from this part of the training on."""
SIMPLE_UNTIL = 0.2
"""Until this part of the training scenes that have more to them than kinds, counts and a plain background come in by and by."""
DROPPED = 0.08
"""How often a caption is left empty: what guidance pushes away from."""
ZH_SHARE = 0.55
"""Chinese captions are the harder half: more forms, and states in which colours differ less."""
WHITENING_BATCHES = 40
NAMING = 0.15
"""The weight of the second task, telling what stands where."""
LETTERS_WEIGHT = 3.0
"""How much more an error counts where letters stand: they are small, and one wrong stroke makes another letter."""
MUON, ADAM = 2e-3, 1e-3
POOL = 36864
OTHER_POOL = 1024


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Layouts of one picture shape and their latents, (n, 16, height / 8, width / 8), normalised as in the pipeline."""

    layouts: list[Layout]
    latents: Tensor


def pool_layouts(seed: int, width: int, height: int, count: int) -> list[Layout]:
    """The layouts of a seed and shape; all of the training's side."""
    rng = Random(f"{seed}/pool/{width}x{height}")
    scenes = (draw_scene(rng, EVERYTHING, width=width, height=height) for _ in range(count))
    return [lay_out(scene, rng, width, height) for scene in scenes]


def encode_layouts(vae: AutoencoderKL, layouts: list[Layout], where: torch.device) -> Tensor:
    """The normalised latents of layouts of one shape, in bf16."""
    with torch.no_grad():
        parts = []
        for start in range(0, len(layouts), 32):
            pictures = to_tensor([render(layout) for layout in layouts[start : start + 32]]).to(where)
            with autocast(where):
                mean = vae.encode(pictures).latent_dist.mean.float()
            parts.append(((mean - vae.config.shift_factor) * vae.config.scaling_factor).bfloat16().cpu())
            if start % 4096 == 0:
                print(f"{STAGE:<12} encoded {start} of {len(layouts)} scenes", flush=True)
        return torch.cat(parts)


def make_pools(state: Path, seed: int, where: torch.device, scale: float = 1.0) -> dict[tuple[int, int], Pool]:
    """The latents of all shapes, read from the state where the same layouts were encoded before."""
    path = state / "latents.pt"
    counts = {shape: int(scale * (POOL if shape == SQUARE else OTHER_POOL)) for shape in (SQUARE, *OTHER_SHAPES)}
    layouts = {shape: pool_layouts(seed, *shape, count) for shape, count in counts.items()}
    drawn = {f"{w}x{h}": hashlib.sha256(repr(some).encode()).hexdigest() for (w, h), some in layouts.items()}
    saved = load_state(path)
    if saved is None or saved.get("layouts") != drawn:
        vae = AutoencoderKL.from_pretrained(train_vae.folder(state)).to(where, memory_format=torch.channels_last)
        saved = {"layouts": drawn} | {f"{w}x{h}": encode_layouts(vae, layouts[w, h], where) for w, h in counts}
        save_state(path, saved)
    return {(w, h): Pool(layouts=layouts[w, h], latents=saved[f"{w}x{h}"]) for w, h in counts}


def draw_times(count: int, rng: Random) -> Tensor:
    """Times of noise, (count,): logit-normal and shifted, one from each of `count` equal slices, in random order."""
    slices = (torch.arange(count) + torch.tensor([rng.random() for _ in range(count)])) / count
    normal = math.sqrt(2) * torch.erfinv((2 * slices - 1).clamp(-0.99999, 0.99999))
    times = torch.sigmoid(normal)
    times = SHIFT * times / (1 + (SHIFT - 1) * times)
    order = list(range(count))
    rng.shuffle(order)
    return times[order]


def flow_loss(
    model: ZImageTransformer2DModel,
    latents: Tensor,
    texts: Captions,
    times: Tensor,
    noise: Tensor,
    weights: Tensor | float = 1.0,
) -> Tensor:
    """The squared error of the predicted direction n - x0; `latents` and `noise` (n, 16, height, width), `weights` spread over them."""
    t = times.view(-1, 1, 1, 1)
    predicted = velocity(model, (1 - t) * latents + t * noise, times, texts)
    return (weights * (predicted - (noise - latents)).square()).mean()


def letters_weights(shape: tuple[int, int], lettered: Tensor) -> Tensor:
    """What errors count in pictures of a shape, (n, 1, height / 8, 1): more in the letters' band where the caption tells of words.

    The caption and the shape alone decide it, so what is learnt stays the mean of what the caption leaves open.
    """
    width, height = shape
    weights = torch.ones(len(lettered), 1, height // 8, 1)
    weights[lettered, :, (band_top(width, height) // PLACE) * PLACE // 8 :] = LETTERS_WEIGHT
    return weights


def is_simple(scene: Scene) -> bool:
    """Whether a scene has nothing to it but kinds, counts and a plain background."""
    told = (scene.rows, scene.place, scene.relation, scene.text)
    return not any(told) and (scene.size, scene.style, scene.background.pattern) == ("usual", "flat", "plain")


def draw_caption(scene: Scene, rng: Random) -> str:
    """A caption of a scene in either language, or none."""
    language: Language = "zh" if rng.random() < ZH_SHARE else "en"
    return "" if rng.random() < DROPPED else caption(scene, language, rng)


@dataclass(frozen=True, kw_only=True)
class Draw:
    """What a step learns from: scenes of one shape, by their places in its pool, their captions' tokens, which of these tell of
    words, (n,), times and a source of noise."""

    shape: tuple[int, int]
    chosen: list[int]
    lettered: Tensor
    ids: Tensor
    mask: Tensor
    times: Tensor
    noise: int


class Draws(Dataset[Draw]):  # type: ignore[misc]  # torch is not typed here
    """The draw of every step: a function of seed, rank, step and how far the training has come. So workers may draw ahead."""

    def __init__(
        self,
        scenes: dict[tuple[int, int], list[Scene]],
        tokenizer: PreTrainedTokenizerFast,
        seed: int,
        size: int,
        *,
        stage: str = STAGE,
        rank: int = 0,
    ) -> None:
        self.scenes, self.tokenizer, self.seed, self.size = scenes, tokenizer, seed, size
        self.source = f"{stage}/{rank}" if rank else stage
        self.fraction = multiprocessing.get_context("spawn").Value("d", 0.0)

    def __getitem__(self, step: int) -> Draw:
        rng, fraction = batch_random(self.seed, self.source, step), self.fraction.value
        other = rng.random() < OTHER_SHARE and fraction >= OTHER_FROM
        shape = rng.choice(OTHER_SHAPES) if other else SQUARE
        scenes = self.scenes[shape]
        chosen, captions = self.choose(scenes, rng, fraction)
        lettered = [bool(text and scenes[index].text) for index, text in zip(chosen, captions, strict=True)]
        ids, mask = tokenise(self.tokenizer, captions)
        times = draw_times(self.size, rng)
        return Draw(
            shape=shape,
            chosen=chosen,
            lettered=torch.tensor(lettered),
            ids=ids,
            mask=mask,
            times=times,
            noise=rng.randrange(2**62),
        )

    def choose(self, scenes: list[Scene], rng: Random, fraction: float) -> tuple[list[int], list[str]]:
        """Places of scenes and their captions, all of which fit into a room of tokens, or none."""
        long = rng.random() < LONG_SHARE and fraction >= SIMPLE_UNTIL
        chosen: list[int] = []
        captions: list[str] = []
        while len(chosen) < self.size:
            index = rng.randrange(len(scenes))
            later = rng.random() >= 0.1 + fraction / SIMPLE_UNTIL
            if later and not is_simple(scenes[index]):
                continue
            text = draw_caption(scenes[index], rng)
            if (length(self.tokenizer, text) > ROOM) == long:
                chosen.append(index)
                captions.append(text)
        return chosen, captions

    def ahead(self, first: int, workers: int) -> DataLoader[Draw]:
        """The draws of the steps from `first` on, made by so many processes; by this one if none."""
        start = "spawn" if workers else None
        return DataLoader(
            self, batch_size=None, sampler=range(first, 2**40), num_workers=workers, multiprocessing_context=start
        )


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A draw as tensors on the device: latents, the names of what stands where, captions' states, times of noise and noise, and
    what errors count."""

    latents: Tensor
    names: Tensor
    texts: Captions
    times: Tensor
    noise: Tensor
    weights: Tensor


class Teacher:
    """Makes lessons of draws: it holds the latents and the language model, which stands still."""

    def __init__(self, pools: dict[tuple[int, int], Pool], language: Qwen3ForCausalLM) -> None:
        self.language = language.requires_grad_(False)
        self.latents = {shape: pool.latents.to(language.device) for shape, pool in pools.items()}
        self.names = {
            shape: torch.stack([names_of(layout) for layout in pool.layouts]).to(language.device)
            for shape, pool in pools.items()
        }

    def lesson(self, draw: Draw) -> Lesson:
        where = self.language.device
        chosen = torch.tensor(draw.chosen, device=where)
        latents = self.latents[draw.shape][chosen].float()
        generator = torch.Generator(where).manual_seed(draw.noise)
        with autocast(where):
            texts = encode_tokens(self.language, draw.ids, draw.mask)
        return Lesson(
            latents=latents,
            names=self.names[draw.shape][chosen],
            texts=[text.float() for text in texts],
            times=draw.times.to(where),
            noise=torch.randn(latents.shape, generator=generator, device=where),
            weights=letters_weights(draw.shape, draw.lettered).to(where),
        )


def measure_captions(model: ZImageTransformer2DModel, entrance: WhitenedLinear, teacher: Teacher, draws: Draws) -> None:
    """Takes the whitening of the entrance from the captions of the first draws."""
    draws.fraction.value = 1.0  # captions of all kinds
    with torch.no_grad():
        states = [state for step in range(WHITENING_BATCHES) for state in teacher.lesson(draws[step]).texts]
        entrance.measure(model.cap_embedder[0](torch.cat(states)))


def load_teacher(state: Path, seed: int, scale: float = 1.0) -> tuple[Teacher, dict[tuple[int, int], list[Scene]], Any]:
    """What lessons need, from the state: latents and language model; the pools' scenes; the tokenizer."""
    where = device()
    tokenizer = train_language.load_tokenizer(train_language.folder(state))
    language = Qwen3ForCausalLM.from_pretrained(train_language.folder(state), dtype=torch.float32).to(where)
    pools = make_pools(state, seed, where, scale)
    scenes = {shape: [layout.scene for layout in pool.layouts] for shape, pool in pools.items()}
    return Teacher(pools, language), scenes, tokenizer


def train(
    state: Path,
    plan: Plan,
    *,
    seed: int = 0,
    size: int = BATCH,
    pool_scale: float = 1.0,
    compiled: bool = False,
    drawing: int = 0,
    together: Together | None = None,
) -> None:
    """Trains until the plan is done; the averaged weights are in the saved state, where the export finds them.

    `drawing` is how many processes draw captions ahead, for a GPU that would wait for them otherwise.
    """
    together = together or Together()
    teacher, scenes, tokenizer = load_teacher(state, seed, pool_scale)
    draws = Draws(scenes, tokenizer, seed, size, rank=together.rank)
    torch.manual_seed(seed)
    begun = begin.transformer(state)
    model = begun or new_transformer()
    entrance = whiten(model)
    naming = Naming(model)
    model = model.to(device())
    # Muon takes the matrices of attention and feed-forward; modulation, embeddings and the last layer are AdamW's.
    optimisers = Optimisers(model, inside=(".attention.", ".feed_forward."), muon=MUON, adam=ADAM)
    average = Average(model, decay=0.998)
    keeper = Keeper(state / f"{STAGE}.pt", plan, model, optimisers, average)
    if not keeper.restore():  # from the same captions in every process, so that all train one model
        measure_captions(model, entrance, teacher, Draws(scenes, tokenizer, seed, size))
        if begun:
            entrance.unfold()
    quicken(model, compiled=compiled)
    progress = Progress(STAGE, "pictures")
    draws.fraction.value = 1.0 if begun else plan.fraction  # what has been learnt once needs no easy beginning
    ahead = iter(draws.ahead(plan.step, drawing))
    plan.start_clock()
    while not plan.done:
        if together.abandoned:
            return
        lesson = teacher.lesson(next(ahead))
        loss = flow_loss(model, lesson.latents, lesson.texts, lesson.times, lesson.noise, lesson.weights)
        told = naming.loss(lesson.names)
        (loss + NAMING * told).backward()
        together.average(model, plan)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimisers.step(rate(plan.fraction))
        plan.advance()
        if not begun:
            draws.fraction.value = plan.fraction
        if not together.leads:
            continue
        average.update(model, plan.step)
        tell = plan.step % 10 == 0  # asking a GPU for a loss makes the next step wait
        note = f"  names {float(told.detach()):.3f}" if tell else ""
        progress.add(plan, float(loss.detach()) if tell else None, size * together.workers, note)
        keeper.after_step()
    if together.leads:
        keeper.keep()


def trained_transformer(state: Path, seed: int = 0) -> ZImageTransformer2DModel:
    """The averaged weights of the last saved state, also of a training that still runs; where there is none, what the state began with,
    or nothing learnt."""
    torch.manual_seed(seed)
    model = begin.transformer(state) or new_transformer()
    if saved := load_state(state / f"{STAGE}.pt"):
        entrance = whiten(model)
        model.load_state_dict(without_naming(saved["model"] | saved["average"]))
        model.cap_embedder[1] = entrance.folded()
    return model
