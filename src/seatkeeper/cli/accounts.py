"""Commands on accounts, with which people sign in to the console: add, change, remove, list."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.granting import PasswordFile, RoleOption, Sites, grants_of, password_from
from seatkeeper.cli.running import carry_out
from seatkeeper.core.roles import Role
from seatkeeper.errors import UsageError

app = typer.Typer(
    name="accounts",
    help="Who may sign in to the console with a password, and what they may do there.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(help="The name that the person signs in with.")]


@app.command()
def add(
    ctx: typer.Context,
    *,
    name: Name,
    role: RoleOption,
    site: Sites = None,
    password_file: PasswordFile = None,
    by: options.By = None,
    config: options.Config = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Add an account. The password is asked for, unseen, or read from a file."""
    from seatkeeper.cli import session as sessions

    loaded = sessions.read_config(ctx, config)
    grants = grants_of(loaded, role, site)
    password = password_from(password_file, name)

    async def command(_stop: asyncio.Event) -> Exit:
        from seatkeeper.cli import render
        from seatkeeper.cli.access_view import AccountView
        from seatkeeper.wiring.clock import SystemClock, this_actor

        with sessions.open_store_of(loaded) as store:
            now = SystemClock().now()
            added = await store.accounts.add(name, password, grants, this_actor(by), now)
        render.show(AccountView(added, now, "added"), output)
        return Exit.DONE

    raise typer.Exit(carry_out(command))


@app.command()
def change(
    ctx: typer.Context,
    *,
    name: Name,
    role: Annotated[
        Role | None, typer.Option("--role", help="The role from now on; takes --site along.")
    ] = None,
    site: Sites = None,
    new_password: Annotated[
        bool, typer.Option("--new-password", help="Ask for another password.")
    ] = False,
    password_file: PasswordFile = None,
    by: options.By = None,
    config: options.Config = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Give an account another role or password. Its sessions end: sign in anew."""
    from seatkeeper.cli import session as sessions

    anew = new_password or password_file is not None
    if role is None and (site or not anew):
        raise UsageError("say what changes: --role (with --site), --new-password or both")
    loaded = sessions.read_config(ctx, config)
    grants = None if role is None else grants_of(loaded, role, site)
    password = password_from(password_file, name) if anew else None

    async def command(_stop: asyncio.Event) -> Exit:
        from seatkeeper.cli import render
        from seatkeeper.cli.access_view import AccountView
        from seatkeeper.wiring.clock import SystemClock, this_actor

        with sessions.open_store_of(loaded) as store:
            now, actor = SystemClock().now(), this_actor(by)
            changed = await store.accounts.change(
                name, actor, now, password=password, grants=grants
            )
        render.show(AccountView(changed, now, "changed"), output)
        return Exit.DONE

    raise typer.Exit(carry_out(command))


@app.command()
def remove(
    ctx: typer.Context,
    *,
    name: Name,
    by: options.By = None,
    config: options.Config = None,
) -> None:
    """Remove an account. Whoever is signed in with it is signed out at once."""
    from seatkeeper.cli import session as sessions

    loaded = sessions.read_config(ctx, config)

    async def command(_stop: asyncio.Event) -> Exit:
        from seatkeeper.cli import render
        from seatkeeper.wiring.clock import SystemClock, this_actor

        with sessions.open_store_of(loaded) as store:
            await store.accounts.remove(name, this_actor(by), SystemClock().now())
            left = await store.accounts.count()
        render.say(f"account {name} removed; {left or 'none'} left")
        return Exit.DONE

    raise typer.Exit(carry_out(command))


@app.command("list")
def list_accounts(
    ctx: typer.Context,
    *,
    config: options.Config = None,
    output: options.ListingOption = options.Listing.TABLE,
) -> None:
    """List the accounts with their roles, and when somebody last signed in."""
    from seatkeeper.cli import session as sessions

    loaded = sessions.read_config(ctx, config)

    async def command(_stop: asyncio.Event) -> Exit:
        from seatkeeper.cli.access_view import write_accounts
        from seatkeeper.wiring.clock import SystemClock

        with sessions.open_store_of(loaded) as store:
            found = await store.accounts.all()
        write_accounts(found, SystemClock().now(), output)
        return Exit.DONE

    raise typer.Exit(carry_out(command))
