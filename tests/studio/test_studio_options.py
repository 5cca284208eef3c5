"""How a wish is steered on its way: spread, choices, styles, locked words, templates, instructions; over a real database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from enhancer import templates
from enhancer.enhancer import Enhancer
from storage import open as open_storage
from studio.domain.enhancement_options import HostOptions
from studio.domain.request import GenerationRequest
from studio.errors import InvalidRequest, NotFound
from studio.studio import Studio, StudioOptions
from tests.fakes.engine import ANSWER, PaintEngine
from tests.studio.conftest import Make, end

ME, OTHER = "me", "other"


def pictures(studio: Studio, wish: GenerationRequest) -> list[dict[str, Any]]:
    shot = end(studio, ME, studio.generation.submit(ME, wish))
    assert shot["status"] == "done", shot["error"]
    return shot["pictures"]  # type: ignore[return-value]


def test_spread_draws_each_picture_from_a_rewrite_of_its_own(make: Make) -> None:
    studio = make()
    drawn = pictures(studio, GenerationRequest.of(prompt="a cat", seed=7, count=3, spread=True))
    kept = [one["enhancement"] for one in drawn]
    assert [one["seed"] for one in drawn] == [one["seed"] for one in kept] == [7, 8, 9]
    assert len({one["id"] for one in kept}) == 3 and {one["original"] for one in kept} == {"a cat"}
    together = pictures(studio, GenerationRequest.of(prompt="a cat", seed=7, count=3))
    assert len({one["enhancement"]["id"] for one in together}) == 1


def test_choices_are_decided_by_each_pictures_seed_and_kept_decided(make: Make) -> None:
    studio, wish = make(), GenerationRequest.of(prompt='a {red|green|blue} cat "{a|b}"', seed=3, count=6, enhance=False)
    drawn = pictures(studio, wish)
    assert len({one["prompt"] for one in drawn}) > 1
    assert all("|" not in one["prompt"].replace("{a|b}", "") and one["prompt"].endswith('"{a|b}"') for one in drawn)
    assert [one["original_prompt"] for one in drawn] == [one["prompt"] for one in drawn]
    assert [one["prompt"] for one in pictures(studio, wish)] == [one["prompt"] for one in drawn]
    again = end(studio, ME, studio.generation.rerun(ME, drawn[4]["id"]))
    assert again["identical"] is True


def test_choices_that_are_reasoned_about_have_an_enhancement_for_each_outcome(make: Make) -> None:
    drawn = pictures(make(), GenerationRequest.of(prompt="a {red|green} cat", seed=3, count=5))
    by_prompt = {one["original_prompt"]: one["enhancement"]["id"] for one in drawn}
    assert set(by_prompt) == {"a red cat", "a green cat"} and len({one["enhancement"]["id"] for one in drawn}) == 2
    assert all(one["enhancement"]["original"] == one["original_prompt"] for one in drawn)


def test_a_kept_enhancements_prompt_is_drawn_as_it_is_given(make: Make) -> None:
    studio = make()
    first = pictures(studio, GenerationRequest.of(prompt="a cat"))[0]
    drawn = pictures(studio, GenerationRequest.of(prompt="a {red|green} cat", enhancement=first["enhancement"]["id"]))[
        0
    ]
    assert drawn["prompt"] == "a {red|green} cat" and drawn["edited"] and not first["edited"]


def test_a_style_is_put_to_what_is_drawn_with_and_without_reasoning(make: Make) -> None:
    studio = make()
    drawn = pictures(studio, GenerationRequest.of(prompt="a cat", style="pencil", enhance=False))[0]
    assert (drawn["prompt"], drawn["original_prompt"]) == ("a cat, pencil drawing", "a cat")
    kept = pictures(studio, GenerationRequest.of(prompt="a cat", style="pencil"))[0]["enhancement"]
    assert (kept["style"], kept["original"]) == ("pencil", "a cat")
    assert kept["steps"][0]["text"] == "a cat, pencil drawing"


def test_the_style_of_what_was_drawn_without_reasoning_is_found_again(make: Make) -> None:
    drawn = pictures(make(), GenerationRequest.of(prompt="a cat", style="pencil", enhance=False))[0]
    steers = make().enhancement.options()
    assert steers.style_of("a cat", drawn["prompt"]) == "pencil"
    assert steers.style_of("a cat", "a cat") == "" and steers.style_of("a dog", drawn["prompt"]) == ""


def test_locked_words_are_checked_and_kept(make: Make) -> None:
    kept = pictures(make(), GenerationRequest.of(prompt="a cat in a hat", locks=("hat",)))[0]["enhancement"]
    assert kept["locks"] == ["hat"] and {"kind": "lock", "wanted": "hat", "held": True} in kept["checks"]


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"style": "ink"}, "style must be one of outlined, night, pencil"),
        ({"length": "short"}, "length must be auto with this model, which has one length only"),
        ({"template": "mine"}, "template must be one of the host's own templates \\(none are there\\)"),
        ({"locks": ("dog",)}, "locks must be words of the prompt"),
        ({"locks": "cat"}, "locks must be a list of at most 20 texts"),
        ({"enhance": False, "spread": True}, "spread must be False without an enhancement"),
        ({"enhance": False, "locks": ("cat",)}, r"locks must be \[\] without an enhancement"),
    ],
)
def test_what_would_do_nothing_is_refused_by_name(make: Make, wish: dict[str, Any], sentence: str) -> None:
    studio = make()
    with pytest.raises(InvalidRequest, match=sentence):
        studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", **wish))
    assert studio.jobs.unfinished(ME) == []


def test_an_instruction_wants_a_model_that_follows(make: Make) -> None:
    studio = make()
    kept = pictures(studio, GenerationRequest.of(prompt="a cat"))[0]["enhancement"]
    with pytest.raises(
        InvalidRequest, match="instruction cannot be given to Paint's own model, which does not follow instructions"
    ):
        studio.generation.refine(ME, kept["id"], "make it dusk")


@pytest.fixture
def following(tmp_path: Path, engine: PaintEngine) -> Any:
    """A studio whose enhancer follows, as a server's model does; what it is told is written down."""
    store = open_storage(tmp_path / "data")
    folder = HostOptions(store.folder).templates
    folder.mkdir(parents=True)
    (folder / "mine.en.txt").write_text("My own words.", encoding="utf-8")
    chat = _Hearing()
    studio = Studio(
        store,
        engine,
        lambda info, own: Enhancer(chat, template=own or "chain", folder=folder),
        StudioOptions(remote=True),
    )
    studio.start()
    yield studio, chat
    studio.close()


