"""The chain as its watcher sees it, with a server that recites what a test wants to be said."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest

from enhancer import styles, templates
from enhancer.base import STEPS, Draft, Message, Sampling
from enhancer.enhancer import Enhancer, EnhancerSettings, Fit
from enhancer.errors import EnhancerError, ModelRefused, ModelUnreachable, NoPrompt, Stopped, TimedOut
from enhancer.models.remote import RemoteChat
from enhancer.options import EnhancementOptions

ANSWER = (
    '## keep\nthe words "SALE"\n## solve\na shop\n## compose\nclose\n## text\n"SALE": red\n## prompt\nA shop, "SALE".'
)


def enhancer(loopback: Any, pieces: list[str], **options: Any) -> Enhancer:
    loopback.manners.pieces = pieces
    return enhancer_of(loopback, options)


def enhancer_of(loopback: Any, options: dict[str, Any]) -> Enhancer:
    """An enhancer of the loopback's model; options that are no parameter of it are settings."""
    own = {name: options[name] for name in ("template", "folder", "fit") if name in options}
    settings = EnhancerSettings(**{name: value for name, value in options.items() if name not in own})
    return Enhancer(RemoteChat(loopback.url, "reciter"), settings=settings, **own)


def test_drafts_show_each_visible_change_and_the_last_is_done(loopback: Any) -> None:
    drafts = list(enhancer(loopback, list(ANSWER)).enhance('a "SALE"', seed=4))
    assert all(before != after for before, after in pairwise(drafts))
    assert [draft.done for draft in drafts[:-1]] == [False] * (len(drafts) - 1)
    last = drafts[-1]
    assert last.done
    assert [(step.name, step.text, step.done) for step in last.steps] == [
        ("keep", 'the words "SALE"', True),
        ("solve", "a shop", True),
        ("compose", "close", True),
        ("text", '"SALE": red', True),
    ]
    assert last.prompt == 'A shop, "SALE".'


def test_a_draft_says_with_what_it_was_made(loopback: Any) -> None:
    options = {"temperature": 0.4, "top_p": 0.6, "max_tokens": 77}
    for draft in enhancer(loopback, list(ANSWER), **options).enhance("一张海报", seed=4):
        template = templates.load("chain", "zh")
        assert (draft.original, draft.seed, draft.model, draft.revision) == ("一张海报", 4, "reciter", "")
        assert (draft.template, draft.template_version) == ("chain", template.version)
        assert dict(draft.sampling) == {**options, "language": "zh"}
        assert [step.name for step in draft.steps] == list(STEPS)
        assert draft.seconds >= 0
    asked = loopback.manners.asked
    assert asked["messages"] == [
        {"role": "system", "content": template.text},
        {"role": "user", "content": "一张海报"},
    ]
    assert (asked["seed"], asked["temperature"], asked["top_p"], asked["max_tokens"]) == (4, 0.4, 0.6, 77)


class Slow:
    """A model that thinks before each piece: in the reader's own thread, since what a network brings may arrive in lumps."""

    name, revision = "slow", ""

    def stream(self, messages: Sequence[Message], sampling: Sampling, cancelled: Callable[[], bool]) -> Iterator[str]:
        for piece in ("## keep\n", "a", "\n## solve\n", "b", "\n## prompt\n", "c"):
            time.sleep(0.02)
            yield piece


def test_each_step_tells_how_long_it_took() -> None:
    last = list(Enhancer(Slow()).enhance("x", seed=1))[-1]
    keep, solve, compose, text = last.steps
    assert keep.seconds is not None and keep.seconds >= 0.02
    assert solve.seconds is not None and solve.seconds >= 0.02
    assert (compose.seconds, text.seconds) == (None, None)
    assert last.seconds >= keep.seconds + solve.seconds


def test_thoughts_are_not_shown(loopback: Any) -> None:
    loopback.manners.thoughts = ["## prompt\nnot this\n"]
    drafts = list(enhancer(loopback, [ANSWER]).enhance("x", seed=1))
    assert drafts[-1].prompt == 'A shop, "SALE".'
    assert not any("not this" in draft.prompt for draft in drafts)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("", NoPrompt), ("I'm sorry, but I can't.", ModelRefused), ("## keep\nx", NoPrompt)],
)
def test_an_answer_without_a_prompt_is_an_error(loopback: Any, answer: str, kind: type[EnhancerError]) -> None:
    with pytest.raises(kind):
        list(enhancer(loopback, [answer]).enhance("x", seed=1))


