"""`metrics.influxdb`: one database of points; which keys it needs depends on its version."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from seatkeeper.core.measures import LICENSE_TYPE, SITE, USER
from seatkeeper.core.points import Users
from seatkeeper.settings.kinds import Kind, Wrong, plain_text, simple
from seatkeeper.settings.part import Part
from seatkeeper.settings.places import FilePath, Secret, SecretFile, split_url
from seatkeeper.settings.receivers import short_name
from seatkeeper.settings.values import Text, YesNo, choice, duration, words

_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_OURS = frozenset({SITE, LICENSE_TYPE, USER, "time"})


class InfluxVersion(StrEnum):
    """Whose write API is spoken."""

    ONE = "1"
    TWO = "2"
    THREE = "3"


_KEYS = {
    InfluxVersion.ONE: ("database", "user", "password", "password_file", "token", "token_file"),
    InfluxVersion.TWO: ("org", "bucket", "token", "token_file"),
    InfluxVersion.THREE: ("database", "token", "token_file"),
}
_OF_SOME = frozenset(name for names in _KEYS.values() for name in names)


def _url(text: str) -> str:
    cure = "write it as in http://127.0.0.1:8086"
    url = split_url(text, cure)
    if url.scheme.lower() not in ("http", "https"):
        raise Wrong("an address that begins with https:// or http:// is wanted", cure)
    if url.username is not None or url.password is not None or url.query or url.fragment:
        raise Wrong("an address without user, password, ? and # is wanted", cure)
    return text.rstrip("/")


def _version(value: Any) -> InfluxVersion:
    known = [version.value for version in InfluxVersion]
    text = str(value).strip()
    if isinstance(value, bool) or text not in known:
        raise Wrong("the version is 1, 2 or 3", "write the first number of the server's version")
    return InfluxVersion(text)


def is_tag(name: str) -> bool:
    """Whether a tag may be called so."""
    return _TAG.fullmatch(name) is not None and name not in _OURS


def _tags(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise Wrong("names with values are wanted", "write them as in {environment: production}")
    tags = {}
    for name, text in value.items():
        if not isinstance(name, str) or not _TAG.fullmatch(name):
            raise Wrong(
                "the name of a tag has letters, digits, dots, dashes and underscores",
                "begin it with a letter, as in environment",
            )
        if name in _OURS:
            raise Wrong(f"{name} is a tag of Seatkeeper's own", "choose another name")
        shown = text if isinstance(text, str) else str(text)
        if isinstance(text, (dict, list, tuple)) or plain_text(shown).endswith("\\"):
            raise Wrong(
                "the value of a tag is a text that does not end in a backslash",
                "write one text, as in {environment: production}",
            )
        tags[name] = plain_text(shown)
    return tags


Tags = Annotated[
    dict[str, str],
    Kind(
        "names with values",
        simple(_tags),
        dict,
        {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
    ),
]


class InfluxSettings(Part):
    """One database of points; `version` says which of the other keys it may have."""

    name: Annotated[str, words(short_name, "name")] = Field(
        description="Name of the target, unique in the file; what waits for it is kept under it.",
        examples=["main"],
    )
    version: Annotated[
        InfluxVersion,
        Kind("1 | 2 | 3", simple(_version), lambda v: int(v.value), {"enum": [1, 2, 3]}),
    ] = Field(
        default=InfluxVersion.ONE,
        description="First number of the server's version: 1, 2 or 3; default 1.",
    )
    url: Annotated[str, words(_url, "address")] = Field(
        description="Address of the server.", examples=["http://127.0.0.1:8086"]
    )
    database: Text | None = Field(
        default=None,
        description="Versions 1 and 3: the database; version 1 is asked to create a missing one.",
        examples=["butler"],
    )
    org: Text | None = Field(
        default=None, description="Version 2: the organization.", examples=["example"]
    )
    bucket: Text | None = Field(
        default=None, description="Version 2: the bucket.", examples=["butler"]
    )
    user: Text | None = Field(
        default=None, description="Version 1: as whom to sign in.", examples=["seatkeeper"]
    )
    password: Secret | None = Field(
        default=None,
        description="Version 1: the password of user.",
        examples=["${SEATKEEPER_INFLUX_PASSWORD}"],
    )
    password_file: SecretFile | None = Field(
        default=None,
        description="Version 1: file whose first line is that password.",
        examples=["secrets/influx_password"],
    )
    token: Secret | None = Field(
        default=None,
        description="The token to sign in with; of version 1 a JWT, where the server has a shared"
        " secret.",
        examples=["${SEATKEEPER_INFLUX_TOKEN}"],
    )
    token_file: SecretFile | None = Field(
        default=None,
        description="File whose first line is the token.",
        examples=["secrets/influx_token"],
    )
    ca_file: FilePath | None = Field(
        default=None,
        description="Certificate of the authority (PEM) that the server's certificate must come"
        " from; left out: those of the operating system.",
        examples=["certs/internal-ca.pem"],
    )
    tags: Tags = Field(
        default_factory=dict,
        description="Tags that every point gets beside site and license_type.",
        examples=[{"environment": "production"}],
    )
    butler_compatible_user_tag: YesNo = Field(
        default=False,
        description="Whether points of releases have the tag `user`, as Butler writes it: names"
        " then stand in the database, and every person is a series of its own; default false.",
    )
    users: Annotated[Users, choice(Users, "which points of users")] = Field(
        default=Users.NONE,
        description="Points of individual users, once a day: `none`, `pseudonymous` (a keyed hash"
        " in place of the name) or `names`; default none.",
    )
    timeout: Annotated[
        timedelta, duration(least=timedelta(seconds=1), most=timedelta(seconds=20))
    ] = Field(
        default=timedelta(seconds=10),
        description="Longest wait for one answer, 1s to 20s; default 10s.",
        examples=["10s"],
    )

    @field_validator("*")
    @classmethod
    def _belongs_to_the_version(cls, value: Any, info: ValidationInfo) -> Any:
        version, name = info.data.get("version"), info.field_name or ""
        if value is None or version is None or name not in _OF_SOME:
            return value
        if name not in _KEYS[version]:
            keys = ", ".join(_KEYS[version])
            raise Wrong(f"version {version.value} has no such key", f"take it out; it has {keys}")
        twin = name.removesuffix("_file")
        if twin != name and info.data.get(twin) is not None:
            raise Wrong(f"{twin} is given as well", "keep one of the two")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        needed = ("org", "bucket") if self.version is InfluxVersion.TWO else ("database",)
        for name in needed:
            if getattr(self, name) is None:
                raise Wrong(
                    f"version {self.version.value} needs {name}",
                    f"add {name}, as in {name}: butler",
                    at=(name,),
                )
        if self.password_secret is not None and self.user is None:
            raise Wrong("a password without a user", "add user", at=("user",))
        if self.user is not None and self.token_secret is not None:
            raise Wrong("a token is given as well", "keep user or token", at=("user",))
        return self

    @property
    def password_secret(self) -> str | None:
        """The password, from wherever it was given."""
        secret = self.password or self.password_file
        return None if secret is None else secret.get_secret_value()

    @property
    def token_secret(self) -> str | None:
        """The token, from wherever it was given."""
        secret = self.token or self.token_file
        return None if secret is None else secret.get_secret_value()
