"""Prices, and money in whole cents: rounded once, handed out so that parts add up to the total."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from seatkeeper.core.model import LicenseType


@dataclass(frozen=True, slots=True)
class Prices:
    """What things cost a month, from the configuration; a type without a price costs nothing.

    `attribute` is the custom property or user attribute that names the department of a user,
    empty for none.
    """

    currency: str = ""
    seats: Mapping[LicenseType, Decimal] = field(default_factory=dict)
    per_1000_minutes: Decimal | None = None
    budget: Decimal | None = None
    attribute: str = ""


def cents(amount: Fraction) -> int:
    """Return an amount of money (not negative) in cents, half a cent up."""
    return int(amount * 100 + Fraction(1, 2))


def shared_out(total: int, weights: Sequence[int | Fraction]) -> list[int]:
    """Hand out a whole number by weights, by the largest remainder; the parts add up to it.

    Equal remainders go to who comes first. Raises ValueError when there is nobody to take it.
    """
    every = sum(weights)
    if not every:
        if total:
            raise ValueError(f"nobody takes any part of {total}")
        return [0] * len(weights)
    parts = [total * weight // every for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % every), i))
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return parts


def money(amount: int) -> Decimal:
    """Return cents as an amount with two decimals."""
    return Decimal(amount).scaleb(-2)
