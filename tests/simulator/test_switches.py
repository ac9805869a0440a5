"""Every switch is shown to change what a client sees; a new switch without a scene fails here."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from seatkeeper.simulator.answers import Rejection
from seatkeeper.simulator.identity import check_xrfkey, identify
from seatkeeper.simulator.moments import DAY, HOUR, iso
from seatkeeper.simulator.switches import Switches, choices
from simulator.world import ANALYZER, NOW, World

PATH = "license/analyzeraccesstype"
ANYBODY = "ce000000-0000-4000-8000-000000000001"


def released(world: World, used_days_ago: float | None = 1) -> tuple[int, Any]:
    seat = world.seat(world.user("anna"), used_days_ago=used_days_ago)
    return world.ask("DELETE", f"{PATH}/{seat.id}")


def quarantined(world: World) -> dict[str, Any]:
    released(world)
    row: dict[str, Any] = world.get(f"{PATH}/full")[0]
    return row


def granted_again(world: World) -> int:
    row = quarantined(world)
    return world.ask("POST", PATH, {"user": {"id": row["user"]["id"]}})[0]


def put_again(world: World) -> int:
    row = quarantined(world)
    return world.ask("PUT", f"{PATH}/{row['id']}", row | {"quarantined": False})[0]


def without_holder(world: World) -> Any:
    row = quarantined(world)
    world.ask("DELETE", f"user/{row['user']['id']}")
    shown = world.get(f"{PATH}/full")[0]
    return shown["user"]["userId"] if shown.get("user") else shown.get("user", "absent")


def days_till_gone(world: World) -> float | None:
    """Look at growing distances at a seat whose quarantine ends 5.99 days from now."""
    released(world, used_days_ago=1.01)
    for days in (5.98, 5.995, 6, 7, 300):
        world.clock.set(NOW + int(days * DAY))
        if world.get(f"{PATH}/count") == {"value": 0}:
            return days
    return None


def doubled(world: World) -> tuple[int, int]:
    anna = world.user("anna")
    world.seat(anna)
    status, _ = world.ask("POST", PATH, {"user": {"id": anna.id}})
    return status, world.get(f"{PATH}/count")["value"]


def granted(world: World) -> int:
    return world.ask("POST", PATH, {"user": {"id": world.user("anna").id}})[0]


def granted_in_a_dry_pool(world: World) -> int:
    world.site.set_total(ANALYZER, 0)
    return granted(world)


def counted(world: World) -> dict[str, Any]:
    """Ten seats: two live ones too many, three in quarantine, two ever used, one of them lately."""
    for number, days in enumerate((5, 60, None, None, None, None, None)):
        world.seat(world.user(f"user{number}"), used_days_ago=days)
    for number in range(3):
        seat = world.seat(world.user(f"gone{number}"), used_days_ago=1)
        world.ask("DELETE", f"{PATH}/{seat.id}")
    world.site.set_total(ANALYZER, 5)
    return world.overview()


def locked_out(world: World) -> str:
    world.seat(world.user("old"), made_days_ago=300, used_days_ago=1)
    world.seat(world.user("idle"), made_days_ago=200)
    world.seat(world.user("new"), made_days_ago=100, used_days_ago=2)
    world.site.set_total(ANALYZER, 2)
    [row] = world.get(f"{PATH}/full", filter="excess eq true")
    return str(row["user"]["userId"])


def seat_field(name: str) -> Callable[[World], Any]:
    def read(world: World) -> Any:
        world.seat(world.user("anna"))
        return world.get(f"{PATH}/full")[0].get(name, "absent")

    return read


def used_after_login(world: World) -> tuple[bool, int]:
    anna = world.user("anna")
    world.seat(anna, used_days_ago=0.25)
    world.site.login(anna)
    used = world.get(f"{PATH}/full")[0]["lastUsed"] == iso(NOW)
    since = iso(NOW - HOUR)
    usage = world.get("license/analyzeraccessusage/count", filter=f"latestActivity ge '{since}'")
    return used, usage["value"]


def usage_rows(world: World) -> int:
    world.seat(world.user("anna"), used_days_ago=20)
    return int(world.get("license/analyzeraccessusage/count")["value"])


def anonymous(world: World) -> Any:
    from seatkeeper.simulator.rows import CapacityUse  # noqa: PLC0415 - this scene alone

    world.document("analyzertimeaccesstype", name="Pool")
    world.site.records.save_capacity_use(CapacityUse(ANYBODY, "", NOW - HOUR, NOW))
    return world.get("license/analyzertimeaccessusage/full")[0]["user"]


def key_text(world: World) -> tuple[str, str] | None:
    """Give the first letter of the key's text, and what follows `Valid To: `."""
    text = world.get("license").get("keyDetails")
    if text is None:
        return None
    end = str(text).partition("Valid To: ")[2]
    return text[:1], end[: end.find("\n") + 1]


