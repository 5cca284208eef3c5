"""The enhancer: sends a request to a chat model with a template, and yields the reasoning while it is written.

One thread, no state between requests. Knows no torch, no network and no page.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from enhancer import templates
from enhancer.base import STEPS, ChatModel, Draft, Message, Sampling, StepDraft
from enhancer.checks import check_prompt, lost
from enhancer.errors import EnhancerError, ModelRefused, ModelUnreachable, NoPrompt, Stopped, TimedOut
from enhancer.headings import SECTIONS
from enhancer.options import EnhancementOptions
from enhancer.parser import Parser, Reading

MAX_TOKENS = 1536
"""Room for four short steps and a prompt of 300 words, in Chinese too."""
AGAIN = 2**52
"""What makes a seed another one: far from the seeds of the pictures beside it, which have rewrites of their own."""


def _never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The length limit of a prompt: `count` returns its tokens, or None if unknown; `most` tokens are used."""

    count: Callable[[str], int | None]
    most: int


@dataclass(frozen=True, kw_only=True)
class EnhancerSettings:
    """Sampling parameters and behavior.

    `follows` means that the model follows instructions. A model that does not gets no length, keywords or instruction, and
    is asked again with another seed if it lost something. `repair` is whether to ask again at all.
    """

    temperature: float = 0.7
    top_p: float = 0.8
    max_tokens: int = MAX_TOKENS
    time_limit_s: float = 120.0
    follows: bool = True
    repair: bool = True


class Enhancer:
    """A chat model, a template and sampling parameters. `enhance` may be called repeatedly."""

    def __init__(
        self,
        chat: ChatModel,
        *,
        template: str = "chain",
        folder: Path | None = None,
        fit: Fit | None = None,
        settings: EnhancerSettings | None = None,
    ) -> None:
        """Raises ValueError if neither ours nor `folder` has the template."""
        self._chat, self._fit, self._settings = chat, fit, settings or EnhancerSettings()
        self._templates = {language: templates.load(template, language, folder) for language in templates.LANGUAGES}

    def enhance(
        self,
        prompt: str,
        *,
        seed: int,
        options: EnhancementOptions | None = None,
        cancelled: Callable[[], bool] = _never,
    ) -> Generator[Draft, None, None]:
        """Yield the drafts of one enhancement, one for each visible change. Only the last one is `done`.

        Raises TimedOut, Stopped, NoPrompt, ModelRefused or ModelUnreachable. `cancelled` is called between pieces; closing
        the generator stops the model. The time limit does not run between two drafts, so the caller may do other work.
        """
        options = options or EnhancementOptions()
        wish = options.style.apply(prompt) if options.style and not options.instruction else prompt
        clock = _Clock()
        empty = self._draft(prompt, seed, options)
        sampling = Sampling(
            seed=seed,
            temperature=self._settings.temperature,
            top_p=self._settings.top_p,
            max_tokens=self._settings.max_tokens,
        )
        template = self._templates[templates.language(prompt)]
        asked = templates.messages(template, wish, options if self._settings.follows else None)
        told = _Told(cancelled, clock, self._settings.time_limit_s)
        writing, answer = _Writing(empty, clock), list[str]()
        reading = yield from self._round(writing, asked, sampling, told, answer)
        done = writing.finished(reading)
        faults = self._faults(prompt, options, reading)
        if not self._settings.repair or not faults:
            yield done
            return
        note: dict[str, object] = {"lost": list(faults.lost), "used": False}
        if faults.tokens:
            note["tokens"] = faults.tokens
        if self._settings.follows:
            too_long = (faults.tokens, self._fit.most) if self._fit and faults.tokens else None
            asked = templates.repair(
                template, wish, "".join(answer), list(faults.lost), too_long=too_long, options=options
            )
        else:
            sampling = replace(sampling, seed=seed ^ AGAIN)
        again = _Writing(empty, clock)
        try:
            second = yield from self._round(again, asked, sampling, told, [])
        except (NoPrompt, ModelRefused, ModelUnreachable):
            second = None  # keep the first prompt, with its losses
        if second is not None and self._faults(prompt, options, second).weight < faults.weight:
            done, note["used"] = again.finished(second), True
        yield replace(done, sampling={**done.sampling, "repair": note}, seconds=clock.seconds)

    def _faults(self, prompt: str, options: EnhancementOptions, reading: Reading) -> _Faults:
        """The faults of a prompt. An instruction may change anything except keywords that must stay."""
        wish = "" if options.instruction else prompt
        solve = reading.texts[STEPS.index("solve")]
        gone = lost(check_prompt(wish, reading.prompt, solve=solve, keep_words=options.keep_words))
        tokens = self._fit.count(reading.prompt) if self._fit else None
        over = tokens is not None and self._fit is not None and tokens > self._fit.most
        return _Faults(lost=tuple(one.wanted for one in gone), tokens=tokens or 0 if over else 0)

    def _round(
        self, writing: _Writing, asked: list[Message], sampling: Sampling, told: _Told, answer: list[str]
    ) -> Generator[Draft, None, Reading]:
        """Stream one answer, appending its pieces to `answer`. Returns its final reading."""
        parser = Parser()
        with closing(_closable(self._chat.stream(asked, sampling, told.over))) as pieces:
            try:
                for piece in pieces:
                    told.check()
                    answer.append(piece)
                    if draft := writing.changed(parser.feed(piece)):
                        with told.clock.stopped():
                            yield draft
            except EnhancerError:
                told.check()  # a stopped model may end with an error; the stop is the reason
                raise
        told.check()
        return parser.finish()

    def _draft(self, prompt: str, seed: int, options: EnhancementOptions) -> Draft:
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
            options=options.to_json(),
            sampling={
                "temperature": self._settings.temperature,
                "top_p": self._settings.top_p,
                "max_tokens": self._settings.max_tokens,
                "language": template.language,
            },
        )


