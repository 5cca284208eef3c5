"""The private store: pictures that exist in memory only. Nothing of them is written to a disk.

It uses the same tables and code over an in-memory database and in-memory files. Private ids have a prefix. Private things
are removed when the process ends, when their owner ends the session, after HOURS_MAX, or when they exceed the memory limit.
"""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import ColumnElement, func, select

from storage.db.engine import Database, open_in_memory
from storage.db.tables import EnhancementRow, JobRow, PictureRow
from storage.errors import NotFound
from storage.files.hashing import decode_image
from storage.files.store import save_png, save_thumb
from storage.ids import now, private_id
from storage.metadata.policy import ALL, MetadataPolicy
from storage.metadata.readers import parse_metadata
from storage.records import Enhancement, Job, NewPicture, Picture
from storage.repositories.enhancements import Enhancements, enhancement_row
from storage.repositories.jobs import FINAL, Jobs
from storage.repositories.pictures import Pictures
from storage.repositories.trash import Trash, remove_orphaned_enhancements

BYTES_MAX = 512 * 2**20  # of all owners
OWNER_BYTES_MAX = 192 * 2**20  # of one owner
HOURS_MAX = 12.0  # the longest time that private things are held
SIDE_MAX = 2048  # pixels of the longer side of an imported picture
AWAY_S = 600.0  # how long a session survives its closed tab: a reload closes it too
AWAY_MAX = 1000  # sessions whose tabs are known to be closed

_BYTES = select(func.coalesce(func.sum(PictureRow.bytes), 0)).where(PictureRow.job_id == JobRow.id).scalar_subquery()


class MemoryFiles:
    """Picture files in memory, by id. Safe from any thread."""

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
        """Store a picture and its thumbnail. Returns their bytes together."""
        picture, thumb = io.BytesIO(), io.BytesIO()
        save_png(image, picture, info)
        save_thumb(image, thumb)
        with self._lock:
            self._held[id] = picture.getvalue(), thumb.getvalue()
        return len(picture.getvalue()) + len(thumb.getvalue())

    def discard(self, id: str) -> None:
        """Remove the files of `id`, if any."""
        with self._lock:
            self._held.pop(id, None)

    def settle(self, id: str) -> None:
        """Nothing to do: they are stored."""

    def mark_for_deletion(self, ids: Iterable[str]) -> None:
        """Nothing to do: the files end with the process."""

    def discard_incoming(self, kept: Callable[[str], bool]) -> tuple[str, ...]:
        """Nothing to do: no files are left from another process."""
        return ()

    def picture(self, id: str) -> Path:
        """Raises NotFound: there is no path."""
        raise NotFound("The file of picture", id)

    thumb = make_thumb = picture

    def _of(self, id: str) -> tuple[bytes, bytes]:
        with self._lock:
            found = self._held.get(id)
        if found is None:
            raise NotFound("The file of picture", id)
        return found


