"""Pocket, loaded once for all tests of the engine, and a desk to draw at."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.domain.recipe import Recipe
from studio.engine.base import GeneratedImage, StepEvent
from studio.engine.engine import EngineOptions, ResidentEngine
from tests.related import related

POCKET = Path(__file__).resolve().parents[2] / "pocket" / "checkpoint"


class Desk:
    """An engine and a usual recipe, of which each call changes some values."""

    recipe = Recipe(
        prompt="three rabbits on a purple background", seed=7, width=128, height=128, steps=3, guidance=0.0, shift=3.0,
        checkpoint="pocket",
    )  # fmt: skip

    def __init__(self, engine: ResidentEngine) -> None:
        self.engine = engine

    def draw(self, **changes: Any) -> GeneratedImage:
        return self.engine.generate(
            replace(self.recipe, **changes), on_step=lambda event: None, cancelled=lambda: False
        )

    def pixels(self, **changes: Any) -> str:
        """The hash that says whether two pictures are the same."""
        return hashlib.sha256(self.draw(**changes).image.convert("RGB").tobytes()).hexdigest()

    def events(self, **changes: Any) -> list[StepEvent]:
        seen: list[StepEvent] = []
        self.engine.generate(replace(self.recipe, **changes), on_step=seen.append, cancelled=lambda: False)
        return seen


@pytest.fixture(scope="session")
def pocket() -> Path:
    """Pocket's folder."""
    return POCKET


@pytest.fixture(scope="session")
def engine() -> Iterator[ResidentEngine]:
    """A started engine with Pocket. Tests leave it as they find it."""
    made = ResidentEngine(EngineOptions(checkpoint="pocket", device="cpu", memory_gb=None, pocket=POCKET))
    made.start()
    state = made.wait(240)
    assert state.status == "ready", state.message
    yield made
    made.close()


@pytest.fixture
def desk(engine: ResidentEngine) -> Desk:
    return Desk(engine)


@pytest.fixture
def desk_of() -> type[Desk]:
    """Makes a desk of an engine."""
    return Desk


@pytest.fixture
def new_engine(tmp_path: Path) -> Iterator[Callable[..., ResidentEngine]]:
    """Makes engines on the CPU that have not been started, with an empty Hub cache, and closes them in the end."""
    made: list[ResidentEngine] = []

    def make(checkpoint: str, **options: Any) -> ResidentEngine:
        chosen = {"device": "cpu", "memory_gb": None, "pocket": POCKET, "cache": tmp_path / "hub", **options}
        made.append(ResidentEngine(EngineOptions(checkpoint=checkpoint, **chosen)))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


@pytest.fixture
def own_desk(new_engine: Callable[..., ResidentEngine]) -> Desk:
    """A desk of an engine with Pocket that no other test uses, for those that change it."""
    made = new_engine("pocket")
    made.start()
    assert made.wait(240).status == "ready"
    return Desk(made)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The folder of a base that shares; Pocket's is beside it."""
    return related(tmp_path)


@pytest.fixture
def linked(tmp_path: Path) -> Callable[[str], Path]:
    """Makes copies of Pocket's folder whose files are links, so that a test can break one of them."""

    def copy(name: str) -> Path:
        folder = tmp_path / name
        shutil.copytree(POCKET, folder, copy_function=os.symlink)
        return folder

    return copy
