"""What is kept: rows, files, search, and the metadata inside the files. Knows no page, no model and no torch.

storage.open(folder)     everything below, on one folder
records.py  errors.py    what comes out, and what is raised
jobs.py                  the durable queue
enhancements.py          what was reasoned
pictures.py              pictures added and found, with picture_rows.py, listing.py (pages) and search.py (text)
shares.py                links to single pictures
files.py  metadata.py    the PNGs and thumbnails, and what a PNG tells about itself, with told.py and xmp.py
exporting.py             the same as JPEG and WebP, with carriers.py and exif.py
archive.py  manifest.py  pictures to take along, as a zip, and a whole record as a line
arrivals.py              what comes in: archives (unpacking.py, arrival_rows.py), single files (adopting.py, pixels.py)
foreign/  sides.py       what pictures of other makers tell
database.py  tables.py   the database, its mappings, and migrations/
folder.py  ids.py        the folder's lock and secrets; new ids, the time
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from storage.archive import Archive
from storage.arrivals import Arrivals
from storage.database import Database, open_database
from storage.enhancements import Enhancements
from storage.errors import NotWritten
from storage.files import Files
from storage.folder import FolderLock, read_or_make_secret
from storage.jobs import Jobs
from storage.pictures import Pictures
from storage.shares import Shares
from storage.told import ALL, Told

__all__ = ["Storage", "open"]


@dataclass(frozen=True, kw_only=True)
class Storage:
    """All that is kept in one folder. Safe to use from any thread; close it when done."""

    folder: Path
    files: Files
    jobs: Jobs
    enhancements: Enhancements
    pictures: Pictures
    shares: Shares
    archive: Archive
    arrivals: Arrivals
    database: Database
    lock: FolderLock

    def secret(self, name: str) -> bytes:
        """A random key of this folder, the same for ever; see `folder.read_or_make_secret`."""
        return read_or_make_secret(self.folder, name)

    def close(self) -> None:
        """Close the database and let go of the folder; twice is fine."""
        self.database.close()
        self.lock.release()


def open(folder: Path, *, told: Told = ALL) -> Storage:
    """Open what is kept in `folder`, making the folder and bringing its database up to date where needed.

    `told` is what the files of pictures tell of themselves.
    Raises StorageInUse, NewerDatabase, ForeignDatabase or NotWritten, each a sentence. Call `jobs.recover()`
    before the first claim.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FolderLock(folder)
    except OSError as error:
        raise NotWritten(f"The folder {folder}", error.strerror or error) from error
    try:
        database = open_database(folder / "studio.db", folder / "backups")
    except BaseException:
        lock.release()
        raise
    files = Files(folder)
    return Storage(
        folder=folder,
        files=files,
        jobs=Jobs(database, files),
        enhancements=Enhancements(database),
        pictures=Pictures(database, files, told),
        shares=Shares(database),
        archive=Archive(database, files),
        arrivals=Arrivals(database, files, told),
        database=database,
        lock=lock,
    )
