"""An administrator's desk: a configuration, a store, sites behind relays, and the real command."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from e2e_processes import LONG, SEATKEEPER, Ended, Running, running, wait_until
from e2e_proxy import Relay
from e2e_site import SiteProcess, a_site

RESTING = {"monitor": "every 30 days", "release": "every 30 days", "timezone": "UTC"}
"""A daemon with this schedule reads once at its start and then only does what it is told."""


@dataclass
class Place:
    """One site as the desk reaches it."""

    site: SiteProcess
    relay: Relay
    concurrency: int = 2
    policy: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] = field(default_factory=lambda: dict(RESTING))
    qrs: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=lambda: {"license_shared_with": []})

    def settings(self, name: str) -> dict[str, Any]:
        """The site as the configuration file has it."""
        folder = self.site.folder
        qrs = {
            "url": f"https://127.0.0.1:{self.relay.port}/qrs",
            "ca_file": str(folder / "root.pem"),
            "cert_file": str(folder / "client.pem"),
            "key_file": str(folder / "client_key.pem"),
            "user": "INTERNAL\\sa_api",
            "concurrency": self.concurrency,
            **self.qrs,
        }
        return {
            "name": name,
            "qrs": qrs,
            "policy": policy(**self.policy),
            "schedule": self.schedule,
            **self.more,
        }


def policy(**changes: Any) -> dict[str, Any]:
    """A policy that plans a few seats of a site of 200; `limits` are merged, the rest replaced."""
    limits = {"max_per_run": 6, "max_per_day": 1000, "max_share": "50%"}
    limits |= changes.pop("limits", {})
    return {
        "mode": "approve",
        "agreement_reviewed": {"by": "Jane Doe", "on": "2026-01-15"},
        "professional": {"release_after": "30d"},
        "analyzer": {"release_after": "30d"},
        "limits": limits,
        **changes,
    }


@dataclass
class Desk:
    """Where the command is typed; `places` are the sites by name."""

    folder: Path
    places: dict[str, Place]
    store_url: str
    listen: int = 0
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def place(self) -> Place:
        """The only site, or the first."""
        return next(iter(self.places.values()))

    @property
    def site(self) -> SiteProcess:
        """The process of the only site."""
        return self.place.site

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "seatkeeper.yaml"

    def write_config(self, **more: Any) -> None:
        """Write the file anew; JSON is YAML."""
        settings = {
            "sites": [place.settings(name) for name, place in self.places.items()],
            "store": {"url": self.store_url},
            "console": {"listen": f"127.0.0.1:{self.listen or free_port()}"},
            **more,
        }
        self.config.write_text(json.dumps(settings, indent=1), encoding="utf-8")

    def change(self, **policy_: Any) -> None:
        """Change the policy of the only site."""
        self.place.policy = policy_
        self.write_config()

    # The command

    def words(self, *words: str) -> list[str]:
        """The command line of a command."""
        return [str(SEATKEEPER), "-c", str(self.config), *words]

    def run(self, *words: str, seconds: float = LONG) -> Ended:
        """Run a command to its end."""
        with running(self.words(*words)) as process:
            return process.wait(seconds)

    def start(self, *words: str) -> Running:
        """Start a command; it is gone at the latest when the desk is cleared."""
        process = Running(self.words(*words))
        self.stack.callback(process.close)
        return process

    def plan(self) -> dict[str, Any]:
        """Make a plan of the only site."""
        made: dict[str, Any] = self.run("plan", "--site", "prod", "-o", "json").expect(0).json
        return made

    def apply(self, plan_id: str, *words: str) -> Ended:
        """Apply a plan without being asked."""
        return self.run("apply", plan_id, "--yes", "-o", "json", *words)

    def serve(self) -> Running:
        """Start the daemon on a free port of its own and wait until it answers."""
        process = self.start_daemon()
        wait_until(
            lambda: self.health("healthz") or not process.lives, "the daemon answers", 30, 0.05
        )
        assert process.lives, process.errors()
        return process

    def start_daemon(self) -> Running:
        """Start the daemon on a free port of its own."""
        self.listen = free_port()
        self.write_config()
        return self.start("serve")

    def health(self, page: str) -> tuple[int, dict[str, Any]] | None:
        """Ask a health page of the daemon started last; None while nobody answers."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.listen}/{page}", timeout=5
            ) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except (OSError, ValueError):
            return None

    # The store, read from outside

    def rows(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        """Select from the store; no rows while its tables are not there yet."""
        if self.store_url.startswith("postgresql"):
            with psycopg.connect(self.store_url) as connection:
                return connection.execute(sql.replace("?", "%s"), values).fetchall()
        path = self.store_url.removeprefix("sqlite:///")
        try:
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
                return store.execute(sql, values).fetchall()
        except sqlite3.OperationalError:
            return []

    def age_what_is_open(self) -> None:
        """Let everything not settled have been meant so long ago that nothing is on its way."""
        long_ago = f"{datetime.now(UTC) - timedelta(minutes=5):%FT%T}.000000Z"
        for table in ("plan_action", "give_back"):
            self._write(
                f"UPDATE {table} SET intended_at = ? "  # noqa: S608 - two names of our own
                "WHERE (outcome IS NULL OR outcome = 'unknown') AND intended_at IS NOT NULL",
                long_ago,
            )

    def _write(self, sql: str, *values: str) -> None:
        if self.store_url.startswith("postgresql"):
            with psycopg.connect(self.store_url) as connection:
                connection.execute(sql.replace("?", "%s"), values)
            return
        path = self.store_url.removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(path, timeout=20)) as store, store:
            store.execute(sql, values)

    def status_of(self, plan_id: str) -> str:
        """The status of a plan as stored."""
        found = self.rows("SELECT status FROM plan WHERE plan_id = ?", plan_id)
        return str(found[0][0]) if found else ""

    def intents(self, plan_id: str) -> list[str]:
        """The seats of a plan for which an intent is written and no outcome."""
        sql = "SELECT allocation_id FROM plan_action WHERE plan_id = ? AND outcome IS NULL"
        return [row[0] for row in self.rows(sql, plan_id)]

    def outcomes(self, plan_id: str) -> dict[str, str]:
        """What became of the seats of a plan, by allocation, as far as it is recorded."""
        sql = (
            "SELECT allocation_id, outcome FROM plan_action "
            "WHERE plan_id = ? AND outcome IS NOT NULL"
        )
        return dict(self.rows(sql, plan_id))

    def ledger(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        """Plan and evidence of every ledger record of a kind, oldest first."""
        sql = "SELECT plan_id, body FROM ledger WHERE kind = ? ORDER BY seq"
        return [(plan, json.loads(body)) for plan, body in self.rows(sql, kind)]

    def holder(self) -> str | None:
        """Which kind of run holds a site now."""
        found = self.rows("SELECT kind FROM lease WHERE owner IS NOT NULL")
        return str(found[0][0]) if found else None


def free_port() -> int:
    """Find a port of the loopback interface that is free now."""
    import socket  # noqa: PLC0415 - one use

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def a_desk(
    folder: Path,
    *,
    store_url: str = "",
    concurrency: int = 2,
    policy_: Mapping[str, Any] | None = None,
    schedule: Mapping[str, Any] | None = None,
    qrs: Mapping[str, Any] | None = None,
    **site: Any,
) -> Iterator[Desk]:
    """Set up a desk with one site `prod`; everything is ended with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        place = a_place(stack, folder / "site", **site)
        place.concurrency = concurrency
        place.policy = dict(policy_ or {})
        place.schedule = {**RESTING, **(schedule or {})}
        place.qrs = dict(qrs or {})
        url = store_url or f"sqlite:///{folder / 'seatkeeper.db'}"
        desk = Desk(folder, {"prod": place}, url, stack=stack)
        desk.write_config()
        yield desk


@contextlib.contextmanager
def a_desk_at(site: SiteProcess, folder: Path) -> Iterator[Desk]:
    """Set up a desk at a site that runs already."""
    with contextlib.ExitStack() as stack:
        place = Place(site, stack.enter_context(Relay(site.port)))
        desk = Desk(folder, {"prod": place}, f"sqlite:///{folder / 'seatkeeper.db'}", stack=stack)
        desk.write_config()
        yield desk


def a_place(stack: contextlib.ExitStack, folder: Path, **options: Any) -> Place:
    """Start a site and the relay before it."""
    site = stack.enter_context(a_site(folder, **options))
    return Place(site, stack.enter_context(Relay(site.port)))
