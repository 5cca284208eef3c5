"""Links to single pictures. The owner makes them, and anybody with the token opens them.

They end when they expire or are revoked. Knows no address and no page.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.db.engine import Database
from storage.db.tables import ShareRow
from storage.errors import BadValue, NotFound
from storage.ids import checked_id, now
from storage.records import Picture, Share
from storage.repositories.mappers import find_picture, picture_record

DAYS_MAX = 3650


@dataclass(frozen=True)
class Shares:
    """The shares of all owners."""

    database: Database

    def add(self, owner: str, picture_id: str, days: float) -> Share:
        """Create a link to the owner's picture for `days` days.

        Raises NotFound (also for a picture in the trash) and BadValue.
        """
        if not 0 < days <= DAYS_MAX:
            raise BadValue("days", "days", days, most=DAYS_MAX)
        moment = now()
        with self.database.write() as session:
            find_picture(session, owner, picture_id, trash=False)
            row = ShareRow(
                token=secrets.token_urlsafe(24),
                picture_id=picture_id,
                owner=owner,
                created_at=moment,
                expires_at=moment + timedelta(days=days),
                revoked_at=None,
            )
            session.add(row)
        return _record(row)

    def revoke(self, owner: str, token: str) -> Share:
        """Revoke the owner's link. Twice is fine. Raises NotFound."""
        with self.database.write() as session:
            row = _find(session, token)
            if row.owner != owner:
                raise NotFound("Share", token)
            row.revoked_at = row.revoked_at or now()
        return _record(row)

    def resolve(self, token: str) -> tuple[Share, Picture]:
        """The picture of a link, for anybody.

        Raises the same NotFound for a token that is unknown, expired or revoked, and for a picture in the trash.
        """
        with self.database.read() as session:
            row = _find(session, token)
            if row.revoked_at is not None or row.expires_at <= now():
                raise NotFound("Share", token)
            try:
                picture = find_picture(session, row.owner, row.picture_id, trash=False)
            except NotFound:
                raise NotFound("Share", token) from None
            return _record(row), picture_record(picture)

    def of_picture(self, owner: str, picture_id: str) -> tuple[Share, ...]:
        """The valid links to the owner's picture, newest first. Raises NotFound."""
        with self.database.read() as session:
            find_picture(session, owner, picture_id)
            rows = session.scalars(
                select(ShareRow)
                .where(
                    ShareRow.picture_id == picture_id,
                    ShareRow.revoked_at.is_(None),
                    ShareRow.expires_at > now(),
                )
                .order_by(ShareRow.created_at.desc())
            )
            return tuple(_record(row) for row in rows)


def _find(session: Session, token: str) -> ShareRow:
    row = session.get(ShareRow, checked_id("Share", token))
    if row is None:
        raise NotFound("Share", token)
    return row


def _record(row: ShareRow) -> Share:
    return Share(
        token=row.token,
        picture_id=row.picture_id,
        owner=row.owner,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
