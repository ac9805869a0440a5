from __future__ import annotations

import re
from pathlib import Path

from e2e_desk import Desk, a_desk
from e2e_processes import Ended, wait_until
from e2e_truth import everything_adds_up, the_ledger_verifies
from postgres import PostgresServer

ROUNDS = 10
HELD = re.compile(r"held by .+ \(pid \d+ on .+\)")
OVER = re.compile(r"is (applied|applying)")


def _both(desk: Desk, plan_id: str) -> list[Ended]:
    """Start two appliers of one plan at the same time."""
    processes = [desk.start("apply", plan_id, "--yes", "-o", "json") for _ in range(2)]
    return [process.wait() for process in processes]


def _exactly_one_acted(desk: Desk, plan: dict[str, object], ended: list[Ended]) -> None:
    codes = sorted(one.code for one in ended)
    assert codes in ([0, 1], [0, 5]), [one.err for one in ended]
    acted = next(one for one in ended if one.code == 0)
    other = next(one for one in ended if one.code != 0)
    assert acted.json["counts"] == {"released": 6}
    assert other.out == ""
    assert (HELD if other.code == 1 else OVER).search(other.err), other.err
    everything_adds_up(desk, plan)
    assert len(desk.site.deletes()) == 6


def test_of_two_appliers_of_one_plan_exactly_one_acts(tmp_path: Path) -> None:
    with a_desk(tmp_path, users=320) as desk:
        desk.site.faults("latency=30:method=DELETE")
        for _ in range(ROUNDS):
            desk.site.forget()
            plan = desk.plan()
            _exactly_one_acted(desk, plan, _both(desk, plan["plan_id"]))
        the_ledger_verifies(desk)


def test_of_two_appliers_on_postgresql_exactly_one_acts(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    with a_desk(tmp_path, store_url=postgres.new_database()) as desk:
        desk.site.faults("latency=30:method=DELETE")
        for _ in range(3):
            desk.site.forget()
            plan = desk.plan()
            _exactly_one_acted(desk, plan, _both(desk, plan["plan_id"]))


def _applied(desk: Desk, plan_id: str) -> None:
    wait_until(lambda: desk.status_of(plan_id) == "applied", "the plan is applied")


def test_apply_beside_the_daemon_releases_each_seat_once(desk: Desk) -> None:
    desk.site.faults("latency=80:method=DELETE")
    daemon = desk.serve()
    wait_until(lambda: desk.site.log() and not desk.holder(), "the daemon has read the site")
    codes = set()
    for _ in range(3):
        desk.site.forget()
        plan = desk.plan()
        desk.run("approve", plan["plan_id"], "--by", "Jane Doe").expect(0)
        by_hand = desk.apply(plan["plan_id"]).expect(0, 1, 5)
        codes.add(by_hand.code)
        if by_hand.code:
            assert (HELD if by_hand.code == 1 else OVER).search(by_hand.err), by_hand.err
        _applied(desk, plan["plan_id"])
        everything_adds_up(desk, plan)
        assert len(desk.site.deletes()) == 6
        wait_until(lambda: not desk.holder(), "the site is free")
    daemon.end().expect(0)
    assert codes <= {0, 1, 5}