def blocked(world: World) -> bool:
    world.user("anna")
    user = world.get("user/full")[0]
    _, changed = world.ask("PUT", f"user/{user['id']}", user | {"blacklisted": True})
    return bool(changed["inactive"])


def unknown_caller(world: World) -> str:
    try:
        _, rights = identify(world.site, "UserDirectory=NOWHERE; UserId=nobody")
    except Rejection as rejection:
        return str(rejection.status)
    return rights.value


def nameless_caller(world: World) -> str:
    try:
        return identify(world.site, None)[0]
    except Rejection as rejection:
        return str(rejection.status)


def short_xrfkey(world: World) -> bool:
    strict = world.site.switches.xrfkey_length == "strict"
    try:
        check_xrfkey({"xrfkey": "short"}, "short", strict=strict)
    except Rejection:
        return False
    return True


def newer_put(world: World) -> int:
    world.user("anna")
    user = world.get("user/full")[0]
    return world.ask("PUT", f"user/{user['id']}", user | {"modifiedDate": iso(NOW + DAY)})[0]


def paged_get(world: World) -> Any:
    for name in "abc":
        world.user(name)
    status, users = world.ask("GET", "user", skip="1", take="1")
    return len(users) if status == 200 else status


def table(world: World) -> tuple[int, int]:
    for name in "abc":
        world.user(name)
    body = {"columns": [{"name": "id", "columnType": "Property", "definition": "id"}]}
    status, found = world.ask("POST", "user/table", body)
    return status, len(found["rows"])


def filtered(text: str, **more: str) -> Callable[[World], Any]:
    def ask(world: World) -> Any:
        definition = world.document("custompropertydefinition", name="Team")
        world.user("anna", properties=((definition, "x"),))
        world.user("ben", created=NOW)
        status, users = world.ask("GET", "user", filter=text, **more)
        return [user["userId"] for user in users] if status == 200 else status

    return ask


def ordered(world: World) -> int:
    return world.ask("GET", PATH, orderby="user.userId")[0]


def ping(world: World) -> bytes:
    from seatkeeper.simulator.verbs import Call  # noqa: PLC0415 - this scene alone

    return world.resources.answer(Call("GET", ["ssl", "ping"])).body


def about(world: World) -> Any:
    return world.get("about").get("simulator", "absent")


def idle_orphan(world: World) -> int:
    anna = world.user("anna")
    world.seat(anna, used_days_ago=30)
    world.ask("DELETE", f"user/{anna.id}")
    return int(world.get(f"{PATH}/count")["value"])


def rule_login(world: World) -> str:
    world.rule("true")
    quarantined(world)
    [user] = world.site.records.users.values()
    return world.site.login(user).value


PRECEDENCE = "userId eq 'anna' or userId eq 'ben' and userId eq 'nobody'"
NOON = iso(NOW)[:19]

