"""`demo`: half a year of a simulated site, then the whole job on it.

What happens now is done with the very commands an administrator types.
"""

from __future__ import annotations

import asyncio
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out
from seatkeeper.errors import Interrupted, SeatkeeperError

if TYPE_CHECKING:
    from datetime import datetime

    from seatkeeper.cli.demo_past import HalfYear
    from seatkeeper.simulator.serve import Simulator

USERS = 400
ANALYZER = 330
PERSON = "Dana Demo"
LIVE_EVERY = 15.0
"""Seconds after which the people of the site log in, join and leave as time has passed."""

CONFIG = """\
# Written by `seatkeeper demo`: a simulated site on this machine.
sites:
  - name: demo
    qrs:
      url: {url}
      ca_file: site/root.pem
      cert_file: site/client.pem
      key_file: site/client_key.pem
      user: 'INTERNAL\\sa_api'
    license_shared_with: []
    policy:
      mode: approve
      agreement_reviewed: {{by: {person}, on: {today}}}
      professional: {{enabled: true, release_after: 90d}}
      analyzer: {{enabled: true, release_after: 60d}}
      never_release:
        patterns: [{{match: '*\\svc_*', owner: {person}, reason: service accounts}}]
      limits: {{max_per_run: 12, max_per_day: 60}}
    schedule: {{monitor: every 1 minute, release: '0 3 * * *', timezone: Europe/Stockholm}}
store: {{url: sqlite:///seatkeeper.db}}
console: {{listen: '127.0.0.1:{port}'}}
cost:
  currency: EUR
  professional: {{per_seat_month: 40}}
  analyzer: {{per_seat_month: 15}}
  budget_month: 6600
  attribute: Department
metrics: {{prometheus: {{listen: '127.0.0.1:{metrics}'}}}}
log: {{level: warning}}
"""


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End after the tour.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Keep everything here instead of a new folder.")
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            "--port", min=1, max=65534, help="Where the console answers; its numbers: one above."
        ),
    ] = 8484,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the console in a browser.")
    ] = True,
) -> None:
    """Show the whole job on a simulated site: plan, apply, verify, give a seat back.

    Half a year of the site is lived through first, with a reading a day. Without --once it goes on
    with the console: a link opens it, and a plan waits there for a decision.
    """

    async def command(stop: asyncio.Event) -> Exit:
        if not once:
            _require_free(port)
        place = _folder(folder)
        try:
            return await _Tour(place, port, stop, browser).go(once=once)
        finally:
            if folder is None:
                shutil.rmtree(place, ignore_errors=True)

    raise typer.Exit(carry_out(command, gently=True))


def _require_free(port: int) -> None:
    """Say at once, and not after the tour, that something else answers there."""
    from seatkeeper.errors import UsageError
    from seatkeeper.web.server import bind

    for wanted in (port, port + 1):
        try:
            bind(f"127.0.0.1:{wanted}").close()
        except UsageError as error:
            raise UsageError(
                f"port {wanted} is taken, perhaps by another demo: end that, or give --port"
            ) from error


def _folder(folder: Path | None) -> Path:
    """Return an empty place; what an earlier demo left in the named folder is replaced."""
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="seatkeeper-demo-"))
    for name in ("site", "seatkeeper.db", "seatkeeper.db-wal", "seatkeeper.db-shm"):
        old = folder / name
        if old.is_dir():
            shutil.rmtree(old)
        else:
            old.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass
