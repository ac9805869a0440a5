from __future__ import annotations

from collections.abc import Iterator

import pytest

from influx import Influx, Victoria, a_victoria, an_influx


@pytest.fixture(scope="session")
def running_influx() -> Iterator[Influx]:
    with an_influx() as server:
        yield server


@pytest.fixture
def influx(running_influx: Influx) -> Influx:
    """A real influxd 1.x with an empty database `butler`."""
    running_influx.ask("DROP DATABASE butler")
    running_influx.ask("CREATE DATABASE butler")
    return running_influx


@pytest.fixture(scope="session")
def victoria() -> Iterator[Victoria]:
    with a_victoria() as server:
        yield server
