"""`console`, `approval` and `privacy`: where the pages answer, who gets in, and what they see."""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from seatkeeper.core.roles import Grant, Role
from seatkeeper.settings.hooks import HookSettings
from seatkeeper.settings.kinds import Wrong
from seatkeeper.settings.part import Part, block
from seatkeeper.settings.places import FilePath, Listen, Secret, SecretFile, split_url
from seatkeeper.settings.receivers import require_own_names
from seatkeeper.settings.values import Text, YesNo, choice, duration, words

_USUAL_PORT = {"http": ":80", "https": ":443"}

_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")


class Privacy(StrEnum):
    """What viewers see in place of people."""

    CLEAR = "clear"
    PSEUDONYMOUS = "pseudonymous"


def _web_url(text: str) -> str:
    cure = "write it as in https://seats.example.com"
    url = split_url(text, cure)
    if url.scheme.lower() not in ("http", "https"):
        raise Wrong("an address that begins with https:// or http:// is wanted", cure)
    if url.username is not None or url.query or url.fragment:
        raise Wrong("an address without user, ? and # is wanted", cure)
    return text.rstrip("/")


def _public_url(text: str) -> str:
    url = _web_url(text)
    parts = urlsplit(url)
    if parts.path:
        raise Wrong(
            "the console answers at the root of a host, not below a path",
            "give it a host name of its own, as in https://seats.example.com",
        )
    # As browsers name it, for what they name is compared with it.
    scheme, host = parts.scheme.lower(), parts.netloc.lower()
    return f"{scheme}://{host.removesuffix(_USUAL_PORT[scheme])}"


def _header(text: str) -> str:
    if not _HEADER.fullmatch(text):
        raise Wrong(
            "the name of a header has letters, digits and dashes",
            "write it as in X-Forwarded-User",
        )
    return text


def _network(text: str) -> str:
    try:
        found = ipaddress.ip_network(text)
    except ValueError:
        raise Wrong(
            "an address or a network is wanted", "write it as in 10.0.0.5 or 10.0.0.0/28"
        ) from None
    if found.prefixlen == 0:
        raise Wrong("that would trust a header from anybody", "name the address of the proxy alone")
    return text


class TlsSettings(Part):
    """The certificate that the console shows."""

    cert_file: FilePath = Field(
        description="Certificate with the chain behind it, as PEM.",
        examples=["secrets/console.pem"],
    )
    key_file: FilePath = Field(
        description="Its private key, as PEM, without a password.",
        examples=["secrets/console.key"],
    )


class SessionSettings(Part):
    """How long somebody stays signed in."""

    idle: Annotated[timedelta, duration(least=timedelta(minutes=1), most=timedelta(days=7))] = (
        Field(
            default=timedelta(minutes=30),
            description="A session ends after so long without a page; default 30m.",
        )
    )
    longest: Annotated[timedelta, duration(least=timedelta(minutes=5), most=timedelta(days=30))] = (
        Field(
            default=timedelta(hours=12),
            description="A session ends after so long whatever happens; default 12h.",
        )
    )


class GroupRole(Part):
    """What the members of one group may do, all sites or some."""

    group: Text = Field(
        description="Name of the group, as the provider or the proxy tells it; letter case does"
        " not matter.",
        examples=["BI-Administrators"],
    )
    role: Annotated[Role, choice(Role, "the role")] = Field(
        description="What they may do: viewer, operator, approver or admin.",
        examples=["approver"],
    )
    sites: tuple[Text, ...] = Field(
        default=(), description="Only on these sites; none: on all.", examples=[["prod"]]
    )

    def grant(self) -> Grant:
        """Return the grant without the settings around it."""
        return Grant(self.role, frozenset(self.sites) or None)


class OidcSettings(Part):
    """Sign-in by a provider of OpenID Connect."""

    issuer: Annotated[str, words(_web_url, "address")] = Field(
        description="Address of the provider; its description is read below it, at"
        " /.well-known/openid-configuration.",
        examples=["https://login.example.com/realms/company"],
    )
    client_id: Text = Field(
        description="How the provider knows this console.", examples=["seatkeeper"]
    )
    client_secret: Secret | None = Field(
        default=None,
        description="The secret shared with the provider; none: a public client (PKCE is used"
        " either way).",
        examples=["${SEATKEEPER_OIDC_SECRET}"],
    )
    client_secret_file: SecretFile | None = Field(
        default=None,
        description="File whose first line is that secret.",
        examples=["secrets/oidc"],
    )
    name_claim: Text = Field(
        default="preferred_username",
        description="The claim that names the person in the ledger; default preferred_username.",
    )
    groups_claim: Text = Field(
        default="groups", description="The claim that lists the groups; default groups."
    )
    scopes: tuple[Text, ...] = Field(
        default=("openid", "profile"),
        description="What is asked of the provider; default openid and profile.",
        examples=[["openid", "profile", "groups"]],
    )
    ca_file: FilePath | None = Field(
        default=None,
        description="Certificate that signed the provider's, where the system does not know it.",
        examples=["secrets/company-ca.pem"],
    )

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if self.client_secret is not None and self.client_secret_file is not None:
            raise Wrong(
                "client_secret_file is given as well",
                "keep one of the two",
                at=("client_secret",),
            )
        if urlsplit(self.issuer).scheme.lower() != "https" and not _is_local(self.issuer):
            raise Wrong(
                "a provider without TLS could be anybody",
                "write its https:// address",
                at=("issuer",),
            )
        return self

    @property
    def secret(self) -> str | None:
        """The secret, from wherever it was given."""
        given = self.client_secret or self.client_secret_file
        return None if given is None else given.get_secret_value()


