"""`Butler.qlikSenseLicense`: what is released when, and who never loses a seat."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date
from typing import Any

from pydantic import ValidationError

from seatkeeper.butler.reading import Block, Note
from seatkeeper.core.schedule import Schedule
from seatkeeper.settings import NeverReleaseSettings

LEAST_DAYS = 7
MOST_DAYS = 3650
GRACE = "30d"

_MARKS = (
    ("inactive", "inactive"),
    ("blocked", "blocked"),
    ("removed_externally", "removedExternally"),
)


def policy_of(
    licenses: Block, note: Note, *, reviewed_by: str | None, today: date
) -> dict[str, Any]:
    """Return our `policy` block."""
    release = licenses.below("licenseRelease")
    policy = _mode(release, note, reviewed_by, today)
    for license_type in ("professional", "analyzer"):
        policy[license_type] = _type(release.below("licenseType", license_type), license_type, note)
    policy["new_seat_grace"] = GRACE
    note(
        f"new_seat_grace: {GRACE} was added: Butler releases a seat nobody has used yet whatever"
        " its age; Seatkeeper keeps a new seat for that long."
    )
    note(
        "Added protections: limits on what one plan may release, and built_in_protection for"
        " internal users, root administrators and users who cannot be deleted."
    )
    policy["never_release"] = _never_release(release.below("neverRelease"), note)
    return policy


def _mode(release: Block, note: Note, reviewed_by: str | None, today: date) -> dict[str, Any]:
    releases = release.flag("enable") is True and release.flag("dryRun") is False
    if not releases:
        if reviewed_by:
            note("Butler does not release (enable is off or dryRun is on), so mode is observe.")
        return {"mode": "observe"}
    if not reviewed_by:
        note(
            "dryRun is false in Butler, but mode is observe: Seatkeeper releases by itself only"
            " when somebody has checked that the Qlik agreement allows it. Run the import again"
            " with --agreement-reviewed-by NAME for mode auto."
        )
        return {"mode": "observe"}
    note("mode is auto, as in Butler: look at a plan first (`seatkeeper plan`).")
    agreement = {"by": reviewed_by, "on": today.isoformat()}
    return {"mode": "auto", "agreement_reviewed": agreement}


def _type(found: Block, name: str, note: Note) -> dict[str, Any]:
    enabled = found.flag("enable")
    if enabled is None:
        note(f"licenseType.{name}.enable is neither true nor false; {name} seats are left alone.")
    days = _days(found.text("releaseThresholdDays"), name, note)
    values: dict[str, Any] = {"enabled": enabled is True}
    if days is not None:
        values["release_after"] = f"{days}d"
    return values


def _days(text: str, name: str, note: Note) -> int | None:
    where = f"licenseType.{name}.releaseThresholdDays"
    try:
        days = float(text)
    except ValueError:
        days = math.nan
    if not math.isfinite(days):
        note(f"{where} is no number; release_after is Seatkeeper's default of 90d.")
        return None
    whole = min(max(math.ceil(days), LEAST_DAYS), MOST_DAYS)
    if whole != days:
        why = "Qlik blocks a used seat for seven days" if days < LEAST_DAYS else "whole days"
        note(f"{where} is {text}; release_after became {whole}d ({why}).")
    return whole


def _never_release(never: Block, note: Note) -> dict[str, Any]:
    lists: dict[str, list[Any]] = {
        "users": [f"{u.text('userDir')}\\{u.text('userId')}" for u in never.blocks("user")],
        "user_directories": list(never.texts("userDirectory")),
        "tags": list(never.texts("tag")),
        "custom_properties": [
            {"name": found.text("name"), "value": found.text("value")}
            for found in never.blocks("customProperty")
        ],
    }
    kept = {key: list(_sound(key, entries, note)) for key, entries in lists.items()}
    values: dict[str, Any] = {key: entries for key, entries in kept.items() if entries}
    for ours, theirs in _MARKS:
        values[ours] = _mark(never.text(theirs), theirs, note)
    return values


def _sound(key: str, entries: Iterable[Any], note: Note) -> Iterable[Any]:
    """Keep what can protect somebody; Butler compares literally, so the rest never did."""
    for entry in entries:
        try:
            NeverReleaseSettings.model_validate({key: [entry]})
        except ValidationError:
            said = entry if isinstance(entry, str) else f"{entry['name']}={entry['value']}"
            note(
                f"The entry '{said}' of neverRelease can protect nobody and was left out of {key};"
                r" a pattern such as 'DIRECTORY\name*' goes under patterns."
            )
        else:
            yield entry


def _mark(text: str, name: str, note: Note) -> str:
    mark = text.lower()
    if mark in ("yes", "no", "ignore"):
        return mark
    if text:
        note(f"neverRelease.{name} is none of Yes, No and Ignore; it became ignore.")
    return "ignore"


def schedule_of(licenses: Block, note: Note) -> dict[str, str]:
    """Return our `schedule` block: the frequencies that can be read."""
    schedule: dict[str, str] = {}
    for ours, theirs in (("monitor", "licenseMonitor"), ("release", "licenseRelease")):
        text = licenses.below(theirs).text("frequency")
        if not text:
            continue
        try:
            Schedule.parse(text)
        except ValueError as error:
            note(f"{theirs}.frequency, '{text}', stays out and the default holds: {error}.")
            continue
        schedule[ours] = text
    if schedule:
        note(
            "Schedules count from the last run and are kept across restarts; Butler begins at"
            " each start and then at full hours or midnight UTC."
        )
    return schedule | {"timezone": "UTC"}
