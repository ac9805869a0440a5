"""What `check` finds of channels and webhooks: is each understood. Nothing is sent."""

from __future__ import annotations

import asyncio

from seatkeeper.core.channel import ChannelKind
from seatkeeper.core.findings import Area, Finding, failed, ok
from seatkeeper.errors import NotTold
from seatkeeper.outlets.notify import Notifier
from seatkeeper.outlets.posting import place_of, tls_context
from seatkeeper.settings import ChannelSettings, Settings
from seatkeeper.settings.hooks import HookSettings


async def channel_findings(settings: Settings) -> list[Finding]:
    """Look at each channel, all at once."""
    channels = settings.alerts.channels
    if not channels:
        return [ok(Area.CHANNELS, "none: alerts are kept and shown, and told to nobody")]
    return list(await asyncio.gather(*map(_look, channels)))


async def _look(channel: ChannelSettings) -> Finding:
    name = f"{channel.name} ({channel.kind.value})"
    try:
        where = await _where(channel)
    except NotTold as error:
        cure = f"correct alerts.channels, then try it: seatkeeper alerts test {channel.name}"
        return failed(Area.CHANNELS, f"{name}: {error}", cure)
    return ok(Area.CHANNELS, f"{name}: {where}; to try it: seatkeeper alerts test {channel.name}")


async def hook_findings(settings: Settings) -> list[Finding]:
    """Look at each webhook of events, all at once."""
    return list(await asyncio.gather(*map(_look_at_hook, settings.console.webhooks)))


async def _look_at_hook(hook: HookSettings) -> Finding:
    name, where = f"webhook {hook.name}", place_of(hook.address)
    try:
        if hook.ca_file is not None:
            await asyncio.to_thread(tls_context, hook.ca_file)
    except NotTold as error:
        return failed(Area.CHANNELS, f"{name}: {error}", "correct console.webhooks")
    which = ", ".join(kind.value for kind in hook.events) or "every event"
    sites = f" of {', '.join(hook.sites)}" if hook.sites else ""
    return ok(Area.CHANNELS, f"{name}: {where} is told of {which}{sites} by the daemon")


async def _where(channel: ChannelSettings) -> str:
    """Say where messages go, without a secret; raises NotTold when that cannot be right."""
    if channel.kind is ChannelKind.APPRISE:
        return await Notifier(channel.address, channel.timeout).service()
    if channel.ca_file is not None:
        await asyncio.to_thread(tls_context, channel.ca_file)
    if channel.kind is ChannelKind.BUTLER_MQTT:
        return f"{channel.host}:{channel.broker_port}"
    return place_of(channel.address)
