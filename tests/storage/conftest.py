"""A real store in a folder of its own, and short ways to put jobs and pictures into it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import storage
from storage.records import Enhancement, Job, NewEnhancement, NewJob, NewPicture, Picture, QueueLimits, Step
from tests.stores import open_store


def new_job(owner: str, count: int, changes: dict[str, Any]) -> tuple[NewJob, QueueLimits]:
    """A job to file, and the limits of the queue."""
    bounds = {
        name: changes.pop(name, usual) for name, usual in (("per_owner", 500), ("total", 500), ("elsewhere", (0, 0)))
    }
    facts: dict[str, Any] = {"kind": "generate", "spec": {"prompt": "x"}, **changes}
    return NewJob(owner=owner, count=count, **facts), QueueLimits(**bounds)


@dataclass
class Kit:
    """A store, and what tests do with it again and again. `ann` and `bob` are two owners."""

    store: storage.Storage
    ann: str = "ann"
    bob: str = "bob"

    def job(self, owner: str = "ann", count: int = 1, **changes: Any) -> Job:
        new, limits = new_job(owner, count, changes)
        return self.store.jobs.add(new, limits)

    def enhancement(self, owner: str = "ann", **changes: Any) -> Enhancement:
        steps = tuple(Step(name=name, text="") for name in ("keep", "solve", "compose", "text"))
        facts: dict[str, Any] = {
            "original": "two rabbits",
            "steps": steps,
            "prompt": "two white rabbits on grass",
            "seed": 7,
            "model": "pocket",
            "revision": "abc",
            "template": "scene",
            "template_version": "1",
            "sampling": {"temperature": 0.7},
            "seconds": 1.5,
        }
        return self.store.enhancements.add(NewEnhancement(owner=owner, **{**facts, **changes}))

    def new(self, job: Job, index: int = 0, **changes: Any) -> NewPicture:
        facts: dict[str, Any] = {
            "owner": job.owner,
            "job_id": job.id,
            "index": index,
            "prompt": "two rabbits",
            "original_prompt": "rabbits",
            "negative_prompt": "",
            "seed": 2**53 - 1 - index,
            "width": 32,
            "height": 16,
            "steps": 8,
            "guidance": 0.0,
            "shift": 3.0,
            "checkpoint": "pocket",
            "revision": "r1",
            "recipe": {"format": 1, "prompt": "two rabbits"},
            "environment": {"torch": "2"},
            "seconds": 0.5,
        }
        return NewPicture(**{**facts, **changes})

    def picture(self, prompt: str = "two rabbits", owner: str = "ann", **changes: Any) -> Picture:
        job = self.job(owner)
        return self.store.pictures.add(self.new(job, prompt=prompt, **changes), self.image(), finish=True)

    def image(self, colour: str = "purple", side: int = 16) -> Image.Image:
        return Image.new("RGB", (side * 2, side), colour)

    def reopen(self) -> None:
        """Close the store, and open its folder again."""
        self.store.close()
        self.store = storage.open(self.store.folder)


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[Kit]:
    kit = Kit(open_store(tmp_path / "data"))
    yield kit
    kit.store.close()


@pytest.fixture(scope="module")
def shared_kit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    """One store for all examples of a property."""
    kit = Kit(open_store(tmp_path_factory.mktemp("shared") / "data"))
    yield kit
    kit.store.close()


@pytest.fixture
def other(kit: Kit, tmp_path: Path) -> Iterator[Kit]:
    """Another machine."""
    there = Kit(open_store(tmp_path / "other"))
    yield there
    there.store.close()


def packed(kit: Kit, owner: str = "ann", ids: Sequence[str] | None = None) -> io.BytesIO:
    """The owner's pictures as an archive."""
    return io.BytesIO(b"".join(kit.store.exporter.export(owner, ids)))
