"""Storage: database rows, picture files, search and file metadata. Knows no page, no model and no torch.

`storage.open(folder)` returns a `Storage` on one data folder. Results are `records`, exceptions are `errors`.

Packages: `db` (engine, tables, migrations), `repositories` (jobs, pictures, collections, shares, trash, private store),
`search` (queries, filters, pages), `files` (picture store, reconciliation, backup), `metadata` (writer, containers,
readers) and `transfer` (export, import).
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
    """Everything stored in one data folder, and the private store. Safe to use from any thread. Close it when done."""

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
        """A message if the database is damaged. A damaged database can be read, and every change is refused."""
        return self.database.damaged

    def of(self, id: object) -> Storage | PrivateStore:
        """The store that holds the job, enhancement or picture `id`: this one or the private store."""
        return self.private if is_private(id) else self

    def png(self, owner: str, id: str) -> Path | bytes:
        """Return the PNG of the owner's picture. Raises NotFound."""
        return self.private.png(owner, id) if is_private(id) else self.pictures.path(owner, id)

    def webp(self, owner: str, id: str) -> Path | bytes:
        """Return the thumbnail of the owner's picture. Raises NotFound."""
        return self.private.webp(owner, id) if is_private(id) else self.pictures.thumb(owner, id)

    def exported(self, owner: str, id: str, kind: Format) -> bytes:
        """Return the owner's picture as a PNG, JPEG or WebP file. Raises NotFound, and BadValue for another format."""
        return export_bytes(self.png(owner, id), kind, self.pictures.policy)

    def secret(self, name: str) -> bytes:
        """Return a random key of this folder, made on first use. See `data_folder.read_or_make_secret`."""
        return read_or_make_secret(self.folder, name)

    def close(self) -> None:
        """Close the database and release the folder. Closing twice is fine."""
        self.database.close()
        self.private.database.close()
        if self.lock.held:
            self.integrity.close(self.database)
        self.lock.release()


def open(folder: Path, *, policy: MetadataPolicy = ALL) -> Storage:
    """Open the data folder `folder`. Creates it and migrates its database where needed.

    `policy` chooses which metadata blocks are written into saved files. A damaged database that can be read is opened
    read-only, and `damaged` says so. Raises StorageInUse, LockedDatabase, NewerDatabase, UnknownDatabase or NotWritten.
    Call `jobs.recover()` before the first claim.
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
