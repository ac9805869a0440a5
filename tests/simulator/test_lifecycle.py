from __future__ import annotations

from seatkeeper.simulator.moments import DAY, HOUR, NEVER_TEXT, iso
from seatkeeper.simulator.site import Login
from simulator.world import ANALYZER, NOW, PROFESSIONAL, World

PATH = "license/analyzeraccesstype"


def body(world: World, login: str) -> dict[str, dict[str, str]]:
    return {"user": {"id": next(iter(world.site.records.users_by_login(login))).id}}


def test_a_grant_takes_a_free_seat() -> None:
    world = World.empty(analyzer=2)
    world.user("anna")

    status, seat = world.ask("POST", PATH, body(world, "anna"))

    assert status == 201
    assert seat["user"]["userId"] == "anna"
    assert seat["lastUsed"] == NEVER_TEXT
    assert seat["createdDate"] == iso(NOW)
    assert world.overview()["available"] == 1


def test_a_grant_without_a_free_seat_is_refused() -> None:
    world = World.empty(analyzer=0)
    world.user("anna")

    assert world.ask("POST", PATH, body(world, "anna"))[0] == 400
    assert world.get(f"{PATH}/count") == {"value": 0}


def test_a_rule_gives_a_seat_at_login() -> None:
    world = World.empty(analyzer=1)
    world.rule('((user.userDirectory="example"))')
    anna = world.user("anna")

    assert world.site.login(anna) is Login.NEW_SEAT
    [seat] = world.get(f"{PATH}/full")
    assert seat["lastUsed"] == iso(NOW)
    assert seat["modifiedByUserName"] == "EXAMPLE\\anna"
    assert world.overview()["available"] == 0


def test_nobody_gets_in_by_rule_when_the_pool_is_dry() -> None:
    world = World.empty(analyzer=0)
    world.rule("true")

    assert world.site.login(world.user("anna")) is Login.TURNED_AWAY
    assert world.get(f"{PATH}/full") == []
    assert world.site.records.facts.turned_away == 1


def test_somebody_without_a_rule_is_turned_away() -> None:
    world = World.empty()
    world.rule('((user.group="sales"))')

    assert world.site.login(world.user("anna")) is Login.TURNED_AWAY


def test_somebody_inactive_cannot_log_in() -> None:
    world = World.empty()
    world.rule("true")

    assert world.site.login(world.user("anna", inactive=True)) is Login.UNKNOWN_USER


def test_using_a_seat_moves_its_dates() -> None:
    world = World.empty()
    anna = world.user("anna")
    seat = world.seat(anna, used_days_ago=30)

    assert world.site.login(anna) is Login.SEAT
    shown = world.get(f"{PATH}/{seat.id}")
    assert (shown["lastUsed"], shown["modifiedDate"]) == (iso(NOW), iso(NOW))
    assert shown["modifiedByUserName"] == "EXAMPLE\\anna"


def test_a_seat_used_lately_goes_into_quarantine() -> None:
    world = World.empty(analyzer=1)
    seat = world.seat(world.user("anna"), used_days_ago=2)

    assert world.ask("DELETE", f"{PATH}/{seat.id}") == (204, None)

    shown = world.get(f"{PATH}/{seat.id}")
    assert shown["quarantined"] is True
    assert shown["quarantineEnd"] == iso(NOW + 5 * DAY)
    assert world.overview() | {"available": 0, "quarantined": 1, "allocated": 0} == (
        world.overview()
    )


def test_a_seat_used_exactly_seven_days_ago_is_free_at_once() -> None:
    world = World.empty(analyzer=1)
    seat = world.seat(world.user("anna"), used_days_ago=7)

    assert world.ask("DELETE", f"{PATH}/{seat.id}") == (204, None)
    assert world.ask("GET", f"{PATH}/{seat.id}") == (404, "Not Found")
    assert world.overview()["available"] == 1


def test_a_seat_never_used_is_free_at_once() -> None:
    world = World.empty(analyzer=1)
    seat = world.seat(world.user("anna"), made_days_ago=0)

    world.ask("DELETE", f"{PATH}/{seat.id}")

    assert world.overview()["available"] == 1


