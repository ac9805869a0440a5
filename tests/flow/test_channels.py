"""Channels as targets of the outbox: nothing lost, order kept, one bad message stops nobody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from operator import attrgetter

import pytest

from builders import NOW
from messages import a_message, an_entry
from seatkeeper.core.alert_message import AlertMessage, MessageState, message_from_bytes
from seatkeeper.core.butler_event import ButlerEventName, events_of, is_due
from seatkeeper.core.channel import ButlerSends
from seatkeeper.core.outbox import Delivery, OutboxEntry, OutboxRow
from seatkeeper.core.summary import LicenseState, LicenseSummary
from seatkeeper.errors import MessageRefused, NotTold
from seatkeeper.flow.channels import OFTEN, ChannelSink

TARGET = "alert:hook"


class Scripted:
    """A channel that does with a message of a number as told; else it takes it."""

    def __init__(self, **does: Callable[[], None]) -> None:
        self.does = does
        self.taken: list[str] = []
        self.states: list[tuple[str, str]] = []

    async def tell(self, message: AlertMessage, _key: str) -> str:
        """Take a message, or not."""
        number = message.key.rpartition(" ")[2]
        if act := self.does.get(f"nr{number}"):
            act()
        self.taken.append(number)
        self.states.append((number, message.state.value))
        return "fine"


def in_turn(*acts: Callable[[], None]) -> Callable[[], None]:
    """Do one after the other, then nothing."""
    left = list(acts)

    def act() -> None:
        if left:
            left.pop(0)()

    return act


def down() -> None:
    raise NotTold("nobody there")


def asks_for_patience() -> None:
    raise NotTold("too much at once", wait=timedelta(seconds=7))


def refused() -> None:
    raise MessageRefused("no such site")


def rows(number: int, tries: int = 0) -> list[OutboxRow]:
    return [OutboxRow(n, TARGET, an_entry(a_message(n)), tries) for n in range(1, number + 1)]


async def sent(channel: Scripted, some: list[OutboxRow]) -> Delivery:
    return await ChannelSink(message_from_bytes, channel.tell, attrgetter("key")).send(some)


def a_life(tries: int) -> list[OutboxRow]:
    """Return two messages of one alert, that it fires and that it is over, and one of another."""
    told = [a_message(1), a_message(1, state=MessageState.RESOLVED), a_message(2)]
    return [OutboxRow(n, TARGET, an_entry(m), tries) for n, m in enumerate(told, 1)]


async def test_messages_are_told_in_their_order() -> None:
    channel = Scripted()

    assert await sent(channel, rows(3)) == Delivery((1, 2, 3))
    assert channel.taken == ["1", "2", "3"]


async def test_nothing_overtakes_a_message_that_has_to_wait() -> None:
    channel = Scripted(nr2=asks_for_patience)

    delivery = await sent(channel, rows(3))

    assert delivery == Delivery((1,), {}, "too much at once", timedelta(seconds=7), failed=2)
    assert channel.taken == ["1"]


async def test_a_refused_message_is_set_aside_and_the_rest_is_told() -> None:
    assert await sent(Scripted(nr2=refused), rows(3)) == Delivery((1, 3), {2: "no such site"})


async def test_what_is_no_message_is_set_aside() -> None:
    strange = OutboxRow(9, TARGET, OutboxEntry("alert", b'{"title": 3}', "k", NOW))

    delivery = await sent(Scripted(), [strange, *rows(1)])

    assert delivery.delivered == (1,)
    assert "this is no message" in delivery.poisoned[9]


async def test_a_message_that_fails_often_while_the_next_arrives_is_set_aside() -> None:
    delivery = await sent(Scripted(nr1=down), rows(2, tries=OFTEN))

    assert delivery.delivered == (2,)
    assert delivery.poisoned == {1: "nobody there; a message behind it arrived"}


async def test_a_message_that_waits_because_the_receiver_asks_for_it_is_not_set_aside() -> None:
    channel = Scripted(nr1=asks_for_patience)

    delivery = await sent(channel, rows(2, tries=OFTEN))

    assert channel.taken == []
    assert delivery == Delivery((), {}, "too much at once", timedelta(seconds=7), failed=1)


async def test_a_receiver_that_asks_for_patience_at_the_second_look_gets_it() -> None:
    channel = Scripted(nr1=in_turn(down, asks_for_patience))

    delivery = await sent(channel, rows(2, tries=OFTEN))

    assert delivery == Delivery((2,), {}, "too much at once", timedelta(seconds=7), failed=1)


async def test_that_an_alert_is_over_never_arrives_before_that_it_fires() -> None:
    channel = Scripted(nr1=in_turn(down))

    first = await sent(channel, a_life(tries=OFTEN))
    rest = await sent(channel, [r for r in a_life(OFTEN) if r.id not in first.delivered])

    assert channel.states == [("2", "firing"), ("1", "firing"), ("1", "resolved")]
    assert (first.error, rest.error) == ("", "")


async def test_an_alert_alone_in_the_queue_keeps_its_order_and_waits() -> None:
    channel = Scripted(nr1=in_turn(down))

    delivery = await sent(channel, a_life(tries=OFTEN)[:2])

    assert channel.taken == []
    assert (delivery.error, delivery.failed) == ("nobody there", 1)


async def test_a_channel_that_is_down_for_long_loses_nothing() -> None:
    delivery = await sent(Scripted(nr1=down, nr2=down), rows(2, tries=OFTEN * 10))

    assert (delivery.delivered, dict(delivery.poisoned)) == ((), {})
    assert delivery.error == "nobody there"


async def test_a_channel_that_is_back_at_that_moment_gets_both() -> None:
    delivery = await sent(Scripted(nr1=in_turn(down)), rows(2, tries=OFTEN))

    assert delivery.delivered == (2, 1)
    assert not delivery.poisoned


@pytest.mark.parametrize(
    ("state", "days", "sends", "told"),
    [
        (LicenseState.VALID, 200, ButlerSends.ALL, [ButlerEventName.STATUS]),
        (LicenseState.VALID, 60, ButlerSends.ALERTS, [ButlerEventName.EXPIRING]),
        (
            LicenseState.VALID,
            0,
            ButlerSends.ALL,
            [ButlerEventName.STATUS, ButlerEventName.EXPIRING],
        ),
        (LicenseState.EXPIRED, -3, ButlerSends.ALERTS, [ButlerEventName.EXPIRED]),
        (LicenseState.EXPIRED, -3, ButlerSends.STATUS, [ButlerEventName.STATUS]),
        (LicenseState.CANNOT_TELL, None, ButlerSends.ALERTS, []),
    ],
)
def test_butlers_events_follow_the_license(
    state: LicenseState, days: int | None, sends: ButlerSends, told: list[ButlerEventName]
) -> None:
    events = events_of(LicenseSummary(state=state, days_left=days), 60, sends)

    assert [event.event for event in events] == told


def test_butlers_events_come_once_a_period() -> None:
    day = timedelta(hours=24)
    midnight = NOW.replace(hour=0)

    assert is_due(NOW, None, day)
    assert is_due(midnight, midnight - timedelta(minutes=15), day)
    assert not is_due(NOW, midnight, day)
    assert is_due(NOW, NOW - timedelta(days=5), day)
