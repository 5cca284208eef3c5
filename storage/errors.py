"""Every error that storage raises on purpose, written for the person who reads it.

Knows nothing of pages or the engine.

    StorageError
    ├── NotFound         no such thing, or it is another owner's: the same sentence for both
    ├── QueueFull        the queue of this owner, or of all, has reached its bound
    ├── BadQuery         a listing was asked for in a way that it cannot be
    │   └── BadCursor    the cursor is not one that a listing gave out
    ├── BadValue         a value breaks a rule of the table that it is meant for
    ├── NotAPicture      a file from elsewhere is no picture that can be read, or is too large
    ├── BadArchive       a zip from elsewhere is none of ours, or would do harm
    ├── StorageInUse     another studio works on this folder
    ├── LockedDatabase   another program holds the database
    ├── NewerDatabase    a later version of the studio wrote this database
    ├── ForeignDatabase  the file is no database of a studio, or nothing in it can be read
    ├── Damaged          the database is damaged: what can be read is shown, nothing is changed
    ├── NotRestored      a backup is not whole, or there is no room where it should go
    ├── InsufficientSpace           whoever asked for it lets no more be kept
    └── NotWritten       the disk or the database refused to keep something
"""

from __future__ import annotations

from pathlib import Path


class StorageError(Exception):
    """Base of all: `str(error)` is a sentence that can be shown as it is."""


class NotFound(StorageError):
    """There is no such thing for this owner."""

    def __init__(self, what: str, id: object) -> None:
        self.what, self.id = what, id
        super().__init__(f"{what} {_shorten(id)} was not found.")


class QueueFull(StorageError):
    """A bound of the queue is reached.

    `bound` is "queue_per_owner" or "queue_total"; `limit` is its value.
    """

    def __init__(self, bound: str, limit: int, waiting: int) -> None:
        self.bound, self.limit, self.waiting = bound, limit, waiting
        whose = "of yours" if bound == "queue_per_owner" else "in all"
        super().__init__(
            f"The queue holds at most {limit} unfinished jobs {whose} ({bound}; now {waiting}). "
            "Wait until one is finished, or cancel one."
        )


class BadQuery(StorageError):
    """A listing was asked for in a way that it cannot be."""


class BadCursor(BadQuery):
    """The cursor is not one that a listing gave out."""

    def __init__(self, cursor: object) -> None:
        super().__init__(f"cursor must be the `next` of an earlier page (got {_shorten(cursor)}).")


class BadValue(StorageError):
    """A value breaks a rule: names what it is, the rule and what came."""

    def __init__(self, name: str, rule: str, value: object) -> None:
        self.name, self.rule, self.value = name, rule, value
        super().__init__(f"{name} {rule} (got {_shorten(value)}).")


class NotAPicture(StorageError, ValueError):
    """A file from elsewhere is no picture that can be read."""

    def __init__(self, name: str, why: str) -> None:
        self.name, self.why = name, why
        super().__init__(f"{_shorten(name)} {why}.")


class BadArchive(StorageError, ValueError):
    """A zip from elsewhere is none of ours, or would do harm. Nothing of it was kept."""


class StorageInUse(StorageError):
    """Another studio works on this folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"Another studio is working on the folder {folder}. Stop it, or give this one a folder of its own."
        )


class LockedDatabase(StorageError):
    """Another program holds the database. Nothing in it was touched."""

    def __init__(self, file: Path) -> None:
        super().__init__(
            f"The database {file} is locked by another program, one that looks into it or copies it. "
            "Close that program, then start the studio again. Nothing was changed."
        )


class NewerDatabase(StorageError):
    """A later version of the studio wrote this database. Nothing in it was touched."""

    def __init__(self, file: Path, version: str) -> None:
        super().__init__(
            f"The database {file} was written by a newer studio (version {version} of its tables). "
            "Nothing was changed. Update the studio, or choose another folder."
        )


class ForeignDatabase(StorageError):
    """The file is no database of a studio, or nothing in it can be read. Nothing in it was touched."""

    def __init__(self, file: Path, why: str, remedy: str = "") -> None:
        said = f"{file} cannot be used as the studio's database: {why}. Nothing was changed."
        super().__init__(f"{said} {remedy}".rstrip())


class Damaged(StorageError):
    """The database is damaged: what can be read is shown, nothing is changed. `remedy` says how to go on."""

    BRIEF = "The database is damaged. What can be read is shown; nothing is drawn or changed."
    """What those may know of it who are not the host."""

    def __init__(self, file: Path, why: str, remedy: str) -> None:
        super().__init__(
            f"The database {file} is damaged ({why}). What can be read is shown; nothing is drawn or changed. {remedy}"
        )


class NotRestored(StorageError):
    """A backup is not whole, or cannot go where it should. Nothing was written there."""


class InsufficientSpace(StorageError):
    """No more may be kept: the sentence is that of whoever was asked for room."""


class NotWritten(StorageError):
    """The disk or the database refused to keep something."""

    def __init__(self, what: str, why: object) -> None:
        super().__init__(f"{what} could not be written: {why}.")


def _shorten(value: object, limit: int = 60) -> str:
    text = " ".join(str(value).split()) or '""'
    return text if len(text) <= limit else f"{text[: limit - 1]}… ({len(text):,} characters)"
