"""The judge of pictures: right on the world's own renderings, also blurred by the VAE, and never fooled."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL

from pocket.export import CHECKPOINT
from pocket.judge import read
from pocket.train_vae import to_tensor
from pocket.world import BACKGROUNDS, KINDS, Pixels, Scene, draw_scene, picture


def scenes(count: int, seed: int) -> list[tuple[Scene, Pixels]]:
    rng = Random(seed)
    drawn = [draw_scene(rng) for _ in range(count)]
    return [(scene, picture(scene, rng)) for scene in drawn]


def right(scene: Scene, pixels: Pixels) -> bool:
    reading = read(pixels)
    return reading.background == scene.background and reading.shows(scene)


def test_the_worlds_own_pictures_are_read_right() -> None:
    assert sum(right(scene, pixels) for scene, pixels in scenes(30, 1)) >= 30


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_every_kind_is_read_right_on_every_background(background: str) -> None:
    rng = Random(background)
    for kind in KINDS:
        scene = Scene(things=((kind, 1),), background=background)
        assert right(scene, picture(scene, rng)), (kind, read(picture(scene, rng)))


def test_pictures_are_read_right_after_a_round_trip_through_the_vae() -> None:
    vae = AutoencoderKL.from_pretrained(CHECKPOINT / "vae", local_files_only=True)
    drawn = scenes(24, 2)
    with torch.no_grad():
        latents = vae.encode(to_tensor([pixels for _, pixels in drawn])).latent_dist.mean
        decoded = vae.decode(latents).sample.clamp(-1, 1)
    back = ((decoded.permute(0, 2, 3, 1).numpy() + 1) * 127.5).round().astype(np.uint8)
    hits = sum(right(scene, pixels) for (scene, _), pixels in zip(drawn, back, strict=True))
    assert hits >= 23


def test_a_picture_of_another_scene_is_wrong() -> None:
    drawn = scenes(16, 3)
    for (scene, pixels), (other, _) in pairwise(drawn):
        if dict(scene.things) != dict(other.things):
            assert not read(pixels).shows(other)


def test_one_thing_more_or_less_is_seen() -> None:
    for background in BACKGROUNDS:
        pixels = picture(Scene(things=(("rabbit", 3),), background=background), Random(4))
        assert read(pixels).shows(Scene(things=(("rabbit", 3),), background=background))
        for count in (1, 2, 4):
            assert not read(pixels).shows(Scene(things=(("rabbit", count),), background=background))


@pytest.mark.parametrize("seed", range(4))
def test_noise_and_emptiness_show_nothing(seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    assert read(noise).background is None
    empty = np.full((128, 128, 3), BACKGROUNDS["blue"], dtype=np.uint8)
    assert read(empty).background == "blue" and not read(empty).things


def test_noise_on_a_plain_background_is_no_thing_of_ours() -> None:
    pixels = np.full((128, 128, 3), BACKGROUNDS["purple"], dtype=np.uint8)
    pixels[40:80, 40:80] = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    reading = read(pixels)
    assert reading.background == "purple"
    assert [thing.kind for thing in reading.things] == [None]


def test_a_background_that_is_not_plain_is_none() -> None:
    scene = Scene(things=(("cat", 1),), background="green")
    pixels = picture(scene, Random(0)).copy()
    pixels[:, :40] = BACKGROUNDS["blue"]
    assert read(pixels).background is None
