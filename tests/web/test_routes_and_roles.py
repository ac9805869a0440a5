"""Who may reach what: every address of console and API, for every role; none without an entry."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from api_world import COST, Seeded, seeded
from console_world import World, a_console
from seatkeeper.core.roles import Role
from seatkeeper.web.api.events import Streams
from seatkeeper.web.sealed import Purpose, Seal

API_PAGE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")

OPEN, READ, RUN, DECIDE = None, Role.VIEWER, Role.OPERATOR, Role.APPROVER


@dataclass(frozen=True)
class Entry:
    """One address: the least role that it is for (None: open), what is sent, whose it is.

    `of_site`: what it names lies on one site, so that a role on another does not even see it.
    """

    least: Role | None
    body: dict[str, Any] | None = None
    form: dict[str, str] | None = None
    of_site: bool = False
    query: dict[str, str] = field(default_factory=dict)


def read(**more: Any) -> Entry:
    """Return the entry of something that everybody with a role may read."""
    return Entry(READ, **more)


WHY = {"reason": "seen to"}

ENTRIES = {
    # open to everybody
    "GET /healthz": Entry(OPEN),
    "HEAD /healthz": Entry(OPEN),
    "GET /readyz": Entry(OPEN),
    "HEAD /readyz": Entry(OPEN),
    "GET /sign-in": Entry(OPEN),
    "POST /sign-in": Entry(OPEN, form={"name": "x", "password": "y"}),
    "GET /sign-in/oidc": Entry(OPEN),
    "GET /sign-in/oidc/back": Entry(OPEN),
    "GET /welcome": Entry(OPEN),
    "POST /welcome": Entry(OPEN, form={"key": "x"}),
    "POST /theme": Entry(OPEN, form={"theme": "dark"}),
    # pages
    "POST /sign-out": Entry(READ, form={}),
    "GET /": read(),
    "GET /users": read(),
    "GET /users.csv": read(),
    "POST /users/search": read(form={"text": "x"}),
    "GET /users/{site}/{sealed}": read(of_site=True),
    "GET /plans": read(),
    "POST /plans": Entry(RUN, form={"site": "prod"}, of_site=True),
    "GET /plans/{plan_id}": read(of_site=True),
    "GET /plans/{plan_id}/progress": read(of_site=True),
    "POST /plans/{plan_id}/leave-out": Entry(DECIDE, form={"out": "seat-of-u0"}, of_site=True),
    "POST /plans/{plan_id}/approve": Entry(DECIDE, form=WHY, of_site=True),
    "POST /plans/{plan_id}/reject": Entry(DECIDE, form=WHY, of_site=True),
    "POST /plans/{plan_id}/undo": Entry(DECIDE, form=WHY, of_site=True),
    "GET /ledger": read(),
    "POST /ledger/search": read(form={"text": "x"}),
    "GET /ledger.csv": read(),
    "GET /ledger.json": read(),
    "GET /alerts": read(),
    "POST /alerts/silences": Entry(
        RUN, form={"about": "prod", "length": "4h", **WHY}, of_site=True
    ),
    "POST /alerts/silences/{silence_id}/end": Entry(RUN, form=WHY, of_site=True),
    "GET /cost": read(),
    "GET /settings": read(),
    "GET /account": read(),
    "POST /account/password": Entry(READ, form={"old": "x", "new": "y", "again": "y"}),
    "POST /account/sessions/end": Entry(READ, form={}),
    "POST /settings/check": Entry(RUN, form={"site": "prod"}, of_site=True),
    # the API
    "GET /api/v1/openapi.json": read(),
    "GET /api/v1/me": read(),
    "GET /api/v1/sites": read(),
    "GET /api/v1/sites/{site}": read(of_site=True),
    "GET /api/v1/sites/{site}/pools": read(of_site=True),
    "GET /api/v1/sites/{site}/cost": read(of_site=True),
    "GET /api/v1/sites/{site}/users": read(of_site=True),
    "POST /api/v1/sites/{site}/users/search": read(body={"text": "x"}, of_site=True),
    "GET /api/v1/sites/{site}/users/{ref}": read(of_site=True),
    "GET /api/v1/plans": read(),
    "POST /api/v1/plans": Entry(RUN, body={"site": "prod"}, of_site=True),
    "GET /api/v1/plans/{plan_id}": read(of_site=True),
    "GET /api/v1/plans/{plan_id}/seats": read(of_site=True),
    "GET /api/v1/plans/{plan_id}/progress": read(of_site=True),
    "POST /api/v1/plans/{plan_id}/approve": Entry(DECIDE, body={}, of_site=True),
    "POST /api/v1/plans/{plan_id}/leave-out": Entry(
        DECIDE, body={"without": ["seat-of-u0"]}, of_site=True
    ),
    "POST /api/v1/plans/{plan_id}/reject": Entry(DECIDE, body=WHY, of_site=True),
    "GET /api/v1/requests": read(),
    "GET /api/v1/requests/{request_id}": read(of_site=True),
    "POST /api/v1/undo-requests": Entry(
        DECIDE, body={"site": "prod", "user": r"EXAMPLE\u0", **WHY}, of_site=True
    ),
    "GET /api/v1/runs": read(),
    "GET /api/v1/runs/{run_id}": read(of_site=True),
    "GET /api/v1/ledger": read(),
    "GET /api/v1/ledger/head": read(),
    "GET /api/v1/ledger/{seq}": read(of_site=True),
    "GET /api/v1/alerts": read(),
    "GET /api/v1/silences": read(),
    "POST /api/v1/silences": Entry(RUN, body={"site": "prod", "minutes": 5, **WHY}, of_site=True),
    "POST /api/v1/silences/{silence_id}/lift": Entry(RUN, body={}, of_site=True),
    "GET /api/v1/health": read(),
    "GET /api/v1/checks": read(),
    "POST /api/v1/checks": Entry(RUN, body={"site": "prod"}, of_site=True),
    "GET /api/v1/events": read(),
}

MOUNTED = {"/static"}
"""Files for everybody: styles and icons."""


def routes(world: World) -> Iterator[str]:
    """Give every address that the application answers, as `METHOD /path`."""
    for one in iter_route_contexts(world.app.routes):
        if isinstance(one.original_route if hasattr(one, "original_route") else one, Mount):
            continue
        for method in sorted(one.methods or ()):
            yield f"{method} {one.path}"


@dataclass
class Asking:
    """A filled console, and how each of its addresses is asked."""

    world: World
    held: Seeded

    async def ask(self, them: httpx.AsyncClient, name: str) -> httpx.Response:
        """Ask one address as somebody."""
        entry = ENTRIES[name]
        method, _, path = name.partition(" ")
        return await them.request(
            method,
            self.filled(path),
            json=entry.body,
            data=entry.form,
            params=entry.query,
            headers=await self.word(them, entry),
        )

    async def word(self, them: httpx.AsyncClient, entry: Entry) -> dict[str, str]:
        """Return the word of the session that forms carry, for who has a session."""
        if entry.form is None or "authorization" in them.headers or not them.cookies:
            return {}
        (secret,) = them.cookies.values()
        idle = self.world.settings.console.session.idle
        session = await self.world.store.sessions.find(secret, idle, self.world.now)
        return {"X-CSRF-Token": session.csrf if session is not None else ""}

    def filled(self, path: str) -> str:
        """Return an address with what it names filled in."""
        held, seal = self.held, Seal(b"a secret of the store")
        plan = held.applied if "undo" in path else held.waiting
        parts = {
            "site": held.site,
            "sealed": seal.close(held.person, Purpose.PERSON, held.site),
            "ref": seal.close(held.person, Purpose.PERSON, held.site),
            "plan_id": plan.plan_id,
            "request_id": held.request_id,
            "silence_id": held.silence_id,
            "run_id": held.run_id,
            "seq": 1,
        }
        return re.sub(r"{(\w+)(?::\w+)?}", lambda found: str(parts[found[1]]), path)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Seeded]:
    """The store of a console with two sites, the first of them filled, and what it holds."""
    folder = tmp_path_factory.mktemp("filled")

    async def fill() -> Seeded:
        async with a_console(folder, COST) as world:
            return await seeded(world)

    return folder / "console.db", asyncio.run(fill())


@pytest_asyncio.fixture
async def asking(tmp_path: Path, filled: tuple[Path, Seeded]) -> AsyncIterator[Asking]:
    """A console on a copy of that store."""
    store, held = filled
    shutil.copy(store, tmp_path / "console.db")
    async with a_console(tmp_path, COST) as world:
        world.app.state.streams = Streams(longest=0)
        yield Asking(world, held)


async def test_every_address_has_an_entry_and_every_entry_an_address(asking: Asking) -> None:
    assert sorted(set(routes(asking.world))) == sorted(ENTRIES)
    mounted = {r.path for r in asking.world.app.routes if isinstance(r, Mount)}
    assert mounted == MOUNTED


async def test_every_address_of_the_api_stands_in_its_documentation() -> None:
    named = [n.replace("/api/v1", "") for n in ENTRIES if "/api/v1/" in n and "openapi" not in n]

    assert [name for name in named if f"`{name}`" not in API_PAGE] == []


@pytest.mark.parametrize("name", [n for n, e in ENTRIES.items() if e.least is not None])
async def test_nobody_reaches_anything_without_signing_in(asking: Asking, name: str) -> None:
    async with asking.world.browser() as nobody:
        answer = await asking.ask(nobody, name)

    if "/api/" in name:
        assert answer.status_code == 401
    else:
        assert (answer.status_code, answer.headers["location"][:8]) == (303, "/sign-in")


def each_role() -> Iterator[tuple[str, tuple[Role, ...]]]:
    """Give every closed address with all roles; what changes something, with each on its own."""
    for name, entry in ENTRIES.items():
        if entry.least is not None and name.startswith("GET"):
            yield name, tuple(Role)
        elif entry.least is not None:
            yield from ((name, (role,)) for role in Role)


@pytest.mark.parametrize(("name", "roles"), [*each_role()])
async def test_each_role_reaches_what_it_may_and_nothing_else(
    asking: Asking, name: str, roles: tuple[Role, ...]
) -> None:
    least = ENTRIES[name].least
    assert least is not None
    for role in roles:
        them = await asking.world.signed_in(role)
        if "/api/" in name:
            them = await asking.world.with_token(role)
        async with them:
            answer = await asking.ask(them, name)

        if role.rank >= least.rank:
            assert answer.status_code in (200, 201, 202, 303), answer.text[:300]
        else:
            assert answer.status_code == 403


@pytest.mark.parametrize("name", [n for n, e in ENTRIES.items() if e.of_site])
async def test_a_role_on_another_site_sees_and_touches_nothing_here(
    asking: Asking, name: str
) -> None:
    before = (await asking.world.store.ledger.head()).seq
    them = await asking.world.signed_in(Role.ADMIN, sites=("test",))
    made = 0
    if "/api/" in name:
        them, made = await asking.world.with_token(Role.ADMIN, "test"), 1
    async with them:
        answer = await asking.ask(them, name)

    hidden = 403 if name == "POST /alerts/silences" else 404  # its form lists no such site
    assert answer.status_code == hidden
    assert (await asking.world.store.ledger.head()).seq == before + made


@pytest.mark.parametrize(
    "name",
    [
        n
        for n, e in ENTRIES.items()
        if n.startswith("GET") and e.least is not None and not e.of_site
    ],
)
async def test_what_a_role_on_another_site_is_shown_names_nothing_of_this_one(
    asking: Asking, name: str
) -> None:
    them = await asking.world.signed_in(Role.ADMIN, sites=("test",))
    if "/api/" in name:
        them = await asking.world.with_token(Role.ADMIN, "test")
    async with them:
        answer = await asking.ask(them, name)
    held = asking.held
    theirs = (held.waiting.plan_id, held.applied.plan_id, held.run_id, r"EXAMPLE\u0", "maintenance")

    assert answer.status_code == 200
    assert [word for word in theirs if word in answer.text] == []
    shown = "" if "openapi" in name else answer.text
    assert '"prod"' not in shown
    assert ">prod<" not in shown
