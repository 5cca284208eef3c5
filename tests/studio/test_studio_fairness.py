"""A long reasoning takes no more than its share: others' pictures go by between its words, and a cancelled one ends at the next."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import storage
from enhancer.enhancer import Enhancer
from studio.domain.request import GenerationRequest
from studio.studio import Studio, StudioOptions
from studio.worker.background_iterator import iterate_in_background
from tests.fakes.engine import ANSWER, PaintEngine
from tests.studio.conftest import end

ME, YOU, THIRD = "me", "you", "third"
WORDS = len(ANSWER.split(" "))


class Slow:
    """A chat that says a word whenever it may, and remembers how many it said."""

    name, revision = "slow", "r1"

    def __init__(self) -> None:
        self.said, self.pause_s = 0, 0.0
        self.before_word: Callable[[int], None] = lambda word: None

    def stream(self, messages: Any, sampling: Any, cancelled: Callable[[], bool]) -> Iterator[str]:
        for word in ANSWER.replace("{wish}", messages[-1]["content"]).split(" "):
            if cancelled():
                return
            self.before_word(self.said)
            time.sleep(self.pause_s)
            self.said += 1
            yield word + " "


Start = Callable[..., Studio]


@pytest.fixture
def chat() -> Slow:
    return Slow()


@pytest.fixture
def start(tmp_path: Path, engine: PaintEngine, chat: Slow) -> Iterator[Start]:
    made: list[Studio] = []

    def one(*, share_s: float = 0.0, remote: bool = False) -> Studio:
        made.append(
            Studio(
                storage.open(tmp_path / "data"), engine, lambda info, own: Enhancer(chat, template=info.template),
                StudioOptions(share_s=share_s, remote=remote),
            )
        )  # fmt: skip
        made[-1].start()
        return made[-1]

    yield one
    for studio in made:
        studio.close()


@pytest.mark.parametrize("remote", [False, True], ids=["resident", "remote"])
def test_others_pictures_are_drawn_between_the_words_of_a_long_reasoning(
    start: Start, engine: PaintEngine, chat: Slow, remote: bool
) -> None:
    studio, begun, drawn = start(remote=remote), threading.Event(), list[tuple[str, int]]()
    engine.before_step = lambda recipe, step: drawn.append((recipe.prompt, chat.said)) if step == 1 else None

    def slowly(word: int) -> None:
        chat.pause_s = 0.1
        begun.set()
        until = time.monotonic() + 30
        while (
            remote and word == WORDS - 2 and len(drawn) < 3 and time.monotonic() < until
        ):  # a server does not stand still
            time.sleep(0.01)

    chat.before_word = slowly
    long = studio.generation.submit(ME, GenerationRequest.of(prompt="long", seed=1))
    assert begun.wait(30)
    two = studio.generation.submit(YOU, GenerationRequest.of(prompt="yours", enhance=False, count=2))
    other = studio.generation.submit(THIRD, GenerationRequest.of(prompt="third", enhance=False))
    shot = end(studio, ME, long)
    assert shot["status"] == "done" and len(shot["pictures"]) == 1  # type: ignore[arg-type]
    assert [prompt for prompt, _ in drawn] == ["yours", "third", "yours", "long, in soft light"]
    assert all(words < WORDS for prompt, words in drawn[:3])
    assert [end(studio, who, job)["status"] for who, job in ((YOU, two), (THIRD, other))] == ["done", "done"]
    assert engine.most_at_once == 1


def test_an_owners_own_next_picture_waits_and_so_does_one_within_the_share(
    start: Start, engine: PaintEngine, chat: Slow
) -> None:
    studio, drawn = start(share_s=60.0), list[str]()
    engine.before_step = lambda recipe, step: drawn.append(recipe.prompt) if step == 1 else None
    chat.pause_s = 0.02
    jobs = [
        studio.generation.submit(ME, GenerationRequest.of(prompt="long", seed=1)),
        studio.generation.submit(YOU, GenerationRequest.of(prompt="yours", enhance=False)),
    ]
    assert [end(studio, who, job)["status"] for who, job in zip((ME, YOU), jobs, strict=True)] == ["done", "done"]
    assert drawn == ["long, in soft light", "yours"]


def test_what_fails_between_the_words_takes_nothing_from_the_reasoning(
    start: Start, engine: PaintEngine, chat: Slow
) -> None:
    def fail(recipe: Any, step: int) -> None:
        if recipe.prompt == "bad":
            raise RuntimeError("boom")

    studio, engine.before_step, chat.pause_s = start(), fail, 0.05
    long = studio.generation.submit(ME, GenerationRequest.of(prompt="long", seed=1))
    bad = studio.generation.submit(YOU, GenerationRequest.of(prompt="bad", enhance=False))
    assert end(studio, YOU, bad)["status"] == "failed"
    assert end(studio, ME, long)["pictures"][0]["prompt"] == "long, in soft light"  # type: ignore[index]


def test_a_cancelled_reasoning_ends_at_the_next_word(start: Start, chat: Slow) -> None:
    studio, reached, go = start(), threading.Event(), threading.Event()

    def wait(word: int) -> None:
        if word == 5:
            reached.set()
            assert go.wait(30)

    chat.before_word = wait
    job = studio.generation.submit(ME, GenerationRequest.of(prompt="long"))
    assert reached.wait(30)
    studio.generation.cancel(ME, job)
    go.set()
    assert end(studio, ME, job)["status"] == "cancelled"
    assert chat.said == 6, "one word after the wish to stop, and no more"


def test_things_taken_aside_come_in_order_with_ticks_between_and_their_fault_at_the_end() -> None:
    go = threading.Event()

    def things() -> Iterator[int]:
        yield 1
        assert go.wait(30)
        yield 2
        raise ValueError("the end")

    came, found = iterate_in_background(things(), 0.01), list[int | None]()
    with pytest.raises(ValueError, match="the end"):
        for thing in came:
            found.append(thing)
            if thing is None:
                go.set()
    assert [one for one in found if one] == [1, 2] and None in found
