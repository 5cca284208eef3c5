"""The use cases, end to end over a real database: what is asked, drawn, kept, found, drawn again, shared; and by whom."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from studio.domain.recipe import SEED_MAX, Recipe
from studio.domain.request import GenerationRequest
from studio.errors import InvalidRequest, NotFound, NotReady, QueueFull
from studio.services.generation import Bounds
from studio.services.serializers import View
from studio.studio import Studio
from tests.fakes.engine import PaintEngine
from tests.studio.conftest import end

Make = Callable[..., Studio]
ME, YOU = "me", "you"


def draw(studio: Studio, prompt: str = "a cat", owner: str = ME, **wish: object) -> View:
    return end(studio, owner, studio.generation.submit(owner, GenerationRequest.of(prompt=prompt, **wish)))


def first(shot: View) -> View:
    assert shot["status"] == "done", shot
    return shot["pictures"][0]


def test_a_prompt_is_reasoned_about_drawn_and_kept(make: Make) -> None:
    studio = make()
    shot = draw(studio, "a cat", count=3, seed=10)
    assert shot["status"] == "done"
    assert [picture["seed"] for picture in shot["pictures"]] == [10, 11, 12]
    one = first(shot)
    assert one["original_prompt"] == "a cat"
    assert one["prompt"] == "a cat, in soft light"
    assert [step["name"] for step in one["enhancement"]["steps"]] == ["keep", "solve", "compose", "text"]
    assert one["enhancement"]["steps"][0]["text"] == "a cat"
    assert studio.library.picture(ME, one["id"]) == one
    assert [item["id"] for item in studio.library.history(ME)["items"]] == [p["id"] for p in reversed(shot["pictures"])]


def test_without_reasoning_the_prompt_is_drawn_as_it_is(make: Make) -> None:
    one = first(draw(make(), "a cat", enhance=False))
    assert one["prompt"] == one["original_prompt"] == "a cat"
    assert one["enhancement"] is None


def test_a_seed_is_chosen_when_the_job_is_filed(make: Make) -> None:
    studio = make()
    seeds = {first(draw(studio, enhance=False))["seed"] for _ in range(5)}
    assert len(seeds) == 5
    assert all(0 <= seed <= SEED_MAX for seed in seeds)


def test_a_rerun_is_identical_and_says_so(make: Make) -> None:
    studio = make()
    one = first(draw(studio))
    shot = end(studio, ME, studio.generation.rerun(ME, one["id"]))
    assert shot["identical"] is True
    again = first(shot)
    assert again["id"] != one["id"] and again["parent_id"] == one["id"]
    assert again["pixel_sha256"] == one["pixel_sha256"]
    assert again["enhancement"]["id"] == one["enhancement"]["id"]


def test_a_rerun_elsewhere_names_what_changed(make: Make, engine: PaintEngine) -> None:
    studio = make()
    one = first(draw(studio))

    class Elsewhere(PaintEngine):
        def generate(self, recipe, **how):  # type: ignore[no-untyped-def]
            drawing = super().generate(replace(recipe, seed=recipe.seed + 1), **how)
            return replace(drawing, environment={"device": "another"})

    studio = make(on=Elsewhere())
    shot = end(studio, ME, studio.generation.rerun(ME, one["id"]))
    assert shot["identical"] is False
    assert {"what": "device", "was": "paint", "is": "another"} in shot["changed"]


def test_a_variation_keeps_everything_but_the_seed(make: Make) -> None:
    studio = make()
    one = first(draw(studio))
    shot = end(studio, ME, studio.generation.vary(ME, one["id"], count=2))
    for other in shot["pictures"]:
        assert other["parent_id"] == one["id"]
        assert other["seed"] != one["seed"] and other["prompt"] == one["prompt"]
        assert other["enhancement"]["id"] == one["enhancement"]["id"]


def test_an_edited_enhancement_keeps_original_and_steps(make: Make) -> None:
    studio = make()
    kept = end(studio, ME, studio.generation.enhance(ME, GenerationRequest.of(prompt="a cat", seed=3)))["enhancement"]
    assert kept["id"] and kept["prompt"] == "a cat, in soft light" and kept["seed"] == 3
    one = first(draw(studio, "a cat, in hard light", enhancement=kept["id"]))
    assert one["prompt"] == "a cat, in hard light"
    assert one["original_prompt"] == "a cat"
    assert one["enhancement"]["id"] == kept["id"]


def test_nothing_of_another_owner_exists(make: Make) -> None:
    studio = make()
    shot = draw(studio)
    one = first(shot)
    token = studio.sharing.create(ME, one["id"], base_url="http://x")["token"]
    asks: list[Callable[[], object]] = [
        lambda: studio.library.picture(YOU, one["id"]),
        lambda: studio.jobs.snapshot(YOU, shot["job"]),
        lambda: studio.generation.cancel(YOU, shot["job"]),
        lambda: studio.generation.rerun(YOU, one["id"]),
        lambda: studio.generation.vary(YOU, one["id"]),
        lambda: studio.library.edit(YOU, one["id"], favourite=True),
        lambda: studio.library.delete(YOU, one["id"]),
        lambda: studio.library.restore(YOU, one["id"]),
        lambda: studio.library.file(YOU, one["id"]),
        lambda: studio.library.thumb(YOU, one["id"]),
        lambda: studio.jobs.preview(YOU, shot["job"]),
        lambda: studio.generation.retry(YOU, shot["job"]),
        lambda: studio.sharing.create(YOU, one["id"], base_url="http://x"),
        lambda: studio.sharing.of_picture(YOU, one["id"], base_url="http://x"),
        lambda: studio.sharing.revoke(YOU, token, base_url="http://x"),
        lambda: studio.generation.submit(
            YOU, GenerationRequest.of(prompt="mine", enhancement=one["enhancement"]["id"])
        ),
    ]
    for ask in asks:
        with pytest.raises(NotFound, match="was not found"):
            ask()
    assert studio.library.history(YOU)["items"] == [] and studio.library.history(YOU, query="cat")["items"] == []
    assert studio.jobs.unfinished(YOU) == []


def test_a_share_ends_with_its_revocation_and_with_the_trash(make: Make) -> None:
    studio = make()
    one = first(draw(studio))
    link = studio.sharing.create(ME, one["id"], base_url="http://host")
    assert link["url"] == f"http://host/s/{link['token']}"
    assert studio.sharing.get(link["token"])[0].id == one["id"]
    studio.library.delete(ME, one["id"])
    with pytest.raises(NotFound):
        studio.sharing.get(link["token"])
    studio.library.restore(ME, one["id"])
    assert studio.sharing.get(link["token"])[0].id == one["id"]
    assert studio.sharing.of_picture(ME, one["id"], base_url="http://host") == [link]
    studio.sharing.revoke(ME, link["token"], base_url="http://host")
    assert studio.sharing.of_picture(ME, one["id"], base_url="http://host") == []
    with pytest.raises(NotFound):
        studio.sharing.get(link["token"])


def test_delete_and_restore_bring_everything_back(make: Make) -> None:
    studio = make()
    one = first(draw(studio))
    edited = studio.library.edit(ME, one["id"], favourite=True, rating=4, tags=["ink", " ink ", "night sky"])
    assert edited["tags"] == ["ink", "night sky"]
    assert studio.library.delete(ME, one["id"])["deleted_at"] is not None
    assert studio.library.history(ME)["items"] == []
    assert [item["id"] for item in studio.library.history(ME, trash=True)["items"]] == [one["id"]]
    assert studio.library.restore(ME, one["id"]) == edited
    assert studio.library.history(ME, favourite=True)["items"] == [edited]


def test_bounds_of_the_queue(make: Make) -> None:
    studio = make(start=False, bounds=Bounds(per_owner=2, total=3))
    for _ in range(2):
        studio.generation.submit(ME, GenerationRequest.of(prompt="a cat"))
    with pytest.raises(QueueFull):
        studio.generation.submit(ME, GenerationRequest.of(prompt="a cat"))
    studio.generation.submit(YOU, GenerationRequest.of(prompt="a cat"))
    with pytest.raises(QueueFull):
        studio.generation.submit(YOU, GenerationRequest.of(prompt="a cat"))
    assert len(studio.jobs.unfinished(ME)) == 2


def test_two_wishes_at_once_are_both_rows_at_once(make: Make) -> None:
    studio = make(start=False)
    threads = [
        threading.Thread(target=studio.generation.submit, args=(who, GenerationRequest.of(prompt="a cat")))
        for who in (ME, YOU)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(studio.jobs.unfinished(ME)) == len(studio.jobs.unfinished(YOU)) == 1


def test_an_enhancer_that_is_off_is_said(make: Make) -> None:
    studio = make(enhancer=False)
    with pytest.raises(InvalidRequest, match="enhance must be false here"):
        studio.generation.submit(ME, GenerationRequest.of(prompt="a cat"))
    assert first(draw(studio, enhance=False))["enhancement"] is None


def test_an_engine_that_failed_says_why_and_takes_no_wish(make: Make) -> None:
    studio = make(on=PaintEngine(fail_load="The folder is empty."))
    with pytest.raises(NotReady, match=r"The folder is empty\."):
        studio.generation.submit(ME, GenerationRequest.of(prompt="a cat"))


def test_a_watcher_sees_reasoning_then_steps_then_the_end(make: Make, engine: PaintEngine) -> None:
    seen: list[View] = []
    told = threading.Condition()

    def steps() -> list[int]:
        return [shot["step"] for shot in seen if shot["phase"] == "drawing"]

    def wait(recipe: Recipe, step: int) -> None:
        with told:
            assert told.wait_for(lambda: step - 1 in steps(), 60), "the step before was not told"

    engine.before_step = wait
    studio = make()
    job = studio.generation.submit(ME, GenerationRequest.of(prompt="a cat"))

    async def watch() -> None:
        async for shot in studio.jobs.watch(ME, job):
            with told:
                seen.append(shot)
                told.notify_all()

    asyncio.run(watch())
    assert seen[0]["job"] == job
    assert seen[-1]["status"] == "done" and seen[-1]["pictures"]
    assert steps() == sorted(steps()) and set(steps()) >= set(range(8))
    assert any(shot["preview"] for shot in seen)


def test_a_prompt_that_the_encoder_does_not_see_whole_is_drawn_and_said(make: Make) -> None:
    studio = make()
    assert draw(studio, "a cat", enhance=False)["warning"] is None
    shot = draw(studio, "cat " * 600, enhance=False)
    assert shot["status"] == "done"
    assert (
        studio.enhancement.truncated("cat " * 510) == ""
        and studio.enhancement.truncated("cat " * 510 + "dog owl") == "dog owl"
    )
    assert shot["warning"] == "The prompt has 602 tokens; the encoder sees the first 512, so its end does not count."


def test_what_guides_is_refused_where_nothing_is_guided_and_kept_where_something_is(make: Make) -> None:
    studio = make()
    for name, value in (("cfg_normalization", True), ("cfg_truncation", 0.5), ("negative_prompt", "a dog")):
        with pytest.raises(
            InvalidRequest, match=f"{name} must be .* where guidance is 0, since it would have no effect"
        ):
            studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", enhance=False, **{name: value}))
    wish = GenerationRequest.of(
        prompt="a cat", enhance=False, guidance=2, shift=5, cfg_normalization=True, cfg_truncation=0.5
    )
    shot = end(studio, ME, studio.generation.submit(ME, wish))
    assert isinstance(shot["pictures"], list)
    first = shot["pictures"][0]
    assert (first["shift"], first["cfg_normalization"], first["cfg_truncation"]) == (5, True, 0.5)
    again = end(studio, ME, studio.generation.rerun(ME, first["id"]))
    assert again["identical"] is True
    assert isinstance(again["pictures"], list)
    assert again["pictures"][0]["cfg_truncation"] == 0.5


def test_a_variation_by_strength_says_what_it_stays_near_to(make: Make) -> None:
    studio = make()

    def drawn(job: str) -> dict[str, Any]:
        shot: dict[str, Any] = end(studio, ME, job)
        return {**shot["pictures"][0], "shot": shot}

    first = drawn(studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", enhance=False, seed=5)))
    near = drawn(studio.generation.vary(ME, first["id"], 2, seed=90, strength=0.25))
    assert (near["seed"], near["variation_of"], near["parent_id"]) == (90, [[5, 0.25]], first["id"])
    assert [one["seed"] for one in near["shot"]["pictures"]] == [90, 91], "picture k has the seed of the first and k"
    again = drawn(studio.generation.rerun(ME, near["id"]))
    assert again["shot"]["identical"] is True and again["variation_of"] == near["variation_of"]
    deeper = drawn(studio.generation.vary(ME, near["id"], seed=3, strength=1))
    assert deeper["variation_of"] == [[5, 0.25], [90, 1.0]]
    assert drawn(studio.generation.vary(ME, near["id"], seed=4))["variation_of"] == [], "another seed is wholly another"
    typed = GenerationRequest.of(prompt="a cat", enhance=False, seed=90, variation_of=((5, 0.25),))
    assert drawn(studio.generation.submit(ME, typed))["pixel_sha256"] == near["pixel_sha256"]
    assert {"what": "variation_of", "was": None, "is": [[5, 0.25]]} in studio.library.compare(
        ME, first["id"], near["id"]
    )["settings"]  # type: ignore[operator]
    for value in (0, -0.1, 1.01, True, "half", float("nan")):
        with pytest.raises(InvalidRequest, match="strength"):
            studio.generation.vary(ME, first["id"], strength=value)  # type: ignore[arg-type]
    for value in ([5], [[5]], [[5, 0]], [["5", 0.5]], [[5, 0.5]] * 9, "5 0.5"):
        with pytest.raises(InvalidRequest, match="variation_of"):
            GenerationRequest.of(prompt="x", variation_of=value)  # type: ignore[arg-type]
    deep = first
    for seed in range(8):
        deep = drawn(studio.generation.vary(ME, deep["id"], seed=seed, strength=0.5))
    with pytest.raises(InvalidRequest, match="8 levels deep"):
        studio.generation.vary(ME, deep["id"], strength=0.5)
