"""Costs from settings and store: kept at every reading, and made into a bill when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from seatkeeper.core.alert_facts import Spend
from seatkeeper.core.cost import Amounts, Bill, SeatGroups, bill_of, group_seats, measured, spend_of
from seatkeeper.core.cost_month import Month, MonthBill, bill_of_month, free_days
from seatkeeper.core.departments import department_of
from seatkeeper.core.money import Prices, money
from seatkeeper.core.policy import Policy
from seatkeeper.core.savings import Releases
from seatkeeper.core.summary import Summary
from seatkeeper.flow.ports import Observed
from seatkeeper.settings import Settings
from seatkeeper.store import Store


@dataclass(frozen=True, slots=True)
class CostKeeper:
    """Counts seats by department after every reading, and what they cost, once for everybody."""

    prices: Prices
    policies: Mapping[str, Policy]
    store: Store
    step: str = "cost"

    async def follow(self, observed: Observed) -> None:
        """Keep the seats of a reading by department, those of released seats, and the bill."""
        summary, now, costs = observed.summary, observed.now, self.store.costs
        policy = self.policies[summary.site]
        seats = group_seats(observed.snapshot, observed.facts, policy, self.prices.attribute, now)
        await costs.keep(seats)
        await self._attribute(observed)
        # Savings look at every release of a year: too much for each scrape.
        found = await _bill(self.store, self.prices, summary, seats, now)
        await costs.keep_amounts(summary.site, seats.at, measured(found))

    async def _attribute(self, observed: Observed) -> None:
        """Keep the department of who lost a seat, while the site still knows who that is."""
        if not (attribute := self.prices.attribute.casefold()):
            return
        costs, users = self.store.costs, observed.snapshot.users
        freed = await costs.unattributed(observed.summary.site, attribute, observed.now)
        found = {
            key: department_of(users[user_id], attribute)
            for key, user_id in freed.items()
            if user_id in users
        }
        if found:
            await costs.attribute(attribute, found)


def cost_keeper(settings: Settings, store: Store) -> CostKeeper | None:
    """Return what keeps seats by department, None where nothing has a price."""
    if (prices := settings.cost.to_prices()) is None:
        return None
    return CostKeeper(prices, {one.name: one.to_policy() for one in settings.sites}, store)


async def bill(store: Store, settings: Settings, site: str, now: datetime) -> Bill | None:
    """Return what a site costs by its newest reading; None without prices or a reading."""
    return await bill_of_reading(store, settings, await store.summaries.newest(site), now)


async def bill_of_reading(
    store: Store, settings: Settings, summary: Summary | None, now: datetime
) -> Bill | None:
    """Return the same by a reading that is known already."""
    prices = settings.cost.to_prices()
    if prices is None or summary is None:
        return None
    seats = await store.costs.newest(summary.site, now)
    return None if seats is None else await _bill(store, prices, summary, seats, now)


async def _bill(
    store: Store, prices: Prices, summary: Summary, seats: SeatGroups, now: datetime
) -> Bill:
    freed = await store.costs.freed(summary.site, now)
    month = Month.of(now.astimezone(UTC).date())
    pools = await store.costs.pools(summary.site, month) if freed else ()
    return bill_of(summary, seats, prices, Releases(freed, free_days(pools)), now)


async def month_bill(store: Store, settings: Settings, site: str, month: Month) -> MonthBill | None:
    """Return what a month has cost a site; None without prices or a reading in it."""
    prices = settings.cost.to_prices()
    if prices is None:
        return None
    known = await store.costs.month(site, month)
    freed = await store.costs.freed(site, month.end, month.begin)
    return bill_of_month(month, site, known, prices, freed)


@dataclass(frozen=True, slots=True)
class Costs:
    """What points and alerts ask of costs."""

    store: Store
    settings: Settings

    async def of_site(self, site: str) -> Amounts:
        """Return what the newest reading of a site cost; nothing without prices."""
        return (await self.measured()).get(site, {})

    async def measured(self) -> Mapping[str, Amounts]:
        """Return what the newest readings cost, by site; nothing without prices."""
        if self.settings.cost.to_prices() is None:
            return {}
        return await self.store.costs.amounts()

    async def spend(self) -> Spend | None:
        """Return what all sites cost by their newest readings, however old, and may cost.

        None without a budget or any reading.
        """
        prices = self.settings.cost.to_prices()
        if prices is None or prices.budget is None:
            return None
        known = await self.store.summaries.all()
        told = [known[site.name] for site in self.settings.sites if site.name in known]
        if not told:
            return None
        total = money(sum(spend_of(summary, prices) for summary in told))
        return Spend(total, prices.budget, prices.currency)

    @property
    def budget(self) -> Decimal | None:
        """What all sites may cost a month together, None without a budget."""
        return self.settings.cost.budget_month
