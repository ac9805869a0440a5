"""Every unknown of QRS as a named switch: which possible behaviour the simulated site shows.

The defaults are the working assumptions. A switch never breaks anything; that is what faults do.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from seatkeeper.simulator.moments import zone_offset


@dataclass(frozen=True)
class Switches:
    """The behaviours that public sources leave open, each with its working assumption."""

    # Releasing and quarantine
    quarantine_policy: Literal["serial", "signed_key_none"] = "serial"
    """serial: seven days from the last use; signed_key_none: a released seat is always gone."""
    quarantine_end: Literal["exact", "next_midnight"] = "exact"
    """Seven days after the last use to the millisecond, or the midnight after."""
    quarantine_expiry: Literal["at_end", "hourly", "nightly", "never"] = "at_end"
    """When a row whose quarantine is over disappears."""
    delete_status: Literal["204", "200"] = "204"
    """Status of a DELETE that succeeded."""
    delete_quarantined: Literal["400", "204", "404"] = "400"
    """Answer to DELETE of a row in quarantine; the row stays in every case."""
    delete_unknown: Literal["404", "204"] = "404"
    """Answer to DELETE of a row that is not there, as after a first DELETE."""
    reinstate: Literal["both", "post", "put", "none"] = "both"
    """Which call ends a quarantine for the same user."""
    rule_quarantine: Literal["reinstate", "deny"] = "reinstate"
    """What a matching rule does at the login of somebody in quarantine."""
    deleted_user: Literal["null", "absent", "stub"] = "null"
    """How `user` looks in a row whose holder was deleted."""
    deleted_idle_seat: Literal["remove", "keep"] = "remove"
    """What becomes of the idle seat of a deleted user; a kept one stays live without a user."""
    # Granting
    post_minimal: Literal["accept", "refuse"] = "accept"
    """Whether `{"user": {"id": …}}` is enough to allocate a seat."""
    post_duplicate: Literal["400", "409", "same", "second"] = "400"
    """Allocating a type that the user already holds."""
    post_no_seat: Literal["400", "403", "409", "500"] = "400"
    """Status of allocating a seat from a pool that is empty."""
    license_backend: Literal["reachable", "unreachable"] = "reachable"
    """unreachable: seats can be neither allocated nor released, the answer is 500."""
    excess_rows: Literal["newest", "oldest", "least_used"] = "newest"
    """Which rows are locked out when the license shrinks."""
    # Counting
    allocated_counts: Literal["live", "all_rows", "within_license"] = "live"
    """live: without quarantined rows; all_rows: with them; within_license: live without excess."""
    available_counts: Literal["free", "total_minus_allocated"] = "free"
    """free: total less live and quarantined; the other takes only `allocated` off."""
    quarantined_counts: Literal["rows", "zero"] = "rows"
    """What the overview says of quarantined seats: their number, or always zero."""
    excess_counts: Literal["over_total", "zero"] = "over_total"
    """What the overview says of excess seats: those above the total, or always zero."""
    used_counts: Literal["28d", "ever", "zero"] = "28d"
    """What `used` of the overview counts: seats used in the last 28 days, ever, or nothing."""
    overview_fields: Literal["full", "old"] = "full"
    """old: without `excess` and `analyzerTimeAccess`."""
    # Shapes
    excess_field: Literal["present", "absent"] = "present"
    """Whether the rows of seats have the field `excess`."""
    never_date: Literal["1753", "0001", "null", "absent"] = "1753"
    """How `lastUsed` looks for a seat never used."""
    used_events: Literal["every", "usage_only"] = "every"
    """usage_only: logging in shows in the usage rows and leaves `lastUsed` as it was."""
    used_precision: Literal["exact", "hour", "day"] = "exact"
    """How often `lastUsed` is written."""
    usage_days: int = 28
    """So many days back reach the usage rows."""
    anonymous_usage: Literal["null", "entry"] = "null"
    """The user of the usage rows of anonymous sessions: null, or an entry of its own."""
    privileges_always: Literal["no", "yes"] = "no"
    """Whether rows have `privileges` though the request did not ask for them."""
    license_kind: Literal["signed", "serial", "none", "expired", "blacklisted"] = "signed"
    """The license of the server."""
    key_details: Literal[
        "official", "one_blank", "date_only", "indented", "crlf", "local", "perpetual", "empty",
        "absent",
    ] = "official"  # fmt: skip
    """The form of the license's text; `local` writes dates as a US server would."""
    blocked_coupling: Literal["inactive", "separate"] = "inactive"
    """Whether blocking a user makes the user inactive as well."""
    # Requests
    unknown_identity: Literal["403", "system", "empty"] = "403"
    """A user in X-Qlik-User that the site does not have; empty: sees nothing."""
    missing_identity: Literal["system", "403"] = "system"
    """A request without X-Qlik-User: made by the system, or refused."""
    xrfkey_length: Literal["strict", "any"] = "strict"
    """Whether the xrfkey must have 16 characters."""
    error_bodies: Literal["text", "empty", "json", "html"] = "text"
    """The form of the bodies of errors."""
    put_conflict: Literal["older", "different"] = "older"
    """A PUT is refused with 409 when its modifiedDate is older than, or differs from, that kept."""
    get_paging: Literal["ignore", "obey", "refuse"] = "ignore"
    """What `skip` and `take` on a GET do."""
    table_status: Literal["201", "200"] = "201"
    """Status of a table page."""
    table_max_take: int = 0
    """Most rows of one table page; 0 means no limit."""
    url_limit: int = 16384
    """Longest request line in bytes; longer ones get 414."""
    filter_precedence: Literal["and_first", "left_to_right"] = "and_first"
    """How a filter with `and` and `or` without parentheses is read."""
    filter_extras: Literal["refuse", "accept"] = "refuse"
    """Whether filters know `not` and `@property`."""
    filter_unknown: Literal["400", "no_match"] = "400"
    """A property that the entity does not have."""
    filter_empty_text: Literal["accept", "refuse"] = "accept"
    """The literal `''`."""
    date_zone: str = "Z"
    """Zone of date literals that name none, such as +01:00."""
    nested_orderby: Literal["accept", "refuse"] = "accept"
    """Whether `orderby` may name a property of the user, such as `user.name`."""
    ping_body: Literal["wrapped", "text"] = "wrapped"
    """What the service says when pinged: a JSON object, or bare text."""
    about_simulator: Literal["yes", "no"] = "yes"
    """Whether /about says that this is a simulator."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            _check(name, value)

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Switches:
        """Read texts `NAME=VALUE`; unknown names and values are a ValueError that lists the known.

        Later texts win over earlier ones.
        """
        return cls().altered(texts)

    def altered(self, texts: Iterable[str]) -> Switches:
        """Make a copy with some switches set as the texts `NAME=VALUE` say."""
        chosen: dict[str, Any] = {}
        for text in texts:
            name, equals, value = text.partition("=")
            name = name.strip().replace("-", "_").lower()
            if not equals:
                msg = f"switch {text!r}: write NAME=VALUE"
                raise ValueError(msg)
            if name not in choices():
                msg = f"switch {name!r} is not known; known: {', '.join(choices())}"
                raise ValueError(msg)
            chosen[name] = _read(name, value.strip())
        return dataclasses.replace(self, **chosen)


def choices() -> dict[str, tuple[str, ...]]:
    """List every switch with its possible values; a switch that takes a number or zone has none."""
    return {name: typing.get_args(hint) for name, hint in _HINTS.items()}


def _read(name: str, value: str) -> str | int:
    if _HINTS[name] is not int:
        return value
    if not value.isdecimal():
        msg = f"switch {name}={value!r}: write a whole number"
        raise ValueError(msg)
    return int(value)


def _check(name: str, value: Any) -> None:
    known = typing.get_args(_HINTS[name])
    if known and value not in known:
        msg = f"switch {name}={value!r} is not possible; possible: {', '.join(known)}"
        raise ValueError(msg)
    if name == "date_zone":
        zone_offset(value)
    if _HINTS[name] is int and value < 0:
        msg = f"switch {name}={value}: must not be negative"
        raise ValueError(msg)


_HINTS: dict[str, Any] = typing.get_type_hints(Switches)
