"""`cost`: what seats cost, and who pays for them. Nothing here touches the network."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from seatkeeper.core.model import LicenseType
from seatkeeper.core.money import Prices
from seatkeeper.settings.kinds import Kind, Wrong, simple
from seatkeeper.settings.part import Part, block
from seatkeeper.settings.values import Text

_MOST = Decimal(1_000_000_000)


def _digits(text: str) -> str:
    """Return the text without blanks around it; ValueError for what only Python calls a number."""
    if "_" in text:
        raise ValueError(text)
    return text.strip()


def _money(value: Any) -> Decimal:
    cure = "write an amount such as 35 or 35.50"
    try:
        amount = Decimal(_digits(str(value)))
    except (InvalidOperation, ValueError):
        raise Wrong("an amount of money is wanted", cure) from None
    if isinstance(value, bool) or not amount.is_finite() or not 0 <= amount <= _MOST:
        raise Wrong("an amount from 0 to 1000000000 is wanted", cure)
    if amount != round(amount, 4):
        raise Wrong("an amount has at most four decimals", cure)
    return amount


Money = Annotated[
    Decimal,
    Kind("amount", simple(_money), str, {"type": "number", "minimum": 0, "maximum": int(_MOST)}),
]


class SeatPriceSettings(Part):
    """The price of one license type."""

    per_seat_month: Money | None = Field(
        default=None, description="Price of one seat for a month.", examples=["35.00"]
    )


class CapacityPriceSettings(Part):
    """The price of analyzer capacity."""

    per_1000_minutes: Money | None = Field(
        default=None, description="Price of a thousand minutes used.", examples=["12.50"]
    )


class CostSettings(Part):
    """What seats cost a month; a type without a price is left out."""

    currency: Text = Field(
        default="EUR", description="Shown beside amounts; nothing is converted; default EUR."
    )
    professional: SeatPriceSettings = block("Professional seats.")
    analyzer: SeatPriceSettings = block("Analyzer seats.")
    analyzer_capacity: CapacityPriceSettings = block("Analyzer capacity.")
    budget_month: Money | None = Field(
        default=None,
        description="What all sites together may cost a month; left out: there is no budget.",
        examples=["15000"],
    )
    attribute: Text | None = Field(
        default=None,
        description="Custom property or attribute of users that names their department, letter case"
        " aside; left out: nothing is told by department.",
        examples=["department"],
    )

    @model_validator(mode="after")
    def _budget_has_prices(self) -> Self:
        if self.budget_month is not None and self.to_prices() is None:
            raise Wrong(
                "a budget without any price is compared with nothing",
                "add a price, such as professional: {per_seat_month: 35}, or take it out",
                at=("budget_month",),
            )
        return self

    def to_prices(self) -> Prices | None:
        """Return the prices, None where there is none."""
        seats = {
            LicenseType.PROFESSIONAL: self.professional.per_seat_month,
            LicenseType.ANALYZER: self.analyzer.per_seat_month,
        }
        known = {kind: price for kind, price in seats.items() if price is not None}
        minutes = self.analyzer_capacity.per_1000_minutes
        if not known and minutes is None:
            return None
        return Prices(self.currency, known, minutes, self.budget_month, self.attribute or "")
