"""What is wished in private is drawn like anything else, is the owner's alone, and is kept nowhere."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from storage.errors import NotFound as StorageNotFound
from storage.ids import is_private
from storage.records import NewEnhancement
from studio.domain.recipe import Recipe
from studio.domain.request import GenerationRequest
from studio.errors import EngineError, InvalidRequest, NotFound, QueueFull, Refused
from studio.services.generation import Bounds
from studio.services.serializers import View
from studio.studio import Studio
from tests.fakes.engine import PaintEngine
from tests.studio.conftest import end

Make = Callable[..., Studio]
ME, OTHER = "me", "other"
SECRET = "a surprise party nobody may hear of"


def drawn(studio: Studio, job: str, owner: str = ME) -> dict[str, Any]:
    shot: dict[str, Any] = end(studio, owner, job)
    assert shot["status"] == "done", shot["error"]
    return {**shot["pictures"][0], "shot": shot}


def on_disk(folder: Path) -> bytes:
    """All that lies in the folder, the database's own log with it."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_private_wish_is_reasoned_and_drawn_and_kept_nowhere(make: Make, tmp_path: Path) -> None:
    studio = make()
    known = drawn(studio, studio.generation.submit(ME, GenerationRequest.of(prompt="something else", enhance=False)))
    files = {path for path in (tmp_path / "data").rglob("*.*") if path.suffix in (".png", ".webp")}
    made = drawn(studio, studio.generation.submit(ME, GenerationRequest.of(prompt=SECRET, private=True)))
    assert made["private"] and made["shot"]["private"] and is_private(made["shot"]["job"])
    assert made["original_prompt"] == SECRET and made["enhancement"]["original"] == SECRET
    data = studio.library.file(ME, made["id"])
    assert isinstance(data, bytes)
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (made["width"], made["height"])
    assert studio.library.private(ME)["items"] == [{key: made[key] for key in studio.library.picture(ME, made["id"])}]
    assert [one["id"] for one in studio.library.history(ME)["items"]] == [known["id"]]  # type: ignore[union-attr]
    varied = drawn(studio, studio.generation.vary(ME, made["id"]))
    assert varied["private"] and varied["parent_id"] == made["id"]
    assert studio.library.compare(ME, made["id"], varied["id"])["settings"]
    assert [one["private"] for one in studio.jobs.recent(ME)] == [True, True, False]
    studio.close()
    assert SECRET.encode() not in on_disk(tmp_path / "data")
    assert files == {path for path in (tmp_path / "data").rglob("*.*") if path.suffix in (".png", ".webp")}


def test_it_is_gone_with_the_process(make: Make) -> None:
    studio = make()
    made = drawn(studio, studio.generation.submit(ME, GenerationRequest.of(prompt=SECRET, enhance=False, private=True)))
    studio = make()
    with pytest.raises(NotFound):
        studio.library.picture(ME, made["id"])
    assert studio.library.private(ME)["items"] == [] and studio.jobs.recent(ME) == []


def test_another_owner_finds_none_of_it(make: Make) -> None:
    studio = make()
    made = drawn(studio, studio.generation.submit(ME, GenerationRequest.of(prompt=SECRET, private=True)))
    job, thought = made["shot"]["job"], made["enhancement"]["id"]
    asks: list[Callable[[], object]] = [
        lambda: studio.library.picture(OTHER, made["id"]),
        lambda: studio.library.file(OTHER, made["id"]),
        lambda: studio.library.thumb(OTHER, made["id"]),
        lambda: studio.jobs.snapshot(OTHER, job),
        lambda: studio.generation.cancel(OTHER, job),
        lambda: studio.generation.rerun(OTHER, made["id"]),
        lambda: studio.library.delete(OTHER, made["id"]),
        lambda: studio.library.ancestry(OTHER, made["id"]),
        lambda: studio.generation.submit(OTHER, GenerationRequest.of(prompt="x", enhancement=thought)),
        lambda: studio.generation.submit(OTHER, GenerationRequest.of(prompt="x", parent=made["id"], private=True)),
        lambda: studio.transfer.exported(OTHER, made["id"], "jpg"),
    ]
    for ask in asks:
        with pytest.raises(NotFound):
            ask()
    studio.generation.end_private_session(OTHER)
    assert studio.library.picture(ME, made["id"])["private"]


