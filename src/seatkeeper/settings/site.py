"""One site: how it is reached, its policy and its schedule."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from seatkeeper.core.policy import Policy, Shared, SharedKind
from seatkeeper.core.schedule import Schedule
from seatkeeper.settings.kinds import Kind, Wrong, plain_text, simple
from seatkeeper.settings.part import Part, block
from seatkeeper.settings.places import FilePath, QrsUrl, Secret, SecretFile
from seatkeeper.settings.policy import PolicySettings
from seatkeeper.settings.values import Account, ScheduleText, YesNo, Zone, duration, whole, words

OTHERS = "others"
LONGEST_NAME = 64


class QrsSettings(Part):
    """How the Repository Service (QRS) of a site is reached."""

    url: QrsUrl = Field(
        description="Address of the Repository Service, with port and /qrs.",
        examples=["https://sense.example.com:4242/qrs"],
    )
    ca_file: FilePath = Field(
        default=Path("certs/root.pem"),
        validate_default=True,
        description="Certificate of the site's own authority (PEM); default certs/root.pem.",
    )
    cert_file: FilePath = Field(
        default=Path("certs/client.pem"),
        validate_default=True,
        description="Client certificate (PEM); default certs/client.pem.",
    )
    key_file: FilePath = Field(
        default=Path("certs/client_key.pem"),
        validate_default=True,
        description="Private key of the client certificate (PEM), readable by nobody else;"
        " default certs/client_key.pem.",
    )
    key_password: Secret | None = Field(
        default=None,
        description="Password of the private key, if it has one.",
        examples=["${SEATKEEPER_KEY_PASSWORD}"],
    )
    key_password_file: SecretFile | None = Field(
        default=None,
        description="File whose first line is the password of the private key.",
        examples=["secrets/key_password"],
    )
    user: Account = Field(
        default="INTERNAL\\sa_api",
        description=r"User as whom Seatkeeper works, as `DIRECTORY\id`; default `INTERNAL\sa_api`.",
    )
    concurrency: Annotated[int, whole(least=1, most=32)] = Field(
        default=4, description="Requests in flight at once, 1 to 32; default 4."
    )
    timeout: Annotated[timedelta, duration(least=timedelta(seconds=1), most=timedelta(hours=1))] = (
        Field(
            default=timedelta(seconds=60),
            description="Longest wait for one answer, 1s to 1h; default 60s.",
            examples=["60s"],
        )
    )
    verify_host_name: YesNo = Field(
        default=True,
        description="Whether the name in the site's certificate must be the one in url; the"
        " certificate itself is always verified; default true.",
    )

    @field_validator("key_password_file")
    @classmethod
    def _only_one_password(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None and info.data.get("key_password") is not None:
            raise Wrong("key_password is given as well", "keep one of the two")
        return value

    @property
    def key_secret(self) -> SecretStr | None:
        """The password of the private key, from wherever it was given."""
        return self.key_password or self.key_password_file


class ScheduleSettings(Part):
    """When the site is looked at and when seats are released."""

    monitor: ScheduleText = Field(
        default=Schedule.parse("every 15 minutes"),
        description="When the site is read: cron, or time since the last run; default every 15"
        " minutes.",
    )
    release: ScheduleText = Field(
        default=Schedule.parse("0 3 * * *"),
        description="When plans are made (and released in mode auto): cron, or time since the last"
        " run; default '0 3 * * *'.",
    )
    timezone: Zone = Field(
        default=ZoneInfo("UTC"),
        description="Time zone of cron texts, pauses and last days of exemptions; default UTC.",
        examples=["Europe/Stockholm"],
    )


def _site_name(text: str) -> str:
    if text.lower() == OTHERS:
        raise Wrong("this word has a meaning of its own", "choose another name")
    if len(text) > LONGEST_NAME or any(c in text for c in "/\\,[]{}\"'"):
        raise Wrong(
            f"a name has at most {LONGEST_NAME} characters, none of them / \\ , quotes or brackets",
            "choose a short name such as prod",
        )
    return text


def _shared_with(value: Any) -> Shared:
    if isinstance(value, Shared):
        return value
    if isinstance(value, str):
        if plain_text(value).lower() == OTHERS:
            return Shared(SharedKind.OTHERS)
        raise Wrong("a list of sites, or others, is wanted", "put the name in brackets: [name]")
    if not isinstance(value, (list, tuple)):
        raise Wrong("a list of sites, or others, is wanted", "write [], [name of a site] or others")
    names = tuple(plain_text(name) for name in value)
    return Shared(SharedKind.SITES, names) if names else Shared(SharedKind.NOBODY)


def _show_shared(shared: Shared) -> Any:
    return OTHERS if shared.kind is SharedKind.OTHERS else list(shared.sites)


SharedWith = Annotated[
    Shared,
    Kind(
        "list of site names | others",
        simple(_shared_with),
        _show_shared,
        {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"const": OTHERS}]},
    ),
]


class SiteSettings(Part):
    """One Qlik Sense site."""

    name: Annotated[str, words(_site_name, "name")] = Field(
        description="Name of the site, unique in the file; commands take it as --site.",
        examples=["prod"],
    )
    qrs: QrsSettings = Field(
        description="How the Repository Service (QRS) is reached.",
        examples=[{"url": "https://sense.example.com:4242/qrs"}],
    )
    license_shared_with: SharedWith | None = Field(
        default=None,
        description="Sites of this file under the same license, [] for none, `others` for"
        " deployments Seatkeeper cannot see; left out: not known.",
        examples=[[]],
    )
    policy: PolicySettings = block("When a seat may be released.")
    schedule: ScheduleSettings = block("When the site is read and when seats are released.")

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return self.schedule.timezone

    def to_policy(self) -> Policy:
        """Return the policy as core knows it; days become moments in the site's time zone."""
        policy, never = self.policy, self.policy.never_release
        return Policy(
            professional=policy.professional.to_core(),
            analyzer=policy.analyzer.to_core(),
            new_seat_grace=policy.new_seat_grace,
            mode=policy.mode,
            agreement=policy.agreement(),
            built_in_protection=policy.built_in_protection,
            own_user=self.qrs.user,
            exemptions=never.exemptions(self.zone),
            inactive=never.inactive,
            blocked=never.blocked,
            removed_externally=never.removed_externally,
            pauses=policy.pauses(self.zone),
            limits=policy.limits.to_core(),
            shared=self.license_shared_with or Shared(),
        )
