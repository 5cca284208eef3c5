"""Trains Pocket's base transformer by flow matching, on latents made once and captions drawn anew for every batch.

x_t = (1 - t) x0 + t n; the model is told 1 - t and predicts x0 - n, as Z-Image's pipeline expects; t is logit-normal,
shifted by 3 like the scheduler's steps. Some captions are dropped, so that guidance works. The language model and the
VAE stand still.
"""

from __future__ import annotations

import hashlib
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from diffusers import AutoencoderKL, ZImageTransformer2DModel
from torch import Tensor, multiprocessing
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from pocket import train_language, train_vae
from pocket.captions import caption
from pocket.train_vae import to_tensor
from pocket.training import (
    Average,
    Keeper,
    Optimisers,
    Plan,
    Progress,
    Together,
    batch_generator,
    batch_random,
    device,
    load_state,
    rate,
    save_state,
)
from pocket.transformer import WhitenedLinear, encode_captions, new_transformer, quicken, whiten
from pocket.words import Language
from pocket.world import EVERYTHING, SHAPES, SIDE, Layout, Scene, draw_scene, lay_out, render

STAGE = "transformer"
BATCH = 32
SHIFT = 3.0
SQUARE = (SIDE, SIDE)
OTHER_SHAPES = tuple(shape for shape in SHAPES.values() if shape != SQUARE)
OTHER_SHARE = 0.15
OTHER_FROM = 0.35
"""Other shapes than the square come in from this part of the training on."""
SIMPLE_UNTIL = 0.3
"""Until this part of the training scenes that have more to them than kinds, counts and a plain background come in by and by."""
DROPPED = 0.08
"""How often a caption is left empty: what guidance pushes away from."""
ZH_SHARE = 0.55
"""Chinese captions are the harder half: more forms, and states in which colours differ less."""
WHITENING_BATCHES = 40
POOL = 24576
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
            with torch.autocast(where.type, torch.bfloat16):
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
        vae = AutoencoderKL.from_pretrained(train_vae.folder(state)).to(where)
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
    model: ZImageTransformer2DModel, latents: Tensor, texts: list[Tensor], times: Tensor, noise: Tensor
) -> Tensor:
    """The squared error of the predicted direction x0 - n; `latents` and `noise` (n, 16, height, width)."""
    t = times.view(-1, 1, 1, 1)
    mixed = ((1 - t) * latents + t * noise).unsqueeze(2)
    with torch.autocast(latents.device.type, torch.bfloat16):
        drawn = model(list(mixed.unbind(0)), 1 - times, texts, return_dict=False)[0]
    predicted = torch.stack([one.squeeze(1) for one in drawn]).float()
    return (predicted - (latents - noise)).square().mean()


def is_simple(scene: Scene) -> bool:
    """Whether a scene has nothing to it but kinds, counts and a plain background."""
    told = (scene.rows, scene.place, scene.relation, scene.text)
    return not any(told) and (scene.size, scene.style, scene.background.pattern) == ("usual", "flat", "plain")


def draw_caption(layout: Layout, rng: Random) -> str:
    """A caption of a layout's scene, in either language, or none."""
    language: Language = "zh" if rng.random() < ZH_SHARE else "en"
    return "" if rng.random() < DROPPED else caption(layout.scene, language, rng)


class Batches:
    """Batches of latents and their captions' states; each is a function of seed, step and the training's fraction."""

    def __init__(
        self,
        pools: dict[tuple[int, int], Pool],
        language: Qwen3ForCausalLM,
        tokenizer: PreTrainedTokenizerFast,
        seed: int,
        size: int,
        rank: int = 0,
    ) -> None:
        self.pools, self.language, self.tokenizer = pools, language, tokenizer
        self.seed, self.size = seed, size
        self.source = f"{STAGE}/{rank}" if rank else STAGE

    def choose(self, plan: Plan) -> tuple[Random, Pool, list[int]]:
        """The plan's step's random source, with the pool and the scenes that it chose."""
        rng = batch_random(self.seed, self.source, plan.step)
        other = rng.random() < OTHER_SHARE and plan.fraction >= OTHER_FROM
        pool = self.pools[rng.choice(OTHER_SHAPES) if other else SQUARE]
        chosen: list[int] = []
        while len(chosen) < self.size:
            index = rng.randrange(len(pool.layouts))
            later = rng.random() >= 0.1 + plan.fraction / SIMPLE_UNTIL
            if index not in chosen and not (later and not is_simple(pool.layouts[index].scene)):
                chosen.append(index)
        return rng, pool, chosen

    def encode(self, rng: Random, pool: Pool, chosen: list[int]) -> list[Tensor]:
        captions = [draw_caption(pool.layouts[i], rng) for i in chosen]
        return encode_captions(self.language, self.tokenizer, captions)

    def captions(self, plan: Plan) -> list[Tensor]:
        """The captions' states of the plan's step alone."""
        return self.encode(*self.choose(plan))

    def draw(self, plan: Plan) -> tuple[Tensor, list[Tensor], Tensor, Tensor]:
        """Latents, captions' states, times and noise of the plan's step."""
        rng, pool, chosen = self.choose(plan)
        texts = self.encode(rng, pool, chosen)
        where = self.language.device
        latents = pool.latents[chosen].float().to(where)
        noise = torch.randn(latents.shape, generator=batch_generator(rng, where), device=where)
        return latents, texts, draw_times(self.size, rng).to(where), noise