def _is_local(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")


class ProxySettings(Part):
    """Sign-in by a reverse proxy that has asked who is there."""

    trusted: tuple[Annotated[str, words(_network, "address or network")], ...] = Field(
        description="Addresses of the proxies whose headers are believed; nobody else's are.",
        examples=[["10.0.0.5"]],
    )
    user_header: Annotated[str, words(_header, "name of a header")] | None = Field(
        default=None,
        description="Header that names the person; left out: the proxy is trusted with TLS and"
        " the address of the client, and sign-in is done here.",
        examples=["X-Forwarded-User"],
    )
    groups_header: Annotated[str, words(_header, "name of a header")] | None = Field(
        default=None,
        description="Header that lists the person's groups, separated by commas, 16 KiB at most;"
        " needed with user_header.",
        examples=["X-Forwarded-Groups"],
    )

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not self.trusted:
            raise Wrong("no proxy is named", "name its address, as in 10.0.0.5", at=("trusted",))
        if self.groups_header is not None and self.user_header is None:
            raise Wrong(
                "groups without the person they belong to",
                "name user_header",
                at=("groups_header",),
            )
        if self.user_header is not None and self.groups_header is None:
            raise Wrong(
                "nobody whom the proxy names would have a role",
                "name the header that lists their groups in groups_header",
                at=("user_header",),
            )
        return self


class ConsoleSettings(Part):
    """Where the console answers, and how people sign in."""

    listen: Listen = Field(
        default="127.0.0.1:8484",
        description="Host and port of console, API and health pages; an address beyond this"
        " machine needs TLS or a trusted proxy, and a way to sign in; default 127.0.0.1:8484.",
    )
    public_url: Annotated[str, words(_public_url, "address")] | None = Field(
        default=None,
        description="Address at which people open the console; left out: the one it listens on.",
        examples=["https://seats.example.com"],
    )
    tls: TlsSettings | None = Field(
        default=None,
        description="The certificate to show; left out: no TLS.",
        examples=[{"cert_file": "secrets/console.pem", "key_file": "secrets/console.key"}],
    )
    session: SessionSettings = block("How long somebody stays signed in.")
    roles: tuple[GroupRole, ...] = Field(
        default=(),
        description="What members of groups may do; for sign-in by OpenID Connect and by proxy.",
        examples=[[{"group": "BI-Administrators", "role": "admin"}]],
    )
    oidc: OidcSettings | None = Field(
        default=None,
        description="Sign-in by a provider of OpenID Connect; left out: none.",
        examples=[{"issuer": "https://login.example.com", "client_id": "seatkeeper"}],
    )
    proxy: ProxySettings | None = Field(
        default=None,
        description="A reverse proxy before the console; left out: none, and its headers mean"
        " nothing.",
        examples=[
            {
                "trusted": ["10.0.0.5"],
                "user_header": "X-Forwarded-User",
                "groups_header": "X-Forwarded-Groups",
            }
        ],
    )
    webhooks: tuple[HookSettings, ...] = Field(
        default=(),
        description="Programs that are told of events, signed, by the daemon; none: nobody is.",
        examples=[
            [
                {
                    "name": "tickets",
                    "url": "https://example.com/seats",
                    "secret_file": "secrets/tickets",
                }
            ]
        ],
    )
    record_views: YesNo = Field(
        default=False,
        description="Whether the ledger also says who looked at clear names, and at whose page.",
    )

    @field_validator("webhooks")
    @classmethod
    def _names_of_their_own(cls, hooks: tuple[HookSettings, ...]) -> tuple[HookSettings, ...]:
        require_own_names("console.webhooks", [one.name for one in hooks], "webhook")
        return hooks

    @model_validator(mode="after")
    def _roles_for_strangers(self) -> Self:
        if self.roles:
            return self
        if self.oidc is not None:
            raise Wrong(
                "nobody who signs in this way would have a role",
                "name the groups and their roles in console.roles",
                at=("oidc",),
            )
        if self.proxy is not None and self.proxy.user_header is not None:
            raise Wrong(
                "nobody whom the proxy names would have a role",
                "name the groups and their roles in console.roles",
                at=("proxy", "user_header"),
            )
        return self

    @model_validator(mode="after")
    def _address_of_the_proxy(self) -> Self:
        """The console compares where forms come from with it: behind a proxy it has to be told."""
        if self.proxy is not None and self.public_url is None:
            raise Wrong(
                "behind a proxy the address that people open is not known",
                "write it in console.public_url, as in https://seats.example.com",
                at=("proxy",),
            )
        return self

    @property
    def host(self) -> str:
        """The host without brackets."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port; 0 lets the system choose a free one."""
        return int(self.listen.rpartition(":")[2])