@dataclass(frozen=True, kw_only=True)
class PrivateStore:
    """The private things of all owners."""

    database: Database
    files: MemoryFiles
    jobs: Jobs
    enhancements: Enhancements
    pictures: Pictures
    trash: Trash
    bytes_max: int = BYTES_MAX
    owner_bytes_max: int = OWNER_BYTES_MAX
    hours_max: float = HOURS_MAX
    away_s: float = AWAY_S
    _away: dict[tuple[str, str], datetime] = field(default_factory=dict)  # closed sessions and when they were closed
    _going: set[str] = field(default_factory=set)  # jobs to remove once they have ended

    def png(self, owner: str, id: str) -> bytes:
        """The PNG of the owner's private picture. Raises NotFound."""
        return self.files.png(self.pictures.get(owner, id, trash=False).id)

    def webp(self, owner: str, id: str) -> bytes:
        """The thumbnail of the owner's private picture. Raises NotFound."""
        return self.files.webp(self.pictures.get(owner, id, trash=False).id)

    def copy_enhancement(self, kept: Enhancement) -> None:
        """Copy a stored enhancement, under its own id, for private use."""
        with self.database.write() as session:
            if session.get(EnhancementRow, kept.id) is None:
                session.add(enhancement_row(replace(kept, parent_id=None)))

    def import_source(self, owner: str, data: bytes, name: str, *, session: str | None = None) -> Picture:
        """Import a picture as a starting image. Only its pixels are used, scaled down to SIDE_MAX.

        Raises NotAPicture.
        """
        parse_metadata(data, name)  # checks its size before decoding
        image = decode_image(data, name)
        image.thumbnail((SIDE_MAX, SIDE_MAX), Image.Resampling.LANCZOS)
        id, moment = self.jobs.new_id(), now()
        with self.database.write() as writing:
            writing.add(JobRow(
                id=id, owner=owner, kind="import", status="done", created_at=moment, started_at=moment, finished_at=moment,
                spec={"original_prompt": ""}, count=1, enhancement_id=None, cancel_requested=False, crashes=0, error=None, mark=session,
            ))  # fmt: skip
        new = NewPicture(
            owner=owner, job_id=id, index=0, prompt="", original_prompt="", negative_prompt="", seed=0, width=image.width,
            height=image.height, steps=0, guidance=0.0, shift=0.0, checkpoint="", revision="", recipe={}, environment={}, seconds=0.0,
        )  # fmt: skip
        kept = self.pictures.add(new, image, finish=False)
        self.prune()
        return kept

    def release(self, ids: Iterable[str]) -> None:
        """Remove enhancements that nothing refers to."""
        with self.database.write() as session:
            remove_orphaned_enhancements(session, list(ids))

    def recent(self, owner: str, limit: int, *, session: str | None = None) -> tuple[Picture, ...]:
        """The owner's newest pictures, with a `session` only those of its jobs."""
        mine = select(PictureRow.id).join(JobRow, JobRow.id == PictureRow.job_id)
        mine = mine.where(PictureRow.owner == owner, PictureRow.deleted_at.is_(None), *_within(session))
        with self.database.read() as reading:
            ids = list(reading.scalars(mine.order_by(PictureRow.key.desc()).limit(limit)))
        return self.pictures.some(owner, ids)

    def forget(self, owner: str, session: str | None = None) -> tuple[Job, ...]:
        """Remove all private things of the owner, or of one `session`.

        Returns the jobs that still run. They are removed when they end.
        """
        mine = (JobRow.owner == owner, *_within(session))
        with self.database.read() as reading:
            waiting = list(reading.scalars(select(JobRow.id).where(*mine, JobRow.status.not_in(FINAL))))
        running = [job for job in (self.jobs.cancel(owner, id) for id in waiting) if job.status == "running"]
        self._going.update(job.id for job in running)
        with self.database.read() as reading:
            ended = list(reading.scalars(select(JobRow.id).where(*mine, JobRow.status.in_(FINAL))))
        for id in ended:
            self._remove(owner, id)
        self.prune()  # it has ended meanwhile
        return tuple(running)

    def leave(self, owner: str, session: str) -> None:
        """Record that the session's tab was closed. It is removed after a while, unless the tab returns."""
        with self.database.read() as reading:
            there = reading.scalar(select(JobRow.id).where(JobRow.owner == owner, *_within(session)).limit(1))
        if there is not None and len(self._away) < AWAY_MAX:
            self._away.setdefault((owner, session), now())

    def back(self, owner: str, session: str) -> None:
        """Record that the session's tab is open."""
        self._away.pop((owner, session), None)

    def forget_picture(self, owner: str, id: str) -> Picture:
        """Remove one picture and return it. Raises NotFound."""
        gone = self.pictures.delete(owner, id)
        self.trash.empty(owner, [id])
        return gone

    def prune(self) -> int:
        """Remove ended sessions, old things, and the oldest things above the limits. Returns the number of removed jobs.

        Above the common limit, the owner with the most data loses first, so that nobody can displace others. An owner's
        newest job is removed last.
        """
        late = now() - timedelta(seconds=self.away_s)
        for whose in [whose for whose, since in [*self._away.items()] if since <= late]:
            self.back(*whose)
            self.forget(*whose)
        old = now() - timedelta(hours=self.hours_max)
        with self.database.read() as session:
            held = session.execute(
                select(JobRow.id, JobRow.owner, JobRow.created_at, JobRow.status, _BYTES).order_by(JobRow.key.desc())
            ).all()
        going, stay = (
            [],
            dict[str, list[tuple[str, int]]](),
        )  # an owner's removable jobs, newest first, with their bytes
        sums: Counter[str] = Counter()
        for id, owner, created_at, status, size in held:
            much = sums[owner] + size > self.owner_bytes_max and owner in sums
            if status in FINAL and (much or created_at < old or id in self._going):
                going.append((owner, id))
                continue
            sums[owner] += size
            if status in FINAL:
                stay.setdefault(owner, []).append((id, size))
        while sum(sums.values()) > self.bytes_max and any(stay.values()):
            owner = max((one for one in stay if stay[one]), key=lambda one: sums[one])
            id, size = stay[owner].pop()
            sums[owner] -= size
            going.append((owner, id))
        for owner, id in going:
            self._remove(owner, id)
        return len(going)

    def _remove(self, owner: str, job_id: str) -> None:
        """Remove an ended job with its pictures and its enhancement."""
        self._going.discard(job_id)
        pictures = [one.id for one in self.pictures.by_job(owner, job_id)]
        self.pictures.delete_many(owner, pictures)
        self.trash.empty(owner, pictures)
        with self.database.write() as session:
            row = session.scalars(select(JobRow).where(JobRow.id == job_id)).first()
            if row is not None:  # a job without a picture, or a failed one
                session.delete(row)
                session.flush()
                ids = [row.enhancement_id, *row.spec.get("refers_to", ())]
                remove_orphaned_enhancements(session, [str(id) for id in ids if id])


def _within(session: str | None) -> list[ColumnElement[bool]]:
    return [] if session is None else [JobRow.mark == session]


def open_private_store(policy: MetadataPolicy = ALL) -> PrivateStore:
    """An empty private store."""
    database, files = open_in_memory(), MemoryFiles()
    return PrivateStore(
        database=database,
        files=files,
        jobs=Jobs(database, files, private_id),
        enhancements=Enhancements(database, private_id),
        pictures=Pictures(database, files, policy, private_id),
        trash=Trash(database, files),
    )
