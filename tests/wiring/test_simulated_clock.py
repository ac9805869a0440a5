from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from direct_site import URL, DirectSite
from seatkeeper.errors import NotAllowed, NotSimulated
from seatkeeper.qrs.simulated import SimulatedTime, simulated_time
from seatkeeper.qrs.wire import ABOUT
from seatkeeper.settings import SiteSettings
from seatkeeper.simulator.moments import to_ms
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.serve import Simulator
from seatkeeper.simulator.switches import Switches
from seatkeeper.wiring.clock import SimulatedClock
from seatkeeper.wiring.readers import open_sites
from seatkeeper.wiring.simulated import open_simulated
from simulated_days import simulated_days

MAY = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
SOURCE = Path(__file__).parents[2] / "src" / "seatkeeper"


def settings_of(simulator: Simulator, name: str = "sim", url: str | None = None) -> SiteSettings:
    paths = simulator.certificates
    qrs = {"ca_file": paths.ca, "cert_file": paths.cert, "key_file": paths.key}
    return SiteSettings.model_validate(
        {"name": name, "qrs": {"url": url or simulator.url, "user": "INTERNAL\\sa_api", **qrs}}
    )


@pytest_asyncio.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    async with Simulator(SimOptions(tmp_path / "a", users=40, now=MAY, speed=0)) as made:
        yield made


@pytest_asyncio.fixture
async def like_real(tmp_path: Path) -> AsyncIterator[Simulator]:
    """A site whose /about looks like that of a real one."""
    switches = Switches.parse(["about_simulator=no"])
    options = SimOptions(tmp_path / "b", users=40, now=MAY, speed=0, switches=switches)
    async with Simulator(options) as made:
        yield made


def about(text: str) -> SimulatedTime | None:
    return simulated_time(ABOUT.decode(text))


class Standing:
    """A site that says what it is told to."""

    def __init__(self, *said: SimulatedTime | None) -> None:
        self.said = list(said)

    async def simulated_time(self) -> SimulatedTime | None:
        return self.said.pop(0) if len(self.said) > 1 else self.said[0]


async def test_it_shows_the_time_of_the_site(simulator: Simulator) -> None:
    async with open_simulated([settings_of(simulator)]) as (opened, clock):
        assert clock.now() == MAY
        simulator.advance(to_ms(MAY + timedelta(days=3)))
        assert clock.now() == MAY

        assert await clock.look() == MAY + timedelta(days=3)
        await opened[0].site.reader.overview()
        skew = opened[0].site.reader.skew
        assert skew is not None
        assert abs(skew) <= timedelta(seconds=2)


async def test_it_runs_on_at_the_speed_of_the_site() -> None:
    clock = SimulatedClock({URL: Standing(SimulatedTime(MAY, 10_000))})
    await clock.look()
    await asyncio.sleep(0.05)

    assert clock.now() > MAY + timedelta(minutes=5)


async def test_a_site_that_does_not_say_it_is_the_simulator_is_refused(
    like_real: Simulator,
) -> None:
    with pytest.raises(NotSimulated, match="does not say in /about"):
        async with open_simulated([settings_of(like_real)]):
            pytest.fail("opened")

    assert {entry["path"] for entry in like_real.requests.as_json()} == {"/qrs/about"}


async def test_one_such_site_among_others_is_enough(
    simulator: Simulator, like_real: Simulator
) -> None:
    both = [settings_of(simulator), settings_of(like_real, "real")]

    with pytest.raises(NotSimulated, match=re.escape(like_real.url)):
        async with open_simulated(both):
            pytest.fail("opened")

    asked = simulator.requests.as_json() + like_real.requests.as_json()
    assert {entry["path"] for entry in asked} == {"/qrs/about"}


@pytest.mark.parametrize(
    "text",
    [
        '{"buildVersion": "31.66.0.0"}',
        '{"simulator": false, "simulatedNow": "2026-05-04T08:00:00.000Z", "simulatedSpeed": 1}',
        '{"simulatedNow": "2026-05-04T08:00:00.000Z", "simulatedSpeed": 1}',
        '{"simulator": true}',
        '{"simulator": true, "simulatedNow": "soon", "simulatedSpeed": 1}',
        '{"simulator": true, "simulatedNow": "2026-05-04T08:00:00", "simulatedSpeed": 1}',
        '{"simulator": true, "simulatedNow": null, "simulatedSpeed": 1}',
    ],
)
def test_everything_less_than_clear_is_a_real_site(text: str) -> None:
    assert about(text) is None


async def test_it_tells_no_time_before_the_site_was_asked() -> None:
    with pytest.raises(NotSimulated):
        SimulatedClock({URL: Standing(SimulatedTime(MAY, 0))}).now()


async def test_it_tells_no_time_once_the_site_no_longer_says_so() -> None:
    clock = SimulatedClock({URL: Standing(SimulatedTime(MAY, 0), None)})
    await clock.look()

    with pytest.raises(NotSimulated):
        await clock.look()
    with pytest.raises(NotSimulated):
        clock.now()
    assert not clock.covers(URL)


async def test_it_needs_sites_and_their_clocks_agree() -> None:
    with pytest.raises(NotSimulated):
        await SimulatedClock({}).look()
    later = SimulatedTime(MAY + timedelta(hours=1), 0)
    with pytest.raises(NotSimulated, match="agree"):
        await SimulatedClock({"a": Standing(SimulatedTime(MAY, 0)), "b": Standing(later)}).look()


async def test_no_other_site_can_be_opened_with_it(
    simulator: Simulator, like_real: Simulator
) -> None:
    async with open_simulated([settings_of(simulator)]) as (_, clock):
        with pytest.raises(NotSimulated, match="another, simulated site"):
            async with open_sites([settings_of(like_real, "real")], clock):
                pytest.fail("opened")

    assert like_real.requests.as_json() == []


async def test_it_cannot_be_used_unasked(simulator: Simulator) -> None:
    clock = SimulatedClock({simulator.url: Standing(SimulatedTime(MAY, 0))})

    with pytest.raises(NotSimulated):
        async with open_sites([settings_of(simulator)], clock):
            pytest.fail("opened")


async def test_a_past_ends_when_the_site_turns_out_to_be_real(tmp_path: Path) -> None:
    read: list[datetime] = []

    def turn_real(site: DirectSite, moment: datetime) -> None:
        if moment >= MAY - timedelta(days=2):
            site.site.set_switches(site.site.switches.altered(["about_simulator=no"]))
        else:
            read.append(moment)

    with pytest.raises(NotSimulated):
        async with simulated_days(
            f"sqlite:///{tmp_path}/h.db", days=6, users=40, until=MAY, before_day=turn_real
        ):
            pytest.fail("lived")
    assert len(read) == 3


def test_it_is_a_refusal_of_its_own_exit_code() -> None:
    assert issubclass(NotSimulated, NotAllowed)


def test_only_the_demo_can_choose_it() -> None:
    named = re.compile(r"SimulatedClock|wiring\.simulated|open_simulated|cli\.past")
    users = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if named.search(path.read_text(encoding="utf-8"))
    }

    assert users <= {
        "wiring/clock.py",
        "wiring/readers.py",
        "wiring/simulated.py",
        "cli/past.py",
        "cli/demo.py",
        "cli/demo_past.py",
    }


def test_no_setting_chooses_a_clock() -> None:
    page = (SOURCE.parents[1] / "docs" / "configuration.md").read_text(encoding="utf-8")

    assert not re.search(r"simulat", page, re.IGNORECASE)