def measure_captions(model: ZImageTransformer2DModel, entrance: WhitenedLinear, batches: Batches) -> None:
    """Takes the whitening of the entrance from the captions of the first batches."""
    with torch.no_grad():
        states = [
            state for step in range(WHITENING_BATCHES) for state in batches.captions(Plan(steps=10**9, step=step))
        ]
        entrance.measure(model.cap_embedder[0](torch.cat(states)))


def train(
    state: Path,
    plan: Plan,
    *,
    seed: int = 0,
    size: int = BATCH,
    pool_scale: float = 1.0,
    compiled: bool = False,
    together: Together | None = None,
) -> None:
    """Trains until the plan is done; the averaged weights are in the saved state, where the export finds them."""
    where = device()
    together = together or Together()
    tokenizer = train_language.load_tokenizer(train_language.folder(state))
    language = Qwen3ForCausalLM.from_pretrained(train_language.folder(state), dtype=torch.float32).to(where)
    language.requires_grad_(False)
    pools = make_pools(state, seed, where, pool_scale)
    batches = Batches(pools, language, tokenizer, seed, size, together.rank)
    torch.manual_seed(seed)
    model = new_transformer()
    entrance = whiten(model)
    model = model.to(where)
    # Muon takes the matrices of attention and feed-forward; modulation, embeddings and the last layer are AdamW's.
    optimisers = Optimisers(model, inside=(".attention.", ".feed_forward."), muon=2e-3, adam=1e-3)
    average = Average(model, decay=0.998)
    keeper = Keeper(state / f"{STAGE}.pt", plan, model, optimisers, average)
    if not keeper.restore():  # from the same captions in every process, so that all train one model
        measure_captions(model, entrance, Batches(pools, language, tokenizer, seed, size))
    quicken(model, compiled=compiled)
    progress = Progress(STAGE, "pictures")
    plan.start_clock()
    while not plan.done:
        if together.abandoned:
            return
        loss = flow_loss(model, *batches.draw(plan))
        loss.backward()
        together.average(model, plan)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimisers.step(rate(plan.fraction))
        plan.advance()
        if not together.leads:
            continue
        average.update(model, plan.step)
        progress.add(plan, float(loss.detach()), size * together.workers)
        keeper.after_step()
    if together.leads:
        keeper.keep()


def _work(rank: int, workers: int, meeting: str, state: Path, plan: Plan, options: dict[str, Any]) -> None:
    """One of several processes that train together."""
    torch.set_num_threads(1)
    together = Together(rank, workers, Path(meeting))
    train(state, plan, **options, together=together)
    together.leave()


def train_in_processes(state: Path, plan: Plan, workers: int, **options: Any) -> None:
    """Trains in `workers` processes of one thread, each with a batch of its own; options as for `train`."""
    make_pools(state, options.get("seed", 0), device(), options.get("pool_scale", 1.0))
    with tempfile.TemporaryDirectory() as folder:
        arguments = (workers, f"{folder}/meeting", state, plan, options)
        multiprocessing.start_processes(_work, arguments, nprocs=workers, start_method="spawn")


def trained_transformer(state: Path, seed: int = 0) -> ZImageTransformer2DModel:
    """The averaged weights of the last saved state, also of a training that still runs; untrained where there is none."""
    torch.manual_seed(seed)
    model = new_transformer()
    if saved := load_state(state / f"{STAGE}.pt"):
        entrance = whiten(model)
        model.load_state_dict(saved["model"] | saved["average"])
        model.cap_embedder[1] = entrance.folded()
    return model
