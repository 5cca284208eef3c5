"""Folder import: pictures and archives below a folder of the host, for `python app.py import FOLDER`.

A bad file is reported and skipped. A full disk or quota ends the import. Links are not followed. Knows storage and the
space check; no settings and no page.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from locales import Localized, message_of
from storage import Storage
from storage.errors import Damaged, InsufficientSpace, NotWritten, StorageError
from storage.metadata import readers
from storage.transfer.exporter import Progress
from storage.transfer.importer import SpaceCheck

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
ARCHIVES = (".zip",)
MAKERS = {
    "a1111": "A1111 / Forge", "comfyui": "ComfyUI", "invokeai": "InvokeAI", "swarmui": "SwarmUI", "fooocus": "Fooocus",
    "studio": "Z-Image Studio", None: "unknown source",
}  # fmt: skip
SAID_MAX = 60  # characters of a prompt in a line
STOPPED = Localized("error.stopped")
Say = Callable[[str], None]
Stopped = Callable[[], bool]  # whether to stop before the next picture
Tell = Callable[[str], Progress]  # reports progress under a name


@dataclass
class FolderImportResult:
    """The result of a folder import."""

    files: int = 0
    seen: int = 0  # files reached
    brought: int = 0  # pictures
    here: int = 0  # pictures that existed, by id or pixels
    bad: int = 0  # files and archive lines that were rejected
    collections: int = 0
    makers: Counter[str] = field(default_factory=Counter)
    ended: str | None = None  # why the import ended early


def files_below(folder: Path, besides: Path) -> Iterator[Path]:
    """The pictures and archives below `folder`, sorted by name, except those in the folder `besides`."""
    besides = besides.resolve()
    for at, folders, names in os.walk(folder.resolve()):
        here = Path(at)
        if here == besides or besides in here.parents:
            folders.clear()
            continue
        folders.sort()
        for name in sorted(names):
            path = here / name
            if path.suffix.lower() in (*PICTURES, *ARCHIVES) and path.is_file() and not path.is_symlink():
                yield path


@dataclass
class FolderImport:
    """Imports the files of one folder for one owner."""

    kept: Storage
    owner: str
    room: SpaceCheck
    say: Say
    tell: Tell
    stopped: Stopped

    def bring(self, folder: Path) -> FolderImportResult:
        """Import all valid files."""
        return self._each(folder, self._brought)

    def preview(self, folder: Path) -> FolderImportResult:
        """Parse each file's metadata without storing anything."""
        return self._each(folder, self._understood)

    def _each(self, folder: Path, act: Callable[[Path, str, FolderImportResult], None]) -> FolderImportResult:
        root = folder.resolve()
        files = []
        for path in files_below(root, self.kept.folder):
            files.append(path)
            if self.stopped():
                break
        report, progress = FolderImportResult(files=len(files)), self.tell("files")
        for path in files:
            if self.stopped():
                report.ended = STOPPED
                break
            name = path.relative_to(root).as_posix()
            try:
                act(path, name, report)
            except (InsufficientSpace, NotWritten, Damaged) as error:
                report.ended = message_of(error)
            except (StorageError, OSError) as error:
                report.bad += 1
                self._say(name, error if isinstance(error, StorageError) else f"{error.strerror or error}.")
            if report.ended is not None:
                break
            report.seen += 1
            progress(report.seen, len(files))
        return report

    def _say(self, name: str, sentence: object) -> None:
        self.say(_printable(f"{name}: {sentence}"))

    def _brought(self, path: Path, name: str, report: FolderImportResult) -> None:
        if path.suffix.lower() in ARCHIVES:
            self._archive(path, name, report)
            return
        made = _made(path)
        _, found, new = self.kept.importer.import_file(
            self.owner, path, path.name, doubles=False, made=made, room=self.room
        )
        report.brought += new
        report.here += not new
        report.makers[MAKERS[found.maker]] += 1

    def _archive(self, path: Path, name: str, report: FolderImportResult) -> None:
        done = self.kept.importer.import_archive(self.owner, path, progress=self.tell(_printable(name)), room=self.room)
        report.brought += len(done.brought)
        report.here += done.here
        report.bad += len(done.wrong)
        report.collections += len(done.collections)
        report.makers[MAKERS["studio"]] += len(done.brought) + done.here
        report.ended = done.ended
        for wrong in done.wrong:
            self._say(name, f"{wrong.file}:{wrong.line}: {wrong.sentence}")
        for note in done.notes:
            self._say(name, note)

    def _understood(self, path: Path, name: str, report: FolderImportResult) -> None:
        if path.suffix.lower() in ARCHIVES:
            seen = self.kept.importer.preview(self.owner, path)
            report.brought += seen.count - seen.here
            report.here += seen.here
            report.bad += len(seen.wrong)
            report.collections += seen.collections
            report.makers[MAKERS["studio"]] += seen.count
            here = f"{seen.here:,} of them exist already"
            self._say(name, f"{seen.count:,} pictures, {here}, {seen.collections:,} collections")
            for wrong in seen.wrong:
                self._say(name, f"{wrong.file}:{wrong.line}: {wrong.sentence}")
            return
        found = readers.parse_metadata(path, path.name)
        report.brought += 1
        report.makers[MAKERS[found.maker]] += 1
        seed = None if found.seed is None else f"seed {found.seed}"
        prompt = _short(" ".join(found.prompt.split()))
        told = (MAKERS[found.maker], f"{found.width} x {found.height}", seed, found.checkpoint, prompt)
        self._say(name, ", ".join(one for one in told if one))


def summary(found: FolderImportResult, *, preview: bool = False) -> list[str]:
    """The result as sentences."""
    made = ", ".join(f"{many:,} of {maker}" for maker, many in found.makers.most_common())
    what = "can be imported" if preview else "imported"
    lines = [f"{found.brought:,} pictures {what}, {found.here:,} existed already, {found.bad:,} failed"]
    lines += [f"sources: {made}"] if made else []
    lines += [f"{found.collections:,} collections"] if found.collections else []
    if found.ended is not None:
        left = found.files - found.seen
        lines.append(
            f"It ended early, with {left:,} of {found.files:,} files left: {found.ended}"
            + ("" if preview else " The imported pictures are kept. Run the command again to continue.")
        )
    return lines


def _short(text: str) -> str:
    return text if len(text) <= SAID_MAX else f"{text[: SAID_MAX - 1]}…"


def _made(path: Path) -> datetime | None:
    """The file's modification time; None if it is not a date."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
    except (ValueError, OverflowError):
        return None


def _printable(text: str) -> str:
    """Escape control characters, so that a text of others cannot control the terminal."""
    return "".join(one if one.isprintable() else "?" for one in text)
