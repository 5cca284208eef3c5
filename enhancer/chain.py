"""Puts a wish to a chat model by a template and gives the reasoning as it is written.

One thread, no state between two wishes. Knows no torch, no network and no page: the model is a ChatModel of the contract.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Literal

from enhancer import templates
from enhancer.checks import Check, checked, lost
from enhancer.contract import STEPS, ChatModel, Draft, Message, Sampling, StepDraft
from enhancer.errors import EnhancerError, ModelRefused, ModelUnreachable, NoPrompt, Stopped, TimedOut
from enhancer.headings import SECTIONS
from enhancer.parse import Parser, Reading

Repair = Literal["told", "again", "off"]
MAX_TOKENS = 1536
"""Room for four short steps and a prompt of 300 words, in Chinese too."""


def _never() -> bool:
    return False


class Enhancer:
    """A chat model, a template, and how the model chooses its words. `enhance` may be called as often as wished."""

    def __init__(
        self,
        chat: ChatModel,
        *,
        template: str = "chain",
        temperature: float = 0.7,
        top_p: float = 0.8,
        max_tokens: int = MAX_TOKENS,
        time_limit_s: float = 120.0,
        repair: Repair = "told",
    ) -> None:
        """ValueError where there is no template of that name. `repair`: how a prompt that lost something is asked for once more, with
        what was lost `told`, or simply `again` by the next seed, for a model that knows one question only; or not at all."""
        self._chat = chat
        self._templates = {language: templates.load(template, language) for language in templates.LANGUAGES}
        self._temperature, self._top_p, self._max_tokens = temperature, top_p, max_tokens
        self._time_limit_s, self._repair = time_limit_s, repair

    def enhance(
        self, prompt: str, *, seed: int, cancelled: Callable[[], bool] = _never
    ) -> Generator[Draft, None, None]:
        """Drafts of one enhancement, one for each visible change; the last, and only it, is `done` and has its prompt.

        Raises TimedOut, Stopped, NoPrompt, ModelRefused or ModelUnreachable, each with a sentence. `cancelled` is asked
        between pieces; closing the generator stops the model too.
        """
        empty, started = self._draft(prompt, seed), time.monotonic()
        sampling = Sampling(seed=seed, temperature=self._temperature, top_p=self._top_p, max_tokens=self._max_tokens)
        template = self._templates[templates.language(prompt)]
        asked = templates.messages(template, prompt)
        told = _Told(cancelled, started + self._time_limit_s, self._time_limit_s)
        writing, answer = _Writing(empty, started), list[str]()
        reading = yield from self._round(writing, asked, sampling, told, answer)
        done = writing.finished(reading)
        if self._repair == "off" or not (faults := _faults(prompt, reading)):
            yield done
            return
        note: dict[str, object] = {"lost": [one.wanted for one in faults], "used": False}
        if self._repair == "told":
            asked = templates.repair(template, prompt, "".join(answer), [one.wanted for one in faults])
        else:
            sampling = replace(sampling, seed=seed + 1)
        again = _Writing(empty, started)
        try:
            second = yield from self._round(again, asked, sampling, told, [])
        except (NoPrompt, ModelRefused, ModelUnreachable):
            second = None  # what there is is better than nothing, and says what it lost
        if second is not None and len(_faults(prompt, second)) < len(faults):
            done, note["used"] = again.finished(second), True
        seconds = time.monotonic() - started
        yield replace(done, sampling={**done.sampling, "repair": note}, seconds=seconds)

    def _round(
        self, writing: _Writing, asked: list[Message], sampling: Sampling, told: _Told, answer: list[str]
    ) -> Generator[Draft, None, Reading]:
        """One answer as it is written, its pieces added to `answer`; what was read of it in the end."""
        parser = Parser()
        with closing(_closable(self._chat.stream(asked, sampling, told.over))) as pieces:
            try:
                for piece in pieces:
                    told.check()
                    answer.append(piece)
                    if draft := writing.changed(parser.feed(piece)):
                        yield draft
            except EnhancerError:
                told.check()  # a model that was told to stop may end in a fault; the reason is ours
                raise
        told.check()
        return parser.finish()

    def _draft(self, prompt: str, seed: int) -> Draft:
        template = self._templates[templates.language(prompt)]
        return Draft(
            original=prompt,
            steps=tuple(StepDraft(name=name, text="", done=False) for name in STEPS),
            prompt="",
            seed=seed,
            model=self._chat.name,
            revision=self._chat.revision,
            template=template.name,
            template_version=template.version,
            sampling={
                "temperature": self._temperature,
                "top_p": self._top_p,
                "max_tokens": self._max_tokens,
                "language": template.language,
            },
        )


class _Told:
    """Whether somebody or the time has told an enhancement to stop."""

    def __init__(self, cancelled: Callable[[], bool], deadline: float, limit_s: float) -> None:
        self._cancelled, self._deadline, self._limit_s = cancelled, deadline, limit_s

    def over(self) -> bool:
        return self._cancelled() or time.monotonic() >= self._deadline

    def check(self) -> None:
        if self._cancelled():
            raise Stopped("The reasoning was cancelled.")
        if time.monotonic() >= self._deadline:
            raise TimedOut(f"The reasoning was stopped: it took longer than {self._limit_s:g} seconds.")


def _faults(prompt: str, reading: Reading) -> tuple[Check, ...]:
    """What the wish names and the prompt that was written has lost."""
    return lost(checked(prompt, reading.prompt, solve=reading.texts[STEPS.index("solve")]))


class _Writing:
    """One enhancement while it is written: turns what was read into drafts and measures each step's seconds."""

    def __init__(self, empty: Draft, started: float) -> None:
        self.started = started
        self._empty = empty
        self._reading = Reading()
        self._began: dict[str, float] = {}
        self._ended: dict[str, float] = {}

    def changed(self, reading: Reading) -> Draft | None:
        """The draft for a reading, or None where nothing that can be seen has changed."""
        if reading == self._reading:
            return None
        self._clock(reading.section)
        self._reading = reading
        return self._drafted(reading)

    def finished(self, reading: Reading) -> Draft:
        self._clock(None)
        return replace(self._drafted(reading), done=True)

    def _clock(self, section: str | None) -> None:
        now = time.monotonic()
        if section != self._reading.section:
            if self._reading.section is not None:
                self._ended[self._reading.section] = now
            if section is not None:
                self._began.setdefault(section, now)
                self._ended.pop(section, None)

    def _drafted(self, reading: Reading) -> Draft:
        current = SECTIONS.index(reading.section) if reading.section else -1
        steps = tuple(
            StepDraft(
                name=name,
                text=text,
                done=reading.ended or index < current,
                seconds=self._seconds(name) if text else None,
            )
            for index, (name, text) in enumerate(zip(STEPS, reading.texts, strict=True))
        )
        seconds = time.monotonic() - self.started
        return replace(self._empty, steps=steps, prompt=reading.prompt, seconds=seconds)

    def _seconds(self, name: str) -> float | None:
        if name not in self._began or name not in self._ended:
            return None
        return round(self._ended[name] - self._began[name], 3)


def _closable(pieces: Iterator[str]) -> Generator[str, None, None]:
    """The pieces as a generator, so that closing it closes a generator underneath and only iterates anything else."""
    yield from pieces
