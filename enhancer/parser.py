"""The parser: finds the steps and the prompt in a model's answer while it is written.

    ## keep / ## solve / ## compose / ## text / ## prompt

Strict about headings: each on its own line, in order, once, and all in the style of the first. Lenient about thoughts,
fences, spellings and remarks. The result does not depend on how the text was cut into pieces. Knows no model."""

from __future__ import annotations

import re
from dataclasses import dataclass

from enhancer.base import STEPS
from enhancer.errors import EnhancerError, ModelRefused, NoPrompt
from enhancer.headings import (
    SECTIONS,
    Heading,
    bare,
    heading,
    is_fence,
    is_nothing,
    is_refusal,
    is_remark,
    is_rule,
    loose_heading,
    may_become_mark,
    may_become_remark,
)

LONGEST = 65_536
"""Characters of an answer that are read; a chain's own limit of tokens ends it far earlier."""

_THINK = re.compile(r"^\s*<think(?:ing)?>", re.IGNORECASE)
_THOUGHT = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_HEADED = re.compile(r"^\s*#{2,6}\s")
_PROMPT = len(SECTIONS) - 1


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The parsed part. `section` is the one being written: None before the first and at the end."""

    texts: tuple[str, ...] = ("",) * len(STEPS)  # one for each of STEPS, in order
    prompt: str = ""
    section: str | None = None
    ended: bool = False


class Lines:
    """The lines of one text, and the starts of its sections.

    A request may contain a heading that the model quotes. A heading that skips sections counts only until a skipped one
    comes: then it was a quotation, and belongs to the section before.
    """

    def __init__(self, *, believe_skips: bool = False, loose: bool = False) -> None:
        self.lines: list[str] = []
        self._marks: list[tuple[int, int]] = []  # (index in SECTIONS, first line of its body)
        self._manner: str | None = None
        self._believe_skips = believe_skips
        self._loose = loose

    @property
    def current(self) -> int:
        """Index of the section being written; -1 before the first."""
        return self._marks[-1][0] if self._marks else -1

    def add(self, line: str) -> None:
        found = loose_heading(line) if self._loose else heading(line)
        self.lines.append(line)
        if found and self._begins(found):
            if found.body:
                self.lines.append(found.body)
            self._marks.append((SECTIONS.index(found.section), len(self.lines) - bool(found.body)))

    def _begins(self, found: Heading) -> bool:
        if not self._loose and self._manner not in (None, found.manner):
            return False
        index = SECTIONS.index(found.section)
        if not self._believe_skips and index not in (section for section, _ in self._marks):
            while self.current > index:
                self._marks.pop()
        if self.current >= index:
            return False
        self._manner = found.manner
        return True

    def body(self, index: int, tail: str | None = None) -> list[str]:
        """The lines of a section, with the unfinished last line if it is being written."""
        for position, (section, start) in enumerate(self._marks):
            if section == index:
                last = position + 1 == len(self._marks)
                lines = self.lines[start : None if last else self._marks[position + 1][1] - 1]
                return [*lines, tail] if last and tail is not None else lines
        return []

    def reading(self, tail: str | None = None) -> Reading:
        texts = tuple(
            "\n".join(line for line in self.body(i, tail) if not is_fence(line)).strip() for i in range(_PROMPT)
        )
        section = SECTIONS[self.current] if self._marks else None
        return Reading(texts=texts, prompt=paragraphs(self.body(_PROMPT, tail)), section=section)


def paragraphs(lines: list[str]) -> str:
    """A prompt's text: ends at a rule, a closing fence, another heading, or a remark after a blank line."""
    kept: list[str] = []
    blank = False
    for line in lines:
        if not line.strip():
            blank = True
            continue
        if is_fence(line) or is_rule(line):
            if kept:
                break
            continue
        if kept and (_HEADED.match(line) or (blank and is_remark(line))):
            break
        if kept and blank:
            kept.append("")
        kept.append(line.strip())
        blank = False
    return "\n".join(kept)