class _Hearing:
    name, revision = "hearing", "r1"

    def __init__(self) -> None:
        self.heard: list[list[str]] = []

    def stream(self, messages: Any, sampling: Any, cancelled: Any) -> Any:
        self.heard.append([one["content"] for one in messages])
        yield ANSWER.replace("{wish}", messages[-1]["content"].split("\n")[-1])


def test_an_instruction_makes_a_new_enhancement_with_the_old_as_parent(following: Any) -> None:
    studio, chat = following
    first = pictures(studio, GenerationRequest.of(prompt="a cat"))[0]["enhancement"]
    shot = end(
        studio, ME, studio.generation.refine(ME, first["id"], "make it dusk, keep the rest", prompt="a cat, edited")
    )
    made = shot["enhancement"]
    assert made["parent_id"] == first["id"] and made["original"] == "a cat"
    assert made["instruction"] == "make it dusk, keep the rest"
    assert chat.heard[-1][2] == "## prompt\na cat, edited"
    drawn = pictures(studio, GenerationRequest.of(prompt=made["prompt"], enhancement=made["id"]))[0]
    assert drawn["enhancement"]["parent_id"] == first["id"]
    with pytest.raises(NotFound):
        studio.generation.refine(OTHER, first["id"], "make it dusk")


def test_a_template_of_the_hosts_own_is_chosen_and_kept_with_its_version(following: Any) -> None:
    studio, chat = following
    assert studio.enhancement.options().templates == ("mine",) and studio.enhancement.options().lengths == (
        "auto",
        "short",
        "rich",
    )
    kept = pictures(studio, GenerationRequest.of(prompt="a cat", template="mine", length="short"))[0]["enhancement"]
    version = templates.load("mine", "en", HostOptions(studio._storage.folder).templates).version
    assert (kept["template"], kept["template_version"]) == ("mine", version)
    assert chat.heard[-1][0] == f"My own words.\n\n{templates.LENGTH['en']['short']}"


def test_a_job_that_could_not_reason_is_drawn_plainly_by_one_click(make: Make) -> None:
    studio = make(model=_Silent())
    shot = end(
        studio,
        ME,
        studio.generation.submit(
            ME, GenerationRequest.of(prompt="a {red|red} cat", style="pencil", count=2, spread=True)
        ),
    )
    assert shot["status"] == "failed" and "prompt is kept" in str(shot["error"])
    drawn = end(studio, ME, studio.generation.retry(ME, str(shot["job"]), plain=True))
    assert drawn["status"] == "done"
    assert [one["prompt"] for one in drawn["pictures"]] == ["a red cat, pencil drawing"] * 2  # type: ignore[union-attr]


class _Silent:
    name, revision = "silent", "r1"

    def stream(self, messages: Any, sampling: Any, cancelled: Any) -> Any:
        yield ""


def test_a_job_of_many_pictures_lets_another_owner_by_after_each(make: Make, engine: PaintEngine) -> None:
    studio, order = make(start=False), list[str]()
    engine.before_step = lambda recipe, step: order.append(recipe.prompt) if step == 1 else None
    long = studio.generation.submit(ME, GenerationRequest.of(prompt="long", count=4, seed=1, spread=True))
    short = [
        studio.generation.submit(OTHER, GenerationRequest.of(prompt=f"short {n}", enhance=False)) for n in range(2)
    ]
    studio.start()
    done = end(studio, ME, long)
    assert done["status"] == "done" and [one["seed"] for one in done["pictures"]] == [1, 2, 3, 4]  # type: ignore[union-attr]
    assert [end(studio, OTHER, job)["status"] for job in short] == ["done", "done"]
    rewritten = "long, in soft light"
    assert order == [rewritten, "short 0", rewritten, "short 1", rewritten, rewritten]
    kept = {one["enhancement"]["id"] for one in done["pictures"]}  # type: ignore[union-attr]
    assert len(kept) == 4


def test_a_job_that_let_others_by_can_be_cancelled_and_drawn_on(make: Make, engine: PaintEngine) -> None:
    studio = make(start=False)
    long = studio.generation.submit(ME, GenerationRequest.of(prompt="long", count=3, seed=1, enhance=False))
    short = studio.generation.submit(OTHER, GenerationRequest.of(prompt="short", enhance=False))

    def cancel(recipe: Any, step: int) -> None:
        if recipe.prompt == "short" and step == 1:
            studio.generation.cancel(ME, long)

    engine.before_step = cancel
    studio.start()
    assert end(studio, OTHER, short)["status"] == "done"
    stopped = end(studio, ME, long)
    assert stopped["status"] == "cancelled" and len(stopped["pictures"]) == 1  # type: ignore[arg-type]
    rest = end(studio, ME, studio.generation.retry(ME, long))
    assert [one["seed"] for one in rest["pictures"]] == [2, 3]  # type: ignore[union-attr]
