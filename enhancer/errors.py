"""Everything that can go wrong while a prompt is reasoned about, each one sentence for the person who wrote it.

EnhancerError
├── ModelUnreachable   no connection, or no answer in time
├── ModelRefused       the server said no (key, quota, unknown model), or the model declined
├── NoPrompt           the model answered, but no prompt could be found in what it said
├── NoPicture          what was to be looked at is no picture that may be read
├── TimedOut           the time limit was reached
└── Stopped            cancelled by its owner
"""

from __future__ import annotations


class EnhancerError(Exception):
    """Base of all: `str(error)` can be shown as it is; it never holds a key."""


class ModelUnreachable(EnhancerError):
    """No connection, or no answer in time."""


class ModelRefused(EnhancerError):
    """The server said no, or the model declined."""


class NoPrompt(EnhancerError):
    """The model answered, but no prompt could be found in what it said."""


class NoPicture(EnhancerError):
    """What was to be looked at is no picture that may be read."""


class TimedOut(EnhancerError):
    """The time limit was reached."""


class Stopped(EnhancerError):
    """Cancelled by its owner."""
