"""`python app.py batch prompts.txt`: generates a file of prompts, and continues after an interruption.

Each line becomes a job with a mark derived from its content, so that a finished line is never generated twice. Knows the
use cases only.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from locales import shorten
from studio.domain.request import PARAMETERS, GenerationRequest
from studio.errors import InvalidRequest, QueueFull, StudioError
from studio.services.serializers import FINISHED, View
from studio.studio import Studio

LOOK_S = 0.2
COMMENT = "#"
ASKABLE = frozenset(PARAMETERS) - {"enhancement", "private"}
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the file: its number, its request and its mark."""

    number: int
    request: GenerationRequest
    mark: str


def read(file: Path, defaults: Mapping[str, Any], checkpoint: str) -> list[Line]:
    """Parse the lines of a file. `checkpoint` applies to lines that name none.

    Equal lines are counted, so that each is generated. Raises ValueError with the line's number and the rule, and OSError
    for an unreadable file.
    """
    lines: list[Line] = []
    seen: Counter[str] = Counter()
    for number, text in enumerate(_texts(file), start=1):
        if not text or text.startswith(COMMENT):
            continue
        try:
            asked = {**defaults, **_asked(text)}
            request = GenerationRequest.of(**asked)
        except InvalidRequest as error:
            raise ValueError(f"Line {number} of {file.name}: {error}") from None
        told = json.dumps({"checkpoint": checkpoint, **asked}, sort_keys=True, ensure_ascii=False)
        seen[told] += 1
        mark = hashlib.sha256(f"{told}\0{seen[told]}".encode()).hexdigest()
        lines.append(Line(number=number, request=request, mark=mark))
    return lines


def _texts(file: Path) -> Iterable[str]:
    try:
        return [line.strip() for line in file.read_text("utf-8-sig").splitlines()]
    except UnicodeDecodeError:
        raise ValueError(f"{file.name} is not UTF-8 text.") from None


def _asked(text: str) -> Mapping[str, Any]:
    """Parse a line. Raises InvalidRequest."""
    if not text.startswith("{"):
        return {"prompt": text}
    try:
        found = json.loads(text)
    except ValueError:
        return {"prompt": text}  # a prompt may begin with a brace
    if not isinstance(found, dict):
        return {"prompt": text}
    if unknown := set(found) - ASKABLE:
        raise InvalidRequest(sorted(unknown)[0], "one_of", found[sorted(unknown)[0]], names=", ".join(sorted(ASKABLE)))
    return {"prompt": None, **found}


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A file of prompts. `defaults` are the API's parameters for lines that do not set them."""

    file: Path
    defaults: Mapping[str, Any]

    def run(self, studio: Studio, owner: str, *, stop: Callable[[], bool], say: Say = print) -> int:
        """Generate the file's lines. Returns the exit code: 0 if all are done, 1 if some are not, 2 if it could not start."""
        try:
            lines = read(self.file, self.defaults, studio.checkpoints.get().name)
        except (ValueError, OSError) as error:
            say(str(error) if isinstance(error, ValueError) else f"{self.file} cannot be read ({error.strerror}).")
            return 2
        say(f"{len(lines)} prompts in {self.file.name}")
        studio.start()
        failed = 0
        clock = _Clock(len(lines))
        for index, line in enumerate(lines, start=1):
            if stop():
                say(f"stopped; {len(lines) - index + 1} prompts are left, and the same command continues with them")
                return 1
            place = f"{index:>{len(str(len(lines)))}}/{len(lines)}"
            try:
                shot, fresh = _done(studio, owner, line, stop, partial(_moving, place))
            except StudioError as error:
                shot, fresh = {"status": "failed", "error": str(error)}, True
            if shot["status"] not in FINISHED:
                continue  # stopped in the middle: the job stays in the queue
            clock.tick(fresh)
            failed += shot["status"] != "done"
            _live("")
            say(f"{place}  {_told(shot, fresh)}{clock.left()}  {shorten(line.request.prompt)}")
        say(f"{len(lines) - failed} of {len(lines)} prompts are generated" + (f"; {failed} failed" if failed else ""))
        return 1 if failed else 0


def _done(studio: Studio, owner: str, line: Line, stop: Callable[[], bool], tell: Say) -> tuple[View, bool]:
    """The final state of a line's job, or its current state after a stop, and whether it is new."""
    shot = studio.jobs.marked(owner, line.mark)
    fresh = shot is None or shot["status"] != "done"
    if shot is None or shot["status"] in ("failed", "cancelled"):
        shot = studio.jobs.snapshot(owner, _filed(studio, owner, line, shot, stop))
    while shot["status"] not in FINISHED and not stop():
        tell(str(shot["message"] or shot["phase"] or shot["status"]) + _step(shot))
        time.sleep(LOOK_S)
        shot = studio.jobs.snapshot(owner, str(shot["job"]))
    return shot, fresh


def _filed(studio: Studio, owner: str, line: Line, failed: View | None, stop: Callable[[], bool]) -> str:
    """The id of a line's job. Waits while the queue is full. A failed job keeps its pictures."""
    while True:
        try:
            if failed is not None:
                return studio.generation.retry(owner, str(failed["job"]))
            return studio.generation.submit(owner, line.request, mark=line.mark)
        except QueueFull:
            if stop():
                raise
            time.sleep(LOOK_S)


def _step(shot: View) -> str:
    return f" {shot['step']}/{shot['steps']}" if shot["step"] else ""


def _told(shot: View, fresh: bool) -> str:
    if shot["status"] != "done":
        return f"{shot['status']}: {shot['error']}"
    if not fresh:
        return "there already"
    pictures = shot["pictures"] if isinstance(shot["pictures"], list) else []
    seconds = sum(float(one["seconds"]) for one in pictures)
    return f"done in {seconds:.1f} s"


def _moving(place: str, text: str) -> None:
    _live(f"{place}  {text}")


def _live(text: str) -> None:
    """Overwrite one line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


class _Clock:
    """Estimates the remaining time from the lines finished in this run."""

    def __init__(self, lines: int) -> None:
        self._left, self._drawn, self._begun = lines, 0, time.monotonic()

    def tick(self, fresh: bool) -> None:
        self._left -= 1
        if fresh:
            self._drawn += 1
        else:
            self._begun = time.monotonic() if not self._drawn else self._begun

    def left(self) -> str:
        if not self._left or not self._drawn:
            return ""
        seconds = (time.monotonic() - self._begun) / self._drawn * self._left
        return f", {seconds / 60:.0f} min left" if seconds >= 90 else f", {seconds:.0f} s left"
