"""Commands on the ledger: to show, export, verify and erase. None opens a site."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from seatkeeper.cli import options
from seatkeeper.cli.asking import confirmed
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out
from seatkeeper.core.durations import parse_duration
from seatkeeper.core.record import Kind
from seatkeeper.errors import LedgerBroken, SeatkeeperError, UsageError

if TYPE_CHECKING:
    from seatkeeper.store import LedgerQuery

app = typer.Typer(
    name="ledger",
    help="The record of what was decided and done: by whom, when and why.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class ExportFormat(StrEnum):
    """How an export is written."""

    JSON = "json"
    CSV = "csv"


Plan = Annotated[str | None, typer.Option("--plan", help="Only this plan.")]
RunId = Annotated[str | None, typer.Option("--run", help="Only this run.")]
User = Annotated[str | None, typer.Option("--user", help="Only DIR\\id, in any case.")]
KindOption = Annotated[Kind | None, typer.Option("--kind", help="Only this kind of record.")]
Since = Annotated[
    str | None,
    typer.Option("--since", help="From then on: a date, an RFC 3339 time, or a length as 7d."),
]
Until = Annotated[
    str | None,
    typer.Option("--until", help="Before then, written as --since is."),
]
By = Annotated[str | None, typer.Option("--by", help="Only what this person did, in any case.")]


@app.command()
def show(
    ctx: typer.Context,
    *,
    config: options.Config = None,
    site: options.Site = None,
    plan_id: Plan = None,
    run_id: RunId = None,
    user: User = None,
    kind: KindOption = None,
    since: Since = None,
    until: Until = None,
    by: By = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="So many at most.")] = 50,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Show the newest records that match, the newest last."""
    from seatkeeper.cli import render
    from seatkeeper.cli.ledger_view import RecordsView
    from seatkeeper.cli.session import open_store_of, read_config

    query = _query(site, plan_id, run_id, user, kind, by, since, until)
    loaded = read_config(ctx, config)

    async def command(_stop: asyncio.Event) -> Exit:
        with open_store_of(loaded) as store:
            records = await store.ledger.show(query, limit)
            render.show(RecordsView(records), output)
        return Exit.DONE

    raise typer.Exit(carry_out(command))


@app.command()
def export(
    ctx: typer.Context,
    *,
    form: Annotated[ExportFormat, typer.Option("--format", help="json or csv.")],
    output_file: Annotated[
        Path | None, typer.Option("--output-file", help="Write here instead of to stdout.")
    ] = None,
    config: options.Config = None,
    site: options.Site = None,
    plan_id: Plan = None,
    run_id: RunId = None,
    user: User = None,
    kind: KindOption = None,
    since: Since = None,
    until: Until = None,
    by: By = None,
) -> None:
    """Write every record that matches, oldest first, as JSON or CSV. It names people."""
    from seatkeeper.cli import ledger_view, render
    from seatkeeper.cli.session import open_store_of, read_config

    query = _query(site, plan_id, run_id, user, kind, by, since, until)
    loaded = read_config(ctx, config)
    write = (
        ledger_view.write_csv_export if form is ExportFormat.CSV else ledger_view.write_json_export
    )

    async def command(_stop: asyncio.Event) -> Exit:
        with open_store_of(loaded) as store, _destination(output_file) as out:
            number = await write(store.ledger.pages(query), out)
        where = f" to {output_file}" if output_file else ""
        render.say(f"{number} records written{where}")
        return Exit.DONE

    raise typer.Exit(carry_out(command))


