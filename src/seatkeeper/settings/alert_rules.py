"""`alerts.rules`: every rule by its name, with its own settings and the common keys.

The models are made from the rule kinds themselves, so a setting is described once, where it is
used.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Self, cast

from pydantic import Field, create_model, model_validator

from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alert_pools import LEAST_DAYS
from seatkeeper.core.alert_rule import NEVER, Amount, Rule, RuleKind, Unit
from seatkeeper.core.alert_rules import KINDS
from seatkeeper.core.durations import format_duration, format_share, parse_share
from seatkeeper.settings.kinds import Kind, Wrong, plain_text, simple
from seatkeeper.settings.part import Part, block
from seatkeeper.settings.values import Text, YesNo, choice, duration, share, whole

_MOST_DAYS = 3650


def _amount(value: Any) -> Amount:
    if isinstance(value, Amount):
        return value
    text = str(value).strip() if isinstance(value, (int, float)) else plain_text(value)
    try:
        if text.isdecimal() and len(text) <= 7:
            return Amount(count=int(text))
        return Amount(share=parse_share(text))
    except ValueError:
        raise Wrong(
            "a number of seats or a share of the pool is wanted", "write it as in 20 or 5%"
        ) from None


def _show_amount(amount: Amount | None) -> str | int | None:
    if amount is None:
        return None
    return amount.count if amount.count is not None else format_share(amount.share or 0.0)


def _days_list(value: Any) -> tuple[int, ...]:
    cure = "write it as in [90, 60, 30, 7]"
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= 10:
        raise Wrong("a list of one to ten numbers of days is wanted", cure)
    read = whole(least=0, most=_MOST_DAYS).read
    days = tuple(read(one, None) for one in value)
    if list(days) != sorted(set(days), reverse=True):
        raise Wrong("each number of days is smaller than the one before", cure)
    return days


_KINDS: dict[Unit, Kind] = {
    Unit.AMOUNT: Kind(
        "count or share",
        simple(_amount),
        _show_amount,
        {"anyOf": [{"type": "string"}, {"type": "number", "minimum": 0}]},
    ),
    Unit.SHARE: share(zero=True),
    Unit.COUNT: whole(least=1, most=10_000_000),
    Unit.DAYS: whole(least=1, most=_MOST_DAYS),
    Unit.TREND_DAYS: whole(least=LEAST_DAYS, most=366),
    Unit.DAYS_LIST: Kind(
        "list of days",
        simple(_days_list),
        list,
        {"type": "array", "items": {"type": "integer"}, "minItems": 1},
    ),
    Unit.DURATION: duration(least=timedelta(minutes=1)),
}
_SEVERITY = choice(Severity, "the severity")
_LENGTH = duration(least=timedelta(0))


class RuleSettings(Part):
    """The keys that every rule has; `kind` is what it becomes."""

    kind: ClassVar[type[RuleKind]]

    enabled: YesNo = Field(default=True, description="Whether the rule is asked; default true.")
    hold: Annotated[timedelta, _LENGTH] = Field(default=timedelta(0), alias="for")
    clear_after: Annotated[timedelta, _LENGTH] = Field(
        default=timedelta(0),
        description="How long it must be fine before the alert is over; default 0s.",
    )
    severity: Annotated[Severity, _SEVERITY] = Severity.WARNING
    repeat: Annotated[timedelta, _LENGTH] = NEVER
    route: tuple[Text, ...] = Field(
        default=(),
        description="Channels it is told on; left out: all of them.",
        examples=[["mail"]],
    )
    sites: tuple[Text, ...] = Field(
        default=(),
        description="Sites it is asked about; left out: all of them.",
        examples=[["prod"]],
    )

    @model_validator(mode="after")
    def _thresholds_fit(self) -> Self:
        """Refuse a clear threshold on the wrong side: the alert could not end, or never begin."""
        for own in _own(self.kind):
            value = getattr(self, own.name)
            above, under = own.metadata.get("above", ""), own.metadata.get("under", "")
            other = getattr(self, above or under) if above or under else value
            if value is None:
                continue
            if _is_below(value, other) if above else _is_below(other, value):
                way = "below" if above else "above"
                raise Wrong(
                    f"it lies {way} {above or under}, so the alert would begin and end at once",
                    f"write the value of {above or under}, or one on its other side",
                    at=(own.name,),
                )
        return self

    def to_rule(self, **more: Any) -> Rule:
        """Return the rule; `more` are settings that stand elsewhere in the file."""
        own = {field.name: getattr(self, field.name) for field in _own(self.kind)}
        return Rule(
            self.kind(**own, **more),
            self.severity,
            hold=self.hold,
            clear_after=self.clear_after,
            repeat=self.repeat,
            route=self.route,
            sites=self.sites,
        )


def _is_below(one: Any, other: Any) -> bool:
    if isinstance(one, Amount) and isinstance(other, Amount):
        if one.share is not None and other.share is not None:
            return one.share < other.share
        if one.count is not None and other.count is not None:
            return one.count < other.count
        return False  # a count and a share: which is more depends on the pool
    return bool(one < other)


def _own(kind: type[RuleKind]) -> Iterator[dataclasses.Field[Any]]:
    """Yield the settings of a rule kind that stand in its block."""
    for field in dataclasses.fields(cast("Any", kind)):
        if "unit" in field.metadata:
            yield field


def _model_of(kind: type[RuleKind]) -> type[RuleSettings]:
    about = kind.about
    hold, repeat = format_duration(about.hold), format_duration(about.repeat)
    fields: dict[str, Any] = {
        "hold": (
            Annotated[timedelta, _LENGTH],
            Field(
                default=about.hold,
                alias="for",
                description=f"How long it must be bad before the alert fires; default {hold}.",
                examples=[hold],
            ),
        ),
        "severity": (
            Annotated[Severity, _SEVERITY],
            Field(
                default=about.severity,
                description=f"How bad it is; default {about.severity.value}.",
            ),
        ),
        "repeat": (
            Annotated[timedelta, _LENGTH],
            Field(
                default=about.repeat,
                description=f"How often it is told again, 0s: once; default {repeat}.",
                examples=[repeat],
            ),
        ),
    }
    for own in _own(kind):
        sort = _KINDS[own.metadata["unit"]]
        unset = own.default is None  # then the help says what holds instead
        shown = "" if unset else f" Default {sort.show(own.default)}."
        fields[own.name] = (
            Annotated[Any, sort],
            Field(default=own.default, description=f"{own.metadata['help']}{shown}"),
        )
    name = "".join(word.capitalize() for word in about.name.split("_")) + "Settings"
    model = create_model(name, __base__=RuleSettings, __doc__=f"{about.title}.", **fields)
    model.kind = kind
    return model


MODELS: dict[str, type[RuleSettings]] = {kind.about.name: _model_of(kind) for kind in KINDS}

_BLOCKS: dict[str, Any] = {
    name: (model, block(f"{model.kind.about.title}: {model.kind.about.means}."))
    for name, model in MODELS.items()
}

AlertRulesSettings: type[Part] = create_model(
    "AlertRulesSettings", __base__=Part, __doc__="Every rule by its name.", **_BLOCKS
)
