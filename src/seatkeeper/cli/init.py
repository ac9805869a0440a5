"""Command `init`: a few questions, a look at the site, a commented configuration file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seatkeeper.cli import options
from seatkeeper.cli.asking import agreed, answered, somebody_is_there
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out
from seatkeeper.errors import SeatkeeperError, UsageError

if TYPE_CHECKING:
    from seatkeeper.cli.config_text import Answers
    from seatkeeper.config import Loaded
    from seatkeeper.core.proposals import Proposal

DEFAULT_NAME = "seatkeeper.yaml"
LOCAL_TIME = Path("/etc/localtime")


def init(
    ctx: typer.Context,
    *,
    config: options.Config = None,
    site_name: Annotated[
        str | None, typer.Option("--site-name", help="Name of the site; prod.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", help="Address of the Repository Service, or its host alone."),
    ] = None,
    certificates: Annotated[
        Path | None,
        typer.Option("--certificates", help="Folder with the exported certificates; certs."),
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", help="User to work as; INTERNAL\\sa_api.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", help="Time zone of the site; this machine's.")
    ] = None,
    store: Annotated[
        str | None, typer.Option("--store", help="Database; sqlite:///seatkeeper.db.")
    ] = None,
    read: Annotated[
        bool, typer.Option("--read/--no-read", help="Read the site to propose exemptions.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: take defaults and all proposals.")
    ] = False,
) -> None:
    """Write a first configuration: 90 days, mode observe, exemptions proposed from the site."""
    path = config or (ctx.find_root().obj or {}).get("config") or Path(DEFAULT_NAME)
    asks = _Asking(ask=not yes and somebody_is_there())
    _may_write(path, asks, force=force)
    given = {
        "site_name": site_name,
        "url": url,
        "certificates": str(certificates) if certificates else None,
        "user": user,
        "timezone": timezone,
        "store": store,
    }
    answers = _answers(asks, path, given)

    try:
        proposals = _proposals(path, answers) if read else []
        _write(path, answers, [p for p in proposals if asks.takes(p)])
    finally:
        _part(path).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Asking:
    """Asks when somebody is there to answer, and takes the default otherwise."""

    ask: bool

    def text(self, question: str, default: str | None, given: str | None) -> str:
        """Return what was given on the command line, else the answer, else the default."""
        if given is not None:
            return given.strip()
        if not self.ask:
            if default is None:
                raise UsageError(f"{question}: nobody can be asked; say it on the command line")
            return default
        return answered(question, default)

    def takes(self, proposal: Proposal) -> bool:
        """Show whom a proposal protects, and ask whether to take it."""
        from seatkeeper.cli import render
        from seatkeeper.wiring.check_site import protected

        exemption = proposal.exemption
        words = f"{exemption.text} ({exemption.reason}): {protected(proposal.users)}"
        if not self.ask:
            render.say(f"protect {words}")
            return True
        return agreed(f"protect {render.safe(words)}?", default=True)


def _may_write(path: Path, asks: _Asking, *, force: bool) -> None:
    if not path.exists() or force:
        return
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file with -c")
    if asks.ask and agreed(f"{path} is there already. Replace it?"):
        return
    raise UsageError(f"{path} is there already and was left as it is; --force replaces it")


def _answers(asks: _Asking, path: Path, given: Mapping[str, str | None]) -> Answers:
    from seatkeeper.cli.config_text import Answers

    name = asks.text("Name of the site", "prod", given["site_name"])
    address = asks.text("Address or host of the Repository Service (QRS)", None, given["url"])
    typed = asks.text("Folder with the certificates", "certs", given["certificates"])
    folder = _as_written(Path(typed), path)
    return Answers(
        site=name,
        url=full_url(address),
        ca_file=f"{folder}/root.pem",
        cert_file=f"{folder}/client.pem",
        key_file=f"{folder}/client_key.pem",
        user=asks.text("User to work as", "INTERNAL\\sa_api", given["user"]),
        timezone=asks.text("Time zone of the site", local_zone(), given["timezone"]),
        store=asks.text("Database", "sqlite:///seatkeeper.db", given["store"]),
    )


def full_url(text: str) -> str:
    """Complete an address of which only the host, or host and port, was said."""
    url = text.strip().rstrip("/")
    if "://" in url or not url:
        return url
    host, slash, rest = url.partition("/")
    port = "" if host.rpartition(":")[2].isdecimal() and ":" in host else ":4242"
    return f"https://{host}{port}/{rest if slash else 'qrs'}"


def local_zone() -> str:
    """Return the name of this machine's time zone, UTC where it cannot be told."""
    named = os.environ.get("TZ", "").lstrip(":")
    linked = os.path.realpath(LOCAL_TIME).partition("/zoneinfo/")[2]
    name = next((zone for zone in (named, linked) if zone and _is_zone(zone)), "UTC")
    return "UTC" if name in ("Etc/UTC", "Etc/UCT", "Zulu") else name


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _as_written(folder: Path, config: Path) -> str:
    """Relative paths count from the file, not from where the command was typed."""
    here = config.absolute().parent == Path.cwd()
    return (folder if folder.is_absolute() or here else folder.absolute()).as_posix()


def _proposals(path: Path, answers: Answers) -> list[Proposal]:
    """Read the site, then propose; the questions come when nothing runs any more."""
    from seatkeeper.cli.config_text import config_text

    loaded = _loaded(path, config_text(answers))
    found: list[Proposal] = []

    async def command(_stop: asyncio.Event) -> Exit:
        found.extend(await _read(loaded))
        return Exit.DONE

    code = carry_out(command)
    if code is not Exit.DONE:
        raise typer.Exit(code)
    return found


async def _read(loaded: Loaded) -> Sequence[Proposal]:
    """Read the site if that is possible; what is in the way is said and keeps nothing."""
    from seatkeeper.cli import render
    from seatkeeper.cli.running import progress_on_stderr
    from seatkeeper.core.proposals import proposals_for
    from seatkeeper.errors import IncompleteRead, QrsError
    from seatkeeper.flow.collect import collect
    from seatkeeper.wiring.clock import SystemClock
    from seatkeeper.wiring.readers import open_sites

    clock = SystemClock()
    progress_on_stderr()("reading the site", 0, 0)
    async with open_sites(loaded.settings.sites, clock) as opened:
        site = opened[0].site
        try:
            snapshot = await collect(site.name, site.reader, clock.now())
        except (QrsError, IncompleteRead) as error:
            said = "the site could not be read, so no exemptions are proposed"
            render.say(f"warning: {said}: {error}")
            return ()
    render.say(f"read {len(snapshot.users)} users and {len(snapshot.allocations)} seats")
    return proposals_for(snapshot.users.values())


def _write(path: Path, answers: Answers, proposals: Sequence[Proposal]) -> None:
    from seatkeeper.cli import render
    from seatkeeper.cli.config_text import config_text

    text = config_text(answers, proposals)
    _loaded(path, text)
    _part(path).replace(path)
    option = "" if path == Path(DEFAULT_NAME) else f"-c {path} "
    render.say(
        f"{path} is written: mode observe, nothing is ever released until you change that.\n"
        f"Next: seatkeeper {option}check, then: seatkeeper {option}plan"
    )


def _loaded(path: Path, text: str) -> Loaded:
    """Write beside the file to be and load that; raises ConfigError for answers that are unsound.

    A file that is already there is not touched by this.
    """
    from seatkeeper.config import load

    part = _part(path)
    try:
        part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SeatkeeperError(f"{path} cannot be written: {error.strerror}") from error
    return load(part, os.environ)


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")