@app.command()
def verify(
    ctx: typer.Context,
    *,
    head: Annotated[
        str | None, typer.Option("--head", help="A head noted down earlier, as SEQ:HASH.")
    ] = None,
    config: options.Config = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Verify every record and print the head to note down. Exit 1 names the first bad record."""
    from seatkeeper.cli import render
    from seatkeeper.cli.ledger_view import BrokenView, VerifiedView
    from seatkeeper.cli.session import open_store_of, read_config
    from seatkeeper.wiring.clock import SystemClock, this_actor

    loaded = read_config(ctx, config)

    async def command(_stop: asyncio.Event) -> Exit:
        with open_store_of(loaded) as store:
            try:
                who = this_actor().by
                verified = await store.ledger.check(who, SystemClock().now(), head)
            except LedgerBroken as error:
                render.show(BrokenView(error.seq, str(error)), output)
                raise
            render.show(VerifiedView(verified, compared=head is not None), output)
        return Exit.DONE

    raise typer.Exit(carry_out(command))


@app.command()
def record(
    ctx: typer.Context,
    seq: Annotated[int, typer.Argument(help="The number of the record.")],
    *,
    config: options.Config = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Show one record with its evidence, and whether it is as it was written."""
    from seatkeeper.cli import render
    from seatkeeper.cli.ledger_view import RecordView
    from seatkeeper.cli.session import open_store_of, read_config

    loaded = read_config(ctx, config)

    async def command(_stop: asyncio.Event) -> Exit:
        with open_store_of(loaded) as store:
            found, holds = await store.ledger.record(seq), await store.ledger.holds(seq)
            render.show(RecordView(found, holds), output)
        return Exit.DONE

    raise typer.Exit(carry_out(command))


@app.command()
def state(
    ctx: typer.Context,
    *,
    config: options.Config = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Tell at once how the chain stands: its head, and when it was last verified as a whole."""
    from seatkeeper.cli import render
    from seatkeeper.cli.ledger_view import StateView
    from seatkeeper.cli.session import open_store_of, read_config

    loaded = read_config(ctx, config)

    async def command(_stop: asyncio.Event) -> Exit:
        with open_store_of(loaded) as store:
            render.show(StateView(await store.ledger.state()), output)
        return Exit.DONE

    raise typer.Exit(carry_out(command))


@app.command()
def erase(
    ctx: typer.Context,
    user: Annotated[str, typer.Argument(help="The person, as 'DIRECTORY\\id', in any case.")],
    *,
    by: Annotated[str, typer.Option("--by", help="Who decides.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the ledger.")],
    yes: options.Yes = False,
    config: options.Config = None,
) -> None:
    """Erase a person from the store; the ledger still verifies. It cannot be taken back."""
    from seatkeeper.cli import render
    from seatkeeper.cli.session import open_store_of, read_config
    from seatkeeper.wiring.clock import SystemClock, this_actor

    loaded = read_config(ctx, config)
    confirmed(f"Erase {user} from the store? Nobody can take that back.", yes=yes)

    async def command(_stop: asyncio.Event) -> Exit:
        with open_store_of(loaded) as store:
            now = SystemClock().now()
            erased = await store.ledger.erase(user.strip(), this_actor(by), reason, now)
        render.say(
            f"the person is erased: {erased.plans} plans rewritten, {erased.releases} releases "
            f"and {erased.requests} requests blanked, {erased.messages} undelivered messages "
            "dropped; the ledger still verifies"
        )
        return Exit.DONE

    raise typer.Exit(carry_out(command))


def _query(  # noqa: PLR0917 - one for each option
    site: str | None,
    plan_id: str | None,
    run_id: str | None,
    user: str | None,
    kind: Kind | None,
    by: str | None,
    since: str | None,
    until: str | None,
) -> LedgerQuery:
    from seatkeeper.store import LedgerQuery
    from seatkeeper.wiring.clock import SystemClock

    now = SystemClock().now()
    return LedgerQuery(
        site=site,
        plan_id=plan_id,
        run_id=run_id,
        kind=kind,
        since=moment_since(since, now) if since else None,
        until=moment_since(until, now, "--until") if until else None,
        person=user,
        by=by,
    )


def moment_since(text: str, now: datetime, option: str = "--since") -> datetime:
    """Read a date, a time (UTC unless it names a zone) or a length of time before `now`."""
    try:
        return now - parse_duration(text)
    except (ValueError, OverflowError):
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{option} {text}: write a date, a time or a length, as in 2026-11-24 or 7d"
        ) from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


@contextmanager
def _destination(path: Path | None) -> Iterator[IO[str]]:
    """Open where an export goes; a file appears only when it is whole, for its owner alone."""
    if path is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    part = path.with_name(f"{path.name}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(handle, "w", encoding="utf-8", newline="") as out:  # noqa: PTH123 - a descriptor
            yield out
        part.replace(path)
    except OSError as error:
        raise SeatkeeperError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
