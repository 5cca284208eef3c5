"""`python app.py batch prompts.txt`: generates a file of prompts, and continues after an interruption.

Each line becomes a job with a mark derived from its content, so that a finished line is never generated twice. Knows the
use cases only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    wish: GenerationRequest
    mark: str


def split(arguments: Sequence[str]) -> tuple[argparse.Namespace | None, list[str]]:
    """Parse the arguments of `batch`, or None for another command, and the remaining flags for the settings. Exits on
    errors."""
    if arguments[:1] != ["batch"]:
        return None, list(arguments)
    parser = argparse.ArgumentParser(
        prog="python app.py batch",
        description="Draw a file of prompts into the history, one a line; blank lines and those that begin with # are passed over. "
        'A line may also be a JSON object with the names of the API: {"prompt": "a cat", "seed": 7}. Asked again, it draws '
        "only what is not drawn yet. All settings of app.py are flags here too.",
    )
    parser.add_argument("file", type=Path, help="the prompts, UTF-8")
    parser.add_argument("--reason", action="store_true", help="reason about each prompt first")
    for name in ("count", "seed", "width", "height", "steps"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("guidance", "shift"):
        parser.add_argument(f"--{name}", type=float)
    return parser.parse_known_args(arguments[1:])


def read(file: Path, usual: Mapping[str, Any], checkpoint: str) -> list[Line]:
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
            asked = {**usual, **_asked(text)}
            wish = GenerationRequest.of(**asked)
        except InvalidRequest as error:
            raise ValueError(f"Line {number} of {file.name}: {error}") from None
        told = json.dumps({"checkpoint": checkpoint, **asked}, sort_keys=True, ensure_ascii=False)
        seen[told] += 1
        mark = hashlib.sha256(f"{told}\0{seen[told]}".encode()).hexdigest()
        lines.append(Line(number=number, wish=wish, mark=mark))
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


def usual(options: argparse.Namespace) -> dict[str, Any]:
    """The values of the flags, for lines that do not set them."""
    said = {
        name: value for name, value in vars(options).items() if name not in ("file", "reason") and value is not None
    }
    return {**said, "enhance": bool(options.reason)}


def run(studio: Studio, owner: str, options: argparse.Namespace, *, stop: Callable[[], bool], say: Say = print) -> int:
    """Generate the file's lines. Returns the exit code: 0 if all are done, 1 if some are not, 2 if it could not start."""
    try:
        lines = read(options.file, usual(options), studio.checkpoints.get().name)
    except (ValueError, OSError) as error:
        say(str(error) if isinstance(error, ValueError) else f"{options.file} cannot be read ({error.strerror}).")
        return 2
    say(f"{len(lines)} prompts in {options.file.name}")
    studio.start()
    failed = 0
    clock = _Clock(len(lines))
    for index, line in enumerate(lines, start=1):
        if stop():
            say(f"stopped; {len(lines) - index + 1} prompts are left, and the same command goes on with them")
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
        say(f"{place}  {_told(shot, fresh)}{clock.left()}  {shorten(line.wish.prompt)}")
    say(f"{len(lines) - failed} of {len(lines)} prompts are drawn" + (f"; {failed} failed" if failed else ""))
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
            return studio.generation.submit(owner, line.wish, mark=line.mark)
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
