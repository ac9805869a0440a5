"""The page that `demo` ends with: half a year of a site at a glance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatkeeper.cli.render import line
from seatkeeper.cli.sparks import bar, thinned
from seatkeeper.cli.status_view import budget_words, cost_words
from seatkeeper.core.alert_facts import Spend
from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alert_rules import ABOUT
from seatkeeper.core.alerts import Alert, AlertState
from seatkeeper.core.cost import Bill
from seatkeeper.core.model import LicenseType, Pool
from seatkeeper.core.sparkline import sparkline
from seatkeeper.core.summary import IdleBucket, Summary

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

WIDTH = 26
"""A block for each week of half a year."""
_COLOURS = {
    IdleBucket.WEEK: "green",
    IdleBucket.MONTH: "dark_sea_green",
    IdleBucket.QUARTER: "yellow",
    IdleBucket.HALF_YEAR: "dark_orange",
    IdleBucket.LONGER: "red",
    IdleBucket.NEVER: "magenta",
    IdleBucket.UNCLEAR: "bright_black",
}


@dataclass(frozen=True, slots=True)
class Glance:
    """What the page shows; `summaries` in order, one a day, the last one of this moment."""

    summaries: Sequence[Summary]
    released: int
    runs: int
    came_back: int
    given_back: int
    alerts: Sequence[Alert] = ()
    bill: Bill | None = None
    spend: Spend | None = None

    def drawing(self) -> Sequence[RenderableType]:
        """Return the page piece by piece."""
        return list(self._pieces())

    def _pieces(self) -> Iterator[RenderableType]:
        first, now = self.summaries[0], self.summaries[-1]
        yield line("")
        days = (now.at - first.at).days + 1
        yield line(f"{days} days at a glance, {first.at:%d %B} to {now.at:%d %B %Y}", "bold")
        yield self._pools(first, now)
        yield line("")
        yield from self._idle(now)
        yield line("")
        yield from self._rest(now)

    def _pools(self, first: Summary, now: Summary) -> RenderableType:
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for name, justify in (
            ("Seats", "left"),
            ("Allocated, week by week", "left"),
            ("Then", "right"),
            ("Now", "right"),
            ("Of", "right"),
            ("Free", "right"),
            ("Used in 28 days", "left"),
        ):
            table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
        for pool in now.pools:
            before = first.pool(pool.license_type)
            table.add_row(*self._row(pool, before))
        return table

    def _row(self, pool: Pool, before: Pool | None) -> list[str]:
        share = pool.used / pool.allocated if pool.allocated else 0
        return [
            pool.license_type.value,
            self._spark(pool.license_type),
            "?" if before is None else str(before.allocated),
            str(pool.allocated),
            str(pool.total),
            str(pool.available),
            f"{pool.used:>4}  {bar(share, 1, 10)} {share:.0%}",
        ]

    def _spark(self, license_type: LicenseType) -> str:
        pools = [summary.pool(license_type) for summary in self.summaries]
        allocated = [pool.allocated for pool in pools if pool is not None]
        return sparkline(thinned(allocated, WIDTH), WIDTH)

    def _idle(self, now: Summary) -> Iterator[RenderableType]:
        counts = {
            bucket: sum(seats.idle.get(bucket, 0) for seats in now.seats) for bucket in IdleBucket
        }
        yield line("How long ago the holders of seats were last there", "bold")
        most = max(counts.values(), default=0)
        for bucket, count in counts.items():
            if count or bucket is not IdleBucket.UNCLEAR:
                yield _idle_line(bucket, count, most)

    def _rest(self, now: Summary) -> Iterator[RenderableType]:
        weekly = thinned([_active(summary) for summary in self.summaries], WIDTH)
        yield line(
            f"seats in use    {sparkline(weekly, WIDTH, least=0)}  used within 7 days: "
            f"{min(weekly):.0f} in the quietest week, {max(weekly):.0f} in the busiest"
        )
        yield line(f"released        {self.released} idle seats in {self.runs} runs")
        yield line(f"came back       {self._back()}")
        yield line(f"may go next     {_releasable(now)} more seats, in later runs of 12 at most")
        if now.capacity is not None and now.capacity.enabled:
            used, whole = now.capacity.used_minutes, now.capacity.allocated_minutes
            yield line(
                f"minutes         {bar(used, whole, WIDTH)}  {used:,} of {whole:,} this month"
            )
        if now.license.days_left is not None:
            left = now.license.days_left
            yield line(
                f"license         valid until {now.license.valid_to}, {left} days left",
                "yellow" if left <= 90 else "",
            )

        if self.bill is not None:
            yield line(f"cost            {cost_words(self.bill)}")
        if self.spend is not None:
            yield line(f"budget          {budget_words(self.spend)}")
        yield from self._alerts()

    def _alerts(self) -> Iterator[RenderableType]:
        firing = [alert for alert in self.alerts if alert.state is AlertState.FIRING]
        over = sum(alert.state is AlertState.RESOLVED for alert in self.alerts)
        told = f"{len(firing)} firing" + (f", {over} came and went" if over else "")
        yield line(f"alerts          {told if firing or over else 'none'}")
        for alert in sorted(firing, key=_badness, reverse=True):
            style = "" if alert.severity is Severity.INFO else "yellow"
            yield line(
                f"  {alert.severity.value:<9} {alert.says}, since {alert.since:%d %B}", style
            )
            if (about := ABOUT.get(alert.key.rule)) is not None:
                yield line(f"{'':<12}{about.todo}", "bright_black")

    def _back(self) -> str:
        if not self.released:
            return "nobody"
        share = self.came_back / self.released
        asked = f"; {self.given_back} given back on request" if self.given_back else ""
        return f"{self.came_back} people who lost a seat hold one again, {share:.0%}{asked}"


def _idle_line(bucket: IdleBucket, count: int, most: int) -> Text:
    from rich.text import Text

    return Text.assemble(
        f"  {bucket.value:<9}",
        (f"{'█' * round(count / most * 40) if most else '':<40}", _COLOURS[bucket]),
        f"{count:>5}",
    )


def _active(summary: Summary) -> int:
    return sum(seats.idle.get(IdleBucket.WEEK, 0) for seats in summary.seats)


def _releasable(summary: Summary) -> int:
    return sum(seats.releasable for seats in summary.seats)


def _badness(alert: Alert) -> int:
    return list(Severity).index(alert.severity)
