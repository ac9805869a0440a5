"""`metrics.influxdb`: what is accepted, and every fault with its cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from config_files import faults, load_text, top
from seatkeeper.core.points import Users
from seatkeeper.settings import Settings
from seatkeeper.settings.influxdb import InfluxSettings, InfluxVersion

SECRET = "correct-horse-battery"


def target(text: str) -> str:
    """One target on line 6; version 1 and its database unless the text says otherwise."""
    return top(f"metrics:\n  influxdb:\n    - {{name: main, url: 'http://influx:8086', {text}}}")


def loaded(tmp_path: Path, text: str, **env: str) -> InfluxSettings:
    settings: Settings = load_text(tmp_path, text, env).settings
    (found,) = settings.metrics.influxdb
    return found


def test_a_name_an_address_and_a_database_are_enough(tmp_path: Path) -> None:
    found = loaded(tmp_path, target("database: butler"))

    assert (found.version, found.database, found.tags) == (InfluxVersion.ONE, "butler", {})
    assert (found.users, found.butler_compatible_user_tag) == (Users.NONE, False)


@pytest.mark.parametrize(
    "text",
    [
        "version: 2, org: o, bucket: b, token: t",
        "version: '3', database: d, token: t",
        "database: d, user: u, password: p, tags: {env: prod, floor: 3}",
        "database: d, users: Pseudonymous, butler_compatible_user_tag: yes",
    ],
)
def test_each_version_has_its_keys(tmp_path: Path, text: str) -> None:
    loaded(tmp_path, target(text))


def test_secrets_come_from_files_and_the_environment_and_are_never_shown(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{SECRET}\n")
    text = target("version: 3, database: d, token_file: token")

    found = loaded(tmp_path, text)
    other = loaded(tmp_path, target("database: d, user: u, password: '${PW}'"), PW=SECRET)

    assert (found.token_secret, other.password_secret) == (SECRET, SECRET)
    for one in (found, other):
        assert SECRET not in repr(one) + one.model_dump_json()


@pytest.mark.parametrize(
    ("text", "path", "what", "cure"),
    [
        ("version: 4, database: d", "version", "the version is 1, 2 or 3", "first number"),
        ("org: o", "org", "version 1 has no such key", "take it out; it has database"),
        ("version: 2, database: d", "database", "version 2 has no such key", "org, bucket"),
        ("version: 2, org: o", "bucket", "version 2 needs bucket", "add bucket"),
        ("version: 1", "database", "version 1 needs database", "add database"),
        ("version: 3", "database", "version 3 needs database", "add database"),
        ("database: d, password: p", "user", "a password without a user", "add user"),
        ("database: d, user: u, token: t", "user", "a token is given as well", "keep user or"),
        ("database: d, tags: {site: x}", "tags", "site is a tag of Seatkeeper's own", "another"),
        ("database: d, tags: {'a b': x}", "tags", "the name of a tag has letters", "begin it"),
        (r"database: d, tags: {a: 'x\'}", "tags", "does not end in a backslash", "one text"),
        ("database: d, tags: [a]", "tags", "names with values are wanted", "write them as in"),
        ("database: d, users: everybody", "users", "one of none", "write one of"),
        ("database: d, token: a, token_file: f", "token_file", "", ""),
    ],
)
def test_a_fault_is_told_with_its_cure(
    tmp_path: Path, text: str, path: str, what: str, cure: str
) -> None:
    (tmp_path / "f").write_text("secret-of-the-file\n")
    (fault,) = faults(tmp_path, target(text))

    assert fault.path == f"metrics.influxdb[0].{path}"
    assert what in fault.what
    assert cure in fault.cure


@pytest.mark.parametrize(
    "url", ["influx:8086", "ftp://influx", "http://u:pw@influx", "http://influx/?db=x", "http://"]
)
def test_an_address_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    text = top(f"metrics: {{influxdb: [{{name: a, database: d, url: '{url}'}}]}}")

    (fault,) = faults(tmp_path, text)

    assert fault.path == "metrics.influxdb[0].url"
    assert "pw" not in fault.what + fault.cure


def test_two_targets_of_one_name_are_refused(tmp_path: Path) -> None:
    one = "{name: %s, url: 'http://a', database: d}"
    text = top(f"metrics: {{influxdb: [{one % 'main'}, {one % 'MAIN'}]}}")

    (fault,) = faults(tmp_path, text)

    assert fault.path == "metrics.influxdb[1].name"
    assert "metrics.influxdb[0] has this name already" in fault.what
