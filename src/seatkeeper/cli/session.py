"""What a command works with: the configuration, the store, the open sites."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from seatkeeper import logs
from seatkeeper.cli import render
from seatkeeper.config import Loaded, find, load
from seatkeeper.errors import UsageError
from seatkeeper.flow.context import Records, Site
from seatkeeper.settings import Settings, SiteSettings
from seatkeeper.store import Owner, Store
from seatkeeper.wiring.clock import SystemClock
from seatkeeper.wiring.readers import OpenSite, open_records, open_sites


@dataclass(frozen=True, slots=True)
class Session:
    """Everything open for one command."""

    loaded: Loaded
    store: Store
    records: Records
    opened: list[OpenSite]
    clock: SystemClock

    @property
    def settings(self) -> Settings:
        """The whole configuration."""
        return self.loaded.settings

    @property
    def sites(self) -> list[Site]:
        """Every configured site as the flow sees it."""
        return [o.site for o in self.opened]

    def chosen(self, name: str | None) -> list[OpenSite]:
        """Return the named site, or all of them; raises UsageError for an unknown name."""
        if name is None:
            return self.opened
        return [self.one(name)]

    def one(self, name: str | None) -> OpenSite:
        """Return the named site, or the only one; raises UsageError otherwise."""
        if name is None and len(self.opened) == 1:
            return self.opened[0]
        if name is None:
            raise UsageError(f"--site is needed; the configuration has {_names(self.settings)}")
        wanted = settings_of(self.loaded, name)[0].name
        return next(o for o in self.opened if o.site.name == wanted)


def settings_of(loaded: Loaded, name: str | None) -> tuple[SiteSettings, ...]:
    """Return the named site (any case), or all of them; raises UsageError for an unknown name."""
    if name is None:
        return loaded.settings.sites
    found = loaded.settings.site(name)
    if found is None:
        has = _names(loaded.settings)
        raise UsageError(f"there is no site {name!r}; the configuration has {has}")
    return (found,)


def _names(settings: Settings) -> str:
    return ", ".join(site.name for site in settings.sites)


def read_config(ctx: typer.Context, config: Path | None, *, warn: bool = True) -> Loaded:
    """Read the configuration named after the command, before it, or by default; set up logs.

    `warn`: say on stderr what is worth a warning in it.
    """
    chosen = config or (ctx.find_root().obj or {}).get("config")
    loaded = load(find(chosen, os.environ), os.environ)
    logs.set_up(loaded.settings.log.level, loaded.settings.log.format)
    for warning in loaded.warnings if warn else ():
        render.say(f"warning: {warning}")
    return loaded


@contextmanager
def open_store_of(loaded: Loaded) -> Iterator[Store]:
    """Open the store alone, for commands that need no site."""
    store, _ = open_records(loaded.settings)
    try:
        yield store
    finally:
        store.close()


@asynccontextmanager
async def open_session(loaded: Loaded, owner: Owner | None = None) -> AsyncIterator[Session]:
    """Open the store (on the leases of `owner`, if given) and every site of the configuration."""
    clock = SystemClock()
    store, records = open_records(loaded.settings, owner)
    try:
        sites: list[SiteSettings] = list(loaded.settings.sites)
        four_eyes = loaded.settings.approval.four_eyes
        attribute = loaded.settings.cost.attribute or ""
        async with open_sites(sites, clock, attribute, four_eyes=four_eyes) as opened:
            yield Session(loaded, store, records, opened, clock)
    finally:
        store.close()
