"""The adapter that is shipped: it loads, draws what the prompt says as a cyanotype, and a training of a few steps learns."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from diffusers import ZImagePipeline
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors import safe_open

from pocket import train_adapter
from pocket.cyanotype import DARK, LIGHT, cyanotype, luminance
from pocket.export import CHECKPOINT
from pocket.measure import Trial, Way, draw, load
from pocket.measure_adapter import NAME, at_weights, likeness, meets_bars, off_ramp, printed, sheet, table
from pocket.train_adapter import ADAPTER, RANK, STAGE, TARGETS
from pocket.train_turbo import STEPS, schedule
from pocket.training import Plan
from pocket.world import Scene, picture, plain

BASE = CHECKPOINT.with_name("checkpoint-base")
PROMPTS = ("three rabbits on a purple background", "两只猫头鹰，红色背景", "a big tree on a blue background")
SCENE = Scene(things=(("rabbit", 3),), background=plain("purple"))
"""What the judge would hold a picture against; only the pixels matter here."""


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Threads that wait for each other would make these tests many times as slow where the cores have other work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@cache
def pipeline() -> ZImagePipeline:
    made = load(CHECKPOINT)
    made.load_lora_weights(ADAPTER, adapter_name=NAME)
    return made


def asked() -> list[Trial]:
    return [
        Trial(skill="kinds", scene=SCENE, language="en", prompt=prompt, seed=seed)
        for seed, prompt in enumerate(PROMPTS, start=3)
    ]


def test_the_file_is_small_and_tells_what_it_is() -> None:
    assert ADAPTER.stat().st_size < 2**20
    with safe_open(ADAPTER, framework="pt") as file:
        told = file.metadata()
        names = list(file.keys())
        shapes = {name: file.get_tensor(name).shape for name in names}
        assert all(torch.isfinite(file.get_tensor(name)).all() for name in names)
    assert told["title"] == "Cyanotype" and told["about"].endswith(".") and told["trigger"] == ""
    assert all(
        name.startswith("transformer.") and name.endswith((".lora_A.weight", ".lora_B.weight")) for name in names
    )
    assert all(shape[0 if ".lora_A." in name else 1] == RANK for name, shape in shapes.items())


@pytest.mark.parametrize("folder", [CHECKPOINT, BASE])
def test_every_weight_finds_its_layer_in_turbo_and_base(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = load(folder)
    made.load_lora_weights(ADAPTER, adapter_name=NAME)
    assert made.get_list_adapters() == {"transformer": [NAME]} and not caplog.records
    layers = {name for name, part in made.transformer.named_modules() if isinstance(part, BaseTunerLayer)}
    with safe_open(ADAPTER, framework="pt") as file:
        told = {name.removeprefix("transformer.").rsplit(".lora_", 1)[0] for name in file.keys()}  # noqa: SIM118
    assert layers == told and {name.split(".", 3)[-1] for name in layers if "layers.0" in name} == set(TARGETS)
    images = made("two cats", width=64, height=64, num_inference_steps=2, guidance_scale=0.0).images
    assert np.asarray(images[0]).std() > 0


def test_it_draws_the_prompts_picture_on_the_ramp_and_by_half_half_way() -> None:
    drawn = at_weights(pipeline(), asked(), Way(batch=3))
    found = {weight: printed(pictures, drawn[0.0]) for weight, pictures in drawn.items()}
    assert meets_bars(found), found
    assert found[1.0].off_ramp < found[0.5].off_ramp < found[0.0].off_ramp, found
    assert found[1.0].others < 0.5, found


def test_without_its_weight_the_pictures_are_the_plain_ones() -> None:
    trial = asked()[:1]
    pipeline().set_adapters(NAME, 0.0)
    (silent,), _ = draw(pipeline(), trial)
    (untouched,), _ = draw(load(CHECKPOINT), trial)
    assert np.abs(silent.pixels.astype(int) - untouched.pixels.astype(int)).max() <= 1


def test_a_cyanotype_goes_from_prussian_blue_to_white_and_keeps_every_shape() -> None:
    greys = np.linspace(0, 255, 256).astype(np.uint8)[None, :, None].repeat(3, axis=2)
    strip = cyanotype(greys)
    assert tuple(strip[0, 0]) == DARK and tuple(strip[0, -1]) == LIGHT
    assert (np.diff(strip[0].astype(int), axis=0) >= 0).all() and off_ramp(strip) < 0.01 < 0.1 < off_ramp(greys)
    assert (strip[0, :250, 2] > strip[0, :250, 0]).all()
    for behind in ("purple", "red", "green"):
        scene = picture(Scene(things=(("rabbit", 3),), background=plain(behind)), Random(1))
        assert likeness(cyanotype(scene), scene) > 0.95
        assert luminance(cyanotype(scene)).max() - luminance(cyanotype(scene))[0, 0] > 0.3


def test_the_measure_tells_cyanotypes_from_colour_and_one_scene_from_another(tmp_path: Path) -> None:
    pictures = [picture(Scene(things=((kind, 2),), background=plain("red")), Random(1)) for kind in ("rabbit", "tree")]
    prints = [cyanotype(one) for one in pictures]
    halves = [((one.astype(int) + other) // 2).astype(np.uint8) for one, other in zip(pictures, prints, strict=True)]
    assert likeness(prints[0], prints[0]) == pytest.approx(1) and likeness(prints[0], prints[0] * 0) == 0
    found = {w: printed(some, pictures) for w, some in ((0.0, pictures), (0.5, halves), (1.0, prints))}
    assert meets_bars(found) and "off the ramp" in table(found)
    assert found[1.0].distance == 0 and found[1.0].likeness > found[1.0].others
    assert not meets_bars(found | {1.0: found[0.5]}) and not meets_bars(found | {0.5: found[0.0]})
    assert not meets_bars(found | {1.0: printed(prints[::-1], pictures)})
    sheet({0.0: pictures, 1.0: prints}, tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").stat().st_size > 0


@pytest.mark.slow
def test_the_path_beside_the_plain_one_lands_on_the_print_and_its_training_learns(tmp_path: Path) -> None:
    parts = train_adapter.load_parts()
    lessons = train_adapter.make_lessons(parts, seed=0, count=1, size=2)
    lesson = lessons[0]
    levels = schedule().tolist()
    place, direction = train_adapter.wanted(lesson, 0)
    assert torch.equal(place, lesson.path[0])
    for step in range(STEPS):
        along, direction = train_adapter.wanted(lesson, step)
        assert torch.allclose(along, place, atol=1e-4)
        place = place + (levels[step + 1] - levels[step]) * direction
    assert torch.allclose(place, lesson.prints, atol=1e-4)
    train_adapter.add_adapter(parts.turbo, seed=0)

    def error() -> float:
        with torch.no_grad():
            return float(sum(train_adapter.loss_of(parts.turbo, lesson, step, own=False) for step in range(STEPS)))

    before = error()
    losses = train_adapter.train(parts.turbo, lessons, Plan(steps=12))
    assert len(losses) == 12 and error() < 0.8 * before
    train_adapter.save(parts.turbo, tmp_path / "deep" / "own.safetensors")
    with (
        safe_open(tmp_path / "deep" / "own.safetensors", framework="pt") as own,
        safe_open(ADAPTER, framework="pt") as ours,
    ):
        assert set(own.keys()) == set(ours.keys()) and own.metadata() == ours.metadata()


def test_the_command_has_a_place_for_what_it_makes() -> None:
    options = train_adapter.parser().parse_args(["--minutes", "2"])
    assert options.out == ADAPTER and options.minutes == 2 and STAGE == "adapter"