class _Tour:
    """One tour; `told` collects what the summary at the end says."""

    folder: Path
    port: int
    stop: asyncio.Event
    browser: bool

    async def go(self, *, once: bool) -> Exit:
        from seatkeeper.cli.demo_past import DAYS, LICENSE_LEFT, begin
        from seatkeeper.simulator.options import SimOptions
        from seatkeeper.simulator.serve import Simulator
        from seatkeeper.wiring.clock import SystemClock

        _say(f"A simulated Qlik Sense site with {USERS} users is being set up …")
        began = begin(SystemClock().now())
        options = SimOptions(
            users=USERS,
            analyzer=ANALYZER,
            seed=11,
            state_dir=self.folder / "site",
            now=began,
            speed=0,
            live_every=LIVE_EVERY,
            license_days=DAYS + LICENSE_LEFT,
        )
        async with Simulator(options) as simulator:
            self._write_config(simulator)
            _say(f"It listens at {simulator.url} (mutual TLS).")
            _say(f"Everything is in {self.folder} meanwhile.")
            half = await self._live(simulator, began)
            code = await self._tour(simulator, half)
            if once or code is not Exit.DONE or self.stop.is_set():
                return Exit.INTERRUPTED if self.stop.is_set() else code
            return await self._stay()

    async def _live(self, simulator: Simulator, began: datetime) -> HalfYear:
        """Let half a year pass, as if Seatkeeper had been watching since."""
        from seatkeeper.cli.demo_past import DAYS, live_half_year, settings_in

        _say(
            f"\n── Half a year passes, from {began:%d %B %Y} to now: {DAYS} days, each with a "
            "reading;\n   every four weeks somebody releases what is idle."
        )
        settings = settings_in(self.folder)
        return await live_half_year(simulator, settings, PERSON, _say, self.stop)

    def _write_config(self, simulator: Simulator) -> None:
        from seatkeeper.wiring.clock import SystemClock

        today = SystemClock().now().date()
        text = CONFIG.format(
            url=simulator.url, person=PERSON, today=today, port=self.port, metrics=self.port + 1
        )
        (self.folder / "seatkeeper.yaml").write_text(text, encoding="utf-8")

    async def _tour(self, simulator: Simulator, half: HalfYear) -> Exit:
        await self._show("Is everything in order?", ["check"])
        await self._show(
            "Which seats does nobody use, and why do the others stay?", ["plan", "--by", PERSON]
        )
        plan = await self._newest_plan()
        passed = self._override(plan)
        applying = ["apply", plan["plan_id"], "--yes", "--by", PERSON, *passed]
        await self._show("Release exactly these seats; each is looked at again first.", applying)
        await self._show("Can it be proved afterwards?", ["ledger", "verify"])
        user = _somebody(simulator, [action["user"] for action in plan["actions"]])
        undoing = ["undo", "--user", user, "--yes", "--by", PERSON, "--reason", "came back"]
        await self._show(f"{user} is back from leave: give the seat back.", undoing)
        await self._show("Why does this person keep the seat?", ["explain", user])
        await self._show("What was recorded?", ["ledger", "show", "--limit", "6"])
        await self._sum_up(half)
        return Exit.DONE

    async def _newest_plan(self) -> dict[str, Any]:
        """Return the plan that was just shown, as `plan --output json` would have it."""
        from seatkeeper.cli.demo_past import settings_in
        from seatkeeper.cli.plan_view import plan_data
        from seatkeeper.wiring.clock import SystemClock
        from seatkeeper.wiring.readers import open_records

        store, _ = open_records(settings_in(self.folder))
        try:
            newest = await store.plans.newest("demo", SystemClock().now())
        finally:
            store.close()
        if newest is None:
            raise SeatkeeperError("the plan was not recorded")
        return plan_data(newest)

    def _override(self, plan: dict[str, Any]) -> list[str]:
        """The first plan of a site often breaks a limit; a person passes it, by name."""
        limits = sorted({v["limit"] for v in plan["violations"]})
        if not limits:
            return ["--reason", "looked through the list"]
        _say(
            f"\nThe plan is blocked by {', '.join(limits)}: years of unused seats look like a "
            "mistake until a person says they are not. That is what --override is for."
        )
        words = [word for limit in limits for word in ("--override", limit)]
        return [*words, "--reason", "first clean-up, looked through the list"]

    async def _sum_up(self, half: HalfYear) -> None:
        from seatkeeper.cli import render
        from seatkeeper.cli.demo_past import glance, settings_in

        page = await glance(settings_in(self.folder), half, PERSON)
        render.draw(page.drawing())
        _say("\nEverything is in the ledger, and the ledger verifies.")

    async def _stay(self) -> Exit:
        from seatkeeper.cli.demo_stay import Stay

        _say("\nOne more plan is made, for you to decide about.")
        process = await self._start(["plan", "--by", PERSON], stdout=asyncio.subprocess.DEVNULL)
        if await process.wait() != Exit.DONE:
            raise SeatkeeperError("no plan could be made")
        plan = await self._newest_plan()
        blocked = ", blocked by a limit" if plan["violations"] else ""
        waiting = f"A plan of {len(plan['actions'])} seats waits for you there{blocked}."
        staying = Stay(self.folder, _here(), self._start, _say, self.stop, browser=self.browser)
        return await staying.go(waiting)

    async def _show(self, why: str, words: Sequence[str]) -> None:
        _say(f"\n── {why}\n$ seatkeeper {shlex.join(words)}")
        process = await self._start(words)
        code = await process.wait()
        if self.stop.is_set():
            raise Interrupted("the demo ends")
        if code != Exit.DONE:
            raise SeatkeeperError(f"`seatkeeper {shlex.join(words)}` ended with {code}")

    async def _start(self, words: Sequence[str], **options: Any) -> asyncio.subprocess.Process:
        config = self.folder / "seatkeeper.yaml"
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "seatkeeper", "-c", str(config), *words, **options
        )


def _somebody(simulator: Simulator, users: Sequence[str]) -> str:
    """Choose somebody who may come back: most of the longest idle have left."""
    find = simulator.site.records.find_user
    return next((user for user in users if not find(user).inactive), users[0])


def _here() -> str:
    """Return how this very command is called, which need not be on the PATH."""
    return shlex.quote(sys.argv[0]) if Path(sys.argv[0]).name == "seatkeeper" else "seatkeeper"


def _say(text: str) -> None:
    typer.echo(text, err=False)
    sys.stdout.flush()
