from __future__ import annotations

from typing import Any

import pytest

from seatkeeper.simulator.moments import DAY, iso
from seatkeeper.simulator.rows import SeatType
from simulator.world import ANALYZER, NOW, PROFESSIONAL, World

PATH = "license/analyzeraccesstype"


def column(name: str, kind: str = "Property", **more: Any) -> dict[str, Any]:
    return {"name": name, "columnType": kind, "definition": name, **more}


@pytest.fixture
def world() -> World:
    world = World.empty()
    tag = world.document("tag", name="Keep")
    definition = world.document("custompropertydefinition", name="Department")
    for number in range(5):
        user = world.user(
            f"user{number}",
            tags=(tag,),
            properties=((definition, "Sales"),),
            attributes=(("Email", f"user{number}@example.org"), ("group", "sales")),
            roles=("ContentAdmin",),
        )
        world.seat(user, used_days_ago=number + 1)
    return world


def test_condensed_seats_are_ids_only(world: World) -> None:
    [first, *_] = world.get(PATH)

    assert first.keys() == {"id", "privileges"}


def test_condensed_users_have_names(world: World) -> None:
    [first, *_] = world.get("user")

    assert first.keys() == {
        "id", "userId", "userDirectory", "userDirectoryConnectorName", "name", "privileges",
    }  # fmt: skip


def test_a_full_seat_has_the_documented_fields(world: World) -> None:
    seat = world.get(f"{PATH}/full")[0]

    assert list(seat) == [
        "id", "createdDate", "modifiedDate", "modifiedByUserName", "user", "lastUsed", "excess",
        "quarantined", "quarantineEnd", "deletedUserId", "deletedUserDirectory", "privileges",
        "schemaPath",
    ]  # fmt: skip
    assert seat["schemaPath"] == "License.AnalyzerAccessType"
    assert seat["user"]["userId"] == "user0"


def test_a_full_user_carries_tags_properties_and_attributes(world: World) -> None:
    user = world.get("user/full")[0]

    assert user["tags"][0]["name"] == "Keep"
    assert user["customProperties"][0]["value"] == "Sales"
    assert user["customProperties"][0]["definition"]["name"] == "Department"
    assert [item["attributeType"] for item in user["attributes"]] == ["Email", "group"]
    assert user["roles"] == ["ContentAdmin"]
    assert user["schemaPath"] == "User"


def test_token_seats_have_no_excess_field(world: World) -> None:
    world.site.records.totals[SeatType.USER] = 1
    user = world.get("user")[0]

    status, seat = world.ask("POST", "license/useraccesstype", {"user": {"id": user["id"]}})

    assert status == 201
    assert "excess" not in seat
    assert seat["schemaPath"] == "License.UserAccessType"


def test_counts_are_wrapped_and_filtered(world: World) -> None:
    text = f"lastUsed lt '{iso(NOW - 2 * DAY)}'"

    assert world.get(f"{PATH}/count") == {"value": 5}
    assert world.get(f"{PATH}/count", filter=text) == {"value": 3}


def test_paths_ignore_case(world: World) -> None:
    assert world.get("License/AnalyzerAccessType/Count") == {"value": 5}


@pytest.mark.parametrize(
    "path", ["app", "license/app", "user/full/more", "about/else", "license/nothing/count", ""]
)
def test_unknown_paths_are_not_found(world: World, path: str) -> None:
    assert world.ask("GET", path) == (404, "Not Found")


def test_privileges_come_when_asked_for(world: World) -> None:
    plain = world.get(f"{PATH}/full")[0]
    asked = world.get(f"{PATH}/full", privileges="true")[0]
    one = world.get(f"{PATH}/{plain['id']}", privileges="True")

    assert plain["privileges"] is None
    assert asked["privileges"] == one["privileges"] == ["create", "read", "update", "delete"]


def test_a_change_is_seen_in_the_next_list(world: World) -> None:
    before = world.get(f"{PATH}/full")[0]
    user = world.get(f"user/{before['user']['id']}")
    world.ask("PUT", f"user/{user['id']}", user | {"name": "New Name"})

    after = world.get(f"{PATH}/full")[0]

    assert after["user"]["name"] == "New Name"


