"""`alerts.channels`: over what alerts are told. Nothing here touches the network.

A channel is one flat block; which keys it may have depends on its kind.
"""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from seatkeeper.core.channel import ButlerSends, ChannelKind
from seatkeeper.settings.kinds import Wrong
from seatkeeper.settings.part import Part
from seatkeeper.settings.places import FilePath, Secret, SecretFile
from seatkeeper.settings.receivers import require_long, require_web_address, short_name
from seatkeeper.settings.values import Text, YesNo, choice, duration, whole, words

_APPRISE = re.compile(r"[A-Za-z][A-Za-z0-9_.+-]*://\S+")
_TOPIC = re.compile(r"[^\s#+\0]{1,200}")
_MQTT, _MQTT_TLS = 1883, 8883
_MINUTE = timedelta(minutes=1)

_URL = ("url", "url_file")
_BUTLER = ("sends", "threshold_days", "every", "site")
_KEYS: dict[ChannelKind, tuple[str, ...]] = {
    ChannelKind.APPRISE: (*_URL,),
    ChannelKind.WEBHOOK: (*_URL, "secret", "secret_file", "ca_file"),
    ChannelKind.ALERTMANAGER: (
        *_URL,
        *("user", "password", "password_file", "ca_file", "hold"),
    ),
    ChannelKind.BUTLER_MQTT: (
        *("host", "port", "user", "password", "password_file", "tls", "ca_file"),
        *("status_topic", "expire_topic", *_BUTLER),
    ),
    ChannelKind.BUTLER_WEBHOOK: (*_URL, "method", "ca_file", *_BUTLER),
}
_EVERY_KIND = ("name", "kind", "timeout")
_TWINS = {"url_file": "url", "secret_file": "secret", "password_file": "password"}


class HttpMethod(StrEnum):
    """How a webhook of Butler is called."""

    GET = "get"
    PUT = "put"
    POST = "post"


def _topic(text: str) -> str:
    if not _TOPIC.fullmatch(text):
        raise Wrong(
            "messages are sent to one topic, without blanks, + and #",
            "write it as in qliksense/qliksense_server_license",
        )
    return text


Topic = Annotated[str, words(_topic, "MQTT topic")]
SomeTime = Annotated[timedelta, duration(least=_MINUTE, most=timedelta(days=30))]


