"""`never_release`: who is protected, by lists of exemptions and by the marks of the user."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from seatkeeper.core.localtime import end_of_day
from seatkeeper.core.policy import Exemption, ExemptionKind, MarkRule
from seatkeeper.settings.kinds import Wrong, what_it_is
from seatkeeper.settings.part import Part
from seatkeeper.settings.values import Day, Mark, Text, YesNo, account, words


class ExemptionSettings(Part):
    """What every exemption may say about itself."""

    owner: Text = Field(default="", description="Who answers for this exemption.", examples=["HR"])
    reason: Text = Field(
        default="", description="Why these users keep their seats.", examples=["parental leave"]
    )
    expires: Day | None = Field(
        default=None,
        description="Last day on which it protects, in the site's time zone; without it it never"
        " ends.",
        examples=["2027-06-30"],
    )
    allow_empty: YesNo = Field(
        default=False,
        description="Whether it is all right that no user of the site matches it; otherwise that"
        " is a warning, and in mode auto it blocks plans for tags, properties and groups.",
    )

    def ends(self, zone: tzinfo) -> datetime | None:
        """Return the first moment (UTC) at which it no longer protects."""
        return None if self.expires is None else end_of_day(self.expires, zone)


def _user(text: str) -> str:
    if "*" in text or "?" in text:
        raise Wrong("a user is one name: * and ? mean nothing here", "move it to patterns")
    return account(text)


def _directory(text: str) -> str:
    if "\\" in text:
        raise Wrong(
            "a directory with a backslash matches nobody",
            "write the part before the backslash, or move the entry to users",
        )
    if "*" in text or "?" in text:
        raise Wrong(
            "a directory is one name: * and ? mean nothing here",
            r"move it to patterns, as in 'DIRECTORY*\*'",
        )
    return text


def _pattern(text: str) -> str:
    if "\\\\" in text:
        raise Wrong(
            "a pattern with two backslashes matches nobody",
            "write one backslash: in single quotes it stands for itself",
        )
    if not any(mark in text for mark in "\\*?"):
        raise Wrong(
            r"a pattern is compared with DIRECTORY\id, and this one can match none",
            r"write 'DIRECTORY\name*' or '*\name'",
        )
    return text


class UserExemption(ExemptionSettings):
    """One user."""

    match: Annotated[str, words(_user, r"user (`DIRECTORY\id`)")] = Field(
        description=r"The user, as `DIRECTORY\id`.", examples=[r"EXAMPLE\svc_reports"]
    )


class DirectoryExemption(ExemptionSettings):
    """All users of a directory."""

    match: Annotated[str, words(_directory, "directory")] = Field(
        description="The user directory.", examples=["INTERNAL"]
    )


class CarriedExemption(ExemptionSettings):
    """All users who carry a tag or are in a group."""

    match: Text = Field(description="The tag or group.", examples=["bi-admins"])


class PatternExemption(ExemptionSettings):
    """All users whose name fits a pattern."""

    match: Annotated[str, words(_pattern, "pattern")] = Field(
        description=r"The pattern on `DIRECTORY\id`: `*` is any text, `?` one character.",
        examples=[r"EXAMPLE\svc_*"],
    )


class PropertyExemption(ExemptionSettings):
    """All users with a custom property of one value."""

    name: Text = Field(description="The custom property.", examples=["LicenseManage"])
    value: Text = Field(description="The value that protects.", examples=["do-not-release"])


def _entry(value: Any) -> Any:
    """Take a text for the whole entry."""
    if isinstance(value, str):
        return {"match": value}
    if isinstance(value, (dict, ExemptionSettings)):
        return value
    raise Wrong(
        f"an entry is a text, or a block with match, not {what_it_is(value)}",
        "write one text, or {match: …, owner: …, reason: …, expires: …}",
    )


def _property(value: Any) -> Any:
    if isinstance(value, (dict, PropertyExemption)):
        return value
    raise Wrong(
        "a custom property is a name and a value",
        "write {name: LicenseManage, value: do-not-release}",
    )


# An entry may be a text alone; for editors both forms stand in the JSON Schema.
_User = Annotated[
    UserExemption, BeforeValidator(_entry, json_schema_input_type=str | UserExemption)
]
_Directory = Annotated[
    DirectoryExemption, BeforeValidator(_entry, json_schema_input_type=str | DirectoryExemption)
]
_Carried = Annotated[
    CarriedExemption, BeforeValidator(_entry, json_schema_input_type=str | CarriedExemption)
]
_Pattern = Annotated[
    PatternExemption, BeforeValidator(_entry, json_schema_input_type=str | PatternExemption)
]
_Property = Annotated[PropertyExemption, BeforeValidator(_property)]


class NeverReleaseSettings(Part):
    """Who never loses a seat. Every entry of a list is a text, or a block with `match`."""

    users: tuple[_User, ...] = Field(
        default=(), description=r"Users, as `DIRECTORY\id`.", examples=[[r"INTERNAL\sa_repository"]]
    )
    user_directories: tuple[_Directory, ...] = Field(
        default=(), description="Directories, all of whose users stay.", examples=[["INTERNAL"]]
    )
    tags: tuple[_Carried, ...] = Field(
        default=(), description="Tags of users.", examples=[["License do not release"]]
    )
    custom_properties: tuple[_Property, ...] = Field(
        default=(),
        description="Custom properties of users, each with `name` and `value`.",
        examples=[[{"name": "LicenseManage", "value": "do-not-release"}]],
    )
    groups: tuple[_Carried, ...] = Field(
        default=(),
        description="Groups, as the directory gives them in the user attribute `group`.",
        examples=[["bi-admins"]],
    )
    patterns: tuple[_Pattern, ...] = Field(
        default=(),
        description=r"Patterns on `DIRECTORY\id` with `*` and `?`.",
        examples=[[r"EXAMPLE\svc_*"]],
    )
    inactive: Mark = Field(
        default=MarkRule.IGNORE,
        description="`yes` protects users marked inactive, `no` those who are not; `ignore` (the"
        " default) does not look at the mark.",
    )
    blocked: Mark = Field(
        default=MarkRule.IGNORE,
        description="`yes` protects users who are blocked, `no` those who are not; `ignore` (the"
        " default) does not look at the mark.",
    )
    removed_externally: Mark = Field(
        default=MarkRule.IGNORE,
        description="`yes` protects users removed from their directory, `no` those who are not;"
        " `ignore` (the default) does not look at the mark.",
    )

    def exemptions(self, zone: tzinfo) -> tuple[Exemption, ...]:
        """Return all entries as core knows them; the last day ends at midnight in `zone`."""
        return tuple(
            Exemption(
                kind=kind,
                match=match,
                value=value,
                owner=entry.owner,
                reason=entry.reason,
                expires=entry.ends(zone),
                allow_empty=entry.allow_empty,
            )
            for kind, match, value, entry in self._entries()
        )

    def _entries(self) -> Iterator[tuple[ExemptionKind, str, str, ExemptionSettings]]:
        for kind, entries in (
            (ExemptionKind.USER, self.users),
            (ExemptionKind.USER_DIRECTORY, self.user_directories),
            (ExemptionKind.TAG, self.tags),
            (ExemptionKind.GROUP, self.groups),
            (ExemptionKind.PATTERN, self.patterns),
        ):
            yield from ((kind, e.match, "", e) for e in entries)
        for e in self.custom_properties:
            yield ExemptionKind.CUSTOM_PROPERTY, e.name, e.value, e