def test_a_renamed_tag_is_seen_at_the_users(world: World) -> None:
    [tag] = world.get("tag/full")
    world.get("user/full")

    world.ask("PUT", f"tag/{tag['id']}", tag | {"name": "Held"})

    assert world.get("user/full")[0]["tags"][0]["name"] == "Held"


# Tables


def test_a_table_gives_positional_rows(world: World) -> None:
    body = {
        "entity": "License.AnalyzerAccessType",
        "columns": [column("id"), column("user.userId"), column("lastUsed")],
    }

    status, table = world.ask(
        "POST", f"{PATH}/table", body, sortcolumn="lastUsed", orderascending="false"
    )

    assert status == 201
    assert table["columnNames"] == ["id", "user.userId", "lastUsed"]
    assert [row[1] for row in table["rows"]] == [f"user{number}" for number in range(5)]
    assert table["schemaPath"] == "Table"


def test_a_table_is_paged_and_filtered(world: World) -> None:
    body = {"columns": [column("user.userId")]}
    asked = {"filter": "user.userId ne 'user0'", "sortcolumn": "user.userId"}

    _, first = world.ask("POST", f"{PATH}/table", body, skip="0", take="3", **asked)
    _, last = world.ask("POST", f"{PATH}/table", body, skip="3", take="3", **asked)

    assert first["rows"] == [["user1"], ["user2"], ["user3"]]
    assert last["rows"] == [["user4"]]


def test_a_user_table_lists_tags_and_properties(world: World) -> None:
    inner = [column("value"), column("definition.name")]
    columns = [
        column("userId"),
        column("tags", "List", list=[column("name")]),
        column("customProperties", "List", list=inner),
        column("privileges", "Function"),
    ]

    _, table = world.ask("POST", "user/table", {"columns": columns}, take="1")

    assert table["rows"] == [
        [
            "user0",
            {"columnNames": ["name"], "rows": [["Keep"]]},
            {"columnNames": ["value", "definition.name"], "rows": [["Sales", "Department"]]},
            None,
        ]
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"columns": []},
        {"columns": [{"name": "with blank", "columnType": "Property"}]},
        {"columns": [{"name": "id", "columnType": "Guess"}]},
        {"columns": ["id"]},
        [],
    ],
)
def test_a_table_without_sound_columns_is_refused(world: World, body: Any) -> None:
    assert world.ask("POST", f"{PATH}/table", body)[0] == 400


def test_a_table_sorts_by_its_own_columns_only(world: World) -> None:
    body = {"columns": [column("id")]}

    assert world.ask("POST", f"{PATH}/table", body, sortcolumn="lastUsed")[0] == 400
    assert world.ask("POST", f"{PATH}/table", body, take="many")[0] == 400


# Changing


def test_a_put_from_a_stale_copy_is_a_conflict(world: World) -> None:
    user = world.get("user/full")[0]
    world.clock.set(NOW + 1000)
    world.ask("PUT", f"user/{user['id']}", user | {"name": "First"})

    status, text = world.ask("PUT", f"user/{user['id']}", user | {"name": "Second"})

    assert (status, text) == (409, "Conflict")
    assert world.get(f"user/{user['id']}")["name"] == "First"


def test_a_put_with_the_current_time_passes(world: World) -> None:
    user = world.get("user/full")[0]

    body = user | {"name": "New", "modifiedDate": iso(NOW + DAY)}

    assert world.ask("PUT", f"user/{user['id']}", body)[0] == 200


def test_what_a_put_leaves_out_is_reset(world: World) -> None:
    user = world.get("user/full")[0]
    kept = ("id", "modifiedDate", "userId", "userDirectory", "name")

    status, changed = world.ask("PUT", f"user/{user['id']}", {name: user[name] for name in kept})

    assert status == 200
    assert (changed["tags"], changed["roles"], changed["attributes"]) == ([], [], [])


def test_a_put_changes_flags_and_property_values(world: World) -> None:
    user = world.get("user/full")[0]
    definition = user["customProperties"][0]["definition"]
    body = user | {
        "removedExternally": True,
        "customProperties": [{"definition": definition, "value": "Finance"}],
        "tags": [{"name": "keep"}],
    }

    _, changed = world.ask("PUT", f"user/{user['id']}", body)

    assert changed["removedExternally"] is True
    assert changed["customProperties"][0]["value"] == "Finance"
    assert changed["tags"][0]["name"] == "Keep"
    assert changed["modifiedByUserName"] == "INTERNAL\\sa_api"


