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

from locales import InvalidValue, Localized, LocalizedError, shorten


class StorageError(LocalizedError):
    """Base class. `error.message` can be shown, in any language."""


class NotFound(StorageError):
    """The thing does not exist for this owner."""

    def __init__(self, what: str, id: object) -> None:
        self.what, self.id = what, id
        super().__init__("not_found", what=what, id=shorten(id))


class QueueFull(StorageError):
    """A limit of the queue is reached.

    `bound` is "queue_per_owner" or "queue_total", `limit` its value.
    """

    def __init__(self, bound: str, limit: int, waiting: int) -> None:
        self.bound, self.limit, self.waiting = bound, limit, waiting
        code = "queue_full_owner" if bound == "queue_per_owner" else "queue_full"
        super().__init__(code, n=limit, waiting=waiting)


class BadQuery(StorageError):
    """A search query is invalid."""


class BadCursor(BadQuery):
    """The cursor did not come from a page."""

    def __init__(self, cursor: object) -> None:
        super().__init__("cursor", value=shorten(cursor))


class BadValue(InvalidValue, StorageError):
    """A value breaks a rule. The message names the field, the rule and the value."""


class NotAPicture(StorageError, ValueError):
    """A file is not a readable picture. `name` is the file's."""

    def __init__(self, name: str, code: str, /, **values: object) -> None:
        self.name = name
        super().__init__(code, name=shorten(name), **values)


class BadArchive(StorageError, ValueError):
    """A ZIP file is not an export of this studio, or is unsafe. Nothing of it was stored."""


class StorageInUse(StorageError):
    """Another studio uses this folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__("storage_in_use", folder=folder)


class LockedDatabase(StorageError):
    """Another program holds the database. It was not changed."""

    def __init__(self, file: Path) -> None:
        super().__init__("database_locked", file=file)


class NewerDatabase(StorageError):
    """A later version of the studio wrote the database. It was not changed."""

    def __init__(self, file: Path, version: str) -> None:
        super().__init__("database_newer", file=file, version=version)


class UnknownDatabase(StorageError):
    """The file is not a studio's database, or nothing in it can be read. It was not changed."""

    def __init__(self, file: Path, why: str, remedy: str = "") -> None:
        super().__init__("database_unknown_remedy" if remedy else "database_unknown", file=file, why=why, remedy=remedy)


class Damaged(StorageError):
    """The database is damaged and read-only. `remedy` is the way to restore it."""

    BRIEF = Localized("error.database_damaged_public")  # for those who are not the host

    def __init__(self, file: Path, why: str, remedy: str) -> None:
        super().__init__("database_damaged", file=file, reason=why, remedy=remedy)


class NotRestored(StorageError):
    """A backup is incomplete, or its target cannot be used. Nothing was written there."""


class InsufficientSpace(StorageError):
    """There is no space for another picture. The message comes from the space check."""


class NotWritten(StorageError):
    """The disk or the database refused a write."""

    def __init__(self, what: str, why: object) -> None:
        super().__init__("not_written", what=what, reason=why)
