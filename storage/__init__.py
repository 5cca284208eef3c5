"""What is kept: rows, files, search, and the metadata inside the files. Knows no page, no model and no torch.

`storage.open(folder)` gives everything below, on one folder. What comes out are `records`, what is raised are `errors`.

The durable queue is `jobs`, what is drawn in private lies in `memory`, and `queue` is both together. What was reasoned are
`enhancements`, links to single pictures `shares`, what was put together `collections`. Pictures are added and found by
`pictures`, with `picture_rows` and `changes` for their rows, `pages` and `listing` for lists, `search` and `filters` for what is
typed. `files` holds the PNGs and thumbnails, `metadata` what one tells about itself, with `told` and `xmp`; `exporting` makes
JPEG and WebP of them, with `carriers` and `exif`. `archive`, `manifest` and `shelves` are what is taken along, `arrivals` what
comes in (`unpacking`, `arrival_rows`, `adopting`, `pixels`, `values`), `foreign` and `sides` what pictures of other makers tell.
`trash` removes for good; `check`, with `adopt` and `whole`, brings files and rows together; `health`, `backups` and `copies` keep
everything. `database`, `tables` and migrations lie below all of them, beside `folder` and `ids`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from storage.db.engine import Database
from storage.db.integrity import IntegrityCheck
from storage.errors import NotWritten
from storage.files.data_folder import FolderLock, read_or_make_secret
from storage.files.reconcile import Reconciler
from storage.files.store import Files
from storage.ids import is_private
from storage.metadata.containers import Format
from storage.metadata.policy import ALL, MetadataPolicy
from storage.repositories.collections import Collections
from storage.repositories.enhancements import Enhancements
from storage.repositories.jobs import Jobs
from storage.repositories.pictures import Pictures
from storage.repositories.private import PrivateStore, open_private_store
from storage.repositories.queue import Queue
from storage.repositories.shares import Shares
from storage.repositories.trash import Trash
from storage.transfer.exporter import Exporter
from storage.transfer.image_export import export_bytes
from storage.transfer.importer import Importer

__all__ = ["Storage", "open"]


@dataclass(frozen=True, kw_only=True)
class Storage:
    """All that is kept in one folder, and what is private. Safe to use from any thread; close it when done."""

    folder: Path
    files: Files
    jobs: Jobs
    enhancements: Enhancements
    pictures: Pictures
    private: PrivateStore
    queue: Queue
    collections: Collections
    shares: Shares
    trash: Trash
    reconciler: Reconciler
    exporter: Exporter
    importer: Importer
    database: Database
    integrity: IntegrityCheck
    lock: FolderLock

    @property
    def damaged(self) -> str | None:
        """A sentence where the database is damaged: it can be read, and whatever would change it is refused."""
        return self.database.damaged

    def of(self, id: object) -> Storage | PrivateStore:
        """Where the job, enhancement or picture of this id is: among what is kept, or what is private."""
        return self.private if is_private(id) else self

    def png(self, owner: str, id: str) -> Path | bytes:
        """The PNG of the owner's picture, kept or private. Raises NotFound."""
        return self.private.png(owner, id) if is_private(id) else self.pictures.path(owner, id)

    def webp(self, owner: str, id: str) -> Path | bytes:
        """The thumbnail of the owner's picture, kept or private. Raises NotFound."""
        return self.private.webp(owner, id) if is_private(id) else self.pictures.thumb(owner, id)

    def exported(self, owner: str, id: str, kind: Format) -> bytes:
        """The owner's picture as a PNG, JPEG or WebP to take along. Raises NotFound, and BadValue for another kind."""
        return export_bytes(self.png(owner, id), kind, self.pictures.policy)

    def secret(self, name: str) -> bytes:
        """A random key of this folder, the same for ever; see `folder.read_or_make_secret`."""
        return read_or_make_secret(self.folder, name)

    def close(self) -> None:
        """Close the database and let go of the folder; twice is fine."""
        self.database.close()
        self.private.database.close()
        if self.lock.held:
            self.integrity.close(self.database)
        self.lock.release()


def open(folder: Path, *, policy: MetadataPolicy = ALL) -> Storage:
    """Open what is kept in `folder`, making the folder and bringing its database up to date where needed.

    `policy` chooses which metadata blocks are written into saved files. A damaged database that can be read is opened for
    reading alone, and `damaged` says so. Raises StorageInUse, LockedDatabase, NewerDatabase, ForeignDatabase or
    NotWritten, each a sentence. Call `jobs.recover()` before the first claim.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FolderLock(folder)
    except OSError as error:
        raise NotWritten(f"The folder {folder}", error.strerror or error) from error
    try:
        integrity = IntegrityCheck(folder)
        database = integrity.open()
    except BaseException:
        lock.release()
        raise
    files, private = Files(folder), open_private_store(policy)
    jobs = Jobs(database, files)
    return Storage(
        folder=folder,
        files=files,
        jobs=jobs,
        private=private,
        queue=Queue(jobs, private.jobs),
        enhancements=Enhancements(database),
        pictures=Pictures(database, files, policy),
        collections=Collections(database),
        shares=Shares(database),
        trash=Trash(database, files),
        reconciler=Reconciler(database, files),
        exporter=Exporter(database, files),
        importer=Importer(database, files, policy),
        database=database,
        integrity=integrity,
        lock=lock,
    )