def test_a_quarantined_row_disappears_when_its_time_is_over() -> None:
    world = World.empty(analyzer=1)
    seat = world.seat(world.user("anna"), used_days_ago=2)
    world.ask("DELETE", f"{PATH}/{seat.id}")

    world.clock.set(NOW + 5 * DAY - 1)
    assert world.get(f"{PATH}/count") == {"value": 1}
    world.clock.set(NOW + 5 * DAY)
    assert world.get(f"{PATH}/count") == {"value": 0}
    assert world.overview()["available"] == 1


def test_a_seat_reinstated_and_released_again_keeps_the_later_end() -> None:
    world = World.empty()
    anna = world.user("anna")
    seat = world.seat(anna, used_days_ago=6)
    world.ask("DELETE", f"{PATH}/{seat.id}")
    world.ask("POST", PATH, body(world, "anna"))
    world.site.use(seat, NOW)
    world.ask("DELETE", f"{PATH}/{seat.id}")

    world.clock.set(NOW + 2 * DAY)

    assert world.get(f"{PATH}/{seat.id}")["quarantined"] is True


def test_a_quarantined_row_keeps_a_seat_from_others() -> None:
    world = World.empty(analyzer=1)
    seat = world.seat(world.user("anna"), used_days_ago=1)
    world.user("ben")
    world.ask("DELETE", f"{PATH}/{seat.id}")

    assert world.ask("POST", PATH, body(world, "ben"))[0] == 400


def test_a_post_for_the_same_user_reinstates() -> None:
    world = World.empty(analyzer=1)
    seat = world.seat(world.user("anna"), used_days_ago=1)
    world.ask("DELETE", f"{PATH}/{seat.id}")

    status, shown = world.ask("POST", PATH, body(world, "anna"))

    assert (status, shown["id"]) == (201, seat.id)
    assert (shown["quarantined"], shown["quarantineEnd"]) == (False, NEVER_TEXT)


def test_a_login_by_rule_reinstates() -> None:
    world = World.empty(analyzer=1)
    world.rule("true")
    anna = world.user("anna")
    seat = world.seat(anna, used_days_ago=1)
    world.ask("DELETE", f"{PATH}/{seat.id}")

    assert world.site.login(anna) is Login.SEAT
    assert world.get(f"{PATH}/{seat.id}")["quarantined"] is False


def test_releasing_a_quarantined_row_again_is_refused() -> None:
    world = World.empty()
    seat = world.seat(world.user("anna"), used_days_ago=1)
    world.ask("DELETE", f"{PATH}/{seat.id}")

    assert world.ask("DELETE", f"{PATH}/{seat.id}")[0] == 400
    assert world.get(f"{PATH}/count") == {"value": 1}


def test_releasing_an_unknown_row_is_not_found() -> None:
    assert World.empty().ask("DELETE", f"{PATH}/5e000000-0000-4000-8000-000000000099")[0] == 404


def test_a_shrunken_license_locks_out_the_newest() -> None:
    world = World.empty(analyzer=3)
    seats = [
        world.seat(world.user(f"user{days}"), used_days_ago=1, made_days_ago=days)
        for days in (300, 200, 100)
    ]

    world.site.set_total(ANALYZER, 1)

    assert [world.get(f"{PATH}/{seat.id}")["excess"] for seat in seats] == [False, True, True]
    assert world.overview()["excess"] == 2
    assert world.overview()["available"] == 0
    assert world.site.login(world.site.records.users[seats[2].user]) is Login.EXCESS


def test_releasing_lets_the_locked_out_back_in() -> None:
    world = World.empty(analyzer=2)
    first = world.seat(world.user("anna"), made_days_ago=300)
    second = world.seat(world.user("ben"), made_days_ago=100)
    world.site.set_total(ANALYZER, 1)

    world.ask("DELETE", f"{PATH}/{first.id}")

    assert world.get(f"{PATH}/{second.id}")["excess"] is False


