"""When the daemon calls itself ready, and what it admits beside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from seatkeeper.core.health import (
    LOOP_STALLED,
    MOST_SENTENCES,
    Heartbeat,
    JobHealth,
    judge_health,
)

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)


def failing(site: str = "prod", kind: str = "monitor", times: int = 1) -> JobHealth:
    return JobHealth(site, kind, failed="no answer", in_a_row=times)


def beating(*jobs: JobHealth, ago: float = 1, **changes: str) -> Heartbeat:
    return Heartbeat(
        started=NOW - timedelta(hours=1),
        last_look=NOW - timedelta(seconds=ago),
        jobs={(job.site, job.kind): job for job in jobs},
        **changes,
    )


def test_a_daemon_that_looks_for_work_is_ready() -> None:
    health = judge_health(beating(JobHealth("prod", "monitor", last_success=NOW)), NOW)

    assert health.ready
    assert health.degraded == ()


def test_a_daemon_that_has_not_looked_yet_is_not_ready() -> None:
    health = judge_health(Heartbeat(NOW), NOW)

    assert not health.ready
    assert health.degraded == ("the engine has not looked for work yet",)


def test_a_stalled_engine_is_not_ready() -> None:
    late = LOOP_STALLED.total_seconds()

    assert judge_health(beating(ago=late), NOW).ready
    assert not judge_health(beating(ago=late + 1), NOW).ready


def test_a_store_that_is_away_makes_it_not_ready() -> None:
    health = judge_health(beating(store_error="the store is locked"), NOW)

    assert not health.ready
    assert health.degraded == ("the store cannot be used: the store is locked",)


def test_sites_that_fail_degrade_it_only() -> None:
    health = judge_health(beating(failing("b", times=3), failing("a", "release")), NOW)

    assert health.ready
    assert health.degraded == (
        "site a: release fails: no answer",
        "site b: monitor fails, 3 times in a row: no answer",
    )


def test_a_freeze_is_said() -> None:
    health = judge_health(beating(frozen_by="Jane"), NOW)

    assert health.ready
    assert health.degraded == ("releases are frozen by Jane",)


def test_a_thousand_sites_that_fail_do_not_make_a_page_of_a_thousand_lines() -> None:
    health = judge_health(beating(*(failing(f"s{n}") for n in range(1000))), NOW)

    assert len(health.degraded) == MOST_SENTENCES + 1
    assert health.degraded[-1] == "and 950 more jobs that fail; see the log"
