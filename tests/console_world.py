"""A console in a test: a real store and configuration, and browsers that are signed in or not."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
from fastapi import FastAPI

from builders import NOW
from config_files import URL, load_text
from seatkeeper.core.health import Heartbeat
from seatkeeper.core.roles import Grant, Identity, Role, SignIn
from seatkeeper.flow.context import Site
from seatkeeper.settings import Settings, SiteSettings
from seatkeeper.store import Store, open_store
from seatkeeper.web.app import make_app
from seatkeeper.web.desk import Desk
from seatkeeper.web.who import cookie_name
from seatkeeper.wiring.readers import records_of
from stored import JANE

SITES = f"""\
sites:
  - name: prod
    qrs: {{url: {URL}}}
    license_shared_with: []
    policy: {{mode: approve, agreement_reviewed: {{by: Jane Doe, on: 2026-11-01}}}}
  - name: test
    qrs: {{url: {URL}}}
    license_shared_with: []
"""

PASSWORD = "correct horse battery staple"

_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_WORD = re.compile(r'name="word" value="([^"]+)"')


@dataclass
class World:
    """One console: its desk, its application, and a clock that stands until it is moved."""

    store: Store
    settings: Settings
    now: datetime = NOW
    beat: Heartbeat = field(default_factory=lambda: Heartbeat(started=NOW, last_look=NOW))
    secure: bool = False

    def __post_init__(self) -> None:
        self.desk = Desk(
            settings=self.settings,
            store=self.store,
            records=records_of(self.store),
            sites={s.name: _site(s, self.settings) for s in self.settings.sites},
            now=lambda: self.now,
            beat=lambda: self.beat,
            secure=self.secure,
            account="svc_seatkeeper",
            host="ops-1",
        )
        self.app: FastAPI = make_app(self.desk, b"a secret of the store")

    def browser(self, peer: str = "127.0.0.1", **options: Any) -> httpx.AsyncClient:
        """Return a browser of somebody who is not signed in."""
        scheme = "https" if self.secure else "http"
        transport = httpx.ASGITransport(app=self.app, client=(peer, 50000))
        return httpx.AsyncClient(transport=transport, base_url=f"{scheme}://seats", **options)

    async def signed_in(
        self,
        role: Role = Role.ADMIN,
        *,
        sites: tuple[str, ...] = (),
        name: str = "Ingrid Berg",
        grants: tuple[Grant, ...] = (),
    ) -> httpx.AsyncClient:
        """Return the browser of somebody with this role, on all sites or some, or with grants."""
        identity = Identity(name, SignIn.LINK, grants or (Grant(role, frozenset(sites) or None),))
        secret = await self.store.sessions.begin(identity, timedelta(hours=12), self.now)
        browser = self.browser()
        browser.cookies.set(cookie_name(self.desk), secret)
        return browser

    async def with_account(self, name: str = "Ingrid Berg", role: Role = Role.ADMIN) -> None:
        """Add an account whose password is `PASSWORD`."""
        await self.store.accounts.add(name, PASSWORD, [Grant(role)], JANE, self.now)

    async def with_token(self, role: Role = Role.ADMIN, *sites: str) -> httpx.AsyncClient:
        """Return a program with a token."""
        grant = Grant(role, frozenset(sites) or None)
        secret = await self.store.tokens.make(
            f"script-{role.value}-{len(await self.store.tokens.all())}",
            [grant],
            timedelta(days=30),
            JANE,
            self.now,
        )
        return self.browser(headers={"Authorization": f"Bearer {secret}"})


def _site(one: SiteSettings, settings: Settings) -> Site:
    # No page may read a site: a reader that is not there makes every try an error.
    reader = cast("Any", None)
    four_eyes = settings.approval.four_eyes
    return Site(one.name, one.to_policy(), reader, four_eyes=four_eyes)


@contextlib.asynccontextmanager
async def a_console(
    folder: Path, more: str = "", *, text: str = SITES, secure: bool = False
) -> AsyncIterator[World]:
    """Open a console on a store of its own; `more` are further lines of the configuration."""
    loaded = load_text(folder, f"{text}{more}")
    store = open_store(f"sqlite:///{folder}/console.db")
    try:
        yield World(store, loaded.settings, secure=secure)
    finally:
        store.close()


def csrf_of(answer: httpx.Response) -> str:
    """Return the word that the forms of a page carry."""
    found = _CSRF.search(answer.text)
    assert found is not None, answer.text[:500]
    return found[1]


def word_of(answer: httpx.Response) -> str:
    """Return the word of the sign-in form."""
    found = _WORD.search(answer.text)
    assert found is not None, answer.text[:500]
    return found[1]
