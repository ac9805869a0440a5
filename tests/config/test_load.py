from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from config_files import URL, load_text, never, policy, qrs, site, top
from seatkeeper.config import find, load
from seatkeeper.core.policy import MarkRule, Mode, SharedKind
from seatkeeper.errors import ConfigError

ISSUE_EXAMPLE = r"""
sites:
  - name: prod
    qrs:
      url: https://sense.example.com:4242/qrs
      ca_file: certs/root.pem            # relative paths, the SQLite URL included, count from this file
      cert_file: certs/client.pem
      key_file: certs/client_key.pem
      user: 'INTERNAL\sa_api'
      concurrency: 4
      timeout: 60s
    license_shared_with: []              # site names | [] | others; unset = not known
    policy:
      mode: observe                      # observe | approve | auto
      agreement_reviewed: {by: Jane Doe, on: 2026-11-01}
      professional: {enabled: true, release_after: 90d}
      analyzer: {enabled: true, release_after: 30d}
      new_seat_grace: 30d
      built_in_protection: true
      never_release:
        users: ['INTERNAL\sa_repository']
        user_directories: [INTERNAL]
        tags: [License do not release]
        custom_properties: [{name: LicenseManage, value: do-not-release}]
        groups: [bi-admins]              # user attribute "group"
        patterns: ['EXAMPLE\svc_*']
        inactive: ignore                 # yes | no | ignore, Butler's meaning
        blocked: ignore
        removed_externally: ignore
      pause: [{from: 2026-12-20, to: 2027-01-06, reason: Christmas}]
      limits: {max_per_run: 50, max_per_day: 50, max_share: 20%, directory_jump: 10%, stale_activity: 5d, grown: 3, incomplete: 1%, clock_skew: 5m, plan_max_age: 72h}
    schedule: {monitor: every 15 minutes, release: '0 3 * * *', timezone: Europe/Stockholm}
store: {url: sqlite:///seatkeeper.db}    # or postgresql://…
console: {listen: '127.0.0.1:8484'}      # this issue serves /healthz and /readyz there
""".lstrip()  # noqa: E501 - the example is kept as it was agreed upon, line by line


def test_the_agreed_example_loads_as_it_stands(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, ISSUE_EXAMPLE)

    found = loaded.settings.sites[0]
    assert loaded.warnings == ()
    assert loaded.path == tmp_path / "seatkeeper.yaml"
    assert found.qrs.timeout == timedelta(seconds=60)
    assert found.policy.analyzer.release_after == timedelta(days=30)
    assert found.policy.limits.max_share == 0.2
    assert found.schedule.release.text == "0 3 * * *"
    assert str(found.schedule.timezone) == "Europe/Stockholm"


def test_only_the_name_and_the_address_must_be_given(tmp_path: Path) -> None:
    settings = load_text(tmp_path, top("")).settings

    found = settings.sites[0]
    assert found.policy.mode is Mode.OBSERVE
    assert found.policy.professional.release_after == timedelta(days=90)
    assert found.policy.analyzer.release_after == timedelta(days=90)
    assert found.policy.new_seat_grace == timedelta(days=30)
    assert found.policy.never_release.exemptions(found.zone) == ()
    assert found.qrs.verify_host_name
    assert found.schedule.monitor.text == "every 15 minutes"
    assert found.schedule.release.text == "0 3 * * *"
    assert str(found.zone) == "UTC"
    assert (settings.console.host, settings.console.port) == ("127.0.0.1", 8484)


def test_relative_paths_count_from_the_folder_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    found = load_text(tmp_path, qrs("ca_file: pki/root.pem")).settings

    assert found.sites[0].qrs.ca_file == tmp_path / "pki/root.pem"
    assert found.sites[0].qrs.key_file == tmp_path / "certs/client_key.pem"
    assert found.store.url.get_secret_value() == f"sqlite:///{tmp_path}/seatkeeper.db"


