"""Which points of a reading go to which target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from builders import NOW, a_policy, a_snapshot, a_summary, an_allocation, facts_of
from fake_outbox import FakeOutbox
from seatkeeper.core.changes import By, ChangeKind
from seatkeeper.core.model import LicenseType
from seatkeeper.core.outbox import OutboxEntry
from seatkeeper.core.points import Point, ReleasedSeat, Users, when
from seatkeeper.errors import StoreError
from seatkeeper.flow.points import PointKeeper, PointTarget
from seatkeeper.flow.ports import Observed

ANNA = r"EXAMPLE\anna"


def encode(points: Sequence[Point]) -> list[OutboxEntry]:
    return [OutboxEntry("point", repr(p).encode(), p.key, when(p)) for p in points]


@dataclass
class FakeNews:
    """What the store knows."""

    last: datetime | None = None
    releases: list[ReleasedSeat] = field(default_factory=list)
    asked: list[datetime] = field(default_factory=list)

    async def told_until(self, site: str) -> datetime | None:  # noqa: ARG002 - a port
        return self.last

    async def note_told(self, site: str, at: datetime) -> None:  # noqa: ARG002 - a port
        self.last = at

    async def failed_cycles(self, site: str, now: datetime) -> int:  # noqa: ARG002 - a port
        return 2

    async def failed_releases(self, site: str, since: datetime) -> int:  # noqa: ARG002 - a port
        return 4

    async def dropped(self) -> int:
        return 7

    async def released(self, site: str, since: datetime) -> list[ReleasedSeat]:  # noqa: ARG002
        self.asked.append(since)
        return self.releases

    async def key(self) -> bytes:
        return b"secret of this store"


def observed(at: datetime = NOW) -> Observed:
    snapshot = a_snapshot([an_allocation(ANNA)], now=at)
    changes = {(ChangeKind.CAME_BACK, By.US, LicenseType.ANALYZER): 3}
    return Observed(snapshot, facts_of(snapshot, a_policy()), a_summary(at=at), at, changes)


def lines(outbox: FakeOutbox, target: str, measurement: str) -> list[str]:
    texts = [k.row.entry.body.decode() for k in outbox.rows.values() if k.row.target == target]
    return [text for text in texts if f"'{measurement}'" in text]


async def test_every_target_gets_every_point_once() -> None:
    outbox, targets = FakeOutbox(), [PointTarget(n, encode) for n in ("one", "two")]
    keeper = PointKeeper(targets, outbox, FakeNews())

    await keeper.follow(observed())
    await keeper.follow(observed())

    counts = {target: n for (target, _), n in (await outbox.depth()).items()}
    assert counts["one"] == counts["two"] > 5
    (health,) = lines(outbox, "one", "qlik_license_health")
    assert "'failed_cycles': 2.0, 'outbox': 0.0, 'set_aside': 0.0, 'dropped': 7.0" in health
    assert "'failed_releases': 4.0, 'license_refused': 0.0, 'license_unclear': 0.0" in health
    professional, analyzer = lines(outbox, "one", "qlik_license_activity")
    assert "'regrets': 0.0" in professional
    assert "'active_users': 0.0, 'regrets': 3.0" in analyzer


async def test_releases_are_told_since_the_reading_before_with_some_overlap() -> None:
    outbox, news = FakeOutbox(), FakeNews(last=NOW - timedelta(minutes=15))
    news.releases = [ReleasedSeat("s", LicenseType.ANALYZER, ANNA, 90, NOW)]
    targets = [PointTarget("plain", encode), PointTarget("butler", encode, user_tag=True)]

    await PointKeeper(targets, outbox, news).follow(observed())

    assert news.asked == [NOW - timedelta(minutes=75)]
    (plain,) = lines(outbox, "plain", "qlik_sense_license_release")
    (tagged,) = lines(outbox, "butler", "qlik_sense_license_release")
    assert "anna" not in plain
    assert "anna" in tagged


async def test_users_are_told_where_asked_once_a_day_and_hidden_unless_named() -> None:
    outbox, news = FakeOutbox(), FakeNews(last=NOW - timedelta(days=1))
    targets = [PointTarget(users.value, encode, users=users) for users in Users]
    keeper = PointKeeper(targets, outbox, news)

    await keeper.follow(observed())
    await keeper.follow(observed(NOW + timedelta(minutes=15)))

    assert lines(outbox, "none", "qlik_license_user") == []
    (hidden,) = lines(outbox, "pseudonymous", "qlik_license_user")
    (named,) = lines(outbox, "names", "qlik_license_user")
    assert "anna" not in hidden
    assert "anna" in named


async def test_a_reading_over_midnight_belongs_to_the_day_it_began() -> None:
    """It counts who was active on that day, and tells the users of that day once."""
    before_midnight = datetime(2026, 11, 3, 23, 59, 55, tzinfo=UTC)
    evening = before_midnight - timedelta(hours=3)
    seats = [an_allocation(ANNA, license_type=LicenseType.ANALYZER, last_used=evening)]

    def a_reading(taken_at: datetime) -> Observed:
        snapshot = a_snapshot(seats, now=taken_at)
        facts, summary = facts_of(snapshot, a_policy()), a_summary(at=taken_at)
        return Observed(snapshot, facts, summary, taken_at + timedelta(seconds=10), {})

    outbox, news = FakeOutbox(), FakeNews(last=before_midnight - timedelta(minutes=15))
    keeper = PointKeeper([PointTarget("t", encode, users=Users.NAMES)], outbox, news)

    await keeper.follow(a_reading(before_midnight))
    assert lines(outbox, "t", "qlik_license_user") == []
    (activity,) = (t for t in lines(outbox, "t", "qlik_license_activity") if "analyzer" in t)
    assert "'active_users': 1.0" in activity

    await keeper.follow(a_reading(before_midnight + timedelta(minutes=15)))
    await keeper.follow(a_reading(before_midnight + timedelta(minutes=30)))
    assert len(lines(outbox, "t", "qlik_license_user")) == 1


async def test_what_could_not_be_put_is_put_by_the_next_cycle_that_can() -> None:
    """However long ago the failed one was: users and releases are told since the last success."""

    class Full(FakeOutbox):
        async def put(self, *_: object) -> None:
            raise StoreError("the disk is full")

    news = FakeNews(last=NOW - timedelta(days=1))
    targets = [PointTarget("t", encode, users=Users.NAMES)]
    with pytest.raises(StoreError):
        await PointKeeper(targets, Full(), news).follow(observed())
    outbox = FakeOutbox()
    await PointKeeper(targets, outbox, news).follow(observed(NOW + timedelta(hours=6)))

    assert news.asked == 2 * [NOW - timedelta(days=1, hours=1)]
    assert len(lines(outbox, "t", "qlik_license_user")) == 1
