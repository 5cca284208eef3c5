"""The errors that the studio raises, with messages for the person who reads them.

Knows nothing of pages, rows or tensors. `studio.validation` translates storage's errors into these.

    StudioError
    ├── InvalidRequest      a parameter breaks a rule: names the parameter, the rule and the value
    ├── NotFound            no such thing, or another owner's: the same message for both
    ├── QueueFull           the queue of this owner, or the whole queue, is full
    ├── Refused             this studio does not allow the action
    └── EngineError         the engine could not do it
        ├── NotReady        no checkpoint is loaded
        ├── OutOfMemory     the device had too little memory, also after a second try with less
        ├── Cancelled       the job was cancelled while it ran
        └── DownloadFailed  a checkpoint could not be downloaded
"""

from __future__ import annotations


class StudioError(Exception):
    """Base class. `str(error)` is a message that can be shown."""


class InvalidRequest(StudioError):
    """A parameter breaks a rule.

    Example: "width must be a multiple of 16 (got 1000)."
    """

    def __init__(self, name: str, rule: str, value: object) -> None:
        self.name, self.rule, self.value = name, rule, value
        super().__init__(f"{name} {rule} (got {shorten(value)}).")


class NotFound(StudioError):
    """The thing does not exist for this owner."""

    def __init__(self, what: str, id: object) -> None:
        self.what, self.id = what, id
        super().__init__(f"{what} {shorten(id)} was not found.")


class QueueFull(StudioError):
    """A limit of the queue is reached."""


class Refused(StudioError):
    """The action is not allowed here."""


class EngineError(StudioError):
    """The engine could not do it."""


class NotReady(EngineError):
    """No checkpoint is loaded."""


class OutOfMemory(EngineError):
    """The device had too little memory, also after a second try with less."""


class Cancelled(EngineError):
    """The job was cancelled while it ran."""


class DownloadFailed(EngineError):
    """A checkpoint could not be downloaded. The next attempt continues."""


def shorten(value: object, limit: int = 60) -> str:
    """Format a value for a message: one line of at most `limit` characters."""
    plain = "nothing" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    text = value if isinstance(value, str) else plain
    text = " ".join(text.split()) or '""'
    return text if len(text) <= limit else f"{text[: limit - 1]}… ({len(text):,} characters)"
