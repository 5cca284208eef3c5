"""Backups of the data folder, and restoring from a backup or a database snapshot.

A backup holds a database snapshot, the files, and a list of them with their hashes. It can be made while a studio runs.
Backups and restored folders are built under another name and renamed last, so that they are complete or absent. Thumbnails
are left out, since they can be made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from storage.db.snapshots import faults, snapshot
from storage.errors import NotRestored, NotWritten
from storage.ids import now

LIST = "backup.json"
DATABASE = "studio.db"
FORMAT = 1
PIECE = 1 << 20  # bytes read at a time

# Files of a running studio, or files that can be made again.
_NOT_COPIED = frozenset({"incoming", "backups", "thumbs", "damaged", "studio.lock", "studio.clean", DATABASE})
_OF_THE_DATABASE = re.compile(rf"{re.escape(DATABASE)}-.*|.*\.part")
OnProgress = Callable[[int, int], None]
"""Hears how many files of how many are done."""


@dataclass(frozen=True, kw_only=True)
class BackupResult:
    """What a backup or a restored folder holds: picture rows, files, hard-linked files, and pictures without a file."""

    pictures: int
    files: int
    linked: int
    missing: int
    bytes: int


def create_backup(
    folder: Path, target: Path, *, tell: OnProgress = lambda done, all: None, copy: bool = False
) -> BackupResult:
    """Make a backup of `folder` at `target`, which must not exist or be empty.

    Picture files are hard-linked on the same disk, unless `copy`. Raises NotWritten and NotRestored, leaving nothing
    behind.
    """
    if not (folder / DATABASE).is_file():
        raise NotRestored("nothing_to_back_up", folder=folder)
    if _within(target, folder):
        raise NotRestored("backup_inside_folder", target=target)
    with _made(target) as part:
        snapshot(folder / DATABASE, part / DATABASE)
        ids = _pictures(part / DATABASE)
        listed, linked = _bring(folder, part, tell, link=not copy)
        there = {PurePosixPath(name).stem for name in listed if name.startswith("pictures/")}
        listed[DATABASE] = _entry(part / DATABASE)
        told = {"format": FORMAT, "made_at": now().isoformat(), "pictures": len(ids), "files": listed}
        _write(part / LIST, json.dumps(told, indent=0).encode())
    size = sum(int(entry["bytes"]) for entry in listed.values())
    return BackupResult(pictures=len(ids), files=len(listed), linked=linked, missing=len(set(ids) - there), bytes=size)


def restore_backup(source: Path, folder: Path, *, tell: OnProgress = lambda done, all: None) -> BackupResult:
    """Restore `folder`, which must not exist or be empty, from a backup or a database snapshot.

    A backup's files are compared with its list. A snapshot is restored with the pictures of its own data folder,
    hard-linked on the same disk. Raises NotRestored and NotWritten, leaving nothing behind.
    """
    if (source / LIST).is_file():
        with _made(folder) as part:
            return _from_backup(source, part, tell)
    if source.is_file():
        with _made(folder) as part:
            return _from_snapshot(source, part, tell)
    raise NotRestored("not_a_backup", source=source, list=LIST)


def _from_backup(source: Path, part: Path, tell: OnProgress) -> BackupResult:
    listed = _list(source)
    for number, (name, entry) in enumerate(sorted(listed.items()), start=1):
        got = _copy(source / name, part / name)
        if got != entry:
            raise NotRestored("backup_damaged", source=source, name=name)
        tell(number, len(listed))
    return _checked(source, part, listed, linked=0)


def _from_snapshot(source: Path, part: Path, tell: OnProgress) -> BackupResult:
    entry = _copy(source, part / DATABASE)
    _check(source, part / DATABASE)
    backups = source.absolute().parent
    if backups.name != "backups":  # the snapshot was moved out of its folder: only the database is restored
        return _checked(source, part, {DATABASE: entry}, linked=0)
    listed, linked = _bring(backups.parent, part, tell, link=True)
    return _checked(source, part, {**listed, DATABASE: entry}, linked=linked)


def _checked(source: Path, part: Path, listed: Mapping[str, Mapping[str, object]], *, linked: int) -> BackupResult:
    _check(source, part / DATABASE)
    ids = _pictures(part / DATABASE)
    there = {PurePosixPath(name).stem for name in listed if name.startswith("pictures/")}
    size = sum(int(str(entry["bytes"])) for entry in listed.values())
    return BackupResult(pictures=len(ids), files=len(listed), linked=linked, missing=len(set(ids) - there), bytes=size)


def _check(source: Path, database: Path) -> None:
    """Raises NotRestored if a database is damaged."""
    try:
        wrong = faults(database, full=True)
    except sqlite3.Error as error:
        wrong = str(error)
    if wrong:
        raise NotRestored("backup_database_damaged", source=source, wrong=wrong)


def _pictures(database: Path) -> list[str]:
    """The ids of the pictures in a database. Raises NotRestored if it is not a studio's."""
    try:
        with closing(sqlite3.connect(database)) as connection:
            return [row[0] for row in connection.execute("SELECT id FROM pictures")]
    except sqlite3.Error as error:
        raise NotRestored("not_a_database", name=database.name, error=error) from error


