"""The servers that other tests rely on do start, keep what they hold, and stop."""

from __future__ import annotations

from influx import an_influx


def test_an_influxd_keeps_its_points_over_a_stop() -> None:
    with an_influx() as influx:
        influx.ask("CREATE DATABASE butler")
        influx.write("pools,site=prod total=5 1000")
        influx.stop()
        assert not influx.is_up()

        influx.start()

        assert influx.rows("SELECT total, site FROM pools") == [
            {"time": 1000, "total": 5, "site": "prod"}
        ]
