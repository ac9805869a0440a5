"""A test sent over one channel, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from seatkeeper.cli.render import lines
from seatkeeper.core.alert_message import AlertMessage, MessageState, Severity
from seatkeeper.core.butler_event import ButlerEvent, ButlerEventName, event_of
from seatkeeper.core.channel import ChannelKind
from seatkeeper.core.summary import LicenseState, LicenseSummary
from seatkeeper.errors import OutletError, UsageError
from seatkeeper.settings import ChannelSettings, Settings
from seatkeeper.store import Store
from seatkeeper.wiring.channels import channel_for_alerts, channel_for_butler
from seatkeeper.wiring.clock import SystemClock, this_actor

if TYPE_CHECKING:
    from rich.console import RenderableType

CURES = {
    ChannelKind.APPRISE: "check the URL against Apprise's page on the service, the login in it, and"
    " the way from this host to the service",
    ChannelKind.WEBHOOK: "check url, ca_file and the way to the receiver; its log says why it"
    " refuses, a wrong secret for one",
    ChannelKind.ALERTMANAGER: "check url (without /api), user and password_file, and that"
    " Alertmanager runs",
    ChannelKind.BUTLER_MQTT: "check host, port, tls, user and password_file, and that the user may"
    " write to both topics",
    ChannelKind.BUTLER_WEBHOOK: "check url, method and ca_file, and the log of the receiver",
}


@dataclass(frozen=True, slots=True)
class Tried:
    """Whether a test arrived, and what the other side said; `cure` when it did not."""

    channel: str
    kind: ChannelKind
    told: bool
    answer: str
    cure: str = ""

    def data(self) -> Any:
        """Return the JSON contract of `alerts test`."""
        return {
            "channel": self.channel,
            "kind": self.kind,
            "told": self.told,
            "answer": self.answer,
            "cure": self.cure,
        }

    def drawing(self) -> Sequence[RenderableType]:
        """Return what people see."""
        if self.told:
            return [lines(f"{self.channel}: a test was sent; {self.answer}")]
        return [lines(f"{self.channel}: the test failed: {self.answer}", f"cure: {self.cure}")]


def channel_named(settings: Settings, name: str) -> ChannelSettings:
    """Return the channel of that name in any case; raises UsageError for an unknown one."""
    found = settings.alerts.channel(name)
    if found is not None:
        return found
    names = [one.name for one in settings.alerts.channels]
    if not names:
        raise UsageError(f"there is no channel {name!r}: alerts.channels is empty")
    near = get_close_matches(name, names, n=1)
    cure = f"did you mean {near[0]}?" if near else f"the configuration has {', '.join(names)}"
    raise UsageError(f"there is no channel {name!r}; {cure}")


async def try_channel(channel: ChannelSettings, settings: Settings, store: Store) -> Tried:
    """Send a test now, past the outbox."""
    clock = SystemClock()
    now = clock.now()
    key = f"test {channel.name} {now.isoformat()}"
    try:
        if channel.kind.takes_alerts:
            message = a_test(channel.name, now)
            answer = await channel_for_alerts(channel, clock).tell(message, key)
        else:
            event = await _known_state(channel, settings, store)
            answer = await channel_for_butler(channel).tell(event, key)
    except OutletError as error:
        return Tried(channel.name, channel.kind, False, str(error), CURES[channel.kind])
    return Tried(channel.name, channel.kind, True, answer)


def a_test(channel: str, now: datetime) -> AlertMessage:
    """Return a message that says who wants to know whether it arrives."""
    actor = this_actor()
    return AlertMessage(
        key=f"test/{channel}",
        rule="test",
        site="",
        severity=Severity.INFO,
        state=MessageState.TEST,
        title=f"Seatkeeper: test of the channel {channel}",
        text=f"{actor.by} on {actor.host} wants to know whether this arrives. Nothing is wrong, "
        "and nothing has to be done.",
        since=now,
        at=now,
    )


async def _known_state(channel: ChannelSettings, settings: Settings, store: Store) -> ButlerEvent:
    """Return the state of the license as last read; a test must not say that it ends."""
    sites = [one.name for one in settings.sites]
    named = next((s for s in sites if channel.site and s.casefold() == channel.site.casefold()), "")
    summary = await store.summaries.newest(named or sites[0])
    known = LicenseSummary(state=LicenseState.CANNOT_TELL) if summary is None else summary.license
    return event_of(known, ButlerEventName.STATUS)