def _list(source: Path) -> dict[str, dict[str, object]]:
    """Read a backup's list: relative names, hashes and sizes. Raises NotRestored."""
    try:
        told = json.loads((source / LIST).read_text("utf-8"))
        form, listed = told["format"], told["files"]
        listed = {str(name): {"sha256": one["sha256"], "bytes": one["bytes"]} for name, one in listed.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NotRestored("backup_list_unreadable", source=source) from None
    if form != FORMAT:
        raise NotRestored("backup_newer", source=source, form=form, format=FORMAT)
    for name in listed:
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or "\\" in name or ".." in parts or ":" in parts[0]:
            raise NotRestored("backup_path_outside", source=source, name=name)
    if DATABASE not in listed:
        raise NotRestored("backup_no_database", source=source)
    return listed


def _bring(folder: Path, part: Path, tell: OnProgress, *, link: bool) -> tuple[dict[str, dict[str, int | str]], int]:
    """Copy the files of a data folder into `part`. Returns each file's entry and the number of hard links."""
    names = sorted(_names(folder))
    listed: dict[str, dict[str, int | str]] = {}
    linked = 0
    for number, name in enumerate(names, start=1):
        source, target = folder / name, part / name
        with suppress(FileNotFoundError):  # the file was removed meanwhile
            if link and name.startswith("pictures/") and _linked(source, target):
                linked += 1
                listed[name] = _entry(target)
            else:
                listed[name] = _copy(source, target)
        tell(number, len(names))
    return listed, linked


def _names(folder: Path) -> Iterator[str]:
    """The relative names of the files that a backup holds, except the database."""
    incoming = folder / "incoming"
    busy = {entry.name for entry in incoming.iterdir()} if incoming.is_dir() else set()
    for at, folders, names in os.walk(folder):
        here = Path(at).relative_to(folder)
        if here == Path():
            folders[:] = [name for name in folders if name not in _NOT_COPIED]
            names = [name for name in names if name not in _NOT_COPIED]
        for name in names:
            path = Path(at) / name
            if (
                path.is_file()
                and not path.is_symlink()
                and not _OF_THE_DATABASE.fullmatch(name)
                and path.stem not in busy
            ):
                yield (here / name).as_posix()


def _linked(source: Path, target: Path) -> bool:
    """Whether `target` is now a hard link to `source`."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another disk, or a file system without hard links
        return False
    return True


def _copy(source: Path, target: Path) -> dict[str, int | str]:
    """Copy and sync a file. Returns the entry of the bytes read."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with source.open("rb") as file, os.fdopen(descriptor, "wb") as out:
            found = hashlib.sha256()
            size = 0
            while piece := file.read(PIECE):
                found.update(piece)
                size += len(piece)
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
    except FileNotFoundError:
        target.unlink(missing_ok=True)
        raise
    return {"sha256": found.hexdigest(), "bytes": size}


def _entry(path: Path) -> dict[str, int | str]:
    found, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            found.update(piece)
            size += len(piece)
    return {"sha256": found.hexdigest(), "bytes": size}


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def _within(path: Path, folder: Path) -> bool:
    return folder.resolve() in (path.resolve(), *path.resolve().parents)


class _made:
    """Build a folder under another name, and rename it when the block succeeds."""

    def __init__(self, target: Path) -> None:
        self._target = target.absolute()
        self._part = self._target.with_name(f"{self._target.name}.{secrets.token_hex(4)}.part")

    def __enter__(self) -> Path:
        if self._target.is_dir() and not any(self._target.iterdir()):
            pass
        elif self._target.exists() or self._target.is_symlink():
            raise NotRestored("restore_target_not_empty", target=self._target)
        try:
            self._part.mkdir(parents=True, mode=0o700)
        except OSError as error:
            raise NotWritten(f"The folder {self._part}", error.strerror or error) from error
        return self._part

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                if self._target.is_dir():
                    self._target.rmdir()
                self._part.rename(self._target)
        except OSError as why:
            error = why
        if error is not None:
            shutil.rmtree(self._part, ignore_errors=True)
        if isinstance(error, FileNotFoundError):
            raise NotRestored("backup_file_missing", filename=error.filename) from error
        if isinstance(error, OSError):
            raise NotWritten(f"The folder {self._target}", error.strerror or error) from error
