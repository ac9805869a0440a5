from __future__ import annotations

import os
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from command_line import Command, Ran
from seatkeeper.cli import init
from seatkeeper.cli.init import full_url, local_zone
from seatkeeper.config import Loaded, load
from seatkeeper.core.policy import ExemptionKind, Mode
from served_site import ServedSite


@pytest.fixture
def begin(
    seatkeeper: Command, site: ServedSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    """`init --yes` for the simulated site, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> Ran:
        place = ("--url", site.url, "--certificates", site.folder)
        return seatkeeper("init", "--yes", *place, *words)

    return run


def written(path: Path = Path("seatkeeper.yaml")) -> Loaded:
    return load(path, os.environ)


def test_the_file_that_is_written_loads_and_releases_nothing(begin: Command) -> None:
    ended = begin()

    assert (ended.code, ended.out) == (0, "")
    site = written().settings.sites[0]
    policy = site.to_policy()
    assert policy.mode is Mode.OBSERVE
    assert policy.professional.release_after.days == policy.analyzer.release_after.days == 90
    assert [p.name for p in Path.cwd().iterdir()] == ["seatkeeper.yaml"]


def test_exemptions_are_proposed_with_whom_they_protect(begin: Command) -> None:
    ended = begin()

    kinds = {(e.kind, e.match) for e in written().settings.sites[0].to_policy().exemptions}
    assert {
        (ExemptionKind.USER_DIRECTORY, "INTERNAL"),
        (ExemptionKind.PATTERN, "*\\svc_*"),
        (ExemptionKind.GROUP, "service-accounts"),
    } <= kinds
    assert any(kind is ExemptionKind.USER for kind, _ in kinds)
    assert "pattern *\\svc_* (service accounts): 1 user (EXAMPLE\\svc_backup)" in ended.err
    assert "# 1 user now: EXAMPLE\\svc_backup" in Path("seatkeeper.yaml").read_text()


def test_the_next_step_works(begin: Command, seatkeeper: Command) -> None:
    ended = begin()

    assert "Next: seatkeeper check" in ended.err
    assert seatkeeper("check").code == 0
    assert seatkeeper("plan").code == 0


def test_every_answer_can_be_given_on_the_command_line(
    seatkeeper: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answers = {
        "--site-name": "test",
        "--url": "sense.example.com",
        "--certificates": "pem",
        "--user": "EXAMPLE\\seatkeeper",
        "--timezone": "Asia/Tokyo",
        "--store": "sqlite:///other.db",
    }
    words = [word for pair in answers.items() for word in pair]

    ended = seatkeeper("-c", "my.yaml", "init", "--yes", "--no-read", *words)

    assert ended.code == 0
    loaded = written(Path("my.yaml"))
    site = loaded.settings.sites[0]
    assert (site.name, site.qrs.url) == ("test", "https://sense.example.com:4242/qrs")
    assert site.qrs.ca_file == tmp_path / "pem" / "root.pem"
    assert (site.qrs.user, site.zone) == ("EXAMPLE\\seatkeeper", ZoneInfo("Asia/Tokyo"))
    assert loaded.settings.store.shown == f"sqlite:///{tmp_path}/other.db"
    assert "-c my.yaml check" in ended.err


def test_paths_count_from_where_the_command_was_typed(
    seatkeeper: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "etc").mkdir()

    seatkeeper("init", "-c", "etc/my.yaml", "--yes", "--no-read", "--url", "sense")

    assert written(Path("etc/my.yaml")).settings.sites[0].qrs.ca_file == tmp_path / "certs/root.pem"


def test_a_file_that_is_there_is_never_replaced_unasked(begin: Command) -> None:
    Path("seatkeeper.yaml").write_text("mine")

    ended = begin()

    assert ended.code == 2
    assert "--force" in ended.err
    assert Path("seatkeeper.yaml").read_text() == "mine"


def test_force_replaces_it(begin: Command) -> None:
    Path("seatkeeper.yaml").write_text("mine")

    assert begin("--force").code == 0
    assert written().settings.sites[0].name == "prod"


def test_answers_that_are_unsound_write_nothing_and_leave_what_was_there(begin: Command) -> None:
    Path("seatkeeper.yaml").write_text("mine")

    ended = begin("--force", "--timezone", "Mars/Base", "--user", "nobody")

    assert ended.code == 2
    assert "2 faults" in ended.err
    assert {p.name: p.read_text() for p in Path.cwd().iterdir()} == {"seatkeeper.yaml": "mine"}


def test_a_site_that_cannot_be_read_still_gets_its_file(begin: Command) -> None:
    ended = begin("--url", "https://127.0.0.1:1/qrs")

    assert ended.code == 0
    assert "could not be read" in ended.err
    exemptions = written().settings.sites[0].to_policy().exemptions
    assert [e.match for e in exemptions] == ["INTERNAL"]


def test_without_a_terminal_the_address_must_be_given(
    seatkeeper: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    ended = seatkeeper("init")

    assert ended.code == 2
    assert list(tmp_path.iterdir()) == []


def test_odd_texts_are_quoted_so_that_they_are_read_back(
    seatkeeper: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("--url", "sense", "--user", "O'Neil: #1\\{x}", "--certificates", "it's: #here")

    ended = seatkeeper("init", "--yes", "--no-read", *words)

    assert ended.code == 0, ended
    qrs = written().settings.sites[0].qrs
    assert qrs.user == "O'Neil: #1\\{x}"
    assert qrs.cert_file == tmp_path / "it's: #here" / "client.pem"


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("sense", "https://sense:4242/qrs"),
        ("sense.example.com/", "https://sense.example.com:4242/qrs"),
        ("10.0.0.1:5000", "https://10.0.0.1:5000/qrs"),
        ("sense/prefix/qrs", "https://sense:4242/prefix/qrs"),
        ("https://sense:4242/qrs/", "https://sense:4242/qrs"),
    ],
)
def test_a_host_alone_becomes_an_address(typed: str, url: str) -> None:
    assert full_url(typed) == url


def test_the_time_zone_of_the_machine_is_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TZ", ":Europe/Stockholm")
    assert local_zone() == "Europe/Stockholm"

    monkeypatch.setenv("TZ", "CET-1CEST")
    monkeypatch.setattr(init, "LOCAL_TIME", tmp_path / "nowhere")
    assert local_zone() == "UTC"