def test_a_fault_of_the_server_comes_through_after_what_was_seen(loopback: Any) -> None:
    loopback.manners.cut = True
    loopback.manners.finish = None
    drafts: list[Draft] = []
    with pytest.raises(ModelUnreachable):
        drafts.extend(enhancer(loopback, ["## keep\n", "a\n", "b\n"]).enhance("x", seed=1))


def test_a_silent_server_meets_the_time_limit(loopback: Any) -> None:
    loopback.manners.silent_s = 600
    with pytest.raises(TimedOut, match=r"longer than 0\.3 seconds"):
        list(enhancer(loopback, ["a"], time_limit_s=0.3).enhance("x", seed=1))


def test_an_owner_who_cancels_is_told_so_even_where_the_server_fails(loopback: Any) -> None:
    loopback.manners.silent_s = 600
    asked = iter([False] * 3 + [True] * 1000)
    with pytest.raises(Stopped, match="cancelled"):
        list(enhancer(loopback, ["a"]).enhance("x", seed=1, cancelled=lambda: next(asked)))


def test_closing_the_drafts_closes_the_stream(loopback: Any) -> None:
    drafts = enhancer(loopback, ["## keep\n", *["word "] * 100_000]).enhance("x", seed=1)
    next(drafts)
    drafts.close()
    deadline = time.monotonic() + 60
    while any(thread.name == "remote-chat" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "the reader of a closed stream is still at work"
        time.sleep(0.01)
    assert loopback.manners.sent < 100_000


def test_an_unknown_template_is_refused_at_once(loopback: Any) -> None:
    with pytest.raises(ValueError, match="nothing"):
        enhancer(loopback, [], template="nothing")


KEPT, LOST = ANSWER.replace("A shop", "Three shops"), ANSWER.replace("A shop", "Two shops")


def told(
    loopback: Any,
    answers: list[str],
    wish: str = 'three shops with "SALE"',
    steering: EnhancementOptions | None = None,
    **options: Any,
) -> tuple[list[Draft], list[Any]]:
    """The drafts of a wish, and what the server was asked, answer by answer."""
    left, asked = list(answers), []

    def next_answer() -> list[str]:
        asked.append(dict(loopback.manners.asked))
        return [left.pop(0)]

    loopback.manners.next_pieces = next_answer
    made = enhancer_of(loopback, options)
    return list(made.enhance(wish, seed=4, options=steering)), asked


def test_a_prompt_that_lost_something_is_asked_for_once_more_with_what_it_lost(loopback: Any) -> None:
    drafts, asked = told(loopback, [LOST, KEPT])
    assert drafts[-1].done and drafts[-1].prompt == 'Three shops, "SALE".'
    assert drafts[-1].sampling["repair"] == {"lost": ["three shops"], "used": True}
    assert [draft.done for draft in drafts[:-1]] == [False] * (len(drafts) - 1)
    *before, answer, fault = asked[1]["messages"]
    assert before == asked[0]["messages"] and answer == {"role": "assistant", "content": LOST}
    assert fault["content"].endswith("letter for letter:\n- three shops")
    assert asked[1]["seed"] == asked[0]["seed"] == 4


@pytest.mark.parametrize("second", [LOST, "", "I cannot help with that."])
def test_what_is_still_lost_is_told_and_the_first_prompt_stays(loopback: Any, second: str) -> None:
    drafts, asked = told(loopback, [LOST, second])
    assert drafts[-1].prompt == 'Two shops, "SALE".' and len(asked) == 2
    assert drafts[-1].sampling["repair"] == {"lost": ["three shops"], "used": False}


def test_nothing_is_asked_twice_where_nothing_was_lost_or_nobody_wants_it(loopback: Any) -> None:
    for answer, repair in ((KEPT, True), (LOST, False)):
        drafts, asked = told(loopback, [answer], repair=repair)
        assert len(asked) == 1 and "repair" not in drafts[-1].sampling


def test_a_model_that_knows_one_question_is_asked_it_again_by_another_seed(loopback: Any) -> None:
    drafts, asked = told(loopback, [LOST, KEPT], follows=False)
    assert drafts[-1].sampling["repair"]["used"] is True
    assert asked[1]["messages"] == asked[0]["messages"] and asked[1]["seed"] == 4 + 2**52


def steered(
    loopback: Any, answers: list[str], wish: str, steering: EnhancementOptions, **options: Any
) -> tuple[Draft, list[Any]]:
    """The last draft of a steered wish, and what the server was asked."""
    drafts, asked = told(loopback, answers, wish, steering, **options)
    return drafts[-1], asked


def test_a_prompt_that_is_too_long_is_asked_to_be_shorter(loopback: Any) -> None:
    long, short = (KEPT.replace("Three shops", f"Three shops{' in the rain' * n}") for n in (30, 2))
    draft, asked = steered(
        loopback,
        [long, short],
        "three shops",
        EnhancementOptions(),
        fit=Fit(count=lambda text: len(text.split()), most=50),
    )
    assert draft.prompt == 'Three shops in the rain in the rain, "SALE".'
    assert draft.sampling["repair"] == {"lost": [], "tokens": 93, "used": True}
    said = asked[1]["messages"][-1]["content"]
    assert "93 tokens" in said and "reads 50" in said and "at most 48 %" in said


def test_a_shorter_prompt_that_still_does_not_fit_is_better_than_a_longer_one(loopback: Any) -> None:
    fit = Fit(count=lambda text: len(text.split()), most=4)
    long, short = (KEPT.replace("Three shops", f"Three shops{' in the rain' * n}") for n in (30, 2))
    for answers, used in (([long, short], True), ([short, long], False)):
        draft, _ = steered(loopback, answers, "three shops", EnhancementOptions(), fit=fit)
        assert draft.prompt == 'Three shops in the rain in the rain, "SALE".'
        assert draft.sampling["repair"]["used"] is used  # type: ignore[index]


def test_length_style_and_locked_words_are_put_to_a_model_that_follows(loopback: Any) -> None:
    ink = next(one for one in styles.load("general") if one.name == "ink")
    steering = EnhancementOptions(style=ink, length="short", keep_words=("shops",))
    draft, asked = steered(loopback, [KEPT], "three shops", steering)
    system, wish = (one["content"] for one in asked[0]["messages"])
    assert templates.LENGTH["en"]["short"] in system and system.endswith(f"{templates.LOCKS['en']}\n- shops")
    assert wish == f"three shops, {ink.words['en']}"
    assert draft.original == "three shops" and draft.options == {
        "style": "ink",
        "length": "short",
        "keep_words": ["shops"],
    }


def test_a_locked_word_that_was_lost_is_asked_for_once_more(loopback: Any) -> None:
    locked = EnhancementOptions(keep_words=("old shops",))
    draft, asked = steered(loopback, [KEPT, KEPT.replace("shops", "old shops")], "three old shops", locked)
    assert draft.prompt == 'Three old shops, "SALE".' and asked[1]["messages"][-1]["content"].endswith("- old shops")


def test_a_model_that_does_not_follow_is_told_of_a_style_by_the_wish_alone(loopback: Any) -> None:
    ink = styles.load("general")[0]
    _, asked = steered(
        loopback,
        [KEPT],
        "three shops.",
        EnhancementOptions(style=ink, keep_words=("shops",)),
        follows=False,
        template="pocket",
    )
    system, wish = (one["content"] for one in asked[0]["messages"])
    assert system == templates.load("pocket", "en").text and wish == f"three shops. A {ink.words['en'][2:]}."


def test_an_instruction_is_put_behind_the_prompt_that_there_is(loopback: Any) -> None:
    steering = EnhancementOptions(instruction="make it dusk, keep the rest", before="Three shops at noon.")
    draft, asked = steered(loopback, ["## prompt\nTwo shops at dusk."], "three shops", steering)
    assert draft.prompt == "Two shops at dusk."  # what an instruction changes is no loss: it is not asked for again
    _, wish, before, instruction = asked[0]["messages"]
    assert wish["content"] == "three shops" and before == {
        "role": "assistant",
        "content": "## prompt\nThree shops at noon.",
    }
    assert instruction["role"] == "user" and instruction["content"].endswith("\n\nmake it dusk, keep the rest")
    assert draft.options == {"instruction": "make it dusk, keep the rest", "before": "Three shops at noon."}


def test_time_stands_still_while_whoever_takes_the_drafts_does_something_else(loopback: Any) -> None:
    loopback.manners.pieces = list(ANSWER)
    began = time.monotonic()
    drafts = Enhancer(RemoteChat(loopback.url, "reciter"), settings=EnhancerSettings(time_limit_s=60)).enhance(
        "three shops", seed=1
    )
    next(drafts)
    time.sleep(1.0)
    *_, last = drafts
    assert last.done and last.seconds <= time.monotonic() - began - 1.0
