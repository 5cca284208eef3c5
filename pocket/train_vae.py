"""Trains Pocket's VAE: first on crops around things, then on whole scenes, then the decoder alone.

Once the encoder stands still its latents are what the transformer learns, so only the decoder may still change. It
knows no captions.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from pocket.training import (
    Average,
    Keeper,
    Optimisers,
    Plan,
    Progress,
    Together,
    autocast,
    batch_generator,
    batch_random,
    device,
    rate,
)
from pocket.world import SHAPES, SIDE, Pixels, draw_scene, lay_out, picture, render

STAGE = "vae"
DECODER_STAGE = "decoder"
CROP = 64
CROPS_UNTIL = 0.6
"""The part of the first training that sees crops only: four times as many a second as whole scenes."""
SCENE_BATCH = 8
"""Scenes a step; of crops twice as many."""
KL_WEIGHT = 1e-4
SQUARE_SHARE = 0.4


def new_vae() -> AutoencoderKL:
    """The untrained VAE: 16 latent channels, 8 times smaller, just under a million parameters."""
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(16, 32, 64, 64),
        layers_per_block=1,
        latent_channels=16,
        norm_num_groups=8,
        sample_size=SIDE,
        scaling_factor=1.0,
        shift_factor=0.0,
        mid_block_add_attention=False,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )


def folder(state: Path) -> Path:
    """Where the trained VAE lies, in diffusers layout."""
    return state / "vae"


def to_tensor(pictures: list[Pixels]) -> Tensor:
    """Pictures of one size as (n, 3, height, width), from -1 to 1."""
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
    return stacked.float() / 127.5 - 1


def crop(rng: Random) -> Pixels:
    """A crop of a scene, mostly around one of its things or letters."""
    layout = lay_out(draw_scene(rng), rng)
    left, top = rng.randint(0, SIDE - CROP), rng.randint(0, SIDE - CROP)
    if rng.random() < 0.85:
        letter = rng.choice(layout.letters) if layout.letters and rng.random() < 0.5 else None
        spot = rng.choice(layout.spots)
        x, y = (letter.left + letter.width / 2, letter.top + letter.height / 2) if letter else spot.centre
        left, top = round(x - CROP / 2) + rng.randint(-16, 16), round(y - CROP / 2) + rng.randint(-16, 16)
    left, top = min(max(left, 0), SIDE - CROP), min(max(top, 0), SIDE - CROP)
    return render(layout)[top : top + CROP, left : left + CROP]


def batch(rng: Random, size: int = SCENE_BATCH, *, crops: bool) -> Tensor:
    """A batch of crops, or of whole scenes in one of several shapes: (n, 3, height, width), from -1 to 1."""
    if crops:
        return to_tensor([crop(rng) for _ in range(2 * size)])
    width, height = (SIDE, SIDE) if rng.random() < SQUARE_SHARE else rng.choice(tuple(SHAPES.values()))
    scenes = (draw_scene(rng, width=width, height=height) for _ in range(size))
    return to_tensor([picture(scene, rng, width, height) for scene in scenes])


def reconstruction_loss(drawn: Tensor, wanted: Tensor) -> Tensor:
    """L1, squared error, and L1 of the differences between neighbours, which keeps edges sharp and planes flat."""
    error = drawn.float() - wanted
    across = (error[..., :, 1:] - error[..., :, :-1]).abs().mean()
    down = (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    return error.abs().mean() + 2 * error.square().mean() + 0.5 * (across + down)


def joint_loss(vae: AutoencoderKL, pictures: Tensor, noise: torch.Generator) -> Tensor:
    with autocast(pictures.device):
        posterior = vae.encode(pictures).latent_dist
        drawn = vae.decode(posterior.sample(generator=noise)).sample
    kl = 0.5 * (posterior.mean.float().square() + posterior.var.float() - 1 - posterior.logvar.float()).mean()
    return reconstruction_loss(drawn, pictures) + KL_WEIGHT * kl


def decoder_loss(vae: AutoencoderKL, pictures: Tensor, noise: torch.Generator) -> Tensor:
    """The loss of the decoder alone, on means with a little noise: what a transformer draws is never exact."""
    with autocast(pictures.device):
        with torch.no_grad():
            latents = vae.encode(pictures).latent_dist.mean
            amount = 0.15 / float(vae.config.scaling_factor)
            jitter = torch.randn(latents.shape, generator=noise, device=latents.device)
            latents = latents + amount * torch.rand(1, generator=noise, device=latents.device) * jitter
        drawn = vae.decode(latents).sample
    return reconstruction_loss(drawn, pictures)


def measure_latents(vae: AutoencoderKL, seed: int = 1, count: int = 512) -> tuple[float, float]:
    """Mean and standard deviation of the latents of training scenes."""
    with torch.no_grad():
        rng = Random(f"{seed}/latents")
        parts = [
            vae.encode(batch(rng, crops=False)).latent_dist.mean.flatten() for _ in range(max(1, count // SCENE_BATCH))
        ]
        values = torch.cat(parts)
        return float(values.mean()), float(values.std())


def psnr(vae: AutoencoderKL, seed: int = 2, count: int = 64) -> float:
    """Peak signal to noise ratio in dB of whole held-out scenes after a round trip."""
    with torch.no_grad():
        rng = Random(f"{seed}/psnr")
        pictures = to_tensor([picture(draw_scene(rng, held_out=True), rng) for _ in range(count)])
        drawn = torch.cat([vae.decode(vae.encode(part).latent_dist.mean).sample for part in pictures.split(16)])
        error = ((drawn.clamp(-1, 1) - pictures) / 2).square().mean(dim=(1, 2, 3))
        return float((-10 * torch.log10(error)).mean())


def train(
    state: Path,
    plan: Plan,
    *,
    seed: int = 0,
    size: int = SCENE_BATCH,
    decoder_only: bool = False,
    scenes: int = 512,
    together: Together | None = None,
) -> None:
    """Trains until the plan is done and leaves the VAE, its average weights, in `folder(state)`.

    A VAE that lies there already, of an earlier world or training, is where it starts. With `decoder_only` it changes
    its decoder alone. The latents' scale is taken from as many `scenes`, the final quality from an eighth of them.
    """
    where = device()
    together = together or Together()
    stage = DECODER_STAGE if decoder_only else STAGE
    source = f"{stage}/{together.rank}" if together.rank else stage
    torch.manual_seed(seed)
    vae = AutoencoderKL.from_pretrained(folder(state)) if folder(state).exists() else new_vae()
    if decoder_only:
        vae.encoder.requires_grad_(False)
    vae = vae.to(where)
    optimisers = Optimisers(vae, inside=(), muon=0.0, adam=1.2e-3 if decoder_only else 2e-3, decay=0.0)
    average = Average(vae)
    keeper = Keeper(state / f"{stage}.pt", plan, vae, optimisers, average)
    keeper.restore()
    progress = Progress(stage, "pictures")
    plan.start_clock()
    while not plan.done:
        if together.abandoned:
            return
        rng = batch_random(seed, source, plan.step)
        crops = plan.fraction < (0.3 if decoder_only else CROPS_UNTIL)
        pictures = batch(rng, size, crops=crops).to(where)
        loss = (decoder_loss if decoder_only else joint_loss)(vae, pictures, batch_generator(rng, where))
        loss.backward()
        together.average(vae, plan)
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimisers.step(rate(plan.fraction, hold=0.4))
        plan.advance()
        if not together.leads:
            continue
        average.update(vae, plan.step)
        progress.add(plan, float(loss.detach()), len(pictures) * together.workers)
        keeper.after_step()
    if not together.leads:
        return
    keeper.keep()
    finish(state, vae.cpu(), average, decoder_only=decoder_only, scenes=scenes)


def finish(state: Path, vae: AutoencoderKL, average: Average, *, decoder_only: bool, scenes: int) -> None:
    """Writes the averaged weights, with the latents' own scale in the configuration."""
    vae.load_state_dict({name: weight.cpu() for name, weight in average.weights.items()}, strict=False)
    vae.eval()
    if not decoder_only:
        mean, std = measure_latents(vae, count=scenes)
        vae.register_to_config(scaling_factor=1 / std, shift_factor=mean)
    print(
        f"{STAGE:<12} held-out scenes {psnr(vae, count=max(1, scenes // 8)):.2f} dB, scaling {vae.config.scaling_factor:.4f}, "
        f"shift {vae.config.shift_factor:.4f}",
        flush=True,
    )
    vae.save_pretrained(folder(state))
