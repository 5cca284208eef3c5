"""Commands on the data folder of a stopped studio: check, backup, restore, import, export; and inspect.

Knows storage and the settings; no engine, no use case and no page.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import storage
from storage.db.snapshots import faults, stamp
from storage.errors import NotAPicture, NotRestored
from storage.files.backup import create_backup, restore_backup
from storage.metadata import readers
from storage.transfer.importer import SpaceCheck
from studio.cli import bootstrap
from studio.services import serializers
from studio.services.folder_import import STOPPED, FolderImport, Stopped, summary
from studio.services.transfer import Transfer
from studio.settings import Settings
from studio.validation import HOME
from studio.worker.quota import Quota

EVERY_S = 2.0  # seconds between two progress lines
Say = Callable[[str], None]


class ImportRefused(ValueError):
    """A folder cannot be imported."""


def owner_of(settings: Settings, named: str | None) -> str | None:
    """The owner of what names none: the only one, or the one that `--owner` names."""
    return HOME if settings.owner_rule == "one" else named


def check(folder: Path, sources: Sequence[Path], owner: str | None, say: Say = print) -> int:
    """Reconcile all rows and files, and print counts."""
    if not (folder / "studio.db").exists():
        raise NotRestored("nothing_to_check", folder=folder)
    wrong = faults(folder / "studio.db", full=True)
    kept = storage.open(folder)
    try:
        if kept.damaged or wrong:
            say(kept.damaged or f"The database {folder / 'studio.db'} is damaged ({wrong}).")
            return 1
        say("the database is whole")
        for id in [job.id for job in kept.jobs.recover()]:
            say(f"Job {id} was left unfinished and waits again.")
        report = kept.reconciler.run(depth="pixels", owner=owner, sources=sources, tell=Progress("pictures", say).tell)
    finally:
        kept.close()
    for finding in report.findings:
        say(finding.sentence)
    mended = len(report.findings) - report.open
    say(f"{report.pictures:,} pictures: {mended:,} findings mended or told, {report.open:,} that could not be mended")
    return 1 if report.open else 0


def backup(folder: Path, target: Path | None, say: Say = print, *, copy: bool) -> int:
    """Make a backup at `target`; by default beside the folder, named by the time."""
    target = target or folder.absolute().parent / f"backup-{stamp()[:15]}"
    made = create_backup(folder, target, tell=Progress("files", say).tell, copy=copy)
    say(f"{target}: {made.pictures:,} pictures, {made.files:,} files, {made.bytes / 1e9:.2f} GB")
    if made.linked:
        say(
            f"{made.linked:,} files are linked, not copied, since they lie on the same disk: should that disk fail, both are gone."
        )
    if made.missing:
        say(f"{made.missing:,} pictures have no file; `python app.py check` tells which.")
    return 0


def restore(settings: Settings, source: Path, named: str | None, say: Say = print) -> int:
    """Restore the data folder from a backup or a snapshot, and reconcile it."""
    if "data" not in settings.model_fields_set:
        raise NotRestored("restore_target_missing")
    folder, owner = settings.data, owner_of(settings, named)
    made = restore_backup(source, folder, tell=Progress("files", say).tell)
    kept = storage.open(folder)
    try:
        report = kept.reconciler.run(owner=owner)
    finally:
        kept.close()
    for finding in report.findings:
        say(finding.sentence)
    say(
        f"{folder}: {made.pictures:,} pictures, {made.files:,} files; the database is whole, {report.open:,} pictures are missing"
    )
    say(f"Start the studio with --data {folder}")
    return 1 if report.open else 0


def import_command(settings: Settings, source: Path, named: str | None, say: Say = print, *, preview: bool) -> int:
    """Import the files below `source`, or only preview them, until a stop signal."""
    quota, stopped = Quota(settings.data, settings.disk_quota_gb), bootstrap.stop_event().is_set
    owner = owner_of(settings, named)
    if owner is None:
        raise ImportRefused("import needs --owner where there are several owners: person:NAME logs in as NAME.")

    def space(size: int) -> str | None:
        return STOPPED if stopped() else quota.reserve(size)

    return import_folder(settings.data, source, owner, space, say, preview=preview, stopped=stopped)


def export(settings: Settings, target: Path, named: str | None, say: Say = print, *, query: str) -> int:
    """Export the owner's pictures that a search finds, or all, as a ZIP file."""
    owner = owner_of(settings, named)
    if owner is None:
        raise ImportRefused("export needs --owner where there are several owners: person:NAME logs in as NAME.")
    if not (settings.data / "studio.db").exists():
        raise NotRestored("nothing_to_export", folder=settings.data)
    stored = storage.open(settings.data)
    try:
        progress = Progress("pictures", say)
        blocks = Transfer(stored, Quota(settings.data, 0)).export(owner, query=query, progress=progress.tell)
        with target.open("xb") as file:
            for block in blocks:
                file.write(block)
    except FileExistsError:
        raise ImportRefused(f"{target} exists already. Nothing was written.") from None
    finally:
        stored.close()
    say(f"{target}: {target.stat().st_size / 1e6:.1f} MB")
    return 0


def inspect(files: Sequence[Path], say: Say = print) -> int:
    """Print each file's metadata as a JSON line."""
    failed = 0
    for file in files:
        try:
            found = serializers.parsed_metadata(readers.parse_metadata(readers.read(file), file.name))
        except (NotAPicture, OSError) as error:
            failed, found = failed + 1, {"error": str(error)}
        say(json.dumps({"file": str(file), **found}, ensure_ascii=False))
    return 1 if failed else 0


def import_folder(
    folder: Path, source: Path, owner: str, space: SpaceCheck, say: Say, *, preview: bool, stopped: Stopped
) -> int:
    """Import the files below `source`, or only preview them."""
    if not source.is_dir():
        raise ImportRefused(f"{source} is not a folder.")
    kept = storage.open(folder)
    try:
        kept.jobs.recover()  # remove the remains of an interrupted run first
        folder_import = FolderImport(kept, owner, space, say, lambda what: Progress(what, say).tell, stopped)
        found = folder_import.preview(source) if preview else folder_import.bring(source)
    finally:
        kept.close()
    for sentence in summary(found, preview=preview):
        say(sentence)
    return 1 if found.bad or found.ended is not None else 0


class Progress:
    """Prints lines such as "pictures: 1,200 of 15,000, 12 s left", at most one every EVERY_S."""

    def __init__(self, what: str, say: Say) -> None:
        self._what, self._say = what, say
        self._begun = self._told = time.monotonic()

    def tell(self, done: int, all: int) -> None:
        """Report progress."""
        now = time.monotonic()
        if now - self._told < EVERY_S or not done:
            return
        self._told = now
        left = (now - self._begun) / done * (all - done)
        time_left = f"{left / 60:.0f} min" if left >= 90 else f"{left:.0f} s"
        self._say(f"{self._what}: {done:,} of {all:,}, {time_left} left")
