from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
import pytest_asyncio

from seatkeeper.simulator.moments import DAY, SiteClock, iso, parse_ms, to_ms
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.serve import Simulator
from simulator.world import ANALYZER, QrsClient, client_for

MAY = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    options = SimOptions(tmp_path, users=120, control=True, now=MAY, speed=0, license_days=60)
    async with Simulator(options) as made:
        yield made


@pytest_asyncio.fixture
async def client(simulator: Simulator) -> AsyncIterator[QrsClient]:
    async with client_for(simulator) as made:
        yield made


async def test_a_clock_at_speed_nought_stands(client: QrsClient) -> None:
    _, first = await client.ask("GET", "/sim/clock")
    await asyncio.sleep(0.02)

    assert first["now"] == iso(to_ms(MAY))
    assert (await client.ask("GET", "/sim/clock"))[1]["now"] == first["now"]


async def test_people_act_as_the_days_pass(simulator: Simulator, client: QrsClient) -> None:
    used = set()
    for _ in range(7):
        await client.ask("POST", "/sim/clock", {"days": 1})
        seats = simulator.site.records.seats[ANALYZER].values()
        used |= {seat.last_used // DAY for seat in seats}

    begun = to_ms(MAY) // DAY
    assert {begun + day for day in range(1, 5)} <= used
    assert max(used) <= begun + 7


async def test_the_date_header_and_what_about_says_follow_the_clock(
    simulator: Simulator, client: QrsClient
) -> None:
    await client.ask("POST", "/sim/clock", {"to": "2026-06-01T06:00:00.000Z"})

    headers = {"X-Qlik-Xrfkey": "0123456789abcdef"}
    url = f"{simulator.url}/about?xrfkey=0123456789abcdef"
    async with client.session.get(url, headers=headers) as answer:
        about, shown = await answer.json(), parsedate_to_datetime(answer.headers["Date"])

    assert shown == datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
    assert about["simulator"] is True
    assert about["simulatedNow"] == "2026-06-01T06:00:00.000Z"
    assert about["simulatedSpeed"] == 0


async def test_who_does_not_say_that_it_is_simulated_says_nothing_of_a_clock(
    client: QrsClient,
) -> None:
    await client.ask("POST", "/sim/switches", {"switches": ["about_simulator=no"]})

    about = (await client.ask("GET", "/qrs/about"))[1]

    assert not [name for name in about if "simul" in name.lower()]


async def test_time_passes_forward_only(client: QrsClient) -> None:
    assert (await client.ask("POST", "/sim/clock", {"days": -1}))[0] == 400
    assert (await client.ask("POST", "/sim/clock", {"to": "2020-01-01"}))[0] == 400
    assert (await client.ask("POST", "/sim/clock", {"speed": -1}))[0] == 400
    assert (await client.ask("POST", "/sim/clock", {}))[0] == 400


async def test_a_fast_clock_stops_being_fast_when_it_has_caught_up() -> None:
    clock = SiteClock(-3 * DAY)
    clock.run(10_000_000)
    async with asyncio.timeout(20):
        while clock.speed != 1:
            await asyncio.sleep(0.01)
            clock.now()

    assert abs(clock.offset) < 5


async def test_a_fast_site_makes_its_own_past(tmp_path: Path) -> None:
    began = to_ms(datetime.now(UTC)) - 20 * DAY
    options = SimOptions(
        tmp_path,
        users=60,
        live_every=60,
        speed=2_000_000,
        now=datetime.fromtimestamp(began / 1000, UTC),
    )
    lived = asyncio.Event()
    async with Simulator(options) as made, asyncio.timeout(30):
        made.site.records.watchers.append(
            lambda _kind, _key: lived.set() if made.site.clock.speed == 1 else None
        )
        await lived.wait()

        seats = made.site.records.seats[ANALYZER].values()
        assert max(seat.last_used for seat in seats) > began + 15 * DAY


async def test_stopped_and_started_again_the_clock_goes_on(tmp_path: Path) -> None:
    async with Simulator(SimOptions(tmp_path, users=30, control=True, now=MAY, speed=0)) as made:
        made.advance(to_ms(MAY) + 5 * DAY)
    async with Simulator(SimOptions(tmp_path, users=30)) as made:
        shown = made.site.clock.now()

    assert to_ms(MAY) + 5 * DAY <= shown < to_ms(MAY) + 6 * DAY


async def test_the_license_ends_with_its_last_day(simulator: Simulator, client: QrsClient) -> None:
    license_ = (await client.ask("GET", "/qrs/license"))[1]
    assert "Valid To: 2026-07-03" in license_["keyDetails"]
    assert license_["isExpired"] is False

    await client.ask("POST", "/sim/clock", {"to": "2026-07-03T23:59:00.000Z"})
    assert (await client.ask("GET", "/qrs/license"))[1]["isExpired"] is False
    await client.ask("POST", "/sim/clock", {"to": "2026-07-04T00:00:00.000Z"})
    assert (await client.ask("GET", "/qrs/license"))[1]["isExpired"] is True
    user = next(u for u in simulator.site.records.users.values() if not u.inactive)
    assert (await client.ask("POST", "/sim/login", {"user": user.label}))[1]["result"] == (
        "license_not_available"
    )

    _, renewed = await client.ask("POST", "/sim/license", {"valid_to": "2027-07-03"})

    assert renewed == {"validTo": "2027-07-03T00:00:00.000Z", "expired": False}
    assert (await client.ask("GET", "/qrs/license"))[1]["isExpired"] is False


async def test_a_renewed_license_is_remembered(tmp_path: Path) -> None:
    async with Simulator(SimOptions(tmp_path, users=30)) as made:
        made.site.renew_license(parse_ms("2031-01-01"))
    async with Simulator(SimOptions(tmp_path, users=30)) as made:
        assert made.site.records.facts.valid_to == parse_ms("2031-01-01")


@pytest.mark.parametrize("speed", [-1, -0.5])
def test_a_speed_is_never_negative(speed: float) -> None:
    with pytest.raises(ValueError, match="negative"):
        SimOptions(Path("unused"), speed=speed)
