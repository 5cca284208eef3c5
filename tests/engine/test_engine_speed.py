"""Ways to be quick: measured once, remembered by device and versions, named in a picture's environment, and used again by its re-run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import pytest
import torch

from studio.engine import sampling
from studio.engine.engine import ResidentEngine
from studio.engine.speed import tuning, tuning_cache
from studio.engine.speed.execution_options import ExecutionOptions, Shape, attends, shape
from studio.engine.speed.tuning_cache import Measurement, Report, Speed

SLOW = Measurement(name="attention", value="_native_cudnn", seconds=1.2, plain=1.0, difference=0.0)
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
    trials: list[Measurement], exact: bool, wanted: Speed
) -> None:
    assert tuning_cache.chosen(trials, exact=exact) == wanted


def test_what_was_measured_is_remembered_beside_what_is_known_of_others(tmp_path: Path) -> None:
    file = tmp_path / "speed.json"
    report = Report(speed=Speed(attention="flash"), trials=(SLOW, QUICKER))
    assert tuning_cache.known(file, "card A") is None and tuning_cache.known(None, "card A") is None
    tuning_cache.remember(file, "card A", report)
    tuning_cache.remember(file, "card B", Report())
    assert (tuning_cache.known(file, "card A"), tuning_cache.known(file, "card B")) == (report, Report())
    for broken in ("", "[]", '{"card A": {"speed": {"wings": 2}}}'):
        file.write_text(broken, encoding="utf-8")
        assert tuning_cache.known(file, "card A") is None
    tuning_cache.remember(file, "card A", report)
    assert tuning_cache.known(file, "card A") == report


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
    assert again._ready().report == tuning_cache.known(notes, name)


def test_backends_are_measured_and_one_that_is_not_installed_is_passed_over(desk: Any) -> None:
    ways = desk.engine._ready().ways
    before = desk.pixels()
    report = tuning.measure(ways, 64, backends=("native", "_native_math", "_flash_3", "sage"))
    assert [(one.name, one.value) for one in report.trials] == [("attention", "_native_math"), ("channels_last", "yes")]
    assert all(one.seconds > 0 and one.plain > 0 and 0 <= one.difference < 1e-3 for one in report.trials)
    assert desk.pixels() == before and ways.now == Speed()


def test_a_rerun_uses_the_ways_of_its_picture_and_those_in_use_come_back(desk: Any) -> None:
    ways = desk.engine._ready().ways
    options = {"on_step": lambda event: None, "cancelled": lambda: False}
    plain = desk.draw()
    like = {**plain.environment, "attention": "_native_math", "channels_last": True}
    drawn = desk.engine.generate(desk.recipe, like=like, **options)
    assert (drawn.environment["attention"], drawn.environment["channels_last"]) == ("_native_math", True)
    assert desk.draw().environment == plain.environment
    assert desk.draw().image.tobytes() == plain.image.tobytes()

    absent = {"attention": "_flash_3", "compiled": True, "compiled_vae": True, "graphs": True}
    drawn = desk.engine.generate(desk.recipe, like={**like, **absent}, **options)
    assert [drawn.environment[name] for name in absent] == ["native", False, False, False]
    assert ways.now == Speed()


def test_two_prompts_in_one_step_are_never_given_to_a_backend_that_cannot_leave_tokens_out(desk: Any) -> None:
    loaded = desk.engine._ready()
    for guidance, attention in ((2.0, "native"), (0.0, "flash")):
        ways = sampling._ways(loaded, replace(desk.recipe, guidance=guidance), {"attention": "flash"})
        assert ways.attention == attention


def test_what_one_model_was_set_to_is_no_other_ones_plain_way(
    desk: Any, new_engine: Callable[..., ResidentEngine], desk_of: Callable[[ResidentEngine], Any]
) -> None:
    """diffusers keeps one active backend for the whole process; a model that was never set follows it."""
    desk.engine._ready().ways.use(Speed(attention="_native_math"))
    other = new_engine("pocket")
    other.start()
    assert other.wait(120).status == "ready"
    assert attends(other.pipeline) == "native"
    assert desk_of(other).draw().environment["attention"] == "native"
    desk.engine._ready().ways.use(Speed())


def test_shapes_are_told_apart_by_what_the_transformer_pads_to() -> None:
    assert shape(64, 96, 1) == shape(64, 96, 32) != shape(64, 96, 33) == shape(64, 96, 64)
    assert shape(64, 96, 20) != shape(96, 64, 20) != shape(64, 96, 20, 20)


def weights_lie(ways: ExecutionOptions) -> list[int]:
    """The addresses of all weights that recorded calls read."""
    parts = (ways.pipe.transformer, ways.pipe.text_encoder, ways.pipe.vae.decoder)
    return [each.data_ptr() for part in parts for each in part.parameters()]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # a compiler's own: what it imports, and what it advises
@pytest.mark.skipif(
    which("cc") is None and which("gcc") is None, reason="compiling needs a C compiler: apt-get install gcc"
)
def test_compiled_code_is_used_only_for_shapes_that_were_prepared_and_a_wish_interrupts_compiling(
    desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiled for real, on the processor; the parts of it that only a card uses by itself are called here by hand."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    ways = desk.engine._ready().ways
    plain = desk.draw()
    side = desk.recipe.height
    before = Report(trials=(replace(QUICK, name="compiled"), replace(QUICK, name="compiled_vae")))  # known to help
    with torch.no_grad():
        for part in ("compiled", "compiled_vae"):
            assert tuning.measure_compiled(ways, side, before, part, lambda: True) is None, "somebody waits"
            report = tuning.measure_compiled(ways, side, before, part)
            assert report is not None and getattr(report.speed, part)
        assert ways.now.compiled and ways.now.compiled_vae
        unprepared = desk.draw()
        assert not unprepared.environment["compiled"] and not unprepared.environment["compiled_vae"]
        assert unprepared.image.tobytes() == plain.image.tobytes()
        assert ways.cold() and not tuning.prepare(ways, side, lambda: True)
        assert tuning.prepare(ways, side, lambda: False) and not ways.cold()

    drawn = desk.draw()
    lies = weights_lie(ways)
    desk.engine._ready().prompts.clear()  # so that the next one is encoded, too
    desk.draw()
    assert weights_lie(ways) == lies, "a recorded call knows the weights by where they lie"
    assert drawn.environment["compiled"] is True and drawn.environment["compiled_vae"] is True
    assert desk.draw().image.tobytes() == drawn.image.tobytes()
    apart = np.abs(np.asarray(drawn.image, dtype=float) - np.asarray(plain.image, dtype=float)).mean()
    assert apart < 1, "the same picture, but for rounding"
    options = {"on_step": lambda event: None, "cancelled": lambda: False}
    again = desk.engine.generate(desk.recipe, like=plain.environment, **options)
    assert again.image.tobytes() == plain.image.tobytes() and again.environment["compiled"] is False
    other = desk.engine.generate(replace(desk.recipe, width=side // 2), like=drawn.environment, **options)
    assert other.environment["compiled"] is False, "nobody waits for a compiler"
    for name in ("transformer", "decoder"):
        ways.plain(name)
    ways.use(Speed())


@pytest.mark.filterwarnings("ignore")  # as above
def test_what_could_not_be_compiled_runs_as_it_was(desk: Any) -> None:
    loaded = desk.engine._ready()
    before = desk.pixels()

    def fails() -> None:
        raise RuntimeError("no compiler on this machine")

    for part in ("transformer", "decoder"):
        with pytest.raises(RuntimeError, match="no compiler"):
            loaded.ways.compile(part, fails, lambda: False)
    assert all(block._compiled_call_impl is None for blocks in loaded.ways.pieces().values() for block in blocks)
    assert desk.pixels() == before


def test_a_part_that_cannot_be_compiled_is_tried_once_and_takes_nothing_from_the_rest(
    own_desk: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    loaded, tries = own_desk.engine._ready(), []
    loaded.report = Report(trials=(LAYOUT,))

    def fails(*given: Any) -> None:
        tries.append(given[3])
        raise RuntimeError("no compiler on this machine")

    monkeypatch.setattr(tuning, "measure_compiled", fails)
    for _ in range(2):
        assert all(tuning._compiled(loaded, 64, part, lambda: False) for part in tuning.PARTS)
    assert tries == ["compiled", "compiled_vae"] and loaded.report.trials == (LAYOUT,)


def test_a_shape_that_cannot_be_prepared_is_given_up_and_the_others_are_not(
    own_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = own_desk.engine._ready().ways
    large, small = shape(2048, 2048, 40), shape(64, 64, 40)
    ways.drawn.update([large, small])
    ways.now = Speed(compiled=True)
    real = tuning.stepped

    def stepped(of_ways: ExecutionOptions, of: Shape) -> Callable[[], torch.Tensor]:
        if of == large:
            raise torch.OutOfMemoryError("out of memory")
        return real(of_ways, of)

    monkeypatch.setattr(tuning, "stepped", stepped)
    assert ways.cold() == [large, small]
    assert tuning.prepare(ways, 64, lambda: False) and ways.cold() == []
    assert ways.ready


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="calls are recorded on a CUDA device only")
def test_recorded_calls_draw_the_same(
    new_engine: Callable[..., ResidentEngine], desk_of: Callable[[ResidentEngine], Any]
) -> None:
    engine = new_engine("pocket", device="cuda")
    engine.start()
    assert engine.wait(240).status == "ready"
    ways, desk = engine._ready().ways, desk_of(engine)
    plain = desk.pixels()
    ways.use(Speed(graphs=True))
    drawn = [desk.draw() for _ in range(4)]
    assert {one.environment["graphs"] for one in drawn} == {True}
    assert ways.graphs["transformer"]._graphs and ways.graphs["decoder"]._graphs
    assert desk.pixels() == plain
