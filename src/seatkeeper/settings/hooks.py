"""`console.webhooks`: programs that are told of events. Nothing here touches the network."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from seatkeeper.core.event import EventKind
from seatkeeper.settings.kinds import Wrong
from seatkeeper.settings.part import Part
from seatkeeper.settings.places import FilePath, Secret, SecretFile
from seatkeeper.settings.receivers import require_long, require_web_address, short_name
from seatkeeper.settings.values import Text, choice, duration, words

_TWINS = {"url_file": "url", "secret_file": "secret"}


class HookSettings(Part):
    """One program that is told of events, each as a signed POST."""

    name: Annotated[str, words(short_name, "name")] = Field(
        description="Name of the webhook, unique in the file; what waits for it is kept under it.",
        examples=["tickets"],
    )
    url: Secret | None = Field(
        default=None,
        description="Address of the receiver, https or http; never shown, for it may hold a"
        " secret.",
        examples=["https://tickets.example.com/seatkeeper"],
    )
    url_file: SecretFile | None = Field(
        default=None,
        description="File whose first line is the address, in place of url.",
        examples=["secrets/tickets_url"],
    )
    secret: Secret | None = Field(
        default=None,
        description="The secret with which every event is signed, 16 characters at least.",
        examples=["${SEATKEEPER_EVENTS_SECRET}"],
    )
    secret_file: SecretFile | None = Field(
        default=None,
        description="File whose first line is that secret.",
        examples=["secrets/tickets"],
    )
    ca_file: FilePath | None = Field(
        default=None,
        description="Certificate of the authority (PEM) that the receiver's certificate must come"
        " from; left out: those of the operating system.",
        examples=["certs/internal-ca.pem"],
    )
    events: tuple[Annotated[EventKind, choice(EventKind, "the event")], ...] = Field(
        default=(),
        description="Which events it is told of, see docs/api.md; none: all.",
        examples=[["plan.made", "plan.applied"]],
    )
    sites: tuple[Text, ...] = Field(
        default=(),
        description="Of which sites it is told; none: of all.",
        examples=[["prod"]],
    )
    timeout: Annotated[
        timedelta, duration(least=timedelta(seconds=1), most=timedelta(seconds=20))
    ] = Field(
        default=timedelta(seconds=10),
        description="Longest wait for the receiver, 1s to 20s; default 10s.",
        examples=["10s"],
    )

    @field_validator("url", "url_file", "secret", "secret_file")
    @classmethod
    def _as_it_must_be(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return None
        name = info.field_name or ""
        if (twin := _TWINS.get(name)) and info.data.get(twin) is not None:
            raise Wrong(f"{twin} is given as well", "keep one of the two")
        if name.startswith("url"):
            require_web_address(value.get_secret_value())
        else:
            require_long(value)
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.address:
            raise Wrong(
                "the webhook does not say where to send", "add url, or url_file", at=("url",)
            )
        if not self.signing_secret:
            raise Wrong(
                "a webhook of ours is signed", "add secret_file, or secret", at=("secret_file",)
            )
        return self

    @property
    def address(self) -> str:
        """The address, from wherever it was given."""
        given = self.url or self.url_file
        return "" if given is None else given.get_secret_value()

    @property
    def signing_secret(self) -> str:
        """The secret to sign with, from wherever it was given."""
        given = self.secret or self.secret_file
        return "" if given is None else given.get_secret_value()
