"""What is kept is understood: where a picture comes from, what differs between two, and who may ask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.domain.request import GenerationRequest
from studio.errors import InvalidRequest, NotFound, StudioError
from studio.services import compare
from studio.studio import Studio
from tests.fakes.engine import PaintEngine
from tests.studio.conftest import end

Make = Callable[..., Studio]
ME, OTHER = "me", "other"


def drawn(studio: Studio, job: str, owner: str = ME) -> dict[str, Any]:
    shot: dict[str, Any] = end(studio, owner, job)
    picture: dict[str, Any] = shot["pictures"][0]
    return {**picture, "shot": shot}


def test_a_picture_knows_its_family(make: Make, engine: PaintEngine) -> None:
    studio = make()
    first = drawn(studio, studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", enhance=False, seed=1)))
    again = drawn(studio, studio.generation.rerun(ME, first["id"]))
    varied = drawn(studio, studio.generation.vary(ME, first["id"]))
    edited = drawn(
        studio, studio.generation.submit(ME, GenerationRequest.of(prompt="a dog", enhance=False, parent=varied["id"]))
    )
    graph = studio.library.ancestry(ME, varied["id"])
    assert [node["id"] for node in graph["nodes"]] == [one["id"] for one in (first, again, varied, edited)]  # type: ignore[attr-defined]
    assert graph["edges"] == [
        {"from": first["id"], "to": varied["id"], "relation": "variation"},
        {"from": first["id"], "to": again["id"], "relation": "rerun"},
        {"from": varied["id"], "to": edited["id"], "relation": "edit"},
    ]
    assert graph["more"] is False
    for ask in (
        lambda: studio.library.ancestry(OTHER, first["id"]),
        lambda: studio.generation.submit(OTHER, GenerationRequest.of(prompt="x", parent=first["id"])),
    ):
        with pytest.raises(NotFound):
            ask()


def test_what_differs_between_two_pictures(make: Make) -> None:
    studio = make()
    one = drawn(
        studio, studio.generation.submit(ME, GenerationRequest.of(prompt="two red cats", enhance=False, seed=1))
    )
    two = drawn(
        studio,
        studio.generation.submit(ME, GenerationRequest.of(prompt="two blue cats", enhance=False, seed=2, steps=9)),
    )
    found = studio.library.compare(ME, one["id"], two["id"])
    assert found["settings"] == [{"what": "seed", "was": 1, "is": 2}, {"what": "steps", "was": 8, "is": 9}]
    assert found["prompt"] == [
        {"kind": "same", "text": "two "}, {"kind": "gone", "text": "red"}, {"kind": "new", "text": "blue"},
        {"kind": "same", "text": " cats"},
    ]  # fmt: skip
    assert found["environment"] == [] and found["pixels"]["identical"] is False  # type: ignore[index]
    same = studio.library.compare(ME, one["id"], drawn(studio, studio.generation.rerun(ME, one["id"]))["id"])
    assert same["pixels"] == {"identical": True, "share": 0.0, "mean": 0.0, "most": 0}
    with pytest.raises(NotFound):
        studio.library.compare(OTHER, one["id"], two["id"])


def test_pixels_apart_are_counted_and_measured(tmp_path: Path) -> None:
    for name, colour, size in (("a", (10, 20, 30), (4, 2)), ("b", (10, 20, 30), (4, 2)), ("c", (0, 0, 0), (2, 2))):
        image = Image.new("RGB", size, colour)
        if name == "b":
            image.putpixel((0, 0), (10, 26, 30))
        image.save(tmp_path / f"{name}.png")
    assert compare.pixels(tmp_path / "a.png", tmp_path / "b.png") == {
        "identical": False,
        "share": 0.125,
        "mean": 0.25,
        "most": 6,
    }
    assert compare.pixels(tmp_path / "a.png", tmp_path / "c.png")["share"] is None


def test_chinese_differs_by_characters() -> None:
    assert compare.words("两只白猫", "两只黑猫") == [
        {"kind": "same", "text": "两只"}, {"kind": "gone", "text": "白"}, {"kind": "new", "text": "黑"}, {"kind": "same", "text": "猫"},
    ]  # fmt: skip


def test_the_trash_is_emptied_for_good_and_only_ones_own(make: Make) -> None:
    studio = make()
    one = drawn(studio, studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", enhance=False)))
    file = studio.library.file(ME, one["id"])
    with pytest.raises(StudioError):
        studio.library.purge(ME, [one["id"]])  # it is not in the trash
    studio.library.delete(ME, one["id"])
    assert studio.library.purge(OTHER) == {"gone": 0} and file.exists()
    told = studio.library.purge(ME, [one["id"]], dry_run=True)
    assert told["gone"] == 1 and told["bytes"] >= file.stat().st_size and file.exists()
    assert studio.library.purge(ME, until="2026-01-01T00:00:00+00:00") == {"gone": 0} and file.exists()
    assert studio.library.purge(ME, [one["id"]], until=str(told["until"])) == {"gone": 1}
    assert not file.exists() and studio.library.history(ME, trash=True)["total"] == 0
    with pytest.raises(NotFound):
        studio.library.restore(ME, one["id"])


def test_many_at_once_are_ones_own_and_each_value_is_checked(make: Make) -> None:
    studio = make()
    one = drawn(studio, studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", enhance=False)))
    made = studio.collections.create(ME, "Cats", ids=[one["id"]])
    assert made["count"] == 1 and studio.collections.with_picture(ME, one["id"]) == [made["id"]]
    assert studio.library.edit_many(ME, [one["id"]], add_tags=["ink"], rating=5)["items"][0]["tags"] == ["ink"]  # type: ignore[index]
    assert studio.library.tags(ME)["tags"] == [{"tag": "ink", "count": 1}]
    torn: list[tuple[dict[str, Any], type[StudioError]]] = [
        ({"ids": [one["id"], "nothing-of-mine"]}, NotFound),
        ({"ids": [one["id"], 7]}, InvalidRequest),
        ({"ids": [one["id"]], "query": "cat"}, StudioError),
    ]
    for wrong, refusal in torn:
        with pytest.raises(refusal):
            studio.collections.create(ME, "Dogs", **wrong)
        assert [found["name"] for found in studio.collections.of(ME)["collections"]] == ["Cats"]
    for act in (
        lambda: studio.library.edit_many(OTHER, [one["id"]], rating=1),
        lambda: studio.library.delete_many(OTHER, [one["id"]]),
        lambda: studio.collections.add_pictures(OTHER, made["id"], [one["id"]]),  # type: ignore[arg-type]
        lambda: studio.collections.delete(OTHER, made["id"]),  # type: ignore[arg-type]
    ):
        with pytest.raises(NotFound):
            act()
    many: Any = ["x"] * 1_001
    with pytest.raises(InvalidRequest, match="ids must be a list of 1 to 1,000 ids"):
        studio.library.delete_many(ME, many)
    with pytest.raises(InvalidRequest, match="at must be a moment such as"):
        studio.library.history(ME, at="yesterday")
    for name in ("Mars/Olympus", "America", "../../etc/passwd", "", "x" * 200, "UTC\n", 8, None):
        wild: Any = name
        for ask in (studio.library.history, studio.library.matching, studio.collections.of, studio.transfer.export):
            with pytest.raises(InvalidRequest, match="zone must be the name of a time zone, such as Asia/Shanghai"):
                ask(ME, zone=wild)
    assert studio.library.history(ME, zone="America/Argentina/Buenos_Aires", at="2026-01-01")["items"] == []
    with pytest.raises(StudioError, match="rating: must be 0 to 5"):
        studio.library.history(ME, query="rating:9")