class _Clock:
    """Counts seconds, except while stopped."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    @contextmanager
    def stopped(self) -> Iterator[None]:
        at = time.monotonic()
        try:
            yield
        finally:
            self._began += time.monotonic() - at


@dataclass(frozen=True)
class _Told:
    """Tells whether an enhancement must stop, by cancellation or by time."""

    cancelled: Callable[[], bool]
    clock: _Clock
    limit_s: float

    def over(self) -> bool:
        return self.cancelled() or self.clock.seconds >= self.limit_s

    def check(self) -> None:
        if self.cancelled():
            raise Stopped("enhancement_cancelled")
        if self.clock.seconds >= self.limit_s:
            raise TimedOut("enhancement_timed_out", n=f"{self.limit_s:g}")


@dataclass(frozen=True, kw_only=True)
class _Faults:
    """The things that a prompt lost, and its tokens if they exceed the limit, else 0."""

    lost: tuple[str, ...]
    tokens: int

    def __bool__(self) -> bool:
        return bool(self.lost or self.tokens)

    @property
    def weight(self) -> tuple[int, int]:
        """Fewer is better. A truncated prompt counts as a loss."""
        return len(self.lost) + bool(self.tokens), self.tokens


class _Writing:
    """Turns readings into drafts, and measures the seconds of each step."""

    def __init__(self, empty: Draft, clock: _Clock) -> None:
        self._time = clock
        self._empty = empty
        self._reading = Reading()
        self._began: dict[str, float] = {}
        self._ended: dict[str, float] = {}

    def changed(self, reading: Reading) -> Draft | None:
        """The draft of a reading; None without a visible change."""
        if reading == self._reading:
            return None
        self._clock(reading.section)
        self._reading = reading
        return self._drafted(reading)

    def finished(self, reading: Reading) -> Draft:
        self._clock(None)
        return replace(self._drafted(reading), done=True)

    def _clock(self, section: str | None) -> None:
        now = self._time.seconds
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
        return replace(self._empty, steps=steps, prompt=reading.prompt, seconds=self._time.seconds)

    def _seconds(self, name: str) -> float | None:
        if name not in self._began or name not in self._ended:
            return None
        return round(self._ended[name] - self._began[name], 3)


def _closable(pieces: Iterator[str]) -> Generator[str, None, None]:
    """The pieces as a generator that closes an underlying generator."""
    yield from pieces
