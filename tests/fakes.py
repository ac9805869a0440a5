"""In-memory stand-ins for everything the flow is given: site, store, lease, clock."""

from __future__ import annotations

from fake_memory import FakeControl, FakeCycles, FakeHistory, FakeSummaries
from fake_records import FakeHeld, FakePlans, FakeStore, Record
from fake_site import (
    Crash,
    Delete,
    FakeGranter,
    FakeReader,
    FakeReleaser,
    FakeSite,
    Process,
    fail_with,
    hang,
)
from virtual_time import START, FakeClock, VirtualLoop, virtual_run

__all__ = [
    "START",
    "Crash",
    "Delete",
    "FakeClock",
    "FakeControl",
    "FakeCycles",
    "FakeGranter",
    "FakeHeld",
    "FakeHistory",
    "FakePlans",
    "FakeReader",
    "FakeReleaser",
    "FakeSite",
    "FakeStore",
    "FakeSummaries",
    "Process",
    "Record",
    "VirtualLoop",
    "fail_with",
    "hang",
    "virtual_run",
]