SCENES: dict[str, tuple[Callable[[World], Any], dict[str, Any]]] = {
    "quarantine_policy": (
        lambda world: (released(world), world.get(f"{PATH}/count")["value"]),
        {"serial": ((204, None), 1), "signed_key_none": ((204, None), 0)},
    ),
    "quarantine_end": (
        lambda world: quarantined(world)["quarantineEnd"],
        {"exact": "2026-02-09T10:00:00.000Z", "next_midnight": "2026-02-10T00:00:00.000Z"},
    ),
    "quarantine_expiry": (
        days_till_gone,
        {"at_end": 5.995, "hourly": 6, "nightly": 7, "never": None},
    ),
    "delete_status": (released, {"204": (204, None), "200": (200, None)}),
    "delete_quarantined": (
        lambda world: world.ask("DELETE", f"{PATH}/{quarantined(world)['id']}")[0],
        {"400": 400, "204": 204, "404": 404},
    ),
    "delete_unknown": (
        lambda world: world.ask("DELETE", f"{PATH}/unknown")[0],
        {"404": 404, "204": 204},
    ),
    "reinstate": (
        lambda world: (put_again(world), granted_again(World.empty(*_same(world)))),
        {"both": (200, 201), "post": (400, 201), "put": (200, 400), "none": (400, 400)},
    ),
    "rule_quarantine": (
        rule_login,
        {"reinstate": "seat", "deny": "no_available_access_type"},
    ),
    "deleted_user": (without_holder, {"null": None, "absent": "absent", "stub": "anna"}),
    "deleted_idle_seat": (idle_orphan, {"remove": 0, "keep": 1}),
    "post_minimal": (granted, {"accept": 201, "refuse": 400}),
    "post_duplicate": (
        doubled,
        {"400": (400, 1), "409": (409, 1), "same": (201, 1), "second": (201, 2)},
    ),
    "post_no_seat": (
        granted_in_a_dry_pool,
        {"400": 400, "403": 403, "409": 409, "500": 500},
    ),
    "license_backend": (
        lambda world: (released(world)[0], granted(world)),
        {"reachable": (204, 201), "unreachable": (500, 500)},
    ),
    "excess_rows": (locked_out, {"newest": "new", "oldest": "old", "least_used": "idle"}),
    "allocated_counts": (
        lambda world: counted(world)["allocated"],
        {"live": 7, "all_rows": 10, "within_license": 5},
    ),
    "available_counts": (
        lambda world: (released(world), world.overview()["available"]),
        {"free": ((204, None), 9), "total_minus_allocated": ((204, None), 10)},
    ),
    "quarantined_counts": (
        lambda world: counted(world)["quarantined"],
        {"rows": 3, "zero": 0},
    ),
    "excess_counts": (lambda world: counted(world)["excess"], {"over_total": 2, "zero": 0}),
    "used_counts": (lambda world: counted(world)["used"], {"28d": 1, "ever": 2, "zero": 0}),
    "overview_fields": (
        lambda world: (
            "excess" in world.overview(),
            "analyzerTimeAccess" in world.get("license/accesstypeoverview"),
        ),
        {"full": (True, True), "old": (False, False)},
    ),
    "excess_field": (seat_field("excess"), {"present": False, "absent": "absent"}),
    "never_date": (
        seat_field("lastUsed"),
        {
            "1753": "1753-01-01T00:00:00.000Z",
            "0001": "0001-01-01T00:00:00.000Z",
            "null": None,
            "absent": "absent",
        },
    ),
    "used_events": (used_after_login, {"every": (True, 1), "usage_only": (False, 1)}),
    "used_precision": (
        lambda world: used_after_login(world)[0],
        {"exact": True, "hour": True, "day": False},
    ),
    "usage_days": (usage_rows, {"28": 1, "14": 0}),
    "anonymous_usage": (
        lambda world: (anonymous(world) or {}).get("userId"),
        {"null": None, "entry": "anonymous"},
    ),
    "privileges_always": (
        lambda world: seat_field("privileges")(world) is not None,
        {"no": False, "yes": True},
    ),
    "license_kind": (
        lambda world: (world.get("license") or {}).get("isExpired"),
        {"signed": False, "serial": False, "none": None, "expired": True, "blacklisted": False},
    ),
    "key_details": (
        key_text,
        {
            "official": ("i", "2026-05-13  12:00:00 AM\n"),
            "one_blank": ("i", "2026-05-13 12:00:00 AM\n"),
            "date_only": ("i", "2026-05-13\n"),
            "indented": (" ", "2026-05-13  12:00:00 AM\n"),
            "crlf": ("i", "2026-05-13  12:00:00 AM\r\n"),
            "local": ("i", "5/13/2026 12:00:00 AM\n"),
            "perpetual": ("i", ""),
            "empty": ("", ""),
            "absent": None,
        },
    ),
    "blocked_coupling": (blocked, {"inactive": True, "separate": False}),
    "unknown_identity": (unknown_caller, {"403": "403", "system": "all", "empty": "none"}),
    "missing_identity": (nameless_caller, {"system": "INTERNAL\\sa_repository", "403": "403"}),
    "xrfkey_length": (short_xrfkey, {"strict": False, "any": True}),
    "put_conflict": (newer_put, {"older": 200, "different": 409}),
    "get_paging": (paged_get, {"ignore": 3, "obey": 1, "refuse": 400}),
    "table_status": (table, {"201": (201, 3), "200": (200, 3)}),
    "table_max_take": (table, {"0": (201, 3), "2": (201, 2)}),
    "filter_precedence": (
        filtered(PRECEDENCE), {"and_first": ["anna"], "left_to_right": []},
    ),
    "filter_extras": (
        filtered("not @Team eq 'x'"), {"refuse": 400, "accept": ["ben"]},
    ),
    "filter_unknown": (filtered("shoeSize eq 42"), {"400": 400, "no_match": []}),
    "filter_empty_text": (filtered("userId eq ''"), {"accept": [], "refuse": 400}),
    "date_zone": (
        filtered(f"createdDate ge '{NOON}'"), {"Z": ["ben"], "+01:00": ["ben"], "-01:00": []},
    ),
    "nested_orderby": (ordered, {"accept": 200, "refuse": 400}),
    "ping_body": (ping, {"wrapped": b'{"value":"Ping successful"}', "text": b"Ping successful"}),
    "about_simulator": (about, {"yes": True, "no": "absent"}),
}  # fmt: skip
SERVED = {"error_bodies", "url_limit"}
"""Shown over real HTTP in test_served.py."""


