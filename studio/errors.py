"""Every error that the studio raises on purpose, written for the person who reads it.

Knows nothing of pages, rows or tensors. Storage and enhancer have trees of their own; the studio translates them at its edge.

    StudioError
    ├── InvalidRequest        a parameter breaks a rule: names the parameter, the rule and the value
    ├── NotFound           no such thing, or it is another owner's: the same sentence for both
    ├── QueueFull          the queue of this owner, or of all, has reached its bound
    ├── Refused            asked for something that this studio does not allow here
    └── EngineError        the engine could not do what was asked
        ├── NotReady       no checkpoint is loaded (yet, or because loading failed)
        ├── OutOfMemory    the device had too little memory, also after one try with less
        ├── Cancelled      the job was cancelled while it was drawn
        └── DownloadFailed a checkpoint could not be fetched
"""

from __future__ import annotations


class StudioError(Exception):
    """Base of all: `str(error)` is one sentence that can be shown as it is."""


class InvalidRequest(StudioError):
    """A parameter breaks a rule.

    Reads, for example, "width must be a multiple of 16 (got 1000)."
    """

    def __init__(self, name: str, rule: str, value: object) -> None:
        self.name, self.rule, self.value = name, rule, value
        super().__init__(f"{name} {rule} (got {shorten(value)}).")


class NotFound(StudioError):
    """There is no such thing for this owner."""

    def __init__(self, what: str, id: object) -> None:
        self.what, self.id = what, id
        super().__init__(f"{what} {shorten(id)} was not found.")


class QueueFull(StudioError):
    """A bound of the queue is reached."""


class Refused(StudioError):
    """What was asked for is not allowed here."""


class EngineError(StudioError):
    """The engine could not do what was asked."""


class NotReady(EngineError):
    """No checkpoint is loaded."""


class OutOfMemory(EngineError):
    """The device had too little memory, also after one try with less."""


class Cancelled(EngineError):
    """The job was cancelled while it was drawn."""


class DownloadFailed(EngineError):
    """A checkpoint could not be fetched; what was fetched is kept and resumed from."""


def shorten(value: object, limit: int = 60) -> str:
    """The value as a person may read it in a sentence: one line, at most `limit` characters, in no language's own spelling."""
    plain = "nothing" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    text = value if isinstance(value, str) else plain
    text = " ".join(text.split()) or '""'
    return text if len(text) <= limit else f"{text[: limit - 1]}… ({len(text):,} characters)"
