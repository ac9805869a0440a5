"""The JSON of QRS: which fields are needed, under which names, and which of them may be missing.

Only the needed fields are decoded; msgspec skips the others without making objects of them.
What QRS leaves out is tolerated where an older version or another license leaves it out
(QRS contract 2 to 6); what has the wrong shape is an error, never a skipped row.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from seatkeeper.core.model import LicenseType

SEGMENTS = {
    LicenseType.PROFESSIONAL: "professionalaccesstype",
    LicenseType.ANALYZER: "analyzeraccesstype",
}
"""Path below `/license` of the seats of each type."""

NO_GUID = "00000000-0000-0000-0000-000000000000"

GuidText = Annotated[str, Meta(min_length=36, max_length=36)]


class _Row(Struct, rename="camel", frozen=True, gc=False):
    """Names as QRS writes them."""


class NamedRef(_Row, frozen=True):
    """A tag, or the definition of a custom property: only its name."""

    name: str


class PropertyValue(_Row, frozen=True):
    """One value of a custom property."""

    definition: NamedRef
    value: str | None = None


class Attribute(_Row, frozen=True):
    """One value from the user directory."""

    attribute_type: str | None = None
    attribute_value: str | None = None


class UserRow(_Row, frozen=True):
    """One row of `/user/full` (QRS contract 6.2)."""

    id: GuidText
    user_directory: str
    user_id: str
    name: str | None = None
    inactive: bool | None = None
    removed_externally: bool | None = None
    blacklisted: bool | None = None
    delete_prohibited: bool | None = None
    roles: list[str] | None = None
    tags: list[NamedRef] | None = None
    custom_properties: list[PropertyValue] | None = None
    attributes: list[Attribute] | None = None


class UserRef(_Row, frozen=True):
    """The condensed user inside another row; a deleted user may leave a stub."""

    id: str | None = None
    user_directory: str | None = None
    user_id: str | None = None

    @property
    def label(self) -> str:
        r"""`DIR\id` as QRS wrote it; empty when it names nobody."""
        return label(self.user_directory, self.user_id)


class SeatRow(_Row, frozen=True):
    """One row of `/license/…accesstype/full` (QRS contract 3.3)."""

    id: GuidText
    user: UserRef | None = None
    created_date: str | None = None
    last_used: str | None = None
    quarantined: bool | None = None
    quarantine_end: str | None = None
    excess: bool | None = None
    deleted_user_id: str | None = None
    deleted_user_directory: str | None = None


class AccessRef(_Row, frozen=True):
    """The condensed seat inside a usage row."""

    id: str | None = None


class UsageRow(_Row, frozen=True):
    """One row of a usage list or of the token seats (QRS contract 4)."""

    latest_activity: str | None = None
    use_start_time: str | None = None
    use_stop_time: str | None = None
    last_used: str | None = None
    user: UserRef | None = None
    professional_access_type: AccessRef | None = None
    analyzer_access_type: AccessRef | None = None


class Details(_Row, frozen=True):
    """The counts of one license type."""

    enabled: bool
    total: int
    allocated: int
    available: int
    used: int = 0
    quarantined: int = 0
    excess: int | None = None


class Minutes(_Row, frozen=True):
    """The counts of analyzer capacity."""

    enabled: bool
    allocated_minutes: float = 0
    used_minutes: float = 0
    unavailable_minutes: float = 0


class TokenDetails(_Row, frozen=True):
    """The tokens spent on user seats or login passes."""

    enabled: bool = False
    token_cost: float = 0
    allocated_tokens: float = 0
    used_tokens: float = 0
    quarantined_tokens: float | None = None
    unavailable_tokens: float | None = None


class OverviewBody(_Row, frozen=True):
    """`/license/accesstypeoverview` (QRS contract 2.3)."""

    professional_access: Details | None = None
    analyzer_access: Details | None = None
    analyzer_time_access: Minutes | None = None
    tokens_enabled: bool | None = None
    total_tokens: float | None = None
    available_tokens: float | None = None
    user_access: TokenDetails | None = None
    login_access: TokenDetails | None = None


class LicenseBody(_Row, frozen=True):
    """`/license` (QRS contract 2.1); all but the id is optional."""

    id: str
    serial: str | None = None
    key: str | None = None
    key_details: str | None = None
    is_expired: bool | None = None
    is_blacklisted: bool | None = None
    is_invalid: bool | None = None


class CountBody(_Row, frozen=True):
    """A bare number in its wrapping (QRS contract 1.6)."""

    value: Annotated[int, Meta(ge=0)]


class AboutBody(_Row, frozen=True):
    """`/about` (QRS contract 7.3); only a simulated site has the fields about its clock."""

    build_version: str | None = None
    simulator: bool | None = None
    simulated_now: str | None = None
    simulated_speed: float | None = None


class IdBody(_Row, frozen=True):
    """Whatever was created: only its id."""

    id: str


USERS = msgspec.json.Decoder(list[UserRow])
SEATS = msgspec.json.Decoder(list[SeatRow])
USAGE = msgspec.json.Decoder(list[UsageRow])
OVERVIEW = msgspec.json.Decoder(OverviewBody)
LICENSE = msgspec.json.Decoder(LicenseBody | None)
COUNT = msgspec.json.Decoder(int | CountBody)
ABOUT = msgspec.json.Decoder(AboutBody)
CREATED = msgspec.json.Decoder(IdBody)


def label(directory: str | None, user_id: str | None) -> str:
    r"""Return `DIR\id`; empty when it names nobody."""
    return f"{directory or ''}\\{user_id or ''}" if directory or user_id else ""
