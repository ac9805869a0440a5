"""The rows a simulated site keeps: users, seats and sessions on analyzer capacity.

Rows change in place and only the site changes them; everything else that QRS calls an entity (tags,
definitions, rules, groups, pools) is a plain document.
"""

from __future__ import annotations

import enum
import random
from typing import Any, TypeAlias

import msgspec

from seatkeeper.simulator.moments import NEVER

Document: TypeAlias = dict[str, Any]

REPOSITORY = "INTERNAL\\sa_repository"
SCHEDULER = "INTERNAL\\sa_scheduler"


class SeatType(enum.StrEnum):
    """The license types with one row a user."""

    PROFESSIONAL = "professional"
    ANALYZER = "analyzer"
    USER = "user"


class Habit(enum.StrEnum):
    """How often a person opens the hub."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    SEASONAL = "seasonal"
    """Daily in the own season, and never outside it."""
    STOPPED = "stopped"
    NEVER = "never"


class User(msgspec.Struct, gc=False):
    """One person or account as the site knows it."""

    id: str
    user_id: str
    directory: str
    name: str
    created: int
    modified: int
    modified_by: str = SCHEDULER
    roles: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    """Custom properties: definition id and value."""
    tags: tuple[str, ...] = ()
    """Ids of tags."""
    inactive: bool = False
    removed: bool = False
    blocked: bool = False
    delete_prohibited: bool = False
    lost: bool = False
    """Marked by a directory-sync accident, so that the accident can be healed."""
    habit: Habit = Habit.NEVER
    stopped: int = NEVER
    """Since when a person with the habit `stopped` stays away."""

    @property
    def key(self) -> tuple[str, str]:
        """Directory and id without regard to case: together they are unique."""
        return (self.directory.casefold(), self.user_id.casefold())

    @property
    def label(self) -> str:
        """The form QRS writes into modifiedByUserName."""
        return f"{self.directory}\\{self.user_id}"


class Seat(msgspec.Struct, gc=False):
    """One seat held by one user: a row of an access type."""

    id: str
    type: SeatType
    user: str
    """Id of the holder; empty when the holder was deleted."""
    created: int
    modified: int
    modified_by: str = REPOSITORY
    last_used: int = NEVER
    activity: int = NEVER
    """Latest use that the usage rows show; it may be newer than what the seat says."""
    excess: bool = False
    quarantined: bool = False
    quarantine_end: int = NEVER
    deleted_user: str = ""
    deleted_directory: str = ""


class CapacityUse(msgspec.Struct, gc=False):
    """One stay of a person without a seat, paid from the analyzer capacity."""

    id: str
    user: str
    """Id of the guest; empty for an anonymous one."""
    start: int
    stop: int


def make_guid(rng: random.Random) -> str:
    """Draw a version 4 GUID from the seeded generator."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def related_guid(guid: str, number: int) -> str:
    """Make a lasting id for the `number`-th part of an entity, so that parts need no storage."""
    return f"{(int(guid[:8], 16) + 0x9E3779B1 * (number + 1)) & 0xFFFFFFFF:08x}{guid[8:]}"