def test_what_comes_of_something_private_is_private(make: Make) -> None:
    studio = make()
    made = drawn(studio, studio.generation.submit(ME, GenerationRequest.of(prompt=SECRET, private=True)))
    again = drawn(studio, studio.generation.rerun(ME, made["id"]))
    assert again["private"] and again["shot"]["identical"] is True
    thought = made["enhancement"]["id"]
    other = drawn(
        studio, studio.generation.submit(ME, GenerationRequest.of(prompt="another party", enhancement=thought))
    )
    edited = drawn(
        studio, studio.generation.submit(ME, GenerationRequest.of(prompt="no party", enhance=False, parent=made["id"]))
    )
    assert other["private"] and other["enhancement"]["id"] == thought and edited["private"]
    assert studio.library.history(ME)["total"] == 0


def test_something_kept_is_drawn_again_in_private(make: Make) -> None:
    studio = make()
    kept = drawn(studio, studio.generation.submit(ME, GenerationRequest.of(prompt="a cat in a hat")))
    again = drawn(studio, studio.generation.rerun(ME, kept["id"], private=True))
    assert again["private"] and again["shot"]["identical"] is True and again["parent_id"] is None
    assert again["enhancement"] == kept["enhancement"]
    varied = drawn(studio, studio.generation.vary(ME, kept["id"], seed=9, private=True))
    assert varied["private"] and varied["seed"] == 9
    assert studio.library.history(ME)["total"] == 1 and len(studio.library.ancestry(ME, kept["id"])["nodes"]) == 1  # type: ignore[arg-type]


def test_nothing_is_noted_or_shared_of_it_and_all_of_it_is_forgotten(make: Make) -> None:
    studio = make()
    first, second = (
        drawn(studio, studio.generation.submit(ME, GenerationRequest.of(prompt=SECRET, enhance=False, private=True)))
        for _ in range(2)
    )
    for ask in (
        lambda: studio.library.edit(ME, first["id"], favourite=True),
        lambda: studio.library.edit_many(ME, [first["id"]], rating=3),
        lambda: studio.sharing.create(ME, first["id"], base_url="http://x"),
        lambda: studio.library.delete_many(ME, [first["id"]]),
        lambda: studio.library.restore(ME, first["id"]),
        lambda: studio.collections.create(ME, "mine", ids=[first["id"]]),
        lambda: next(studio.transfer.export(ME, ids=[first["id"]])),
    ):
        with pytest.raises(Refused, match="not stored"):
            ask()
    assert studio.library.delete(ME, first["id"])["private"]
    with pytest.raises(NotFound):
        studio.library.file(ME, first["id"])
    assert studio.generation.end_private_session(ME) == {"stopped": []}
    with pytest.raises(NotFound):
        studio.library.picture(ME, second["id"])
    with pytest.raises(InvalidRequest, match="private"):
        studio.generation.submit(ME, GenerationRequest.of(prompt="x", private="a b"))  # type: ignore[arg-type]


def test_what_is_being_drawn_in_private_is_stopped_and_forgotten(make: Make) -> None:
    begun, held = threading.Event(), threading.Event()
    engine = PaintEngine()
    engine.before_step = lambda recipe, step: (begun.set(), held.wait(30))  # type: ignore[assignment, return-value]
    studio = make(on=engine)
    job = studio.generation.submit(ME, GenerationRequest.of(prompt=SECRET, enhance=False, private=True, count=3))
    assert begun.wait(30)

    async def last() -> View:
        shots = studio.jobs.watch(ME, job)
        await anext(shots)  # somebody watches
        assert studio.generation.end_private_session(ME) == {"stopped": [job]}
        held.set()
        return [shot async for shot in shots][-1]

    shot = asyncio.run(asyncio.wait_for(last(), 60))
    assert shot["status"] == "cancelled" and shot["pictures"] == []
    with pytest.raises(NotFound):
        studio.jobs.snapshot(ME, job)
    assert (
        drawn(studio, studio.generation.submit(ME, GenerationRequest.of(prompt="next", enhance=False)))["private"]
        is False
    )