def _same(world: World) -> list[str]:
    return [f"{name}={value}" for name, value in vars(world.site.switches).items()]


CASES = [(name, value) for name, (_, expected) in SCENES.items() for value in expected]


@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_switch_changes_what_is_seen(name: str, value: str) -> None:
    scene, expected = SCENES[name]

    assert scene(World.empty(f"{name}={value}")) == expected[value]


def test_every_value_of_every_switch_has_its_scene() -> None:
    shown = {name: set(expected) for name, (_, expected) in SCENES.items()}

    assert set(choices()) == set(shown) | SERVED
    for name, values in choices().items():
        assert set(values) <= shown.get(name, set(values)), name


def test_later_texts_win() -> None:
    switches = Switches.parse(["table-status=200", "ping_body=text", "table_status=201"])

    assert (switches.table_status, switches.ping_body) == ("201", "text")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("quarantine", "write NAME=VALUE"),
        ("colour=red", "'colour' is not known; known: quarantine_policy, "),
        ("table_status=418", "'418' is not possible; possible: 201, 200"),
        ("usage_days=many", "write a whole number"),
        ("usage_days=-1", "write a whole number"),
        ("date_zone=Stockholm", "not a zone such as"),
    ],
)
def test_a_text_that_cannot_be_meant_is_told(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        Switches.parse([text])


def test_a_switch_can_change_while_rows_wait() -> None:
    world = World.empty("quarantine_expiry=never")
    quarantined(world)
    world.clock.set(NOW + 300 * DAY)
    assert world.get(f"{PATH}/count") == {"value": 1}

    world.site.set_switches(world.site.switches.altered(["quarantine_expiry=at_end"]))

    assert world.get(f"{PATH}/count") == {"value": 0}
