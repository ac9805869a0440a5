"""A real Prometheus on samples of the past, asked as Grafana asks it. Debian's package."""

from __future__ import annotations

import json
import subprocess
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from influx import Server


@dataclass
class Prometheus(Server):
    """It scrapes nothing; a sample counts until the next one of a past that has few a week."""

    lookback: str = "25h"

    def command(self) -> list[str]:
        """Return what starts it."""
        config = self.folder / "prometheus.yml"
        config.write_text("global: {}\n")
        return [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={self.folder}/tsdb",
            "--storage.tsdb.retention.time=3y",
            f"--query.lookback-delta={self.lookback}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
        ]

    def is_up(self) -> bool:
        """Whether it has read its blocks."""
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5):
                return True
        except OSError:
            return False

    def fill(self, open_metrics: str) -> None:
        """Put samples of the past where it finds them at its start."""
        source = self.folder / "samples.txt"
        source.write_text(open_metrics)
        command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "-q"]
        subprocess.run([*command, source, self.folder / "tsdb"], check=True, timeout=300)

    def ask(self, path: str, **values: str) -> list[dict[str, Any]]:
        """Return the result of a query; AssertionError with what the server says."""
        body = urllib.parse.urlencode(values).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}", body, timeout=60) as answer:
                found = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error
        result: list[dict[str, Any]] = found["data"]["result"]
        return result

    def values_of(self, label: str, selector: str) -> tuple[str, ...]:
        """Return the values of a label in the series that a selector chooses."""
        matching = urllib.parse.urlencode({"match[]": selector})
        where = f"{self.url}/api/v1/label/{label}/values?{matching}"
        with urllib.request.urlopen(where, timeout=60) as answer:
            return tuple(json.load(answer)["data"])


@contextmanager
def a_prometheus(open_metrics: str, **options: Any) -> Iterator[Prometheus]:
    """Run a Prometheus that holds these samples."""
    with tempfile.TemporaryDirectory(prefix="seatkeeper-", ignore_cleanup_errors=True) as folder:
        server = Prometheus(Path(folder), **options)
        server.fill(open_metrics)
        try:
            server.start()
            yield server
        finally:
            server.stop()
