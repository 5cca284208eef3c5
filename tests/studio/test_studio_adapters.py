"""Adapters in wishes and pictures: what is refused, what a re-run makes of files that were renamed, replaced or lost, and in private."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from studio.domain.request import GenerationRequest
from studio.engine.base import AdapterInfo
from studio.errors import InvalidRequest, Refused
from studio.services.serializers import View
from studio.studio import Studio
from tests.fakes.engine import PaintEngine
from tests.studio.conftest import end

Make = Callable[..., Studio]
ME = "me"


def file(name: str, content: str, fits: bool | None = True, problem: str = "") -> AdapterInfo:
    """An adapter whose file holds `content`; its hash is that."""
    return AdapterInfo(name=name, title=name, fits=fits, problem=problem, digest=lambda: content)


def drawn(studio: Studio, job: str) -> View:
    """The last snapshot of a job that succeeded."""
    shot = end(studio, ME, job)
    assert shot["status"] == "done", shot
    return shot


def first(shot: View) -> dict[str, Any]:
    pictures: Any = shot["pictures"]
    return dict(pictures[0])


def inked(studio: Studio, **wish: Any) -> dict[str, Any]:
    said = GenerationRequest.of(prompt="a cat", enhance=False, adapters=(("ink", 0.8), ("fur", -1)), **wish)
    return first(drawn(studio, studio.generation.submit(ME, said)))


@pytest.fixture
def studio(make: Make, engine: PaintEngine) -> Studio:
    engine.has = [
        file("ink", "aa" * 32),
        file("fur", "bb" * 32),
        file("kron", "cc" * 32, None),
        file("wide", "dd", False, "it is too wide"),
    ]
    return make()


def test_a_picture_keeps_the_hashes_of_what_drew_it(studio: Studio) -> None:
    found = inked(studio, seed=7)
    assert found["adapters"] == [
        {"name": "ink", "weight": 0.8, "sha256": "aa" * 32}, {"name": "fur", "weight": -1.0, "sha256": "bb" * 32}
    ]  # fmt: skip
    assert [one["id"] for one in studio.library.history(ME, query="lora:fur")["items"]] == [found["id"]]  # type: ignore[attr-defined]
    assert studio.library.history(ME, query="lora:kron")["items"] == []
    assert drawn(studio, studio.generation.rerun(ME, str(found["id"])))["identical"] is True
    varied = first(drawn(studio, studio.generation.vary(ME, str(found["id"]))))
    assert varied["adapters"] == found["adapters"] and varied["pixel_sha256"] != found["pixel_sha256"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nothing", "adapters must name files that are here (got nothing)."),
        ("wide", "adapters must fit Paint, and it is too wide (got wide)."),
    ],
)
def test_what_is_not_here_or_does_not_fit_is_refused_when_it_is_filed(studio: Studio, name: str, sentence: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", adapters=((name, 1),)))
    assert str(caught.value) == sentence and caught.value.name == "adapters"
    job = studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", enhance=False, adapters=(("kron", 1),)))
    assert first(drawn(studio, job))["adapters"], "where only loading can tell, it is tried"


@pytest.mark.parametrize(
    ("now", "identical", "changed"),
    [
        ({"brush": "aa", "fur": "bb"}, True, []),
        ({"ink": "bb", "fur": "aa"}, True, []),
        ({"ink": "ee", "fur": "bb"}, False, [{"what": "adapter ink", "was": f"0.8 ({'aa' * 5})", "is": f"0.8 ({'ee' * 5})"}]),
        ({"fur": "bb"}, False, [{"what": "adapter ink", "was": f"0.8 ({'aa' * 5})", "is": "missing"}]),
        ({}, False, [{"what": "adapter ink", "was": f"0.8 ({'aa' * 5})", "is": "missing"},
                     {"what": "adapter fur", "was": f"-1 ({'bb' * 5})", "is": "missing"}]),
    ],
    ids=["renamed", "names changed places", "replaced", "lost", "all lost"],
)  # fmt: skip
def test_a_rerun_finds_files_by_their_hash_and_tells_what_is_not_the_same(
    studio: Studio, engine: PaintEngine, now: Mapping[str, str], identical: bool, changed: list[View]
) -> None:
    found = inked(studio)
    engine.has = [file(name, content * 32) for name, content in now.items()]
    shot = drawn(studio, studio.generation.rerun(ME, str(found["id"])))
    assert shot["identical"] is identical
    assert shot.get("changed", []) == changed
    if not identical:
        settings: Any = studio.library.compare(ME, str(found["id"]), str(first(shot)["id"]))["settings"]
        assert [one["what"] for one in settings] == [one["what"] for one in changed]
        with pytest.raises(Refused, match="The adapter ink"):
            studio.generation.vary(ME, str(found["id"]))
    else:
        assert first(drawn(studio, studio.generation.vary(ME, str(found["id"]))))["adapters"]


def test_what_went_away_between_filing_and_drawing_fails_its_job_alone_and_redraw_keeps_it(
    make: Make, engine: PaintEngine
) -> None:
    engine.has = [file("ink", "aa"), file("fur", "bb")]
    studio = make(start=False)
    job = studio.generation.submit(
        ME, GenerationRequest.of(prompt="a cat", enhance=False, seed=5, adapters=(("ink", 0.8),))
    )
    plain = studio.generation.submit(ME, GenerationRequest.of(prompt="a cat", enhance=False, seed=5))
    engine.has = []
    studio.start()
    shot = end(studio, ME, job)
    assert (shot["status"], shot["error"]) == ("failed", "The adapter ink is not here.")
    assert first(drawn(studio, plain))["adapters"] == []
    with pytest.raises(InvalidRequest, match="adapters must name files that are here"):
        studio.generation.retry(ME, job)
    engine.has = [file("ink", "ab")]
    assert first(drawn(studio, studio.generation.retry(ME, job)))["adapters"] == [
        {"name": "ink", "weight": 0.8, "sha256": "ab"}
    ]


def test_in_private_too(studio: Studio, engine: PaintEngine) -> None:
    found = inked(studio, private=True)
    assert found["private"] and [one["name"] for one in found["adapters"]] == ["ink", "fur"]
    engine.has.pop(0)
    shot = drawn(studio, studio.generation.rerun(ME, str(found["id"])))
    assert first(shot)["private"] and shot["changed"] == [
        {"what": "adapter ink", "was": f"0.8 ({'aa' * 5})", "is": "missing"}
    ]
