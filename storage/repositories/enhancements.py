"""Enhancements: original prompts, reasoning steps and final prompts. They never change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from sqlalchemy.orm import Session

from storage.db.engine import Database
from storage.db.tables import EnhancementRow
from storage.errors import NotFound
from storage.ids import checked_id, new_id, now
from storage.records import Enhancement, NewEnhancement, Step


@dataclass(frozen=True)
class Enhancements:
    """The enhancements of all owners."""

    database: Database
    new_id: Callable[[], str] = new_id

    def add(self, new: NewEnhancement) -> Enhancement:
        """Store an enhancement."""
        values = {**vars(new), "steps": [asdict(step) for step in new.steps]}
        values |= {"sampling": dict(new.sampling), "options": dict(new.options)}
        row = EnhancementRow(id=self.new_id(), created_at=now(), **values)
        with self.database.write() as session:
            session.add(row)
        return enhancement_record(row)

    def get(self, owner: str, id: str) -> Enhancement:
        """The owner's enhancement `id`. Raises NotFound."""
        with self.database.read() as session:
            return enhancement_record(find_enhancement(session, owner, id))


def find_enhancement(session: Session, owner: str, id: str) -> EnhancementRow:
    """The row of the owner's enhancement `id`. Raises NotFound, also for another owner's."""
    row = session.get(EnhancementRow, checked_id("Enhancement", id))
    if row is None or row.owner != owner:
        raise NotFound("Enhancement", id)
    return row


def enhancement_row(kept: Enhancement) -> EnhancementRow:
    """Convert a record to a row."""
    return EnhancementRow(**asdict(kept))


def enhancement_record(row: EnhancementRow) -> Enhancement:
    """Convert a row to a record."""
    return Enhancement(
        id=row.id,
        owner=row.owner,
        created_at=row.created_at,
        original=row.original,
        steps=tuple(Step(**step) for step in row.steps),
        prompt=row.prompt,
        seed=row.seed,
        model=row.model,
        revision=row.revision,
        template=row.template,
        template_version=row.template_version,
        sampling=row.sampling,
        seconds=row.seconds,
        options=row.options,
        parent_id=row.parent_id,
    )
