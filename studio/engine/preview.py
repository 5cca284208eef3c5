"""Previews: the predicted picture during sampling, through a small linear map from latents to RGB.

The map is fitted to the resident VAE at load time, so it suits any checkpoint and needs no download. Knows no recipe and no
queue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch.nn import functional

LONGEST = 256  # pixels
SAMPLES, SIDE = 8, 128  # number of synthetic pictures for the fit, and their side in pixels
COARSE = 3  # latents per side that are averaged for a tiny VAE
TINY = 5_000_000  # parameters; the released VAE has 84 million
RIDGE = 1e-3  # ridge weight of the least-squares fit


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Maps latents to a small RGB picture.

    A convolution [3 * fine^2, channels, 3, 3] makes `fine` x `fine` pixels of each latent. It reproduces shapes, and colors
    less well. A tiny VAE is therefore used too: it decodes the averaged latents, 1 / COARSE^2 of the work, and sets the
    colors.
    """

    weight: torch.Tensor
    bias: torch.Tensor
    fine: int
    vae: Any = None

    def __call__(self, x0: torch.Tensor) -> Image.Image:
        """The picture of clean latents [1, channels, h, w] in the picture's ratio, no side longer than LONGEST."""
        with torch.no_grad():
            around = functional.pad(x0.float(), (1, 1, 1, 1), mode="replicate")
            rgb = functional.pixel_shuffle(functional.conv2d(around, self.weight, self.bias), self.fine)
            if self.vae is not None:
                rgb = self._coloured(rgb, x0)
            values = ((rgb[0].clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).cpu()
        image = Image.fromarray(values.numpy())
        across, down = 8 * x0.shape[-1], 8 * x0.shape[-2]
        scale = min(1.0, LONGEST / max(across, down))
        return image.resize((max(1, round(across * scale)), max(1, round(down * scale))), Image.Resampling.BICUBIC)

    def _coloured(self, rgb: torch.Tensor, x0: torch.Tensor) -> torch.Tensor:
        """Replace the averages of `rgb` [1, 3, H, W] over a coarse grid by the VAE's."""
        grid = [max(2, side // COARSE) for side in x0.shape[-2:]]
        small = functional.adaptive_avg_pool2d(x0, grid).to(self.vae.dtype)
        small = small / self.vae.config.scaling_factor + (self.vae.config.shift_factor or 0.0)
        decoded = self.vae.decode(small, return_dict=False)[0].float().clamp(-1, 1)
        off = functional.adaptive_avg_pool2d(decoded, grid) - functional.adaptive_avg_pool2d(rgb, grid)
        return rgb + functional.interpolate(off, size=rgb.shape[-2:], mode="bilinear")


def estimate(scheduler: Any, latents: torch.Tensor, noise_pred: torch.Tensor) -> torch.Tensor:
    """The predicted clean latents after a step of flow matching: x0 = x_t - sigma_t * v.

    After the last step sigma is 0, and the prediction is exact. All tensors are [1, c, h, w].
    """
    sigma: torch.Tensor = scheduler.sigmas[scheduler.step_index]
    return latents - sigma * noise_pred


def fit(vae: Any, *, native: int) -> Preview:
    """Fit the map to `vae` by least squares over synthetic pictures. `native` is the side of its pictures in pixels."""
    fine = 4 if native <= 512 else 2  # finer than LONGEST would be discarded
    pictures = invented().to(device=vae.device, dtype=vae.dtype)
    with torch.no_grad():
        encoded = vae.encode(pictures).latent_dist.mode()
    latents = ((encoded - (vae.config.shift_factor or 0.0)) * vae.config.scaling_factor).float().cpu()
    small = functional.interpolate(invented(), scale_factor=latents.shape[-1] * fine / SIDE, mode="area")
    given = functional.unfold(functional.pad(latents, (1, 1, 1, 1), mode="replicate"), 3)  # [n, 9c, hw]
    given = torch.cat([given, torch.ones_like(given[:, :1])], dim=1).movedim(1, -1).flatten(0, 1).double()
    wanted = functional.pixel_unshuffle(small, fine).flatten(2).movedim(1, -1).flatten(0, 1).double()
    square = given.T @ given
    square += RIDGE * square.diagonal().mean() * torch.eye(len(square), dtype=square.dtype)
    solution = torch.linalg.solve(square, given.T @ wanted).float()  # [9c + 1, 3 * fine^2]
    weight = solution[:-1].T.reshape(-1, latents.shape[1], 3, 3)
    return Preview(
        weight=weight.contiguous().to(vae.device),
        bias=solution[-1].contiguous().to(vae.device),
        fine=fine,
        vae=vae if sum(each.numel() for each in vae.parameters()) <= TINY else None,
    )


def invented() -> torch.Tensor:
    """Soft color fields with discs and boxes of plain colors, [SAMPLES, 3, SIDE, SIDE] in [-1, 1]."""
    dice = torch.Generator().manual_seed(20)  # its own generator, so that global random state stays unchanged
    fields = torch.rand(SAMPLES, 3, 4, 4, generator=dice) * 2 - 1
    pictures = functional.interpolate(fields, size=(SIDE, SIDE), mode="bicubic", align_corners=True).clamp(-1, 1)
    plain = SAMPLES // 2
    pictures[:plain] = fields[:plain, :, :1, :1]
    row, column = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    for picture in pictures:
        for index in range(10):
            y, x, size, *colour = torch.rand(6, generator=dice).tolist()
            far_y, far_x, reach = (row - y * SIDE).abs(), (column - x * SIDE).abs(), 4 + size * SIDE / 6
            inside = far_y**2 + far_x**2 < reach**2 if index % 2 else torch.maximum(far_y, far_x) < reach
            picture[:, inside] = torch.tensor(colour)[:, None] * 2 - 1
    return pictures
