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

from locales import InvalidValue, LocalizedError, shorten


class StudioError(LocalizedError):
    """Base class. `error.message` can be shown, in any language."""


class InvalidRequest(InvalidValue, StudioError):
    """A parameter breaks a rule.

    Example: "width must be a multiple of 16 (got 1000)."
    """


class NotFound(StudioError):
    """The thing does not exist for this owner."""

    def __init__(self, what: str, id: object) -> None:
        self.what, self.id = what, id
        super().__init__("not_found", what=what, id=shorten(id))


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
