"""The trainings: killed and started again they go on as if nothing had happened; the recipe's parts do what they say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from torch import nn

from pocket import train_language, train_practice, train_transformer, train_turbo, train_vae
from pocket.export import CHECKPOINT, check, export, load_parts
from pocket.export import scheduler as export_scheduler
from pocket.language import HIDDEN
from pocket.measure import load
from pocket.muon import Float32Muon
from pocket.naming import Naming
from pocket.train import CPU, GPU, STAGES, parser
from pocket.train_transformer import ROOM, Draw, Draws, draw_times, flow_loss, is_simple, pool_layouts
from pocket.training import Average, Optimisers, Plan, load_state, rate, save_state, train_in_processes
from pocket.transformer import new_transformer, quicken, whiten
from pocket.world import SIDE

STEPS_HERE = 4
MEASURED_HERE = 1  # batches of captions
BASE = CHECKPOINT.with_name("checkpoint-base")


class Killed(Exception):
    """Stands for the plug being pulled."""


class PlanWithoutEnd(Plan):
    """A plan whose machine dies in the third step, after two were saved."""

    def advance(self) -> None:
        super().advance()
        if self.step == 3:
            raise Killed


def plan(kind: type[Plan] = Plan) -> Plan:
    return kind(steps=STEPS_HERE, save_every=0.0)


def practise(state: Path, p: Plan, **options: Any) -> None:
    train_practice.prepare(state)
    train_practice.train(state, p, size=2, measured=MEASURED_HERE, **options)


def trainings(state: Path) -> dict[str, Callable[[Plan], None]]:
    return {
        "language": lambda p: train_language.train(state, p, size=2),
        "practice": lambda p: practise(state, p),
        "vae": lambda p: train_vae.train(state, p, scenes=16),
        "decoder": lambda p: train_vae.train(state, p, decoder_only=True, scenes=16),
        "transformer": lambda p: train_transformer.train(state, p, size=2, pool_scale=0.002),
        "turbo": lambda p: train_turbo.train(state, p, size=2, pool_scale=0.002),
    }


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


@pytest.mark.slow
@pytest.mark.timeout(1800)  # many short trainings, on a machine that may do something else beside
def test_every_stage_goes_on_after_a_kill_as_if_nothing_had_happened(tmp_path: Path) -> None:
    for stage, straight in trainings(tmp_path / "straight").items():
        straight(plan())
        killed = trainings(tmp_path / "killed")[stage]
        with pytest.raises(Killed):
            killed(plan(PlanWithoutEnd))
        saved = load_state(tmp_path / "killed" / f"{stage}.pt")
        assert saved is not None and saved["step"] == 2
        killed(plan())
        ends = [load_state(tmp_path / name / f"{stage}.pt") for name in ("straight", "killed")]
        for part in ("step", "model", "average", "optimisers"):
            assert same(ends[0][part], ends[1][part]), (stage, part)
    joint, final = load_state(tmp_path / "straight" / "vae.pt"), load_parts(tmp_path / "straight")[2].state_dict()
    assert joint is not None
    before = {name: weight.to(final[name].dtype) for name, weight in joint["average"].items()}
    changed = {name.split(".")[0] for name in final if not torch.equal(final[name], before[name])}
    assert changed == {"decoder"}
    target = tmp_path / "checkpoint"
    export(tmp_path / "killed", target)
    check(target, tmp_path / "checkpoint-base")
    assert load(target).vae.config.scaling_factor == load_parts(tmp_path / "straight")[2].config.scaling_factor
    for made, shipped in ((target, CHECKPOINT), (tmp_path / "checkpoint-base", BASE)):
        assert {file.name for file in made.iterdir()} == {file.name for file in shipped.iterdir()}


@pytest.mark.slow
def test_processes_that_train_together_take_the_mean_of_their_gradients(tmp_path: Path) -> None:
    for stage in ("language", "vae"):
        trainings(tmp_path)[stage](Plan(steps=1, save_every=0.0))
        assert (tmp_path / stage).is_dir()
    train_in_processes(train_transformer.train, tmp_path, Plan(steps=1), 2, size=2, pool_scale=0.002)
    together = load_state(tmp_path / "transformer.pt")
    assert together is not None and together["step"] == 1

    tokenizer = train_language.load_tokenizer(train_language.folder(tmp_path))
    language = load_parts(tmp_path)[1].float()
    language.model.rotary_emb = type(language.model.rotary_emb)(language.config)
    pools = train_transformer.make_pools(tmp_path, 0, torch.device("cpu"), 0.002)
    torch.manual_seed(0)
    alone = new_transformer()
    scenes = {shape: [layout.scene for layout in pool.layouts] for shape, pool in pools.items()}
    teacher = train_transformer.Teacher(pools, language)
    entrance, naming = whiten(alone), Naming(alone)
    train_transformer.measure_captions(alone, entrance, teacher, Draws(scenes, tokenizer, 0, 2))
    optimisers = Optimisers(alone, inside=(".attention.", ".feed_forward."), muon=2e-3, adam=1e-3)
    quicken(alone, compiled=False)
    for rank in (0, 1):
        lesson = teacher.lesson(Draws(scenes, tokenizer, 0, 2, rank=rank)[0])
        loss = flow_loss(alone, lesson.latents, lesson.texts, lesson.times, lesson.noise, lesson.weights)
        ((loss + train_transformer.NAMING * naming.loss(lesson.names)) / 2).backward()
    torch.nn.utils.clip_grad_norm_(alone.parameters(), 1.0)
    optimisers.step(rate(0))
    # The moments of a first step are the gradients; AdamW's weights would only tell their signs.
    for own, shared in zip(optimisers.state_dict(), together["optimisers"], strict=True):
        for place, moments in own["state"].items():
            name = next(part for part in ("exp_avg", "momentum_buffer") if part in moments)
            mean, told = moments[name], shared["state"][place][name]
            assert (told - mean).norm() <= 0.05 * mean.norm(), (place, float(told.norm()), float(mean.norm()))


@pytest.mark.slow
def test_practice_changes_the_answers_and_holds_what_the_transformer_is_told(tmp_path: Path) -> None:
    train_language.prepared_tokenizer(tmp_path, 0)
    train_language.train(tmp_path, Plan(steps=1), size=2)

    def moved(held: float) -> tuple[float, float]:
        practise(tmp_path, Plan(steps=8), held=held)
        (tmp_path / "practice.pt").unlink()
        models = [train_practice.load(one) for one in (train_practice.told(tmp_path), train_language.folder(tmp_path))]
        tokenizer = train_language.load_tokenizer(train_language.folder(tmp_path))
        anchor = train_practice.Anchor(models[0], tokenizer, 1, 0, MEASURED_HERE)
        changed = (models[0].lm_head.weight - models[1].lm_head.weight).abs().max()
        with torch.no_grad():
            return float(anchor.loss(models[1], 0)), float(changed)

    (free, _), (kept, changed) = moved(0.0), moved(3.0)
    assert changed > 0 and kept < free / 2, (free, kept)


def test_a_batchs_captions_all_fit_into_a_room_or_none_does(tmp_path: Path) -> None:
    tokenizer = train_language.make_tokenizer(0)
    shapes = (train_transformer.SQUARE, *train_transformer.OTHER_SHAPES)
    scenes = {shape: [layout.scene for layout in pool_layouts(0, *shape, 60)] for shape in shapes}
    draws = Draws(scenes, tokenizer, 0, 4)
    simple = [draws[step] for step in range(20)]
    assert all(draw.shape == (SIDE, SIDE) and int(draw.mask.sum(1).max()) <= ROOM for draw in simple)
    draws.fraction.value = 1.0
    everything = [draws[step] for step in range(60)]

    def share(some: list[Draw]) -> float:
        chosen = [is_simple(scenes[draw.shape][one]) for draw in some for one in draw.chosen]
        return sum(chosen) / len(chosen)

    assert share(simple) > 1.5 * share(everything)
    lengths = [draw.mask.sum(1) for draw in everything]
    assert all((one <= ROOM).all() or (one > ROOM).all() for one in lengths)
    assert any((one > ROOM).all() for one in lengths) and any((one <= ROOM).all() for one in lengths)
    assert all(torch.equal(draws[7].ids, draws[7].ids) for _ in range(2))


def test_a_plan_ends_by_steps_or_by_minutes() -> None:
    by_steps = Plan(steps=4, step=1)
    assert by_steps.fraction == 0.25 and not by_steps.done
    by_minutes = Plan(steps=1000, minutes=2, step=1, spent=60)
    assert by_minutes.fraction == 0.5 and by_minutes.seconds_left == pytest.approx(60)
    assert Plan(steps=1000, minutes=2, step=1, spent=121).done


def test_the_rate_rises_holds_and_falls_to_zero() -> None:
    assert rate(0) < 0.1 and rate(0.02) == rate(0.2) == 1.0
    assert rate(0.5) > rate(0.9) > rate(1.0) == 0.0


def test_a_state_that_was_cut_off_leaves_the_older_one_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state.pt"
    assert load_state(path) is None
    save_state(path, {"step": 1})
    path.with_suffix(".part").write_bytes(b"half")
    assert load_state(path) == {"step": 1}


def test_muon_takes_the_blocks_matrices_and_adamw_the_rest() -> None:
    model = new_transformer()
    optimisers = Optimisers(model, inside=(".attention.", ".feed_forward."), muon=1e-3, adam=1e-3)
    counts = [sum(len(group["params"]) for group in part.param_groups) for part in optimisers.parts]
    assert sum(counts) == len(list(model.parameters()))
    assert counts[0] == 7 * 7  # five layers and two refiners, four matrices of attention and three of feed-forward
    assert all(p.ndim == 2 for group in optimisers.parts[0].param_groups for p in group["params"])


def test_muon_in_float32_takes_the_steps_of_torchs_own() -> None:
    torch.manual_seed(0)
    start, gradients = torch.randn(24, 60), torch.randn(3, 24, 60)
    ends = []
    for kind in (torch.optim.Muon, Float32Muon):
        for turned in (False, True):
            weight = nn.Parameter((start.T if turned else start).clone())
            optimiser = kind([weight], lr=0.05, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
            for gradient in gradients:
                weight.grad = (gradient.T if turned else gradient).clone()
                optimiser.step()
            ends.append((weight.detach().T if turned else weight.detach()) - start)
    for end in ends[1:]:
        assert (end - ends[0]).norm() < 0.02 * ends[0].norm()  # bfloat16 has three digits


def test_the_average_follows_the_weights() -> None:
    model = nn.Linear(2, 2)
    average = Average(model, decay=0.5)
    with torch.no_grad():
        model.weight.fill_(1.0)
    for step in range(60):
        average.update(model, step)
    assert torch.allclose(average.weights["weight"], torch.ones(2, 2))


def test_times_cover_the_whole_way_and_lean_to_noise() -> None:
    times = draw_times(512, Random(0))
    assert 0 < times.min() < 0.2 and 0.97 < times.max() < 1
    assert times.median() == pytest.approx(0.75, abs=0.02)
    assert not torch.equal(times, times.sort().values)


def test_plain_attention_computes_what_the_released_processor_does() -> None:
    torch.manual_seed(0)
    model = new_transformer()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    latents, noise = torch.randn(2, 3, 16, 12, 20).unbind()
    texts = [torch.randn(length, HIDDEN) for length in (9, 20, 40)]
    times = torch.tensor([0.2, 0.5, 0.9])
    with torch.no_grad():
        stock = flow_loss(model, latents, texts, times, noise)
        quicken(model, compiled=False)
        plain = flow_loss(model, latents, texts, times, noise)
    assert float(plain) == pytest.approx(float(stock), rel=2e-3)


def test_the_flows_loss_is_zero_for_the_direction_from_noise_to_picture() -> None:
    class Exact(nn.Module):
        def forward(self, x: list[torch.Tensor], t: torch.Tensor, texts: list[torch.Tensor], return_dict: bool) -> Any:
            assert torch.allclose(t, 1 - times) and not return_dict
            # From x_t alone: with x0 known, n = (x_t - (1 - t) x0) / t.
            found = [(one.squeeze(1) - (1 - tt) * x0) / tt for one, x0, tt in zip(x, latents, times, strict=True)]
            return ([(x0 - n).unsqueeze(1) for x0, n in zip(latents, found, strict=True)],)

    latents, noise = torch.randn(2, 2, 16, 4, 4).unbind()
    times = torch.tensor([0.3, 0.8])
    assert float(flow_loss(Exact(), latents, [], times, noise)) < 1e-3  # type: ignore[arg-type]


def test_the_pools_hold_no_scene_that_is_held_out() -> None:
    layouts = pool_layouts(0, 128, 128, 2000)
    assert not any(layout.scene.held_out for layout in layouts)
    assert pool_layouts(0, 128, 128, 20) == layouts[:20] and pool_layouts(1, 128, 128, 20) != layouts[:20]


def test_the_command_knows_its_stages_and_keeps_its_state_out_of_the_work_tree() -> None:
    options = parser().parse_args(["--stage", "vae", "--stage", "export", "--minutes", "3"])
    assert options.stage == ["vae", "export"] and options.minutes == 3
    assert CHECKPOINT.parent.parent not in options.state.parents
    assert set(CPU) == set(GPU) == set(STAGES) - {"export"}


def test_eight_steps_lead_from_noise_to_picture_as_the_pipelines_do() -> None:
    levels = train_turbo.schedule()
    stock = export_scheduler()
    even = torch.linspace(1, 1 / train_turbo.STEPS, train_turbo.STEPS)  # as ZImagePipeline gives them to its scheduler
    stock.set_timesteps(sigmas=even.tolist(), device="cpu")
    assert torch.allclose(levels, stock.sigmas, atol=1e-5), (levels, stock.sigmas)


def test_the_teachers_landing_is_finer_than_one_step_and_guided() -> None:
    torch.manual_seed(0)
    teacher = new_transformer()
    with torch.no_grad():
        for parameter in teacher.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    texts, nothing = [torch.randn(9, HIDDEN)], [torch.randn(5, HIDDEN)]
    x = torch.randn(1, 16, 8, 8)
    with torch.no_grad():
        plain = train_turbo.guided(teacher, x, 0.8, texts, texts)
        guided = train_turbo.guided(teacher, x, 0.8, texts, nothing)
        landed = train_turbo.landing(teacher, x, 0.8, 0.6, texts, nothing)
    assert not torch.allclose(plain, guided, atol=1e-3)
    assert torch.allclose(landed, x - 0.2 * guided, atol=0.5) and not torch.equal(landed, x - 0.2 * guided)
