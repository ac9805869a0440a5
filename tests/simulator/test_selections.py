from __future__ import annotations

from typing import Any

import pytest

from simulator.world import World

PATH = "license/analyzeraccesstype"


def select(world: World, *items: tuple[str, str]) -> dict[str, Any]:
    body = {"items": [{"type": kind, "objectID": key} for kind, key in items]}
    status, selection = world.ask("POST", "selection", body)
    assert status == 201
    made: dict[str, Any] = selection
    return made


def test_selected_seats_are_released_together() -> None:
    world = World.empty()
    seats = [world.seat(world.user(f"user{number}"), used_days_ago=30) for number in range(3)]
    chosen = [("License.AnalyzerAccessType", seat.id) for seat in seats[:2]]

    selection = select(world, *chosen)
    released = world.ask("DELETE", f"selection/{selection['id']}/{PATH}")
    cleaned = world.ask("DELETE", f"selection/{selection['id']}")

    assert [item["objectID"] for item in selection["items"]] == [seat.id for seat in seats[:2]]
    assert (released, cleaned) == ((204, None), (204, None))
    assert world.get(f"{PATH}/count") == {"value": 1}
    assert world.ask("GET", f"selection/{selection['id']}")[0] == 404


def test_a_selection_can_be_made_by_filter() -> None:
    world = World.empty()
    for number in range(3):
        world.seat(world.user(f"user{number}"), used_days_ago=30)

    _, selection = world.ask("POST", f"selection/{PATH}", filter="user.userId ne 'user1'")

    assert world.get(f"selection/{selection['id']}/{PATH}/count") == {"value": 2}
    assert len(world.get(f"selection/{selection['id']}/{PATH}/full")) == 2
    assert len(world.get(f"selection/{selection['id']}/{PATH}")) == 2
    assert world.get(f"selection/{selection['id']}") == selection


def test_seats_are_given_to_all_selected_users() -> None:
    world = World.empty()
    users = [world.user(f"user{number}") for number in range(2)]

    selection = select(world, *(("User", user.id) for user in users))
    status, seats = world.ask("POST", f"selection/{selection['id']}/user/{PATH}", {})

    assert status == 201
    assert [seat["user"]["id"] for seat in seats] == [user.id for user in users]


def test_selected_users_are_changed_together() -> None:
    world = World.empty()
    users = [world.user(f"user{number}") for number in range(2)]
    selection = select(world, *(("User", user.id) for user in users))
    properties = [
        {"name": "inactive", "value": True, "valueIsModified": True},
        {"name": "name", "value": "Same", "valueIsModified": False},
    ]

    status, _ = world.ask(
        "PUT", f"selection/{selection['id']}/user/synthetic", {"properties": properties}
    )

    assert status == 204
    assert world.get("user/count", filter="inactive eq true") == {"value": 2}
    assert world.get("user/count", filter="name eq 'Same'") == {"value": 0}


@pytest.mark.parametrize("body", [{}, {"items": "x"}, {"items": [{}]}, {"items": [7]}])
def test_a_selection_needs_sound_items(body: Any) -> None:
    assert World.empty().ask("POST", "selection", body)[0] == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "selection"),
        ("GET", "selection/unknown"),
        ("PUT", "selection/{id}"),
        ("DELETE", "selection/{id}/app"),
        ("POST", "selection/{id}/user/tag"),
        ("PUT", "selection/{id}/license/analyzeraccesstype"),
        ("POST", "selection/{id}/user/synthetic"),
    ],
)
def test_what_a_selection_cannot_do_is_not_found(method: str, path: str) -> None:
    world = World.empty()
    selection = select(world)

    assert world.ask(method, path.format(id=selection["id"]), {})[0] == 404
