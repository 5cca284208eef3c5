"""Puts a wish to a chat model by a template and gives the reasoning as it is written.

One thread, no state between two wishes. Knows no torch, no network and no page: the model is a ChatModel of the contract.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace

from enhancer import templates
from enhancer.contract import STEPS, ChatModel, Draft, Sampling, StepDraft
from enhancer.errors import EnhancerError, Stopped, TimedOut
from enhancer.headings import SECTIONS
from enhancer.parse import Parser, Reading

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
    ) -> None:
        """ValueError where there is no template of that name."""
        self._chat = chat
        self._templates = {language: templates.load(template, language) for language in templates.LANGUAGES}
        self._temperature, self._top_p, self._max_tokens = temperature, top_p, max_tokens
        self._time_limit_s = time_limit_s

    def enhance(
        self, prompt: str, *, seed: int, cancelled: Callable[[], bool] = _never
    ) -> Generator[Draft, None, None]:
        """Drafts of one enhancement, one for each visible change; the last, and only it, is `done` and has its prompt.

        Raises TimedOut, Stopped, NoPrompt, ModelRefused or ModelUnreachable, each with a sentence. `cancelled` is asked
        between pieces; closing the generator stops the model too.
        """
        writing = _Writing(self._draft(prompt, seed), time.monotonic())
        sampling = Sampling(seed=seed, temperature=self._temperature, top_p=self._top_p, max_tokens=self._max_tokens)
        template = self._templates[templates.language(prompt)]
        deadline = writing.started + self._time_limit_s

        def over() -> bool:
            return cancelled() or time.monotonic() >= deadline

        parser = Parser()
        with closing(_closable(self._chat.stream(templates.messages(template, prompt), sampling, over))) as pieces:
            try:
                for piece in pieces:
                    self._check(cancelled, deadline)
                    if draft := writing.changed(parser.feed(piece)):
                        yield draft
            except EnhancerError:
                self._check(cancelled, deadline)  # a model that was told to stop may end in a fault; the reason is ours
                raise
        self._check(cancelled, deadline)
        yield writing.finished(parser.finish())

    def _check(self, cancelled: Callable[[], bool], deadline: float) -> None:
        if cancelled():
            raise Stopped("The reasoning was cancelled.")
        if time.monotonic() >= deadline:
            raise TimedOut(f"The reasoning was stopped: it took longer than {self._time_limit_s:g} seconds.")

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
