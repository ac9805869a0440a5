from __future__ import annotations

from pathlib import Path

import pytest

from e2e_foreign import Foreign, Tried, a_try
from seatkeeper.simulator.switches import choices

NUMBERS = {
    "usage_days": ("0", "7", "90"),
    "table_max_take": ("50",),
    "url_limit": ("1024", "2048"),
    "date_zone": ("+01:00", "-08:00"),
}
"""Values for the switches that take a number or a zone."""

ALL = "4 released"
NONE = "4 refused"
BACK = {"restored"}
SWITCHES: dict[str, tuple[str, set[str]]] = {
    "license_backend=unreachable": (NONE, set()),
    "license_kind=none": (ALL, {"refused"}),
    "license_kind=expired": (ALL, {"refused"}),
    "license_kind=blacklisted": (ALL, {"refused"}),
    "post_minimal=refuse": (ALL, {"refused"}),
}
"""What another behaviour than the usual comes to: released, given back."""

NO = "error"
CLOCK = "blocked by clock_skew"
WHOLE_TIME = {
    "latency=100": ALL,
    "slow=20000": NO,
    "hang=before": NO,
    "hang=after": NO,
    "drop=before": NO,
    "drop=after": NO,
    "drop=before:every=9": ALL,
    "drop=after:every=9": ALL,
    "status=500": NO,
    "status=500:every=7": ALL,
    "status=503:every=5": "",
    "status=429:every=4": "",
    "status=401": NO,
    "status=403": NO,
    "status=404": NO,
    "html": NO,
    "html:every=6": NO,
    "cut": NO,
    "cut:every=7": ALL,
    "cut_silently": NO,
    "cut_silently:every=7": ALL,
    "not_json": NO,
    "not_json:every=7": ALL,
    "ignore_filter": ALL,
    "usage=403": ALL,
    "usage=404": ALL,
    "usage=empty": ALL,
    "usage=hang": ALL,
    "stale=10d usage=empty": "blocked by stale_activity",
    "accident=30%": ALL,
    "skew=10m": CLOCK,
    "skew=-10m": CLOCK,
    "skew=1m": ALL,
    "no_date": ALL,
}
"""Faults that last, and what planning and applying then come to; empty: one of several."""

WHILE_APPLYING = {
    "latency=100": ALL,
    "hang=before": NO,
    "hang=after": NO,
    "drop=before": NO,
    "status=500": NO,
    "status=403": NO,
    "html": NO,
    "html:every=6": "4 not_attempted",
    "cut": NO,
    "cut_silently": NO,
    "not_json": NO,
    "ignore_filter": ALL,
    "usage=hang": "4 not_attempted",
    "skew=10m": "4 not_attempted",
    "no_date": ALL,
    "status=500:method=DELETE": NONE,
    "status=500:method=DELETE:every=2": "2 refused, 2 released",
    "status=403:method=DELETE": NONE,
    "status=404:method=DELETE": NONE,
    "status=429:method=DELETE": NONE,
    "html:method=DELETE": "4 unknown",
    "cut:method=DELETE": ALL,
    "not_json:method=DELETE": ALL,
    "drop=before:method=DELETE": "4 unknown",
    "drop=after:method=DELETE": ALL,
    "lost:method=DELETE": ALL,
    "lost:method=DELETE:every=2": ALL,
    "hang=before:method=DELETE": "4 unknown",
    "hang=after:method=DELETE": ALL,
    "ignore_delete": NONE,
}
"""Faults that begin after the plan was made."""


def _is_right(foreign: Foreign, tried: Tried) -> None:
    assert not foreign.judge(tried), (tried.word, tried.error)
    if tried.error:
        kind, _, said = tried.error.partition(": ")
        assert len(said) > 20, f"{kind} says too little: {said}"
    for held_back in tried.plan.plan.violations if tried.plan else ():
        assert held_back.message
        assert held_back.way_out


def _values(name: str) -> tuple[str, ...]:
    return choices()[name] or NUMBERS[name]


@pytest.mark.parametrize("name", choices())
async def test_whatever_qrs_does_where_its_documents_are_silent_nobody_is_wronged(
    name: str, tmp_path: Path
) -> None:
    for number, value in enumerate(_values(name)):
        switch, folder = f"{name}={value}", tmp_path / str(number)
        folder.mkdir()
        foreign, tried = await a_try(folder, switches=[switch], give_back=True)
        _is_right(foreign, tried)
        word, given = SWITCHES.get(switch, (ALL, BACK))
        assert tried.word == word, f"{switch}: {tried.error}"
        assert {str(result.outcome) for result in tried.given} == given, switch


@pytest.mark.parametrize("faults", WHOLE_TIME)
async def test_a_fault_that_lasts_is_told_or_borne_and_wrongs_nobody(
    faults: str, tmp_path: Path
) -> None:
    foreign, tried = await a_try(tmp_path, faults=faults.split(), patience="1s")
    _is_right(foreign, tried)
    assert tried.word == (WHOLE_TIME[faults] or tried.word), tried.error


@pytest.mark.parametrize("fault", WHILE_APPLYING)
async def test_a_fault_that_begins_after_the_plan_is_told_or_borne_and_wrongs_nobody(
    fault: str, tmp_path: Path
) -> None:
    foreign, tried = await a_try(tmp_path, later=[fault], patience="1s")
    _is_right(foreign, tried)
    assert tried.word == (WHILE_APPLYING[fault] or tried.word), tried.error
