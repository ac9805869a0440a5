"""`demo`: the whole job on a simulated site, with the very commands an administrator types."""

from __future__ import annotations

import asyncio
import json
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
from seatkeeper.errors import SeatkeeperError

if TYPE_CHECKING:
    from seatkeeper.simulator.serve import Simulator

USERS = 400
PERSON = "Dana Demo"

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
      limits: {{max_per_run: 12, max_per_day: 12}}
    schedule: {{monitor: every 1 minute, release: '0 3 * * *', timezone: Europe/Stockholm}}
store: {{url: sqlite:///seatkeeper.db}}
console: {{listen: '127.0.0.1:{port}'}}
"""


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End after the tour.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Keep everything here instead of a new folder.")
    ] = None,
    port: Annotated[int, typer.Option("--port", help="Where the daemon listens.")] = 8484,
) -> None:
    """Show the whole job on a simulated site: plan, apply, verify, give a seat back."""

    async def command(stop: asyncio.Event) -> Exit:
        place = _folder(folder)
        try:
            return await _Tour(place, port, stop).go(once=once)
        finally:
            if folder is None:
                shutil.rmtree(place, ignore_errors=True)

    raise typer.Exit(carry_out(command, gently=True))


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

    async def go(self, *, once: bool) -> Exit:
        from seatkeeper.simulator.options import SimOptions
        from seatkeeper.simulator.serve import Simulator

        _say(f"A simulated Qlik Sense site with {USERS} users is being set up …")
        options = SimOptions(users=USERS, seed=11, state_dir=self.folder / "site")
        async with Simulator(options) as simulator:
            self._write_config(simulator)
            _say(f"It listens at {simulator.url} (mutual TLS).")
            _say(f"Everything is in {self.folder} meanwhile.")
            code = await self._tour()
            if once or code is not Exit.DONE or self.stop.is_set():
                return Exit.INTERRUPTED if self.stop.is_set() else code
            return await self._stay()

    def _write_config(self, simulator: Simulator) -> None:
        from seatkeeper.wiring.clock import SystemClock

        today = SystemClock().now().date()
        text = CONFIG.format(url=simulator.url, person=PERSON, today=today, port=self.port)
        (self.folder / "seatkeeper.yaml").write_text(text, encoding="utf-8")

    async def _tour(self) -> Exit:
        await self._show("Is everything in order?", ["check"])
        await self._show("Which seats does nobody use, and why do the others stay?", ["plan"])
        plan = await self._newest_plan()
        before = await self._json(["status", "--site", "demo"])
        passed = self._override(plan)
        applying = ["apply", plan["plan_id"], "--yes", "--by", PERSON, *passed]
        await self._show("Release exactly these seats; each is looked at again first.", applying)
        await self._show("Can it be proved afterwards?", ["ledger", "verify"])
        user = plan["actions"][0]["user"]
        undoing = ["undo", "--user", user, "--yes", "--by", PERSON, "--reason", "came back"]
        await self._show(f"{user} is back from leave: give the seat back.", undoing)
        await self._show("Why does this person keep the seat?", ["explain", user])
        await self._show("What was recorded?", ["ledger", "show", "--limit", "6"])
        after = await self._json(["status", "--site", "demo"])
        self._sum_up(plan, before, after)
        return Exit.DONE

    async def _newest_plan(self) -> dict[str, Any]:
        """Return the plan that was just shown, as `plan --output json` would have it."""
        import os

        from seatkeeper.cli.plan_view import plan_data
        from seatkeeper.cli.session import open_store_of
        from seatkeeper.config import load
        from seatkeeper.wiring.clock import SystemClock

        with open_store_of(load(self.folder / "seatkeeper.yaml", os.environ)) as store:
            newest = await store.plans.newest("demo", SystemClock().now())
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

    def _sum_up(self, plan: dict[str, Any], before: Any, after: Any) -> None:
        _say("\nIn short")
        for earlier, later in zip(before["pools"], after["pools"], strict=True):
            _say(
                f"  {earlier['license_type']:<13} {earlier['available']:>4} of "
                f"{earlier['total']} seats free before, {later['available']} now"
            )
        _say(
            f"  {len(plan['actions'])} idle seats were planned and released, one was given back, "
            f"{len(plan['deferred'])} more wait for later runs."
        )
        _say("  Everything is in the ledger, and the ledger verifies.")

    async def _stay(self) -> Exit:
        address = f"http://127.0.0.1:{self.port}/readyz"
        _say(f"\nThe daemon runs now: {address}  (Ctrl-C ends it)")
        process = await self._start(["serve"], None)
        waiting = asyncio.ensure_future(process.wait())
        stopping = asyncio.ensure_future(self.stop.wait())
        await asyncio.wait((waiting, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if process.returncode is None:
            process.terminate()
        code = await waiting
        return Exit.DONE if self.stop.is_set() else Exit(code)

    async def _show(self, why: str, words: Sequence[str]) -> None:
        _say(f"\n── {why}\n$ seatkeeper {shlex.join(words)}")
        process = await self._start(words, None)
        code = await process.wait()
        if code != Exit.DONE:
            raise SeatkeeperError(f"`seatkeeper {shlex.join(words)}` ended with {code}")

    async def _json(self, words: Sequence[str]) -> Any:
        process = await self._start([*words, "--output", "json"], asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        if process.returncode != Exit.DONE:
            raise SeatkeeperError(f"`seatkeeper {shlex.join(words)}` ended {process.returncode}")
        return json.loads(out)

    async def _start(self, words: Sequence[str], stdout: int | None) -> asyncio.subprocess.Process:
        config = self.folder / "seatkeeper.yaml"
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "seatkeeper", "-c", str(config), *words, stdout=stdout
        )


def _say(text: str) -> None:
    typer.echo(text, err=False)
    sys.stdout.flush()