def test_a_log_tells_no_word_of_a_private_wish(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    engine = PaintEngine()

    def fail(recipe: Recipe, step: int) -> None:
        raise EngineError("text", text=f"cannot draw {recipe.prompt}") if recipe.seed == 1 else KeyError(recipe.prompt)

    engine.before_step = fail
    studio = make(on=engine)
    for seed in (1, 2):
        job = studio.generation.submit(ME, GenerationRequest.of(prompt=SECRET, enhance=False, private=True, seed=seed))
        assert end(studio, ME, job)["status"] == "failed"
    assert "a private job failed: EngineError" in caplog.text and "KeyError" in caplog.text
    assert SECRET not in caplog.text
    end(studio, ME, studio.generation.submit(ME, GenerationRequest.of(prompt="anything else", enhance=False, seed=1)))
    assert "cannot draw anything else" in caplog.text


def test_a_session_of_one_tab_is_seen_and_forgotten_alone(make: Make) -> None:
    studio = make()
    mine = drawn(
        studio, studio.generation.submit(ME, GenerationRequest.of(prompt=SECRET, enhance=False, private="tab1"))
    )
    again = drawn(studio, studio.generation.rerun(ME, mine["id"], private="tab1"))
    other = drawn(
        studio, studio.generation.submit(ME, GenerationRequest.of(prompt=SECRET, enhance=False, private="tab2"))
    )
    assert mine["shot"]["session"] == "tab1"
    assert [one["id"] for one in studio.library.private(ME, "tab1")["items"]] == [again["id"], mine["id"]]  # type: ignore[union-attr]
    studio.generation.end_private_session(ME, "tab1")
    assert [one["id"] for one in studio.library.private(ME)["items"]] == [other["id"]]  # type: ignore[union-attr]
    for wrong in ("", "two words", "x" * 65, 7, None):
        with pytest.raises(InvalidRequest, match="private"):
            GenerationRequest.of(prompt="x", private=wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match="session"):
        studio.generation.end_private_session(ME, "<b>")


def test_a_tab_that_is_back_keeps_its_session(make: Make) -> None:
    studio = make()
    drawn(studio, studio.generation.submit(ME, GenerationRequest.of(prompt=SECRET, enhance=False, private="tab1")))
    private = studio._storage.private
    backs: list[Callable[[], object]] = [
        lambda: studio.library.private(ME, "tab1"),
        lambda: drawn(
            studio, studio.generation.submit(ME, GenerationRequest.of(prompt=SECRET, enhance=False, private="tab1"))
        ),
    ]
    for back in backs:
        studio.generation.leave_private_session(ME, "tab1")
        assert [*private._away] == [(ME, "tab1")]
        studio.library.private(ME), studio.library.private(ME, "tab2"), studio.library.private("bob", "tab1")
        assert [*private._away] == [(ME, "tab1")]
        back()
        assert not private._away
    with pytest.raises(InvalidRequest, match="session"):
        studio.generation.leave_private_session(ME, "<b>")


def test_what_is_refused_leaves_nothing_in_private(make: Make) -> None:
    studio = make(start=False, bounds=Bounds(per_owner=1))
    kept = studio._storage.enhancements.add(
        NewEnhancement(
            owner=ME,
            original=SECRET,
            steps=(),
            prompt="x",
            seed=1,
            model="m",
            revision="r",
            template="t",
            template_version="1",
        )
    )
    studio.generation.submit(ME, GenerationRequest.of(prompt="x", enhance=False))
    with pytest.raises(QueueFull):
        studio.generation.submit(ME, GenerationRequest.of(prompt="x", enhancement=kept.id, private=True))
    with pytest.raises(StorageNotFound):
        studio._storage.private.enhancements.get(ME, kept.id)
