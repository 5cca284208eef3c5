"""What every engine keeps, run over each implementation: add another to ENGINES."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat

from studio.domain.recipe import SEED_MAX, Adapter, Recipe
from studio.engine.base import Engine, StepEvent
from studio.engine.engine import EngineOptions, ResidentEngine
from studio.errors import Cancelled, EngineError, InvalidRequest, NotReady
from tests.fakes.engine import PaintEngine

POCKET = Path(__file__).resolve().parents[2] / "pocket" / "checkpoint"


def resident(cache: Path) -> Engine:
    """Not started; its catalogue has more than is on the disk, for `cache` is empty."""
    return ResidentEngine(EngineOptions(checkpoint="pocket", device="cpu", memory_gb=None, pocket=POCKET, cache=cache))


ENGINES: dict[str, Callable[[Path], Engine]] = {"resident": resident, "paint": lambda cache: PaintEngine()}


@pytest.fixture(scope="module", params=sorted(ENGINES))
def any_engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = ENGINES[request.param](tmp_path_factory.mktemp("cache"))
    made.start()
    assert made.wait(240).status == "ready", made.state.message
    yield made
    made.close()


@pytest.fixture(params=sorted(ENGINES))
def unstarted(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    return ENGINES[request.param](tmp_path)


@pytest.fixture
def recipe(any_engine: Engine) -> Recipe:
    """A quick one for the resident checkpoint."""
    info = any_engine.info(None)
    return Recipe(
        prompt="一只猫和两个苹果 on a blue background", seed=11, width=info.defaults.native, height=info.defaults.native,
        steps=2, guidance=info.defaults.guidance, shift=info.defaults.shift, checkpoint=info.name,
    )  # fmt: skip


def drawn(engine: Engine, recipe: Recipe) -> bytes:
    return engine.generate(recipe, on_step=lambda event: None, cancelled=lambda: False).image.tobytes()


def test_what_a_picture_begins_with_shapes_it_the_less_the_further_it_goes(any_engine: Engine, recipe: Recipe) -> None:
    source = Image.radial_gradient("L").convert("RGB").resize((300, 200))

    def begun(strength: float, picture: Image.Image | None = source) -> Image.Image:
        wanted = replace(recipe, source="ab" * 32, strength=strength)
        return any_engine.generate(wanted, on_step=lambda event: None, cancelled=lambda: False, source=picture).image

    near, far = begun(0.2), begun(0.9)
    fit = ImageOps.fit(source, near.size)
    off = [sum(ImageStat.Stat(ImageChops.difference(fit, one)).mean) for one in (near, far)]
    assert off[0] < off[1] and near.size == (recipe.width, recipe.height)
    assert begun(0.2).tobytes() == near.tobytes() and begun(0.2, source.convert("L")).tobytes() == near.tobytes()
    with pytest.raises(EngineError, match="source image of this picture is not here"):
        begun(0.2, None)
    assert drawn(any_engine, recipe) == drawn(any_engine, recipe) != near.tobytes()


def test_a_ready_engine_says_what_it_has(any_engine: Engine) -> None:
    state = any_engine.state
    assert state.status == "ready"
    assert state.revision and state.device and state.message.endswith(".")
    assert any_engine.wait(0) == state
    assert any_engine.info(None).name == state.checkpoint
    assert any_engine.info(None).on_disk


def test_the_catalogue_is_whole(any_engine: Engine) -> None:
    entries = any_engine.checkpoints()
    assert len({entry.name for entry in entries}) == len(entries) >= 1
    for entry in entries:
        assert any_engine.info(entry.name) == entry
        assert entry.defaults.native % 16 == 0
        assert 1 <= entry.defaults.steps <= 50
        assert 0 <= entry.defaults.guidance <= 20
        assert entry.title and entry.template


@pytest.mark.parametrize("name", ["nothing", "", "../pocket", "/etc/passwd", "some/repository", "POCKET"])
def test_a_stranger_can_name_nothing_new(any_engine: Engine, name: str) -> None:
    for call in (any_engine.info, any_engine.switch, any_engine.download):
        with pytest.raises(InvalidRequest, match=r"must be one of .*pocket") as caught:
            call(name)
        assert caught.value.name == "checkpoint"
        assert caught.value.value == name
    assert any_engine.state.status == "ready"


@pytest.mark.parametrize(("width", "height"), [(128, 128), (64, 160), (208, 96)])
def test_the_picture_has_the_size_that_was_asked_for(
    any_engine: Engine, recipe: Recipe, width: int, height: int
) -> None:
    seen: list[StepEvent] = []
    drawing = any_engine.generate(
        replace(recipe, width=width, height=height), on_step=seen.append, cancelled=lambda: False
    )
    assert drawing.image.size == (width, height)
    assert drawing.image.mode == "RGB"
    assert drawing.seconds > 0
    for event in seen:
        assert event.preview is not None
        assert event.preview.mode == "RGB"
        assert max(event.preview.size) <= 256
        assert event.preview.width * height == event.preview.height * width


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_each_step_is_told_once_and_in_order(any_engine: Engine, recipe: Recipe, steps: int) -> None:
    seen: list[StepEvent] = []
    any_engine.generate(replace(recipe, steps=steps), on_step=seen.append, cancelled=lambda: False)
    assert [(event.step, event.steps) for event in seen] == [(step, steps) for step in range(1, steps + 1)]


def test_the_environment_is_json_and_names_versions(any_engine: Engine, recipe: Recipe) -> None:
    environment = any_engine.generate(recipe, on_step=lambda event: None, cancelled=lambda: False).environment
    assert json.loads(json.dumps(environment)) == environment
    assert {"studio", "torch", "diffusers", "transformers", "device", "dtype", "threads"} <= set(environment)
    text = json.dumps(environment)
    assert str(Path.home()) not in text and str(POCKET.parent) not in text


def test_the_same_recipe_is_the_same_picture(any_engine: Engine, recipe: Recipe) -> None:
    first = drawn(any_engine, recipe)
    other = drawn(any_engine, replace(recipe, prompt="something else", seed=99))
    assert drawn(any_engine, recipe) == first != other


def test_each_seed_is_another_picture_and_picture_k_can_be_drawn_alone(any_engine: Engine, recipe: Recipe) -> None:
    job = [drawn(any_engine, recipe.picture(index)) for index in range(3)]
    assert len(set(job)) == 3
    assert drawn(any_engine, replace(recipe, seed=recipe.seed + 2)) == job[2]
    assert drawn(any_engine, replace(recipe, seed=SEED_MAX)) not in job


def test_prompt_size_steps_and_shift_each_matter(any_engine: Engine, recipe: Recipe) -> None:
    changed = [
        recipe,
        replace(recipe, prompt=recipe.prompt + " at night"),
        replace(recipe, steps=recipe.steps + 1),
        replace(recipe, shift=recipe.shift + 2),
    ]
    assert len({drawn(any_engine, each) for each in changed}) == len(changed)


def test_cancelled_before_it_began_it_takes_no_step(any_engine: Engine, recipe: Recipe) -> None:
    seen: list[StepEvent] = []
    with pytest.raises(Cancelled):
        any_engine.generate(recipe, on_step=seen.append, cancelled=lambda: True)
    assert seen == []


def test_cancelled_in_the_middle_it_takes_no_further_step_and_the_next_is_untouched(
    any_engine: Engine, recipe: Recipe
) -> None:
    before = drawn(any_engine, recipe)
    for at in (1, 3, 6):
        seen: list[StepEvent] = []
        with pytest.raises(Cancelled):
            any_engine.generate(
                replace(recipe, steps=6), on_step=seen.append, cancelled=lambda seen=seen, at=at: len(seen) >= at
            )
        assert len(seen) == at
    assert drawn(any_engine, recipe) == before


def test_what_a_watcher_raises_comes_through_and_the_next_is_untouched(any_engine: Engine, recipe: Recipe) -> None:
    before = drawn(any_engine, recipe)

    class HostOptions(RuntimeError):
        pass

    def broken(event: StepEvent) -> None:
        raise HostOptions("out of memory, said the watcher")

    with pytest.raises(HostOptions):
        any_engine.generate(recipe, on_step=broken, cancelled=lambda: False)
    assert drawn(any_engine, recipe) == before


def test_a_recipe_for_another_checkpoint_is_refused(any_engine: Engine, recipe: Recipe) -> None:
    with pytest.raises(EngineError, match="elsewhere"):
        drawn(any_engine, replace(recipe, checkpoint="elsewhere"))


def test_a_checkpoint_that_is_not_on_the_disk_is_not_switched_to(any_engine: Engine, recipe: Recipe) -> None:
    absent = [entry for entry in any_engine.checkpoints() if not entry.on_disk]
    assert absent
    before = drawn(any_engine, recipe)
    for entry in absent:
        with pytest.raises(EngineError, match="not on this machine's disk"):
            any_engine.switch(entry.name)
    assert any_engine.state.status == "ready"
    assert drawn(any_engine, recipe) == before


def test_adapters_are_told_by_name_and_one_that_is_not_here_draws_nothing(any_engine: Engine, recipe: Recipe) -> None:
    told = any_engine.adapters(None)
    assert told == any_engine.adapters(any_engine.state.checkpoint)
    assert len({one.name for one in told}) == len(told)
    with pytest.raises(InvalidRequest, match="checkpoint must be one of"):
        any_engine.adapters("elsewhere")
    before = drawn(any_engine, recipe)
    with pytest.raises(EngineError, match="The adapter nothing is not here"):
        drawn(any_engine, replace(recipe, adapters=(Adapter(name="nothing", weight=1.0),)))
    assert drawn(any_engine, recipe) == before


def test_the_machine_is_told_once_it_was_looked_at(any_engine: Engine, unstarted: Engine) -> None:
    assert unstarted.machine is None
    unstarted.close()
    found = any_engine.machine
    assert found is not None and found.device and found.threads >= 1
    assert found.kind in ("cpu", "cuda", "mps")
    if found.plan is not None:
        assert found.plan.why and found.plan in [
            replace(one, why=found.plan.why, others=found.plan.others) for one in found.plan.others
        ]
    assert all(option.name and option.value and option.why for option in found.options)


def test_tokens_are_those_of_the_encoder(any_engine: Engine) -> None:
    short, long = any_engine.tokens("a cat"), any_engine.tokens("a cat " * 200)
    assert short is not None and long is not None
    assert 2 < short < 60
    assert long > 200 + short - 60


def test_tokens_can_be_counted_while_it_draws(any_engine: Engine, recipe: Recipe) -> None:
    expected = any_engine.tokens("two dogs, three stars")
    before = drawn(any_engine, recipe)
    counted: list[int | None] = []
    stop = threading.Event()

    def count() -> None:
        while not counted or not stop.wait(0.001):
            counted.append(any_engine.tokens("two dogs, three stars"))

    thread = threading.Thread(target=count)
    thread.start()
    try:
        for index in range(4):  # prompts that no cache knows
            drawn(any_engine, replace(recipe, prompt=f"{index} moons over a house", steps=1))
        assert drawn(any_engine, recipe) == before
    finally:
        stop.set()
        thread.join()
    assert set(counted) == {expected}


def test_the_chat_model_has_a_name_and_the_revision_of_the_weights(any_engine: Engine) -> None:
    model = any_engine.chat()
    assert model.name
    assert model.revision == any_engine.state.revision


def test_talking_changes_no_picture(any_engine: Engine, recipe: Recipe) -> None:
    from enhancer.base import Sampling
    from enhancer.errors import EnhancerError

    before = drawn(any_engine, recipe)
    model = any_engine.chat()
    try:
        pieces = list(
            model.stream([{"role": "user", "content": "a cat"}], Sampling(seed=1, max_tokens=8), lambda: False)
        )
    except EnhancerError:
        pieces = []  # eight tokens may not be an answer
    assert all(isinstance(piece, str) for piece in pieces)
    assert drawn(any_engine, replace(recipe, prompt=recipe.prompt)) == before


def test_before_the_start_nothing_is_ready(unstarted: Engine) -> None:
    assert unstarted.state.status == "loading"
    assert unstarted.wait(0).status == "loading"
    assert unstarted.tokens("a cat") is None
    assert unstarted.info(None).defaults.steps > 0
    with pytest.raises(NotReady):
        unstarted.chat()
    recipe = Recipe(prompt="a cat", seed=1, width=128, height=128, steps=1, guidance=0, shift=3, checkpoint="pocket")
    with pytest.raises(NotReady):
        drawn(unstarted, recipe)
    unstarted.close()


def test_after_close_nothing_is_ready(unstarted: Engine) -> None:
    unstarted.start()
    assert unstarted.wait(240).status == "ready"
    unstarted.close()
    assert unstarted.state.status == "failed"
    assert unstarted.tokens("a cat") is None
    with pytest.raises(NotReady):
        unstarted.chat()
