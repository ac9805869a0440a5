"""Command `users`: who holds seats and when they used them last, from the store alone."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out
from seatkeeper.core.lookback import UserLine, UserQuery, UserSort
from seatkeeper.core.measures import MeasuredType
from seatkeeper.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

COLUMNS = (
    "site",
    "user",
    "license_type",
    "state",
    "excess",
    "created",
    "last_used",
    "idle_days",
    "first_seen",
    "minutes",
    "active_days",
    "active_months",
)
ROOM = 110
"""Columns of a terminal from which on the table tells active days, too."""


def users(
    ctx: typer.Context,
    *,
    idle: Annotated[
        str | None, typer.Option("--idle", help="Only who did not use it for so long, as in 30d.")
    ] = None,
    license_type: Annotated[
        MeasuredType | None, typer.Option("--type", help="Only this license type.")
    ] = None,
    sort: Annotated[UserSort, typer.Option("--sort", help="By what it is sorted.")] = UserSort.IDLE,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many lines.")
    ] = None,
    since: Annotated[
        str,
        typer.Option(
            "--since", help="Active days, and minutes of analyzer capacity, count from then on."
        ),
    ] = "28d",
    former: Annotated[
        bool, typer.Option("--former", help="Also who holds no seat of the type any more.")
    ] = False,
    site: options.Site = None,
    config: options.Config = None,
    output: options.ListingOption = options.Listing.TABLE,
) -> None:
    """List users with their seats and last use, as monitoring saw them. It names people.

    Reads the store, not the site. Idle counts the use of that license type alone; what a policy
    would release stands in `plan`. Who works on analyzer capacity is shown with the minutes used.
    Days with use are counted for each month (JSON, CSV; their sum in a table that has room).
    """
    from seatkeeper.cli import session as sessions
    from seatkeeper.cli.ledger import moment_since
    from seatkeeper.wiring.clock import SystemClock

    loaded = sessions.read_config(ctx, config)
    names = tuple(s.name for s in sessions.settings_of(loaded, site))
    now = SystemClock().now()
    first = moment_since(since, now).date()
    query = UserQuery(names, license_type, _length(idle, now), sort, limit, former, first)

    async def command(_stop: asyncio.Event) -> Exit:
        with sessions.open_store_of(loaded) as store:
            found = await store.past.users(query, now)
        _write(found, now, output)
        return Exit.DONE

    raise typer.Exit(carry_out(command))


def _length(text: str | None, now: datetime) -> timedelta | None:
    from seatkeeper.core.durations import parse_duration

    if text is None:
        return None
    try:
        length = parse_duration(text)
        _ = now - length  # before the first year there is no date to compare with
    except ValueError as error:
        raise UsageError(f"--idle {text}: {error}") from None
    except OverflowError:
        raise UsageError(f"--idle {text}: that is before the year 1, write less") from None
    return length


def _write(found: Sequence[UserLine], now: datetime, output: options.Listing) -> None:
    from seatkeeper.cli import render

    if output is options.Listing.CSV:
        render.write_csv(COLUMNS, (_cells(line, now) for line in found))
    elif output is options.Listing.JSON:
        render.write_json([_data(line, now) for line in found])
    else:
        render.show(UsersTable(tuple(found), now), options.Output.TABLE)


def _data(line: UserLine, now: datetime) -> dict[str, Any]:
    idle = line.idle_days(now)
    return {
        "site": line.site,
        "user": line.user,
        "license_type": line.license_type,
        "state": line.standing,
        "excess": line.excess,
        "created": line.created,
        "last_used": line.last_used,
        "idle_days": idle,
        "first_seen": line.first_seen,
        "minutes": line.minutes,
        "active_days": line.active_days,
        "active_months": {f"{month:%Y-%m}": days for month, days in line.active},
    }


def _cells(line: UserLine, now: datetime) -> list[Any]:
    """Return a row of the CSV; months stand in one cell, as in `2026-09:4 2026-10:12`."""
    told = _data(line, now)
    months = " ".join(f"{month}:{days}" for month, days in told["active_months"].items())
    return [*(told | {"active_months": months}).values()]


@dataclass(frozen=True, slots=True)
class UsersTable:
    """Users for people."""

    found: tuple[UserLine, ...]
    now: datetime

    def data(self) -> Any:
        """Return the JSON contract."""
        return [_data(line, self.now) for line in self.found]

    def drawing(self) -> Sequence[RenderableType]:
        """Return one table, or why there is none."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        from seatkeeper.cli.render import day, line, safe

        if not self.found:
            return [line("nobody; the history begins with the first monitoring cycle")]
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for name in ("Site", "User", "Type", "State", "Created", "Last used"):
            table.add_column(name)
        table.add_column("Idle days", justify="right")
        told = any(one.minutes is not None for one in self.found)
        if told:
            table.add_column("Minutes", justify="right")
        roomy = shutil.get_terminal_size().columns >= ROOM and any(o.active for o in self.found)
        if roomy:
            table.add_column("Active days", justify="right")
        for one in self.found:
            idle = one.idle_days(self.now)
            state = one.standing.value if one.standing else "no seat"
            words = (
                one.site,
                one.user or "(erased)",
                one.license_type.value,
                f"{state}, excess" if one.excess else state,
                day(one.created, none="?" if one.standing else ""),
                day(one.last_used),
                "" if idle is None else f"{idle}",
                *(["" if one.minutes is None else f"{one.minutes:,}"] if told else []),
                *([f"{one.active_days}"] if roomy else []),
            )
            table.add_row(*(Text(safe(word)) for word in words))
        return [table]