class ChannelSettings(Part):
    """One channel; `kind` says which of the other keys it may have."""

    name: Annotated[str, words(short_name, "name")] = Field(
        description="Name of the channel, unique in the file; rules and commands call it so.",
        examples=["mail"],
    )
    kind: Annotated[ChannelKind, choice(ChannelKind, "the kind")] = Field(
        description="Over what it tells: `apprise` (mail, Teams, Slack and a hundred more by URL),"
        " `webhook` (signed), `alertmanager`, or the server license alone as Butler tells it:"
        " `butler_mqtt`, `butler_webhook`.",
        examples=["apprise"],
    )
    url: Secret | None = Field(
        default=None,
        description="Where to send: an Apprise URL, or the http(s) address of the receiver; never"
        " shown, for it may hold a secret.",
        examples=["https://hooks.example.com/seatkeeper"],
    )
    url_file: SecretFile | None = Field(
        default=None,
        description="File whose first line is the URL, in place of url.",
        examples=["secrets/mail_url"],
    )
    secret: Secret | None = Field(
        default=None,
        description="`webhook`: the secret with which every message is signed, 16 characters at"
        " least.",
        examples=["${SEATKEEPER_WEBHOOK_SECRET}"],
    )
    secret_file: SecretFile | None = Field(
        default=None,
        description="File whose first line is that secret.",
        examples=["secrets/webhook_secret"],
    )
    host: Text | None = Field(
        default=None,
        description="`butler_mqtt`: name or address of the MQTT broker.",
        examples=["mqtt.example.com"],
    )
    port: Annotated[int, whole(least=1, most=65535)] | None = Field(
        default=None,
        description="`butler_mqtt`: its port; default 1883, with tls 8883.",
        examples=["1883"],
    )
    user: Text | None = Field(
        default=None,
        description="`alertmanager`, `butler_mqtt`: as whom to sign in.",
        examples=["seatkeeper"],
    )
    password: Secret | None = Field(
        default=None,
        description="The password of user.",
        examples=["${SEATKEEPER_MQTT_PASSWORD}"],
    )
    password_file: SecretFile | None = Field(
        default=None,
        description="File whose first line is the password of user.",
        examples=["secrets/mqtt_password"],
    )
    tls: YesNo = Field(
        default=False,
        description="`butler_mqtt`: whether the connection is encrypted and the broker's"
        " certificate verified; default false.",
    )
    ca_file: FilePath | None = Field(
        default=None,
        description="Certificate of the authority (PEM) that the other side's certificate must"
        " come from; left out: those of the operating system.",
        examples=["certs/internal-ca.pem"],
    )
    method: Annotated[HttpMethod, choice(HttpMethod, "the method")] = Field(
        default=HttpMethod.POST,
        description="`butler_webhook`: how it is called; with get the values stand in the address;"
        " default post.",
    )
    status_topic: Topic = Field(
        default="qliksense/qliksense_server_license",
        description="`butler_mqtt`: where the state of the license goes; default"
        " qliksense/qliksense_server_license.",
    )
    expire_topic: Topic = Field(
        default="qliksense/qliksense_server_license_expire",
        description="`butler_mqtt`: where it is told that the license ends soon or has ended;"
        " default qliksense/qliksense_server_license_expire.",
    )
    sends: Annotated[ButlerSends, choice(ButlerSends, "what is sent")] = Field(
        default=ButlerSends.ALL,
        description="`butler_…`: `status` again and again, `alerts` when the license ends soon or"
        " has ended, or `all`; default all.",
    )
    threshold_days: Annotated[int, whole(least=0, most=3650)] = Field(
        default=60,
        description="`butler_…`: how many days ahead the end of the license is an alert; default"
        " 60.",
    )
    every: SomeTime = Field(
        default=timedelta(hours=24),
        description="`butler_…`: how often both are sent; default 24h.",
        examples=["24h"],
    )
    site: Text | None = Field(
        default=None,
        description="`butler_…`: whose server license is told, for the messages name no site; left"
        " out: every site's.",
        examples=["prod"],
    )
    hold: SomeTime = Field(
        default=timedelta(hours=1),
        description="`alertmanager`: how long an alert stays active there without being told"
        " again; longer than two monitoring cycles; default 1h.",
        examples=["1h"],
    )
    timeout: Annotated[
        timedelta, duration(least=timedelta(seconds=1), most=timedelta(seconds=20))
    ] = Field(
        default=timedelta(seconds=10),
        description="Longest wait for the other side, 1s to 20s; default 10s.",
        examples=["10s"],
    )

    @field_validator("*")
    @classmethod
    def _belongs_to_the_kind(cls, value: Any, info: ValidationInfo) -> Any:
        kind, name = info.data.get("kind"), info.field_name or ""
        if kind is None or name in _EVERY_KIND:
            return value
        if name not in _KEYS[kind]:
            keys = ", ".join(_KEYS[kind])
            raise Wrong(f"kind {kind.value} has no such key", f"take it out; it has {keys}")
        if name in _TWINS and info.data.get(_TWINS[name]) is not None:
            raise Wrong(f"{_TWINS[name]} is given as well", "keep one of the two")
        return value

    @field_validator("url", "url_file")
    @classmethod
    def _an_address(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        kind = info.data.get("kind")
        if value is not None and kind is not None:
            _check_address(value.get_secret_value(), kind)
        return value

    @field_validator("secret", "secret_file")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            require_long(value)
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if "url" in _KEYS[self.kind] and not self.address:
            raise Wrong(
                "the channel does not say where to send", "add url, or url_file", at=("url",)
            )
        if self.kind is ChannelKind.WEBHOOK and self.signing_secret is None:
            raise Wrong(
                "a webhook of ours is signed", "add secret_file, or secret", at=("secret_file",)
            )
        if self.kind is ChannelKind.BUTLER_MQTT and self.host is None:
            raise Wrong("the broker is not named", "add host", at=("host",))
        if self.password_secret is not None and self.user is None:
            raise Wrong("a password without a user", "add user", at=("user",))
        return self

    @property
    def address(self) -> str:
        """The URL, from wherever it was given; empty where the kind has none."""
        secret = self.url or self.url_file
        return "" if secret is None else secret.get_secret_value()

    @property
    def broker_port(self) -> int:
        """The port of the MQTT broker."""
        return self.port or (_MQTT_TLS if self.tls else _MQTT)

    @property
    def signing_secret(self) -> str | None:
        """The secret of a webhook, from wherever it was given."""
        secret = self.secret or self.secret_file
        return None if secret is None else secret.get_secret_value()

    @property
    def password_secret(self) -> str | None:
        """The password, from wherever it was given."""
        secret = self.password or self.password_file
        return None if secret is None else secret.get_secret_value()


def _check_address(text: str, kind: ChannelKind) -> None:
    if kind is ChannelKind.APPRISE:
        if not _APPRISE.fullmatch(text):
            raise Wrong(
                "this is no Apprise URL",
                "write it as in mailtos://user:password@mail.example.com?to=me@example.com",
            )
    else:
        require_web_address(text)
