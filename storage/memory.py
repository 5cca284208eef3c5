"""Private pictures: drawn, shown and forgotten, in memory alone. Neither a row nor a file of them ever comes to a disk.

The same tables and the same code as for what is kept, over a database and files that are this process's own. What is
private has an id that says so; it ends with the process, when its owner forgets it, when it is old, or when there is
too much of it.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import func, select

from storage.database import Database, open_in_memory
from storage.enhancements import Enhancements, enhancement_row
from storage.errors import NotFound
from storage.files import save_png, save_thumb
from storage.ids import now, private_id
from storage.jobs import FINAL, Jobs
from storage.pictures import Pictures
from storage.records import Enhancement, Job, Picture
from storage.tables import EnhancementRow, JobRow, PictureRow
from storage.told import ALL, Told
from storage.trash import Trash, remove_thoughts

BYTES_MAX = 512 * 2**20  # of all owners' private pictures
HOURS_MAX = 12.0  # that something private is held

_BYTES = select(func.coalesce(func.sum(PictureRow.bytes), 0)).where(PictureRow.job_id == JobRow.id).scalar_subquery()


class MemoryFiles:
    """The files of private pictures, as bytes by id. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, tuple[bytes, bytes]] = {}

    def png(self, id: str) -> bytes:
        """The PNG of `id`. Raises NotFound."""
        return self._of(id)[0]

    def webp(self, id: str) -> bytes:
        """The thumbnail of `id`. Raises NotFound."""
        return self._of(id)[1]

    def add(self, id: str, image: Image.Image, info: PngInfo) -> int:
        """Hold picture and thumbnail; gives their bytes together."""
        picture, thumb = io.BytesIO(), io.BytesIO()
        save_png(image, picture, info)
        save_thumb(image, thumb)
        with self._lock:
            self._held[id] = picture.getvalue(), thumb.getvalue()
        return len(picture.getvalue()) + len(thumb.getvalue())

    def discard(self, id: str) -> None:
        """Let go of the files of `id`, if there are any."""
        with self._lock:
            self._held.pop(id, None)

    def settle(self, id: str) -> None:
        """They are held already."""

    def doom(self, ids: Iterable[str]) -> None:
        """Nothing of them outlives the process."""

    def discard_incoming(self, kept: Callable[[str], bool]) -> tuple[str, ...]:
        """Nothing is left over from another process."""
        return ()

    def picture(self, id: str) -> Path:
        """Raises NotFound: they lie nowhere."""
        raise NotFound("The file of picture", id)

    thumb = make_thumb = picture

    def _of(self, id: str) -> tuple[bytes, bytes]:
        with self._lock:
            found = self._held.get(id)
        if found is None:
            raise NotFound("The file of picture", id)
        return found


@dataclass(frozen=True, kw_only=True)
class Private:
    """What is drawn in private, of all owners, each asked for by its own."""

    database: Database
    files: MemoryFiles
    jobs: Jobs
    enhancements: Enhancements
    pictures: Pictures
    trash: Trash
    bytes_max: int = BYTES_MAX
    hours_max: float = HOURS_MAX
    _left: dict[str, datetime] = field(default_factory=dict)  # what an owner had until then is to go, once it has ended

    def png(self, owner: str, id: str) -> bytes:
        """The PNG of the owner's private picture. Raises NotFound."""
        return self.files.png(self.pictures.get(owner, id, trash=False).id)

    def webp(self, owner: str, id: str) -> bytes:
        """The thumbnail of the owner's private picture. Raises NotFound."""
        return self.files.webp(self.pictures.get(owner, id, trash=False).id)

    def adopt(self, kept: Enhancement) -> None:
        """Have a copy of a kept enhancement, under its own id, so that it can be drawn in private."""
        with self.database.write() as session:
            if session.get(EnhancementRow, kept.id) is None:
                session.add(enhancement_row(replace(kept, parent_id=None)))

    def forget(self, owner: str) -> tuple[Job, ...]:
        """Forget all that the owner has in private; gives the jobs that still run, which go as soon as they have ended."""
        self._left[owner] = now()
        running = []
        for job in self.jobs.unfinished(owner):
            if self.jobs.cancel(owner, job.id).status == "running":
                running.append(job)
        self.prune()
        return tuple(running)

    def forget_picture(self, owner: str, id: str) -> Picture:
        """Forget one picture; gives what it was. Raises NotFound."""
        gone = self.pictures.delete(owner, id)
        self.trash.empty(owner, [id])
        return gone

    def prune(self) -> int:
        """Let go of what was forgotten, what is too old, and the oldest of what is too much; gives how many jobs went."""
        with self.database.read() as session:
            ended = session.execute(
                select(JobRow.id, JobRow.owner, JobRow.created_at, _BYTES)
                .where(JobRow.status.in_(FINAL))
                .order_by(JobRow.key.desc())
            ).all()
        old, room, going = now() - timedelta(hours=self.hours_max), self.bytes_max, []
        for id, owner, created_at, size in ended:
            room -= size
            if room < 0 or created_at < max(old, self._left.get(owner, old)):
                going.append((owner, id))
        for owner, id in going:
            self._remove(owner, id)
        return len(going)

    def _remove(self, owner: str, job_id: str) -> None:
        """One that has ended, with its pictures and its reasoning."""
        pictures = [one.id for one in self.pictures.by_job(owner, job_id)]
        self.pictures.delete_many(owner, pictures)
        self.trash.empty(owner, pictures)
        with self.database.write() as session:
            row = session.scalars(select(JobRow).where(JobRow.id == job_id)).first()
            if row is not None:  # one without a picture, or that has failed
                session.delete(row)
                session.flush()
                thoughts = (row.enhancement_id, row.wish.get("enhancement"), row.wish.get("refines"))
                remove_thoughts(session, [str(id) for id in thoughts if id])


def open_private(told: Told = ALL) -> Private:
    """A place for what is private, empty."""
    database, files = open_in_memory(), MemoryFiles()
    return Private(
        database=database,
        files=files,
        jobs=Jobs(database, files, private_id),
        enhancements=Enhancements(database, private_id),
        pictures=Pictures(database, files, told, private_id),
        trash=Trash(database, files),
    )
