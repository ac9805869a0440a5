from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from seatkeeper.simulator.moments import DAY, iso
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.serve import Simulator
from simulator.world import ANALYZER, QrsClient, client_for

PATH = "/qrs/license/analyzeraccesstype"


@pytest_asyncio.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    async with Simulator(SimOptions(tmp_path, users=60, control=True)) as made:
        yield made


@pytest_asyncio.fixture
async def client(simulator: Simulator) -> AsyncIterator[QrsClient]:
    async with client_for(simulator) as made:
        yield made


def a_seat(simulator: Simulator) -> str:
    seats = simulator.site.records.seats[ANALYZER].values()
    return next(seat.id for seat in seats if seat.user and not seat.quarantined)


async def test_the_request_log_can_be_read_and_cleared(client: QrsClient) -> None:
    await client.ask("GET", "/qrs/about")

    status, log = await client.ask("GET", "/sim/requests")
    await client.ask("DELETE", "/sim/requests")

    assert status == 200
    assert [(entry["method"], entry["path"], entry["status"]) for entry in log] == [
        ("GET", "/qrs/about", 200)
    ]
    assert await client.ask("GET", "/sim/requests") == (200, [])


async def test_faults_and_switches_can_be_set(client: QrsClient) -> None:
    await client.ask("POST", "/sim/faults", {"faults": ["status=503:path=/about"]})
    await client.ask("POST", "/sim/switches", {"switches": ["ping_body=text"]})

    assert (await client.ask("GET", "/qrs/about"))[0] == 503
    assert await client.ask("GET", "/qrs/ssl/ping") == (200, "Ping successful")
    await client.ask("POST", "/sim/faults", {"faults": []})
    assert (await client.ask("GET", "/qrs/about"))[0] == 200


async def test_time_can_be_moved(simulator: Simulator, client: QrsClient) -> None:
    before = simulator.site.clock.now()

    _, by_days = await client.ask("POST", "/sim/advance", {"days": 3})
    to = iso(before + 5 * DAY)
    _, by_date = await client.ask("POST", "/sim/advance", {"to": to})

    assert by_days["now"] > iso(before + 3 * DAY - 1)
    assert by_date["now"][:19] == to[:19]
    newest = max(seat["lastUsed"] for seat in (await client.ask("GET", f"{PATH}/full"))[1])
    assert newest > iso(before)


async def test_history_can_move_while_the_clock_stands(
    simulator: Simulator, client: QrsClient
) -> None:
    before = simulator.site.clock.now()
    key = next(
        seat.id
        for seat in simulator.site.records.seats[ANALYZER].values()
        if (user := simulator.site.records.users[seat.user]).habit == "stopped"
        and not user.removed
        and not seat.quarantined
    )
    created = simulator.site.records.seats[ANALYZER][key].created
    users = {user.id: user.created for user in simulator.site.records.users.values()}

    status, answer = await client.ask("POST", "/sim/advance", {"days": 10, "keep_clock": True})

    assert status == 200
    assert abs(simulator.site.clock.now() - before) < DAY / 100
    assert answer["now"][:10] == iso(simulator.site.clock.now())[:10]
    assert simulator.site.records.seats[ANALYZER][key].created == created - 10 * DAY
    for user in simulator.site.records.users.values():
        assert user.id not in users or user.created == users[user.id] - 10 * DAY


async def test_a_seat_can_be_touched(simulator: Simulator, client: QrsClient) -> None:
    key = a_seat(simulator)

    _, touched = await client.ask("POST", "/sim/touch", {"allocation_id": key})

    _, seat = await client.ask("GET", f"{PATH}/{key}")
    assert seat["lastUsed"] == touched["lastUsed"]
    assert seat["lastUsed"] > iso(simulator.site.clock.now() - DAY)


async def test_a_seat_can_be_touched_at_a_moment_and_in_usage_only(
    simulator: Simulator, client: QrsClient
) -> None:
    key = a_seat(simulator)
    at = iso(simulator.site.clock.now())
    used = (await client.ask("GET", f"{PATH}/{key}"))[1]["lastUsed"]
    body = {"allocation_id": key, "at": at, "usage_only": True}

    _, touched = await client.ask("POST", "/sim/touch", body)

    assert touched == {"id": key, "lastUsed": used, "activity": at}


async def test_somebody_can_log_in(simulator: Simulator, client: QrsClient) -> None:
    seat = simulator.site.records.seats[ANALYZER][a_seat(simulator)]
    user = simulator.site.records.users[seat.user]
    awake = {"user": user.id, "inactive": False, "blacklisted": False}
    await client.ask("POST", "/sim/user", awake)

    _, answer = await client.ask("POST", "/sim/login", {"user": user.label})

    assert answer == {"result": "seat"}


async def test_flags_and_tags_of_a_user_can_be_set(simulator: Simulator, client: QrsClient) -> None:
    user = next(one for one in simulator.site.records.users.values() if not one.removed)
    body = {"user": user.id, "removedExternally": True, "tags": ["VIP", "Brand new"]}

    assert (await client.ask("POST", "/sim/user", body))[0] == 200

    _, shown = await client.ask("GET", f"/qrs/user/{user.id}")
    assert shown["removedExternally"] is True
    assert [tag["name"] for tag in shown["tags"]] == ["VIP", "Brand new"]


async def test_a_user_can_be_deleted(simulator: Simulator, client: QrsClient) -> None:
    user = next(u for u in simulator.site.records.users.values() if not u.delete_prohibited)

    await client.ask("POST", "/sim/user", {"user": user.id, "delete": True})

    assert (await client.ask("GET", f"/qrs/user/{user.id}"))[0] == 404


async def test_the_license_can_shrink(client: QrsClient) -> None:
    _, answer = await client.ask("POST", "/sim/excess", {"type": "analyzer", "total": 10})

    assert answer["excess"] > 0
    assert (await client.ask("GET", f"{PATH}/count", filter="excess eq true"))[1] == {
        "value": answer["excess"]
    }


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"faults": ["flood"]}),
        ("faults", {}),
        ("switches", {"switches": ["colour=red"]}),
        ("advance", {"to": "tomorrow"}),
        ("advance", {"days": -1}),
        ("touch", {"allocation_id": "unknown"}),
        ("login", {"user": "NOWHERE\\nobody"}),
        ("excess", {"type": "coffee", "total": 1}),
        ("excess", []),
    ],
)
async def test_what_cannot_be_meant_is_told(client: QrsClient, path: str, body: Any) -> None:
    status, _ = await client.ask("POST", f"/sim/{path}", body)

    assert status == 400


async def test_an_unknown_door_is_not_found(client: QrsClient) -> None:
    assert (await client.ask("POST", "/sim/else", {}))[0] == 404


async def test_the_door_survives_faults(client: QrsClient) -> None:
    await client.ask("POST", "/sim/faults", {"faults": ["drop"]})

    assert (await client.ask("POST", "/sim/faults", {"faults": []}))[0] == 200