def test_a_deleted_user_leaves_the_quarantined_row_without_a_holder() -> None:
    world = World.empty()
    anna = world.user("anna")
    seat = world.seat(anna, used_days_ago=1)

    assert world.ask("DELETE", f"user/{anna.id}") == (204, None)

    shown = world.get(f"{PATH}/{seat.id}")
    assert shown["user"] is None
    assert (shown["deletedUserDirectory"], shown["deletedUserId"]) == ("EXAMPLE", "anna")
    assert (shown["quarantined"], shown["quarantineEnd"]) == (True, iso(NOW + 6 * DAY))


def test_deleting_a_user_does_not_shorten_a_quarantine() -> None:
    world = World.empty()
    anna = world.user("anna")
    seat = world.seat(anna, used_days_ago=1)
    world.ask("DELETE", f"{PATH}/{seat.id}")

    world.ask("DELETE", f"user/{anna.id}")

    shown = world.get(f"{PATH}/{seat.id}")
    assert (shown["user"], shown["quarantineEnd"]) == (None, iso(NOW + 6 * DAY))


def test_a_deleted_user_with_an_idle_seat_leaves_nothing() -> None:
    world = World.empty(analyzer=1)
    anna = world.user("anna")
    world.seat(anna, used_days_ago=30)

    world.ask("DELETE", f"user/{anna.id}")

    assert world.overview()["available"] == 1


def test_system_users_cannot_be_deleted() -> None:
    world = World.empty()
    system = world.user("sa_api", "INTERNAL", delete_prohibited=True)

    assert world.ask("DELETE", f"user/{system.id}")[0] == 400


def test_a_user_can_hold_both_types() -> None:
    world = World.empty()
    anna = world.user("anna")
    analyzer = world.seat(anna)
    world.seat(anna, PROFESSIONAL)

    world.ask("DELETE", f"{PATH}/{analyzer.id}")

    assert world.get("license/professionalaccesstype/count") == {"value": 1}


def test_many_grants_are_all_or_none() -> None:
    world = World.empty(analyzer=1)
    world.user("anna")
    world.user("ben")

    status, _ = world.ask("POST", f"{PATH}/many", [body(world, "anna"), body(world, "ben")])

    assert status == 400
    assert world.get(f"{PATH}/count") == {"value": 0}
    world.site.set_total(ANALYZER, 2)
    status, seats = world.ask("POST", f"{PATH}/many", [body(world, "anna"), body(world, "ben")])
    assert (status, len(seats)) == (201, 2)


def test_many_grants_with_one_doubled_grant_nothing() -> None:
    world = World.empty()
    world.user("anna")

    status, _ = world.ask("POST", f"{PATH}/many", [body(world, "anna"), body(world, "anna")])

    assert status == 400
    assert world.get(f"{PATH}/count") == {"value": 0}


def test_partners_are_paid_from_the_capacity() -> None:
    world = World.empty()
    world.site.records.facts.capacity_minutes = 60
    pool = world.document("analyzertimeaccesstype", name="Pool")
    world.document(
        "systemrule",
        name="Partners",
        rule='((user.userDirectory="PARTNER"))',
        resourceFilter=f"License.AnalyzerTimeAccessType_{pool}",
    )

    assert world.site.login(world.user("guest", "PARTNER"), NOW - HOUR) is Login.CAPACITY

    [use] = world.get("license/analyzertimeaccessusage/full")
    [shown] = world.get("license/analyzertimeaccesstype/full")
    assert use["user"]["userId"] == "guest"
    assert use["useStopTime"] <= iso(NOW)
    assert shown["usedMinutes"] % 6 == 0
    assert shown["usedMinutes"] + shown["remainingMinutes"] == 60
    assert world.overview("analyzerTimeAccess")["usedMinutes"] == shown["usedMinutes"] > 0


def test_capacity_that_is_used_up_lets_nobody_in() -> None:
    world = World.empty()
    world.site.records.facts.capacity_minutes = 6
    pool = world.document("analyzertimeaccesstype", name="Pool")
    resource = f"License.AnalyzerTimeAccessType_{pool}"
    world.document("systemrule", name="All", rule="true", resourceFilter=resource)
    guest = world.user("guest", "PARTNER")

    assert world.site.login(guest, NOW - HOUR) is Login.CAPACITY
    assert world.site.login(guest, NOW) is Login.TURNED_AWAY
