"""Ways to be quick: measured once, remembered by device and versions, named in a picture's environment, and used again by its re-run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.engine import drawing, speed
from studio.engine.resident import ResidentEngine
from studio.engine.speed import Report, Speed, Trial

SLOW = Trial(name="attention", value="_native_cudnn", seconds=1.2, plain=1.0, difference=0.0)
QUICK = replace(SLOW, value="_flash_3", seconds=0.5, difference=0.01)
QUICKER = replace(QUICK, value="flash", seconds=0.4)
LAYOUT = replace(QUICK, name="channels_last", value="yes")


@pytest.mark.parametrize(
    ("trials", "exact", "wanted"),
    [
        ([], False, Speed()),
        ([SLOW], False, Speed()),
        ([replace(QUICK, seconds=0.99)], False, Speed()),
        ([SLOW, QUICK, QUICKER], False, Speed(attention="flash")),
        ([QUICK, LAYOUT], False, Speed(attention="_flash_3", channels_last=True)),
        ([QUICK, LAYOUT], True, Speed()),
        ([QUICK, replace(LAYOUT, difference=0.0)], True, Speed(channels_last=True)),
    ],
)
def test_a_way_is_used_where_it_gains_enough_and_on_a_processor_only_if_no_number_changes(
    trials: list[Trial], exact: bool, wanted: Speed
) -> None:
    assert speed.chosen(trials, exact=exact) == wanted


def test_what_was_measured_is_remembered_beside_what_is_known_of_others(tmp_path: Path) -> None:
    file = tmp_path / "speed.json"
    report = Report(speed=Speed(attention="flash"), trials=(SLOW, QUICKER))
    assert speed.known(file, "card A") is None and speed.known(None, "card A") is None
    speed.remember(file, "card A", report)
    speed.remember(file, "card B", Report())
    assert (speed.known(file, "card A"), speed.known(file, "card B")) == (report, Report())
    for broken in ("", "[]", '{"card A": {"speed": {"wings": 2}}}'):
        file.write_text(broken, encoding="utf-8")
        assert speed.known(file, "card A") is None
    speed.remember(file, "card A", report)
    assert speed.known(file, "card A") == report


def test_each_way_is_tried_beside_the_plain_one_and_the_pipeline_is_left_as_was_chosen(
    new_engine: Callable[..., ResidentEngine], desk_of: Callable[[ResidentEngine], Any], tmp_path: Path
) -> None:
    notes = tmp_path / "speed.json"
    engine = new_engine("pocket", notes=notes)
    assert engine.tune(lambda: False) is False, "nothing is loaded yet"
    engine.start()
    assert engine.wait(120).status == "ready"
    before = desk_of(engine).pixels()
    assert engine.tune(lambda: True) is False and not notes.exists(), "somebody waits: it is put off"
    assert engine.tune(lambda: False) is True and engine.tune(lambda: False) is False
    assert desk_of(engine).pixels() == before, "on a processor no number may change"
    (name,) = json.loads(notes.read_text("utf-8"))
    assert "torch" in name and "Pocket in fp32, stay" in name
    assert engine.machine is not None
    by = {option.name: option for option in engine.machine.options}
    assert "time, numbers differ by" in by["channels_last"].why and by["attention"].value == "native"

    again = new_engine("pocket", notes=notes)
    again.start()
    assert again.wait(120).status == "ready"
    assert again._ready().report == speed.known(notes, name)


def test_backends_are_measured_and_one_that_is_not_installed_is_passed_over(desk: Any) -> None:
    loaded = desk.engine._ready()
    before = desk.pixels()
    report = speed.measure(loaded.pipe, loaded.device, 64, backends=("native", "_native_math", "_flash_3", "sage"))
    assert [(one.name, one.value) for one in report.trials] == [("attention", "_native_math"), ("channels_last", "yes")]
    assert all(one.seconds > 0 and one.plain > 0 and 0 <= one.difference < 1e-3 for one in report.trials)
    speed.apply(loaded.pipe, Speed())
    assert desk.pixels() == before


def test_a_rerun_uses_the_ways_of_its_picture_and_those_in_use_come_back(desk: Any) -> None:
    loaded = desk.engine._ready()
    options = {"on_step": lambda event: None, "cancelled": lambda: False}
    plain = desk.draw()
    like = {**plain.environment, "attention": "_native_math", "channels_last": True}
    drawn = desk.engine.draw(desk.recipe, like=like, **options)
    assert (drawn.environment["attention"], drawn.environment["channels_last"]) == ("_native_math", True)
    assert desk.draw().environment == plain.environment
    assert desk.draw().image.tobytes() == plain.image.tobytes()

    absent = desk.engine.draw(desk.recipe, like={**like, "attention": "_flash_3", "compiled": True}, **options)
    assert absent.environment["attention"] == "native" and absent.environment["compiled"] is False
    assert loaded.speed == Speed()


def test_two_prompts_in_one_step_are_never_given_to_a_backend_that_cannot_leave_tokens_out(desk: Any) -> None:
    loaded = desk.engine._ready()
    for guidance, attention in ((2.0, "native"), (0.0, "flash")):
        ways = drawing._ways(loaded, replace(desk.recipe, guidance=guidance), {"attention": "flash"})
        assert ways.attention == attention


def test_what_one_model_was_set_to_is_no_other_ones_plain_way(
    desk: Any, new_engine: Callable[..., ResidentEngine], desk_of: Callable[[ResidentEngine], Any]
) -> None:
    """diffusers keeps one active backend for the whole process; a model that was never set follows it."""
    speed.apply(desk.engine._ready().pipe, Speed(attention="_native_math"))
    other = new_engine("pocket")
    other.start()
    assert other.wait(120).status == "ready"
    assert speed._attends(other.pipeline) == "native"
    assert desk_of(other).draw().environment["attention"] == "native"
    speed.apply(desk.engine._ready().pipe, Speed())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="compiled blocks are measured on a CUDA device")
def test_compiled_blocks_draw_nearly_the_same(new_engine: Callable[..., ResidentEngine]) -> None:
    engine = new_engine("pocket", device="cuda")
    engine.start()
    assert engine.wait(240).status == "ready"
    loaded = engine._ready()
    report = speed.measure_compiled(loaded.pipe, loaded.device, 128, Report())
    assert report.trials[-1].name == "compiled" and report.trials[-1].difference < 0.05