class Parser:
    """Reads an answer piece by piece. `feed` returns the reading and raises nothing; `finish` completes it."""

    def __init__(self) -> None:
        self._tail = ""
        self._length = 0
        self._answer = Lines()
        self._thought: Lines | None = None
        self._thinking = False

    def feed(self, piece: str) -> Reading:
        """Add a piece. Of an answer longer than LONGEST only the beginning is read."""
        piece = piece[: LONGEST - self._length]
        self._length += len(piece)
        if "\n" in piece:
            *lines, self._tail = (self._tail + piece).split("\n")
            for line in lines:
                self._line(line.rstrip("\r"))
        else:
            self._tail += piece
        return self._answer.reading(self._visible_tail())

    def finish(self) -> Reading:
        """The final reading. Raises NoPrompt if there is no prompt, and ModelRefused if the model declined."""
        if self._tail:
            self._line(self._tail)
            self._tail = ""
        thought = self._thought or Lines()
        found = _chain(self._answer) or (_chain(thought) if self._thinking else None)
        found = found or _plain(self._answer) or _chain(thought)
        if found is None:
            raise _nothing_found(self._answer, thought)
        if is_refusal(found.prompt):
            raise _refused(found.prompt)
        return Reading(texts=found.texts, prompt=found.prompt, ended=True)

    def _line(self, line: str) -> None:
        while self._thinking or self._answer.current < 0:
            if self._thinking and self._thought is not None:
                end = _THOUGHT.search(line)
                self._thought.add(line if end is None else line[: end.start()])
                self._thinking = end is None
            else:
                end = _THINK.match(line)
                if end is None:
                    break
                self._thinking, self._thought = True, self._thought or Lines()
            line = "" if end is None else line[end.end() :]
            if not line.strip():
                return
        if self._thought is None and _THOUGHT.fullmatch(line.strip()):
            # Some chat templates open the thought themselves, so only its end is in the answer.
            self._thought, self._answer = self._answer, Lines()
        else:
            self._answer.add(line)

    def _visible_tail(self) -> str | None:
        tail = self._tail
        if self._thinking or not tail.strip() or may_become_mark(tail):
            return None
        body = self._answer.body(_PROMPT)
        if body and not body[-1].strip() and may_become_remark(tail):
            return None
        return tail


def _chain(answer: Lines) -> Reading | None:
    """Parse the steps, strictly first, then more and more leniently. None without a prompt."""
    attempts = [answer]
    for lines in (Lines(believe_skips=True), Lines(loose=True)):
        for line in answer.lines:
            lines.add(line)
        attempts.append(lines)
    for attempt in attempts:
        reading = attempt.reading()
        prompt = bare(reading.prompt)
        if not is_nothing(prompt):
            return Reading(texts=reading.texts, prompt=prompt)
    return None


def _plain(answer: Lines) -> Reading | None:
    """An answer without headings is the prompt, except for a first line that announces it."""
    if answer.current >= 0:
        return None
    lines = [line for line in answer.lines if line.strip()]
    if len(lines) > 1 and lines[0].rstrip().endswith((":", "：")):
        start = answer.lines.index(lines[0]) + 1
        text = paragraphs(answer.lines[start:])
    else:
        text = paragraphs(answer.lines)
    prompt = bare(text)
    return None if is_nothing(prompt) else Reading(prompt=prompt)


def _nothing_found(answer: Lines, thought: Lines) -> EnhancerError:
    if answer.current >= 0:
        return NoPrompt("answer_ended_early", step=SECTIONS[answer.current])
    if any(line.strip() for line in answer.lines):
        return NoPrompt("answer_no_prompt")
    if any(line.strip() for line in thought.lines):
        return NoPrompt("answer_only_thoughts")
    return NoPrompt("answer_empty")


def _refused(text: str) -> ModelRefused:
    first = text.split("\n", 1)[0]
    return ModelRefused("model_declined", words=first if len(first) <= 200 else first[:200] + "...")
