from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from command_line import Command
from seatkeeper.cli.options import Output
from seatkeeper.cli.render import show_all
from seatkeeper.cli.status_view import Holding, SiteStatus
from seatkeeper.core.model import LicenseType, Pool
from seatkeeper.core.plan import Limit, PlanStatus
from seatkeeper.core.policy import Mode, SharedKind
from seatkeeper.core.progress import Reached, steps_to_auto
from seatkeeper.core.record import Freeze, PlanLine
from served_site import ServedSite

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)


def status(seatkeeper: Command, config: Path) -> dict[str, Any]:
    ended = seatkeeper("status", "-c", config, "--site", "prod", "-o", "json")
    assert ended.code == 0, ended
    said: dict[str, Any] = ended.json
    return said


def done(said: dict[str, Any]) -> list[str]:
    return [step["key"] for step in said["steps"] if step["done"]]


def test_a_site_never_read_shows_its_pools_and_the_first_step(
    seatkeeper: Command, config: Path
) -> None:
    said = status(seatkeeper, config)

    assert [pool["license_type"] for pool in said["pools"]] == ["professional", "analyzer"]
    assert set(said["pools"][0]) == {
        "license_type",
        "total",
        "allocated",
        "available",
        "used",
        "quarantined",
        "excess",
    }
    assert said["reachable"] is True
    assert (said["newest_plan"], said["last_reading"], said["freeze"]) == (None, None, None)
    assert done(said) == ["configured", "sharing_known"]
    assert said["next_step"] == "read"
    assert len(said["next_runs"]["release"]) == 5


def test_a_plan_moves_the_steps_on(seatkeeper: Command, config: Path) -> None:
    planned = seatkeeper("plan", "-c", config, "--site", "prod", "-o", "json").json

    said = status(seatkeeper, config)

    assert said["newest_plan"]["plan_id"] == planned["plan_id"]
    assert said["newest_plan"]["status"] == planned["status"]
    assert said["newest_plan"]["actions"] == len(planned["actions"])
    assert said["last_reading"] is not None
    assert done(said) == ["configured", "read", "planned", "sharing_known"]
    assert said["next_step"] == "watched"


def test_a_plan_applied_by_a_person_is_two_steps_more(
    seatkeeper: Command, config: Path, own_site: ServedSite
) -> None:
    text = config.read_text().replace(
        "policy:", "policy:\n      mode: approve\n      agreement_reviewed: {by: J, on: 2026-01-01}"
    )
    config.write_text(own_site.configured(text))
    planned = seatkeeper("plan", "-c", config, "--site", "prod", "-o", "json").json
    passed = [w for v in planned["violations"] for w in ("--override", v["limit"])]
    by = ("--by", "Jane", "--reason", "looked", *passed)
    applied = seatkeeper("apply", "-c", config, planned["plan_id"], "--yes", *by)
    assert applied.code == 0, applied

    said = status(seatkeeper, config)

    assert {"agreement_reviewed", "mode_approve", "approved", "applied"} <= set(done(said))
    assert said["newest_plan"]["status"] == "applied"


def test_a_site_that_is_down_shows_what_is_known_of_it(
    seatkeeper: Command, config: Path, site: ServedSite
) -> None:
    seatkeeper("plan", "-c", config)
    before = status(seatkeeper, config)
    port = site.url.rpartition(":")[2].partition("/")[0]
    config.write_text(config.read_text().replace(f":{port}/", ":1/"))

    said = status(seatkeeper, config)

    assert said["reachable"] is False
    assert "nobody listens" in said["error"]
    assert said["pools"] == before["pools"]
    assert said["pools_at"] == before["last_reading"]
    assert done(said) == done(before)
    shown = seatkeeper("status", "-c", config).out
    assert "The site does not answer" in shown
    assert "professional" in shown


def test_a_freeze_is_shown(seatkeeper: Command, config: Path) -> None:
    seatkeeper("freeze", "-c", config, "--by", "Jane", "--reason", "audit", "--until", "2999-01-01")

    said = status(seatkeeper, config)

    assert (said["freeze"]["by"], said["freeze"]["reason"]) == ("Jane", "audit")
    assert "frozen" in seatkeeper("status", "-c", config).out


def test_without_a_site_it_is_an_array(seatkeeper: Command, config: Path) -> None:
    ended = seatkeeper("status", "-c", config, "-o", "json")

    assert [one["site"] for one in ended.json] == ["prod"]


GOLDEN = """
site prod · mode approve
seats at 2026-11-02 03:00 UTC

 Type           Total   Allocated   Free   Quarantined   Excess
 ──────────────────────────────────────────────────────────────
 professional     120          88     32             0        0
 analyzer         400         395      5             3        ?

last reading  2026-11-02 02:45 UTC
newest plan   20261102-030000-ab12cd34, 7 seats, 3 later, blocked by max_share: breaks a limit; \
override it, or wait for
a plan that breaks none
frozen        until it is thawed by Jane Doe since 2026-11-01 03:00 UTC: year end
held by       seatkeeper (pid 7 on qlik-1), at release since 2026-11-02 02:59:00 UTC
next monitor  Mon 2026-11-02 03:15 UTC
next release  Tue 2026-11-03 03:00 UTC

From the first look to automatic release
   1  done  the configuration is sound
   2  done  the site was read  (2026-10-23 03:00 UTC)
   3  done  a first plan was made  (2026-10-23 03:00 UTC)
   4  next  watched for 14 days, so that the limits have something to compare with  (10 days so far)
            let `seatkeeper serve` run, or make a plan every day
   5  done  somebody looked whether the Qlik agreement allows it  (Jane Doe)
   6  done  people may approve plans  (mode approve)
   7        a person approved a plan
   8        a plan was applied
   9        it is known who shares the license
  10        plans without a violation are released by themselves  (mode approve)
"""


def test_people_read_everything_on_one_page(capsys: pytest.CaptureFixture[str]) -> None:
    ten_days_ago = NOW - timedelta(days=10)
    reached = Reached(
        mode=Mode.APPROVE,
        agreement_by="Jane Doe",
        shared=SharedKind.UNKNOWN,
        now=NOW,
        first_read=ten_days_ago,
        first_plan=ten_days_ago,
    )
    plan = PlanLine(
        plan_id="20261102-030000-ab12cd34",
        site="prod",
        status=PlanStatus.BLOCKED,
        created_at=NOW,
        expires_at=NOW + timedelta(hours=72),
        actions=7,
        deferred=3,
        violations=(Limit.MAX_SHARE,),
    )
    status = SiteStatus(
        site="prod",
        mode=Mode.APPROVE,
        zone=UTC,
        pools=(
            Pool(LicenseType.PROFESSIONAL, True, 120, 88, 32, 61, 0, 0),
            Pool(LicenseType.ANALYZER, True, 400, 395, 5, 240, 3),
        ),
        pools_at=NOW,
        last_reading=NOW - timedelta(minutes=15),
        newest_plan=plan,
        freeze=Freeze("Jane Doe", "year end", NOW - timedelta(days=1)),
        holder=Holding(
            "release",
            NOW,
            "seatkeeper (pid 7 on qlik-1), at release since 2026-11-02 02:59:00 UTC",
        ),
        next_runs={
            "monitor": (NOW + timedelta(minutes=15),),
            "release": (NOW + timedelta(days=1),),
        },
        steps=steps_to_auto(reached),
    )

    show_all([status], Output.TABLE, single=True)

    shown = capsys.readouterr().out
    assert "\n".join(line.rstrip() for line in shown.splitlines()) + "\n" == GOLDEN
