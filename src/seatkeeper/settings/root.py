"""The whole configuration file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from seatkeeper.settings.alerts import AlertsSettings
from seatkeeper.settings.approval import ApprovalSettings
from seatkeeper.settings.console import ConsoleSettings, Privacy
from seatkeeper.settings.cost import CostSettings
from seatkeeper.settings.kinds import Wrong
from seatkeeper.settings.metrics import MetricsSettings
from seatkeeper.settings.part import Part, block
from seatkeeper.settings.places import StoreUrl, StoreUrlFile, hide_login
from seatkeeper.settings.retention import RetentionSettings
from seatkeeper.settings.site import SiteSettings
from seatkeeper.settings.values import choice


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """For whom logs are written."""

    CONSOLE = "console"
    JSON = "json"


class StoreSettings(Part):
    """Where plans, the ledger and the history are kept."""

    url_file: StoreUrlFile | None = Field(
        default=None,
        description="File whose first line is the address of the database, in place of url.",
        examples=["secrets/store_url"],
    )
    url: StoreUrl = Field(
        default=SecretStr("sqlite:///seatkeeper.db"),
        validate_default=True,
        description="Address of the database, SQLite or PostgreSQL; a relative file counts from"
        " this file's folder; default sqlite:///seatkeeper.db.",
        examples=["postgresql://seatkeeper:${STORE_PASSWORD}@db.example.com/seatkeeper"],
    )

    @field_validator("url", mode="before")
    @classmethod
    def _or_from_its_file(cls, url: str | SecretStr, info: ValidationInfo) -> str | SecretStr:
        """Take the address from `url_file`; the default (a SecretStr) gives way to it."""
        from_file = info.data.get("url_file")
        if from_file is None:
            return url
        if isinstance(url, str):
            raise Wrong("url_file is given as well", "keep one of the two")
        return SecretStr(from_file.get_secret_value())

    @property
    def shown(self) -> str:
        """The address of the database without user and password."""
        return hide_login(self.url.get_secret_value())


class LogSettings(Part):
    """What is logged, and how."""

    level: Annotated[LogLevel, choice(LogLevel, "the level")] = Field(
        default=LogLevel.INFO, description="The least important event to log; default info."
    )
    format: Annotated[LogFormat, choice(LogFormat, "the format")] = Field(
        default=LogFormat.CONSOLE,
        description="`console` for people, `json` for a log collector; default console.",
    )


class Settings(Part):
    """Everything in `seatkeeper.yaml`."""

    sites: tuple[SiteSettings, ...] = Field(description="The Qlik Sense sites.")
    approval: ApprovalSettings = block("What it takes for a person to approve a plan.")
    alerts: AlertsSettings = block("What is watched, and who is told.")
    metrics: MetricsSettings = block("Where the numbers go.")
    cost: CostSettings = block("What seats cost, and who pays for them.")
    store: StoreSettings = block("Where plans, the ledger and the history are kept.")
    retention: RetentionSettings = block("How long the history is kept.")
    console: ConsoleSettings = block("Where the console answers, and how people sign in.")
    privacy: Annotated[Privacy, choice(Privacy, "privacy")] = Field(
        default=Privacy.CLEAR,
        description="What viewers see in place of people: `clear` names, or `pseudonymous` ones"
        " (operators and above see clear names); default clear.",
    )
    log: LogSettings = block("What is logged, and how.")

    @field_validator("sites")
    @classmethod
    def _at_least_one(cls, sites: tuple[SiteSettings, ...]) -> tuple[SiteSettings, ...]:
        if not sites:
            raise Wrong("there is no site", "describe at least one, with name and qrs")
        return sites

    @model_validator(mode="after")
    def _sites_fit_together(self) -> Self:
        shared = [(s.name, s.license_shared_with) for s in self.sites]
        for fault in clashes([(n, () if w is None else w.sites) for n, w in shared]):
            raise fault
        for index, channel in enumerate(self.alerts.channels):
            if channel.site is not None and self.site(channel.site) is None:
                raise Wrong(
                    "no site of this file has this name",
                    f"write one of {', '.join(name for name, _ in shared)}",
                    at=("alerts", "channels", index, "site"),
                )
        return self

    @model_validator(mode="after")
    def _sites_are_there(self) -> Self:
        names = [site.name for site in self.sites]
        for at, wanted in self._named_sites():
            for index, name in enumerate(wanted):
                if self.site(name) is None:
                    near = get_close_matches(name, names, n=1)
                    raise Wrong(
                        "no site of this file has this name",
                        f"did you mean {near[0]}?" if near else f"write one of {', '.join(names)}",
                        at=(*at, "sites", index),
                    )
        return self

    def _named_sites(self) -> Iterator[tuple[tuple[str | int, ...], tuple[str, ...]]]:
        """Yield the lists of sites in other blocks, each with its place."""
        for rule, settings in self.alerts.each_rule():
            yield ("alerts", "rules", rule), settings.sites
        for index, group in enumerate(self.console.roles):
            yield ("console", "roles", index), group.sites
        for index, hook in enumerate(self.console.webhooks):
            yield ("console", "webhooks", index), hook.sites

    def site(self, name: str) -> SiteSettings | None:
        """Return the site of that name, letter case aside, None when there is none."""
        return next((s for s in self.sites if s.name.casefold() == name.casefold()), None)


def clashes(sites: Sequence[tuple[str, Sequence[str]]]) -> Iterator[Wrong]:
    """Find what is wrong between sites, each given as its name and `license_shared_with`.

    Names are unique without regard to case, and a shared license names other sites of the file.
    """
    first: dict[str, int] = {}
    for index, (name, _) in enumerate(sites):
        earlier = first.setdefault(name.casefold(), index)
        if earlier != index:
            yield Wrong(
                f"sites[{earlier}] has this name already (letter case does not matter)",
                "give every site a name of its own",
                at=("sites", index, "name"),
            )
    names = [name for name, _ in sites]
    for index, (name, shared_with) in enumerate(sites):
        for position, other in enumerate(shared_with):
            if not other:
                continue
            yield from _stranger(
                name, other, names, ("sites", index, "license_shared_with", position)
            )


def _stranger(
    name: str, other: str, names: list[str], at: tuple[str | int, ...]
) -> Iterator[Wrong]:
    if other.casefold() == name.casefold():
        yield Wrong("a site shares its license with other sites", "take its own name out", at=at)
    elif other.casefold() not in {n.casefold() for n in names}:
        near = get_close_matches(other, [n for n in names if n != name], n=1)
        cure = f"did you mean {near[0]}?" if near else "write others for a site not in this file"
        yield Wrong("no site of this file has this name", cure, at=at)