def test_a_relative_file_named_on_the_command_line_still_gives_whole_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "seatkeeper.yaml").write_text(top(""))
    monkeypatch.chdir(tmp_path)

    loaded = load(Path("seatkeeper.yaml"), {})

    assert loaded.path == tmp_path / "seatkeeper.yaml"
    assert loaded.settings.sites[0].qrs.cert_file.is_absolute()


def test_absolute_paths_stay(tmp_path: Path) -> None:
    text = qrs("ca_file: /etc/qlik/root.pem") + "store: {url: sqlite:////var/lib/s.db?timeout=9}\n"

    found = load_text(tmp_path, text).settings

    assert found.sites[0].qrs.ca_file == Path("/etc/qlik/root.pem")
    assert found.store.url.get_secret_value() == "sqlite:////var/lib/s.db?timeout=9"


def test_missing_certificates_are_no_fault_of_the_configuration(tmp_path: Path) -> None:
    assert load_text(tmp_path, qrs("ca_file: not/there.pem")).settings.sites


@pytest.mark.parametrize("word", ["yes", "Yes", "true", "True", "'yes'", "on"])
def test_yes_and_true_are_the_same_for_a_switch(tmp_path: Path, word: str) -> None:
    found = load_text(tmp_path, policy(f"analyzer: {{enabled: {word}}}")).settings.sites[0]

    assert found.policy.analyzer.enabled is True


@pytest.mark.parametrize(
    ("word", "rule"),
    [
        ("yes", MarkRule.YES),
        ("true", MarkRule.YES),
        ("no", MarkRule.NO),
        ("False", MarkRule.NO),
        ("Ignore", MarkRule.IGNORE),
    ],
)
def test_true_and_false_are_accepted_for_yes_and_no(
    tmp_path: Path, word: str, rule: MarkRule
) -> None:
    found = load_text(tmp_path, never(f"blocked: {word}")).settings.sites[0]

    assert found.policy.never_release.blocked is rule


@pytest.mark.parametrize("text", ["on", "yes", "no", "007", "1.0", "2026-11-01", "true", "0x1F"])
def test_a_text_stays_the_text_it_is(tmp_path: Path, text: str) -> None:
    found = load_text(tmp_path, never(f"tags: [{text}]")).settings.sites[0]

    assert [tag.match for tag in found.policy.never_release.tags] == [text]


@pytest.mark.parametrize("day", ["2026-12-20", "'2026-12-20'", '"2026-12-20"'])
def test_a_day_may_be_quoted_or_not(tmp_path: Path, day: str) -> None:
    found = load_text(tmp_path, policy(f"pause: [{{from: {day}, to: {day}}}]")).settings.sites[0]

    assert found.policy.pause[0].from_.isoformat() == "2026-12-20"


@pytest.mark.parametrize(
    "text",
    [
        policy(""),
        policy("never_release:"),
        never("tags:\ngroups: []\ncustom_properties: ~\nusers: null"),
        policy("limits:\npause:\nagreement_reviewed:"),
        site("schedule:\nlicense_shared_with:"),
        top("store:\nconsole:\nlog:"),
    ],
)
def test_a_key_with_nothing_behind_it_is_as_if_left_out(tmp_path: Path, text: str) -> None:
    assert load_text(tmp_path, text).settings == load_text(tmp_path, top("")).settings


def test_a_utf8_file_of_windows_loads(tmp_path: Path) -> None:
    text = never("tags: [Käse]").replace("\n", "\r\n")

    found = load_text(tmp_path, b"\xef\xbb\xbf" + text.encode()).settings.sites[0]

    assert found.policy.never_release.tags[0].match == "Käse"


def test_values_that_sites_share_are_written_once(tmp_path: Path) -> None:
    text = f"""\
sites:
  - name: prod
    qrs: &qrs
      url: {URL}
      concurrency: 8
    policy: &policy {{new_seat_grace: 60d}}
  - name: test
    qrs:
      <<: *qrs
      url: https://test.example.com:4242/qrs
    policy: *policy
"""

    prod, test = load_text(tmp_path, text).settings.sites

    assert test.policy == prod.policy
    assert test.qrs.concurrency == 8
    assert test.qrs.url == "https://test.example.com:4242/qrs"


