"""A studio over a real database file, with the painting engine in the transformer's place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from enhancer.base import ChatModel
from enhancer.enhancer import Enhancer
from enhancer.models.remote import RemoteChat
from studio.services.generation import Bounds
from studio.services.serializers import View
from studio.studio import Studio, StudioOptions
from tests.fakes.engine import PaintEngine
from tests.stores import open_store

Make = Callable[..., Studio]


@pytest.fixture
def engine() -> PaintEngine:
    """An engine that paints in a moment."""
    return PaintEngine()


@pytest.fixture
def make(tmp_path: Path, engine: PaintEngine) -> Iterator[Make]:
    """Makes studios over `tmp_path`, one at a time; closes the last one at the end."""
    made: list[Studio] = []

    def one(
        *,
        start: bool = True,
        enhancer: bool = True,
        model: ChatModel | None = None,
        bounds: Bounds | None = None,
        on: PaintEngine = engine,
        captioner: RemoteChat | None = None,
    ) -> Studio:
        for earlier in made:
            earlier.close()
        made.clear()
        studio = Studio(
            open_store(tmp_path / "data"),
            on,
            (lambda info, own: Enhancer(model or on.chat(), template=info.template)) if enhancer else None,
            StudioOptions(bounds=bounds or Bounds()),
            captioner=captioner,
        )
        made.append(studio)
        if start:
            studio.start()
        return studio

    yield one
    for studio in made:
        studio.close()


def end(studio: Studio, owner: str, job: str, seconds: float = 60) -> View:
    """The last snapshot of a job."""

    async def last() -> View:
        return [shot async for shot in studio.jobs.watch(owner, job)][-1]

    return asyncio.run(asyncio.wait_for(last(), seconds))
