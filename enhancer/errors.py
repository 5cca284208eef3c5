"""The errors of an enhancement, with messages for the person who wrote the prompt. They never contain a key.

EnhancerError
├── ModelUnreachable   no connection, or no answer in time
├── ModelRefused       the server refused (key, quota, unknown model), or the model declined
├── NoPrompt           the answer contains no prompt
├── NoPicture          the file is not a picture that may be read
├── TimedOut           the time limit was reached
└── Stopped            cancelled by its owner"""

from __future__ import annotations

from locales import LocalizedError


class EnhancerError(LocalizedError):
    """Base class."""


class ModelUnreachable(EnhancerError):
    """No connection, or no answer in time."""


class ModelRefused(EnhancerError):
    """The server refused, or the model declined."""


class NoPrompt(EnhancerError):
    """The answer contains no prompt."""


class NoPicture(EnhancerError):
    """The file is not a picture that may be read."""


class TimedOut(EnhancerError):
    """The time limit was reached."""


class Stopped(EnhancerError):
    """Cancelled by its owner."""
