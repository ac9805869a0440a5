"""`alerts`: what is watched, and over which channels it is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, field_validator

from seatkeeper.settings.channels import ChannelSettings
from seatkeeper.settings.kinds import Wrong
from seatkeeper.settings.part import Part
from seatkeeper.settings.values import duration


class AlertsSettings(Part):
    """What is watched, and who is told."""

    failing_after: Annotated[timedelta, duration(least=timedelta(minutes=1))] = Field(
        default=timedelta(minutes=15),
        description="How long a message may wait before its channel counts as failing, which the"
        " other channels are told; default 15m.",
    )
    channels: tuple[ChannelSettings, ...] = Field(
        default=(),
        description="Over what alerts are told; none: alerts are kept and shown, told to nobody.",
        examples=[
            [
                {
                    "name": "mail",
                    "kind": "apprise",
                    "url": "mailto://mail.example.com?to=qlik@example.com",
                }
            ]
        ],
    )

    @field_validator("channels")
    @classmethod
    def _names_of_their_own(
        cls, channels: tuple[ChannelSettings, ...]
    ) -> tuple[ChannelSettings, ...]:
        first: dict[str, int] = {}
        for index, channel in enumerate(channels):
            earlier = first.setdefault(channel.name.casefold(), index)
            if earlier != index:
                raise Wrong(
                    f"alerts.channels[{earlier}] has this name already (letter case does not "
                    "matter)",
                    "give every channel a name of its own",
                    at=(index, "name"),
                )
        return channels

    def channel(self, name: str) -> ChannelSettings | None:
        """Return the channel of that name, letter case aside, None when there is none."""
        return next((c for c in self.channels if c.name.casefold() == name.casefold()), None)
