"""Accounts and tokens as people and programs see them; never a password, a token once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from seatkeeper.cli import render
from seatkeeper.cli.options import Listing
from seatkeeper.cli.render import line, moment, safe
from seatkeeper.core.lockout import FREE_TRIES_ANYWHERE, locked_until
from seatkeeper.core.roles import Grant

if TYPE_CHECKING:
    from rich.console import RenderableType

    from seatkeeper.store.accounts import Account
    from seatkeeper.store.tokens import Token

ACCOUNT_COLUMNS = (
    "name",
    "roles",
    "added_at",
    "added_by",
    "password_at",
    "signed_in_at",
    "waits_until",
)
TOKEN_COLUMNS = ("name", "owner", "roles", "made_at", "ends_at", "used_at", "ended")


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account, and what was just done to it."""

    account: Account
    now: datetime
    done: str

    def data(self) -> Any:
        """Return the JSON contract of `accounts add` and `accounts change`."""
        return account_data(self.account, self.now)

    def drawing(self) -> Sequence[RenderableType]:
        """Return what people see."""
        return [line(f"account {self.account.name} {self.done}: {_words(self.account.grants)}")]


@dataclass(frozen=True, slots=True)
class NewTokenView:
    """A token that was just made, with its secret."""

    token: Token
    secret: str
    now: datetime

    def data(self) -> Any:
        """Return the JSON contract of `tokens make`."""
        return {**token_data(self.token, self.now), "token": self.secret}

    def drawing(self) -> Sequence[RenderableType]:
        """Return the secret alone, so that a script may read it."""
        return [line(self.secret)]


def account_data(account: Account, now: datetime) -> dict[str, Any]:
    """Return an account for programs."""
    return {
        "name": account.name,
        "roles": [_grant_data(grant) for grant in account.grants],
        "added_at": account.added_at,
        "added_by": account.added_by,
        "password_at": account.password_at,
        "signed_in_at": account.signed_in_at,
        "waits_until": locked_until(account.failures, account.failed_at, now, FREE_TRIES_ANYWHERE),
    }


def token_data(token: Token, now: datetime) -> dict[str, Any]:
    """Return a token for programs, without its secret."""
    return {
        "name": token.name,
        "owner": token.owner,
        "roles": [_grant_data(grant) for grant in token.grants],
        "made_at": token.made_at,
        "ends_at": token.ends_at,
        "used_at": token.used_at,
        "ended": token.ends_at <= now,
    }


def _grant_data(grant: Grant) -> dict[str, Any]:
    return {"role": grant.role, "sites": None if grant.sites is None else sorted(grant.sites)}


def _words(grants: Sequence[Grant]) -> str:
    return "; ".join(grant.words for grant in grants)


def write_accounts(found: Sequence[Account], now: datetime, output: Listing) -> None:
    """Write the accounts to stdout."""
    rows = [(account_data(a, now), _words(a.grants)) for a in found]
    if output is not Listing.TABLE:
        _write(ACCOUNT_COLUMNS, rows, output)
        return
    shown = [
        (
            a.name,
            _words(a.grants),
            f"{moment(a.added_at)}, {a.added_by}",
            moment(a.password_at),
            moment(a.signed_in_at),
            moment(locked_until(a.failures, a.failed_at, now, FREE_TRIES_ANYWHERE), none=""),
        )
        for a in found
    ]
    titles = ("Account", "Role", "Added (UTC)", "Password of", "Last signed in", "Waits until")
    nobody = "no account; add one with `seatkeeper accounts add NAME --role admin`"
    render.draw([_table(titles, shown) if shown else line(nobody)])


def write_tokens(found: Sequence[Token], now: datetime, output: Listing) -> None:
    """Write the tokens to stdout, never their secrets."""
    rows = [(token_data(t, now), _words(t.grants)) for t in found]
    if output is not Listing.TABLE:
        _write(TOKEN_COLUMNS, rows, output)
        return
    shown = [
        (
            t.name,
            t.owner,
            _words(t.grants),
            moment(t.made_at),
            moment(t.ends_at) + (" (ended)" if t.ends_at <= now else ""),
            moment(t.used_at),
        )
        for t in found
    ]
    titles = ("Token", "Answers for it", "Role", "Made (UTC)", "Ends", "Last used")
    none = "no token; make one with `seatkeeper tokens make NAME --role viewer --for 90d`"
    render.draw([_table(titles, shown) if shown else line(none)])


def _write(
    columns: Sequence[str], rows: Sequence[tuple[dict[str, Any], str]], output: Listing
) -> None:
    if output is Listing.JSON:
        render.write_json([data for data, _ in rows])
        return
    flat = [{**data, "roles": words} for data, words in rows]
    render.write_csv(columns, ([data[column] for column in columns] for data in flat))


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        table.add_column(title)
    for row in rows:
        table.add_row(*(Text(safe(cell)) for cell in row))
    return table
