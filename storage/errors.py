"""The errors that storage raises, with messages for the person who reads them.

StorageError
├── NotFound             no such thing, or another owner's: the same message for both
├── QueueFull            the queue of this owner, or the whole queue, is full
├── BadQuery             a search query is invalid
│   └── BadCursor        the cursor did not come from a page
├── BadValue             a value breaks a rule of its field
├── NotAPicture          a file is not a readable picture, or is too large
├── BadArchive           a ZIP file is not an export of this studio, or is unsafe
├── StorageInUse         another studio uses this folder
├── LockedDatabase       another program holds the database
├── NewerDatabase        a later version of the studio wrote the database
├── UnknownDatabase      the file is not a studio's database, or cannot be read
├── Damaged              the database is damaged and read-only
├── NotRestored          a backup is incomplete, or its target has no space
├── InsufficientSpace    the disk quota or the disk is full
└── NotWritten           the disk or the database refused a write"""

from __future__ import annotations

from pathlib import Path


class StorageError(Exception):
    """Base class. `str(error)` is a message that can be shown."""


class NotFound(StorageError):
    """The thing does not exist for this owner."""

    def __init__(self, what: str, id: object) -> None:
        self.what, self.id = what, id
        super().__init__(f"{what} {_shorten(id)} was not found.")


class QueueFull(StorageError):
    """A limit of the queue is reached.

    `bound` is "queue_per_owner" or "queue_total", `limit` its value.
    """

    def __init__(self, bound: str, limit: int, waiting: int) -> None:
        self.bound, self.limit, self.waiting = bound, limit, waiting
        whose = "of yours" if bound == "queue_per_owner" else "in all"
        super().__init__(
            f"The queue holds at most {limit} unfinished jobs {whose} ({bound}; now {waiting}). "
            "Wait until one is finished, or cancel one."
        )


class BadQuery(StorageError):
    """A search query is invalid."""


class BadCursor(BadQuery):
    """The cursor did not come from a page."""

    def __init__(self, cursor: object) -> None:
        super().__init__(f"cursor must be the `next` of an earlier page (got {_shorten(cursor)}).")


class BadValue(StorageError):
    """A value breaks a rule. The message names the field, the rule and the value."""

    def __init__(self, name: str, rule: str, value: object) -> None:
        self.name, self.rule, self.value = name, rule, value
        super().__init__(f"{name} {rule} (got {_shorten(value)}).")


class NotAPicture(StorageError, ValueError):
    """A file is not a readable picture."""

    def __init__(self, name: str, why: str) -> None:
        self.name, self.why = name, why
        super().__init__(f"{_shorten(name)} {why}.")


class BadArchive(StorageError, ValueError):
    """A ZIP file is not an export of this studio, or is unsafe. Nothing of it was stored."""


class StorageInUse(StorageError):
    """Another studio uses this folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"Another studio is working on the folder {folder}. Stop it, or give this one a folder of its own."
        )


class LockedDatabase(StorageError):
    """Another program holds the database. It was not changed."""

    def __init__(self, file: Path) -> None:
        super().__init__(
            f"The database {file} is locked by another program, one that looks into it or copies it. "
            "Close that program, then start the studio again. Nothing was changed."
        )


class NewerDatabase(StorageError):
    """A later version of the studio wrote this database. It was not changed."""

    def __init__(self, file: Path, version: str) -> None:
        super().__init__(
            f"The database {file} was written by a newer studio (version {version} of its tables). "
            "Nothing was changed. Update the studio, or choose another folder."
        )


class UnknownDatabase(StorageError):
    """The file is not a studio's database, or nothing in it can be read. It was not changed."""

    def __init__(self, file: Path, why: str, remedy: str = "") -> None:
        said = f"{file} cannot be used as the studio's database: {why}. Nothing was changed."
        super().__init__(f"{said} {remedy}".rstrip())


class Damaged(StorageError):
    """The database is damaged and read-only. `remedy` is the way to restore it."""

    BRIEF = "The database is damaged. What can be read is shown; nothing is drawn or changed."
    """What those may know of it who are not the host."""

    def __init__(self, file: Path, why: str, remedy: str) -> None:
        super().__init__(
            f"The database {file} is damaged ({why}). What can be read is shown; nothing is drawn or changed. {remedy}"
        )


class NotRestored(StorageError):
    """A backup is incomplete, or its target cannot be used. Nothing was written there."""


class InsufficientSpace(StorageError):
    """There is no space for another picture. The message comes from the space check."""


class NotWritten(StorageError):
    """The disk or the database refused a write."""

    def __init__(self, what: str, why: object) -> None:
        super().__init__(f"{what} could not be written: {why}.")


def _shorten(value: object, limit: int = 60) -> str:
    text = " ".join(str(value).split()) or '""'
    return text if len(text) <= limit else f"{text[: limit - 1]}… ({len(text):,} characters)"