def test_a_shared_block_may_itself_share_another(tmp_path: Path) -> None:
    text = f"""\
sites:
  - name: a
    qrs: &a {{url: {URL}, concurrency: 8, timeout: 30s}}
  - name: b
    qrs: &b {{<<: *a, concurrency: 2}}
  - name: c
    qrs: {{<<: *b, user: 'CORP\\x'}}
"""

    found = load_text(tmp_path, text).settings.sites[2].qrs

    assert (found.concurrency, found.timeout, found.user) == (2, timedelta(seconds=30), r"CORP\x")


def test_a_time_zone_is_known_in_any_case(tmp_path: Path) -> None:
    found = load_text(tmp_path, site("schedule: {timezone: europe/stockholm}")).settings.sites[0]

    assert str(found.zone) == "Europe/Stockholm"


@pytest.mark.parametrize(
    ("text", "kind", "names"),
    [
        ("", SharedKind.UNKNOWN, ()),
        ("license_shared_with: []", SharedKind.NOBODY, ()),
        ("license_shared_with: Others", SharedKind.OTHERS, ()),
    ],
)
def test_a_shared_license_is_told_apart_from_one_not_known(
    tmp_path: Path, text: str, kind: SharedKind, names: tuple[str, ...]
) -> None:
    shared = load_text(tmp_path, site(text)).settings.sites[0].to_policy().shared

    assert (shared.kind, shared.sites) == (kind, names)


def test_sites_under_one_license_name_each_other(tmp_path: Path) -> None:
    text = site("license_shared_with: [test]") + f"  - {{name: test, qrs: {{url: {URL}}}}}\n"

    shared = load_text(tmp_path, text).settings.sites[0].to_policy().shared

    assert (shared.kind, shared.sites) == (SharedKind.SITES, ("test",))


def test_a_site_is_found_by_its_name_in_any_case(tmp_path: Path) -> None:
    settings = load_text(tmp_path, top("")).settings

    assert settings.site("PROD") is settings.sites[0]
    assert settings.site("test") is None


@pytest.mark.parametrize(("mode", "warned"), [(0o644, True), (0o604, True), (0o600, False)])
def test_a_key_file_that_others_can_read_is_a_warning(
    tmp_path: Path, mode: int, *, warned: bool
) -> None:
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN PRIVATE KEY-----")
    key.chmod(mode)

    warnings = load_text(tmp_path, qrs("key_file: key.pem")).warnings

    expected = f"sites[0].qrs.key_file: {key} can be read by others (mode {mode:04o}). Run: chmod"
    assert [w.startswith(expected) for w in warnings] == ([True] if warned else [])


def test_a_file_with_a_password_in_it_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "seatkeeper.yaml"
    file.touch(0o644)
    file.chmod(0o644)

    [warning] = load_text(tmp_path, qrs("key_password: hunter2")).warnings

    assert warning.startswith(f"this file holds a password and: {file} can be read by others")
    assert "hunter2" not in warning


def test_the_file_given_comes_first_then_the_variable_then_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("given.yaml", "named.yaml", "seatkeeper.yaml"):
        (tmp_path / name).touch()
    env = {"SEATKEEPER_CONFIG": "named.yaml"}

    assert find(Path("given.yaml"), env) == Path("given.yaml")
    assert find(None, env) == Path("named.yaml")
    assert find(None, {}) == Path("seatkeeper.yaml")
    assert find(None, {"SEATKEEPER_CONFIG": ""}) == Path("seatkeeper.yaml")


def test_a_file_that_is_not_there_is_said_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigError, match=r"seatkeeper\.yaml .* does not exist\.\n  cure: .*-c"):
        find(None, {})
    with pytest.raises(ConfigError, match=r"named by SEATKEEPER_CONFIG\) is a folder"):
        find(None, {"SEATKEEPER_CONFIG": str(tmp_path)})
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, {})
