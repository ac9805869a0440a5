"""`alerts`: what is watched, and over which channels it is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Any, Self, cast

from pydantic import Field, field_validator, model_validator

from seatkeeper.core.alert_health import ChannelFailing
from seatkeeper.core.alert_rule import Rule
from seatkeeper.core.alert_text import RUNBOOKS
from seatkeeper.settings.alert_rules import MODELS, AlertRulesSettings, RuleSettings
from seatkeeper.settings.channels import ChannelSettings
from seatkeeper.settings.kinds import Wrong
from seatkeeper.settings.part import Part
from seatkeeper.settings.receivers import require_own_names
from seatkeeper.settings.values import Text, duration


class AlertsSettings(Part):
    """What is watched, and who is told."""

    failing_after: Annotated[timedelta, duration(least=timedelta(minutes=1))] = Field(
        default=timedelta(minutes=15),
        description="How long a message may wait before its channel counts as failing, which the"
        " other channels are told; default 15m.",
    )
    runbooks: Text = Field(
        default=RUNBOOKS,
        description="Where the runbook pages lie that messages link to: an address, or a folder"
        " that the readers of messages can open; default: the pages of the project.",
        examples=["https://wiki.example.com/seatkeeper/runbooks"],
    )
    rules: AlertRulesSettings = Field(
        default_factory=cast("Any", dict),
        validate_default=True,
        description="The rules by name, each a block of keys; what is left out has its default, and"
        " every rule is on. See docs/alerts.md.",
        examples=[{"low_availability": {"professional": "10", "route": ["mail"]}}],
    )
    channels: tuple[ChannelSettings, ...] = Field(
        default=(),
        description="Over what alerts are told; none: alerts are kept and shown, told to nobody.",
        examples=[
            [
                {
                    "name": "mail",
                    "kind": "apprise",
                    "url": "mailtos://user:password@example.com",
                }
            ]
        ],
    )

    @field_validator("channels")
    @classmethod
    def _names_of_their_own(
        cls, channels: tuple[ChannelSettings, ...]
    ) -> tuple[ChannelSettings, ...]:
        require_own_names("alerts.channels", [one.name for one in channels], "channel")
        return channels

    @model_validator(mode="after")
    def _routes_lead_somewhere(self) -> Self:
        known = {c.name.casefold(): c.name for c in self.channels if c.kind.takes_alerts}
        for rule, settings in self.each_rule():
            for index, name in enumerate(settings.route):
                if name.casefold() in known:
                    continue
                near = get_close_matches(name.casefold(), known, n=1)
                names = ", ".join(known.values())
                has = f"write one of {names}" if names else "describe it in channels"
                raise Wrong(
                    "no channel that takes alerts has this name",
                    f"did you mean {known[near[0]]}?" if near else has,
                    at=("rules", rule, "route", index),
                )
        return self

    def each_rule(self) -> Iterator[tuple[str, RuleSettings]]:
        """Yield the settings of each rule by its name."""
        for name in MODELS:
            yield name, getattr(self.rules, name)

    def routes(self) -> dict[str, tuple[str, ...]]:
        """Return the route of each rule, spelled as the channels are; of those that are off too."""
        spelled = {c.name.casefold(): c.name for c in self.channels}
        return {
            rule: tuple(spelled[name.casefold()] for name in settings.route)
            for rule, settings in self.each_rule()
        }

    def to_rules(self) -> tuple[Rule, ...]:
        """Return the rules that are on, their routes spelled as the channels are."""
        rules, routes = [], self.routes()
        for name, settings in self.each_rule():
            more = {"failing_after": self.failing_after} if settings.kind is ChannelFailing else {}
            if settings.enabled:
                rules.append(replace(settings.to_rule(**more), route=routes[name]))
        return tuple(rules)

    def channel(self, name: str) -> ChannelSettings | None:
        """Return the channel of that name, letter case aside, None when there is none."""
        return next((c for c in self.channels if c.name.casefold() == name.casefold()), None)
