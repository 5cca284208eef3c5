"""What every chat model keeps, tried on the resident one and on a real server that serves the same weights."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from enhancer import templates
from enhancer.base import STEPS, ChatModel, Draft, Sampling
from enhancer.enhancer import Enhancer, EnhancerSettings
from enhancer.errors import NoPrompt, Stopped, TimedOut
from enhancer.models.remote import RemoteChat

NO_THINKING = {"chat_template_kwargs": {"enable_thinking": False}}


def never() -> bool:
    return False


@pytest.fixture(params=["resident", "remote"])
def chat(request: pytest.FixtureRequest, language_folder: Path) -> ChatModel:
    if request.param == "resident":
        model: ChatModel = request.getfixturevalue("resident")
        return model
    return RemoteChat(request.getfixturevalue("served"), str(language_folder), extra=NO_THINKING)


def ask(wish: str) -> list[Any]:
    return templates.messages(templates.load("pocket", templates.language(wish)), wish)


def pieces(chat: ChatModel, wish: str, sampling: Sampling, cancelled: Callable[[], bool] = never) -> Iterator[str]:
    return chat.stream(ask(wish), sampling, cancelled)


def draw(chat: ChatModel, wish: str, seed: int = 5) -> list[Draft]:
    return list(Enhancer(chat, template="pocket", settings=EnhancerSettings(temperature=0.3)).enhance(wish, seed=seed))


def test_it_says_what_it_is(chat: ChatModel) -> None:
    assert chat.name
    assert isinstance(chat.revision, str)


@pytest.mark.parametrize("wish", ["three rabbits on a purple background", "三只兔子，紫色背景"])
def test_the_answer_comes_in_whole_characters_and_in_many_pieces(chat: ChatModel, wish: str) -> None:
    got = list(pieces(chat, wish, Sampling(seed=1, temperature=0.3)))
    assert len(got) > 20
    assert all(got), "an empty piece tells nothing"
    assert "\N{REPLACEMENT CHARACTER}" not in "".join(got)


def test_the_same_seed_gives_the_same_text_and_seeds_differ(chat: ChatModel) -> None:
    def said(seed: int) -> str:
        return "".join(pieces(chat, "some rabbits", Sampling(seed=seed, temperature=1.2, top_p=1.0)))

    first = said(7)
    assert said(7) == first
    assert any(said(seed) != first for seed in range(8, 20))


def test_a_cancelled_answer_ends_within_two_pieces(chat: ChatModel) -> None:
    got: list[str] = []
    for piece in pieces(chat, "a red house", Sampling(seed=1, temperature=0.3), lambda: len(got) >= 3):
        got.append(piece)
    assert 3 <= len(got) <= 5


def test_an_answer_cancelled_before_it_began_says_nothing(chat: ChatModel) -> None:
    assert list(pieces(chat, "a red house", Sampling(seed=1), lambda: True)) == []


def test_an_answer_longer_than_allowed_is_given_and_then_refused_with_the_number(chat: ChatModel) -> None:
    got: list[str] = []
    with pytest.raises(NoPrompt, match="cut off after 6 tokens"):
        got.extend(pieces(chat, "a red house", Sampling(seed=1, temperature=0.3, max_tokens=6)))


def test_an_answer_that_is_not_heard_out_leaves_no_thread_behind(chat: ChatModel) -> None:
    before = set(threading.enumerate())
    stream = pieces(chat, "a red house", Sampling(seed=1, temperature=0.3))
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 30
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not {thread.name for thread in set(threading.enumerate()) - before}


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ("three rabbits on a purple background", ("hree rabbits", "purple")),
        ("三只兔子，紫色背景", ("三只兔子", "紫色")),
    ],
)
def test_a_wish_becomes_four_steps_and_a_prompt_that_keeps_it(
    chat: ChatModel, wish: str, told: tuple[str, ...]
) -> None:
    last = draw(chat, wish)[-1]
    assert last.done
    assert [step.name for step in last.steps] == list(STEPS)
    assert all(step.text and step.done and step.seconds is not None for step in last.steps)
    assert all(part in last.prompt for part in told), last.prompt
    assert (last.original, last.seed, last.model, last.template) == (wish, 5, chat.name, "pocket")


def test_an_enhancement_grows_step_by_step(chat: ChatModel) -> None:
    drafts = draw(chat, "two cats on a green background")
    assert [draft.done for draft in drafts] == [False] * (len(drafts) - 1) + [True]
    assert len(drafts) > 20
    for name, earlier, later in ((i, a, b) for a, b in pairwise(drafts) for i in range(4)):
        assert later.steps[name].text.startswith(earlier.steps[name].text)
    reached = [sum(step.done for step in draft.steps) for draft in drafts]
    assert reached == sorted(reached)
    assert {0, 1, 2, 3, 4} <= set(reached)


def test_an_enhancement_can_be_repeated(chat: ChatModel) -> None:
    first, second = (draw(chat, "some dogs", seed=9)[-1] for _ in range(2))
    assert first.prompt == second.prompt
    assert [step.text for step in first.steps] == [step.text for step in second.steps]


def test_a_cancelled_enhancement_raises_stopped(chat: ChatModel) -> None:
    drafts: list[Draft] = []
    with pytest.raises(Stopped):
        for draft in Enhancer(chat, template="pocket").enhance("two cats", seed=1, cancelled=lambda: len(drafts) >= 3):
            drafts.append(draft)
    assert len(drafts) == 3


def test_the_time_limit_is_told(chat: ChatModel) -> None:
    with pytest.raises(TimedOut, match=r"0\.01 seconds"):
        list(
            Enhancer(chat, template="pocket", settings=EnhancerSettings(time_limit_s=0.01)).enhance("two cats", seed=1)
        )
