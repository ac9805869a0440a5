from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from butler_files import BUTLER
from config_files import load_text
from seatkeeper.cli.config import app
from seatkeeper.core.policy import Mode
from seatkeeper.errors import ConfigError


def test_the_schema_is_json_on_stdout() -> None:
    result = CliRunner().invoke(app, ["schema"])

    assert result.exit_code == 0
    assert json.loads(result.stdout)["$schema"].endswith("2020-12/schema")
    assert result.stderr == ""


def test_the_example_can_be_saved_and_loaded(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["example"])

    assert result.exit_code == 0
    assert load_text(tmp_path, result.stdout).settings.sites[0].name == "prod"


def test_an_import_prints_the_file_on_stdout_and_notes_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "butler.yaml").write_text(BUTLER.replace("dryRun: true", "dryRun: false"))

    result = CliRunner().invoke(app, ["import-butler", str(tmp_path / "butler.yaml")])

    assert result.exit_code == 0
    assert load_text(tmp_path, result.stdout).settings.sites[0].policy.mode is Mode.OBSERVE
    assert all(line.startswith("note: ") for line in result.stderr.splitlines())
    assert "dryRun is false" in result.stderr


def test_an_import_goes_on_releasing_when_somebody_looked_at_the_agreement(tmp_path: Path) -> None:
    (tmp_path / "butler.yaml").write_text(BUTLER.replace("dryRun: true", "dryRun: false"))
    arguments = ["import-butler", str(tmp_path / "butler.yaml"), "--agreement-reviewed-by", "Jane"]

    result = CliRunner().invoke(app, arguments)

    assert load_text(tmp_path, result.stdout).settings.sites[0].policy.mode is Mode.AUTO


def test_a_file_that_is_not_there_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["import-butler", str(tmp_path / "nowhere.yaml")])

    assert isinstance(result.exception, ConfigError)
    assert "cannot be read" in str(result.exception)


@pytest.mark.parametrize("command", ["schema", "example", "import-butler"])
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])

    assert result.exit_code == 0
    assert "Usage" in result.stdout
