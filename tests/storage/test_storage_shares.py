"""Shares: a link opens one picture for anybody, until it ends in any way; every end looks the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from storage.errors import BadValue, NotFound


def test_a_share_leads_to_its_picture_without_an_owner(kit):
    picture = kit.picture()
    share = kit.store.shares.add("ann", picture.id, 30)
    kit.reopen()
    assert kit.store.shares.resolve(share.token) == (share, picture)
    assert share.expires_at - share.created_at == timedelta(days=30)
    assert (share.owner, share.picture_id, share.revoked_at) == ("ann", picture.id, None)
    assert len(share.token) >= 32


def test_unknown_revoked_expired_and_thrown_away_are_one_and_the_same(kit):
    shares, picture = kit.store.shares, kit.picture()
    revoked, expired, thrown = (shares.add("ann", picture.id, days) for days in (1, 2, 3))
    with kit.store.database.write() as session:
        session.execute(
            text("UPDATE shares SET expires_at = '2020-01-01 00:00:00' WHERE token = :t"),
            {"t": expired.token},
        )
    ended = shares.revoke("ann", revoked.token)
    assert ended.revoked_at is not None
    assert shares.revoke("ann", revoked.token) == ended
    assert [share.token for share in shares.of_picture("ann", picture.id)] == [thrown.token]
    kit.store.pictures.delete("ann", picture.id)
    for token in ("unknown", revoked.token, expired.token, thrown.token, "", "'; --"):
        with pytest.raises(NotFound) as refused:
            shares.resolve(token)
        assert (refused.value.what, refused.value.id) == ("Share", token)
    kit.store.pictures.restore("ann", picture.id)
    assert shares.resolve(thrown.token)[1] == picture


def test_only_the_owner_shares_and_revokes(kit):
    shares, picture = kit.store.shares, kit.picture()
    share = shares.add("ann", picture.id, 1)
    with pytest.raises(NotFound, match="Picture"):
        shares.add("bob", picture.id, 1)
    with pytest.raises(NotFound, match="Share"):
        shares.revoke("bob", share.token)
    assert shares.resolve(share.token) == (share, picture)
    kit.store.pictures.delete("ann", picture.id)
    with pytest.raises(NotFound):
        shares.add("ann", picture.id, 1)


@pytest.mark.parametrize("days", [0, -1, 3651, float("nan"), float("inf")])
def test_days_out_of_bounds_are_a_sentence(kit, days):
    with pytest.raises(BadValue, match="days must be more than 0 and at most 3,650"):
        kit.store.shares.add("ann", kit.picture().id, days)


def test_two_shares_of_a_picture_end_alone(kit):
    shares, picture = kit.store.shares, kit.picture()
    first, second = (shares.add("ann", picture.id, 5) for _ in range(2))
    shares.revoke("ann", first.token)
    assert shares.resolve(second.token)[0] == second
    assert shares.of_picture("ann", picture.id) == (second,)