@pytest.mark.parametrize(
    "change",
    [
        {"id": "aa000000-0000-4000-8000-00000000ffff"},
        {"modifiedDate": None},
        {"modifiedDate": "lately"},
        {"roles": "RootAdmin"},
        {"inactive": "yes"},
        {"tags": [{"name": "unknown"}]},
        {"attributes": ["x"]},
    ],
)
def test_a_put_that_breaks_the_shape_is_refused(world: World, change: Any) -> None:
    user = world.get("user/full")[0]

    assert world.ask("PUT", f"user/{user['id']}", user | change)[0] == 400


def test_a_put_on_a_quarantined_seat_reinstates(world: World) -> None:
    seat = world.get(f"{PATH}/full")[0]
    world.ask("DELETE", f"{PATH}/{seat['id']}")
    held = world.get(f"{PATH}/{seat['id']}")

    status, changed = world.ask("PUT", f"{PATH}/{seat['id']}", held | {"quarantined": False})

    assert (status, changed["quarantined"]) == (200, False)


def test_a_put_built_before_the_seat_was_used_is_a_conflict(world: World) -> None:
    seat = world.get(f"{PATH}/full")[0]
    world.site.use(world.site.records.seats[ANALYZER][seat["id"]], NOW)

    assert world.ask("PUT", f"{PATH}/{seat['id']}", seat)[0] == 409


def test_users_can_be_added_once(world: World) -> None:
    body = {"userDirectory": "EXAMPLE", "userId": "fresh"}

    assert world.ask("POST", "user", body)[0] == 201
    assert world.ask("POST", "user", {"userDirectory": "example", "userId": "FRESH"})[0] == 409
    assert world.ask("POST", "user", {"userId": "fresh"})[0] == 400
    assert world.get("user/count", filter="userId eq 'fresh'") == {"value": 1}


def test_many_users_are_added_or_none(world: World) -> None:
    fresh = [{"userDirectory": "X", "userId": name} for name in ("a", "b")]

    assert world.ask("POST", "user/many", [*fresh, fresh[0]])[0] == 409
    assert world.get("user/count") == {"value": 5}
    status, users = world.ask("POST", "user/many", fresh)
    assert (status, len(users)) == (201, 2)


@pytest.mark.parametrize("body", [None, [], {"user": "x"}, {"user": {"id": "x"}}, {}])
def test_a_grant_that_names_no_user_is_refused(world: World, body: Any) -> None:
    assert world.ask("POST", PATH, body)[0] == 400


def test_usage_rows_point_to_the_seat(world: World) -> None:
    [row, *_] = world.get("license/analyzeraccessusage/full")
    seat = world.get(f"{PATH}/{row['analyzerAccessType']['id']}")

    assert row["latestActivity"] == seat["lastUsed"]
    found = world.get(
        "license/analyzeraccessusage/full", filter=f"analyzerAccessType.id eq {seat['id']}"
    )
    assert found == [row]
    assert world.get(f"license/analyzeraccessusage/{row['id']}") == row
    assert world.get("license/analyzeraccessusage")[0]["id"] == row["id"]


def test_usage_can_be_newer_than_the_seat_says(world: World) -> None:
    user = world.user("viewer")
    seat = world.seat(user, PROFESSIONAL, used_days_ago=20)

    world.site.use(seat, NOW - DAY, usage_only=True)

    [row] = world.get("license/professionalaccessusage/full")
    assert row["latestActivity"] == iso(NOW - DAY)
    assert world.get("license/professionalaccesstype/full")[0]["lastUsed"] == iso(NOW - 20 * DAY)


def test_read_only_lists_refuse_changes(world: World) -> None:
    assert world.ask("POST", "license/analyzeraccessusage", {})[0] == 403
    assert world.ask("POST", "license/analyzeraccessusage/many", [])[0] == 403
    assert world.get("license/loginaccessusage/full") == []


def test_a_directory_sync_can_be_asked_for(world: World) -> None:
    assert world.ask("GET", "user/sync/EXAMPLE/user1") == (200, None)
