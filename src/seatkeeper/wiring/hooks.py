"""Webhooks of events from the settings: what each wants, and what sends to it."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from seatkeeper.core.event import EventKind
from seatkeeper.core.hook import Hook, event_text, target_of
from seatkeeper.flow.channels import ChannelSink
from seatkeeper.flow.ports import Clock
from seatkeeper.flow.telling_ports import Sink
from seatkeeper.outlets.posting import Receiver
from seatkeeper.outlets.webhook import EventHook
from seatkeeper.settings import Settings
from seatkeeper.settings.hooks import HookSettings


def hooks_of(settings: Settings) -> tuple[Hook, ...]:
    """Return who is told of events, sites spelled as they are called."""
    names = tuple(site.name for site in settings.sites)

    def sites(one: HookSettings) -> tuple[str, ...]:
        wanted = {name.casefold() for name in one.sites}
        return tuple(name for name in names if not wanted or name.casefold() in wanted)

    return tuple(
        Hook(target_of(one.name), frozenset(one.events or EventKind), sites(one))
        for one in settings.console.webhooks
    )


def hook_sinks(hooks: Iterable[HookSettings], clock: Clock) -> dict[str, Sink]:
    """Return what sends to each webhook, by its name in the outbox; nothing is sent yet."""
    about = attrgetter("about")
    return {
        target_of(one.name): ChannelSink(event_text, _sender(one, clock).tell, about)
        for one in hooks
    }


def _sender(one: HookSettings, clock: Clock) -> EventHook:
    receiver = Receiver(url=one.address, timeout=one.timeout, ca_file=one.ca_file)
    return EventHook(receiver, one.signing_secret, clock.now)
