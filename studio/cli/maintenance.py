"""`python app.py check`, `backup`, `restore` and `bring`: commands on the data folder of a stopped studio.

Knows storage and the settings; no engine, no use case and no page.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import storage
from storage.db.snapshots import faults, stamp
from storage.errors import NotRestored, StorageError
from storage.files.backup import create_backup, restore_backup
from storage.transfer.importer import SpaceCheck
from studio.services.folder_import import STOPPED, FolderImport, Stopped, summary
from studio.settings import Settings, read
from studio.validation import HOME
from studio.worker.quota import Quota

EVERY_S = 2.0  # seconds between two progress lines
COMMANDS = ("check", "backup", "restore", "bring")
Say = Callable[[str], None]


class ImportRefused(ValueError):
    """A folder cannot be imported."""


def run(
    arguments: Sequence[str],
    environ: Mapping[str, str],
    say: Say = print,
    stopping: Callable[[], threading.Event] = threading.Event,
) -> int | None:
    """Run the command line if it names one of COMMANDS; None if not.

    Exit codes: 0 success, 1 something could not be repaired or imported, 2 it could not start. Wrong arguments exit as
    usual.
    """
    if not arguments or arguments[0] not in COMMANDS:
        return None
    options = _parser(arguments[0]).parse_args(arguments[1:])
    said = {name: getattr(options, f"set_{name}") for name in Settings.model_fields}
    flags = [f"--{name}={value}" for name, value in said.items() if value is not None]
    try:
        settings = read(flags, environ)
        owner = HOME if settings.owner_rule == "one" else options.owner
        if arguments[0] == "check":
            return check(settings.data, options.files, owner, say)
        if arguments[0] == "backup":
            return backup(settings.data, options.target, say, copy=options.copy)
        if arguments[0] == "bring":
            quota = Quota(settings.data, settings.disk_quota_gb)
            stopped = stopping().is_set
            room = lambda size: STOPPED if stopped() else quota.reserve(size)  # noqa: E731
            return import_folder(
                settings.data, options.folder, owner, room, say, preview=options.preview, stopped=stopped
            )
        if said["data"] is None:
            raise NotRestored("restore_target_missing")
        return restore(options.source, settings.data, owner, say)
    except (StorageError, ValueError, OSError) as error:
        say(str(error))
        return 2


def check(folder: Path, sources: Sequence[Path], owner: str | None, say: Say) -> int:
    """Reconcile all rows and files, and print counts."""
    if not (folder / "studio.db").exists():
        raise NotRestored(f"There is no database in {folder}, so there is nothing to check.")
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


def backup(folder: Path, target: Path | None, say: Say, *, copy: bool) -> int:
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


def restore(source: Path, folder: Path, owner: str | None, say: Say) -> int:
    """Restore `folder` from a backup or a snapshot, and reconcile it."""
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


def import_folder(
    folder: Path, source: Path, owner: str | None, room: SpaceCheck, say: Say, *, preview: bool, stopped: Stopped
) -> int:
    """Import the files below `source`, or only preview them."""
    if owner is None:
        raise ImportRefused(
            "bring needs --owner where there are several: person:NAME is whoever logs in as NAME, home whoever is alone."
        )
    if not source.is_dir():
        raise ImportRefused(f"{source} is no folder.")
    kept = storage.open(folder)
    try:
        kept.jobs.recover()  # remove the remains of an interrupted run first
        gather = FolderImport(kept, owner, room, say, lambda what: Progress(what, say).tell, stopped)
        found = gather.preview(source) if preview else gather.bring(source)
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


def _parser(command: str) -> argparse.ArgumentParser:
    what = {
        "check": "Look whether every picture has its file and every file its picture, by their pixels, and mend what can be mended. "
        "Ends with code 0 when all is well, 1 when something could not be mended.",
        "backup": "Make a backup: the database as it is at this moment, the pictures' files and a list of their hashes. "
        "The studio may run meanwhile.",
        "restore": "Make a folder, named by --data and empty or not there yet, from a backup or from a snapshot of the database.",
        "bring": "Bring in every PNG, JPEG and WebP below a folder, and archives of ours, with what A1111, Forge, ComfyUI, InvokeAI, "
        "SwarmUI, Fooocus or a studio wrote into them. What is there already is left. Ends with code 1 when something could not be.",
    }
    parser = argparse.ArgumentParser(
        prog=f"python app.py {command}",
        allow_abbrev=False,
        description=f"{what[command]} All settings of app.py are flags here too.",
    )
    if command == "check":
        parser.add_argument("files", type=Path, nargs="*", help="files and folders where lost pictures may be found")
    elif command == "backup":
        parser.add_argument(
            "target", type=Path, nargs="?", help="the folder to make; by default beside the data, under the time"
        )
        parser.add_argument("--copy", action="store_true", help="copy the pictures also where they could be linked")
    elif command == "bring":
        parser.add_argument("folder", type=Path, help="the folder; links in it are not followed")
        parser.add_argument("--preview", action="store_true", help="only tell what is understood of each file")
    else:
        parser.add_argument("source", type=Path, help="the backup's folder, or a snapshot out of a studio's backups")
    parser.add_argument(
        "--owner",
        help="who gets pictures whose owner nothing tells, where there are several: person:NAME is whoever logs in as NAME",
    )
    for name in Settings.model_fields:  # named, so that the next argument is never taken for a file
        parser.add_argument(f"--{name}", dest=f"set_{name}", help=argparse.SUPPRESS)
    return parser


def answer(
    arguments: Sequence[str], environ: Mapping[str, str], stopping: Callable[[], threading.Event] = threading.Event
) -> None:
    """Run one of COMMANDS and exit; return for any other command line. `stopping` returns the event that interrupts a long
    one."""
    if (code := run(arguments, environ, stopping=stopping)) is not None:
        sys.exit(code)
