from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from butler_files import BUTLER, TODAY, imported
from config_files import load_text
from seatkeeper.butler import import_butler
from seatkeeper.core.policy import MarkRule, Mode
from seatkeeper.errors import ConfigError

INFLUX = ("influxDb:\n        enable: false", "influxDb:\n        enable: true")
RELEASES = ("dryRun: true", "dryRun: false")


def test_a_whole_configuration_keeps_its_meaning(tmp_path: Path) -> None:
    found = imported(tmp_path)

    site, policy = found.site, found.site.policy
    assert site.name == "sense"
    assert site.qrs.url == "https://sense.example.com:4242/qrs"
    assert site.qrs.user == r"Internal\sa_repository"
    assert site.qrs.ca_file == Path("/certs/root.pem")
    assert site.qrs.cert_file == Path("/certs/client.pem")
    assert site.qrs.key_file == Path("/certs/client_key.pem")
    assert policy.mode is Mode.OBSERVE
    assert (policy.professional.enabled, policy.analyzer.enabled) == (False, True)
    assert policy.professional.release_after == timedelta(days=45)
    assert policy.analyzer.release_after == timedelta(days=30)
    assert site.schedule.monitor.text == "every 6 hours"
    assert site.schedule.release.text == "every 24 hours"
    assert str(site.zone) == "UTC"


def test_everybody_butler_protects_stays_protected(tmp_path: Path) -> None:
    never = imported(tmp_path).site.policy.never_release

    assert [u.match for u in never.users] == [r"INTERNAL\sa_repository", r"CORP\anna"]
    assert [d.match for d in never.user_directories] == ["ADMIN"]
    assert [t.match for t in never.tags] == ["License do not release"]
    assert [(p.name, p.value) for p in never.custom_properties] == [
        ("LicenseManage", "do-not-release")
    ]


@pytest.mark.parametrize("theirs", ["Yes", "No", "Ignore", "yes", "NO", "'ignore'"])
def test_the_three_marks_keep_their_meaning(tmp_path: Path, theirs: str) -> None:
    found = imported(tmp_path, ("blocked: No", f"blocked: {theirs}")).site.policy.never_release

    assert found.blocked is MarkRule(theirs.strip("'").lower())
    assert found.inactive is MarkRule.IGNORE
    assert found.removed_externally is MarkRule.YES


def test_new_protections_are_said(tmp_path: Path) -> None:
    found = imported(tmp_path)

    assert found.site.policy.new_seat_grace == timedelta(days=30)
    assert "30d was added" in found.note("new_seat_grace")
    assert found.note("Added protections")


@pytest.mark.parametrize("days", ["-1", "0", "0.5", "6", "6.5"])
def test_a_threshold_under_a_week_becomes_a_week(tmp_path: Path, days: str) -> None:
    found = imported(tmp_path, ("releaseThresholdDays: 30", f"releaseThresholdDays: {days}"))

    assert found.site.policy.analyzer.release_after == timedelta(days=7)
    assert f"releaseThresholdDays is {days}; release_after became 7d" in found.note("analyzer")


@pytest.mark.parametrize("days", ["7", "30", "365", "'30'", "30.0"])
def test_a_sound_threshold_stays_without_a_word(tmp_path: Path, days: str) -> None:
    found = imported(tmp_path, ("releaseThresholdDays: 30", f"releaseThresholdDays: {days}"))

    assert found.site.policy.analyzer.release_after == timedelta(days=float(days.strip("'")))
    assert found.silent("releaseThresholdDays")


@pytest.mark.parametrize("days", ["a month", "", ".nan", "[30]"])
def test_a_threshold_that_is_no_number_becomes_the_default(tmp_path: Path, days: str) -> None:
    found = imported(tmp_path, ("releaseThresholdDays: 30", f"releaseThresholdDays: {days}"))

    assert found.site.policy.analyzer.release_after == timedelta(days=90)
    assert "no number" in found.note("licenseType.analyzer.releaseThresholdDays")


def test_a_threshold_of_many_years_is_cut(tmp_path: Path) -> None:
    found = imported(tmp_path, ("releaseThresholdDays: 30", "releaseThresholdDays: 99999"))

    assert found.site.policy.analyzer.release_after == timedelta(days=3650)
    assert "became 3650d" in found.note("99999")


def test_releasing_becomes_observing_until_somebody_looked_at_the_agreement(
    tmp_path: Path,
) -> None:
    found = imported(tmp_path, RELEASES)

    assert found.site.policy.mode is Mode.OBSERVE
    assert found.site.policy.agreement_reviewed is None
    assert "--agreement-reviewed-by" in found.note("dryRun is false")


def test_releasing_stays_releasing_when_somebody_looked(tmp_path: Path) -> None:
    found = imported(tmp_path, RELEASES, by="  Jane\nDoe ")

    agreement = found.site.policy.agreement_reviewed
    assert found.site.policy.mode is Mode.AUTO
    assert agreement is not None
    assert (agreement.by, agreement.on) == ("Jane Doe", TODAY)
    assert "mode is auto" in found.note("mode is auto")


@pytest.mark.parametrize(
    "changes",
    [
        (),
        (RELEASES, ("enable: true\n            dryRun", "enable: false\n            dryRun")),
        (("dryRun: true", "dryRun: 'perhaps'"),),
        (("            dryRun: true\n", ""),),
    ],
)
def test_who_did_not_release_does_not_begin_to(
    tmp_path: Path, changes: tuple[tuple[str, str], ...]
) -> None:
    found = imported(tmp_path, *changes, by="Jane Doe")

    assert found.site.policy.mode is Mode.OBSERVE
    assert found.note("Butler does not release")


@pytest.mark.parametrize(
    "frequency",
    ["every 15 minutes", "every 90 minutes", "every 14 days", "every 1 hour", "at 10:15 am"],
)
def test_a_frequency_that_can_be_read_is_kept(tmp_path: Path, frequency: str) -> None:
    found = imported(tmp_path, ("every 24 hours", frequency))

    assert found.site.schedule.release.text == frequency
    assert found.silent("stays out")
    assert found.note("Schedules count from the last run")


@pytest.mark.parametrize(
    "frequency", ["every day at noonish", "every weekday", "on the first day of the week"]
)
def test_a_frequency_that_cannot_be_read_stays_out(tmp_path: Path, frequency: str) -> None:
    found = imported(
        tmp_path, ("every 24 hours\n            never", f"{frequency}\n            never")
    )

    assert found.site.schedule.release.text == "0 3 * * *"
    assert found.site.schedule.monitor.text == "every 6 hours"
    assert f"licenseRelease.frequency, '{frequency}'" in found.note("stays out")


def test_without_a_frequency_the_default_holds(tmp_path: Path) -> None:
    found = imported(tmp_path, ("frequency: every 6 hours", "frequency:"))

    assert found.site.schedule.monitor.text == "every 15 minutes"


PROPERTY = """customProperty:
                    - name: LicenseManage
                      value: do-not-release"""


@pytest.mark.parametrize("empty", ["", " []", " null", " ~"])
def test_lists_left_empty_are_empty(tmp_path: Path, empty: str) -> None:
    found = imported(
        tmp_path,
        ("tag:\n                    - License do not release", f"tag:{empty}"),
        (PROPERTY, f"customProperty:{empty}"),
        ("userDirectory:\n                    - ADMIN", f"userDirectory:{empty}"),
    )

    never = found.site.policy.never_release
    assert (never.tags, never.custom_properties, never.user_directories) == ((), (), ())
    assert len(never.users) == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("userId: 'anna'", "userId: '*'", r"'CORP\*'"),
        ("userId: 'anna'", "userId: ''", "'CORP\\'"),
        ("- ADMIN", r"- ADMIN\all", r"'ADMIN\all'"),
        ("value: do-not-release", "value: ''", "'LicenseManage='"),
    ],
)
def test_an_entry_that_protects_nobody_is_left_out_and_said(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    found = imported(tmp_path, (old, new))

    assert said in found.note("can protect nobody")


def test_the_identity_of_the_header_is_kept_and_the_difference_said(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        ("UserDirectory=Internal;UserId=sa_repository", "UserDirectory=CORP; UserId=b%C3%BCtler"),
    )

    assert found.site.qrs.user == "CORP\\bütler"
    assert r"as INTERNAL\sa_repository whatever" in found.note("CORP\\bütler")


@pytest.mark.parametrize(
    "value", ["", "sa_repository", "UserDirectory=;UserId=x", r"UserDirectory=A;UserId=b\c"]
)
def test_without_a_readable_identity_butlers_own_is_taken(tmp_path: Path, value: str) -> None:
    found = imported(
        tmp_path, ("value: UserDirectory=Internal;UserId=sa_repository", f"value: {value}")
    )

    assert found.site.qrs.user == r"INTERNAL\sa_repository"
    assert found.note("no X-Qlik-User header")


def test_placeholders_do_not_fail_the_import(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        ("host: sense.example.com", "host: <FQDN or IP>"),
        ("clientCert: /certs/client.pem", "clientCert: <path/to/cert/client.pem>"),
        ("clientCertCA: /certs/root.pem", "clientCertCA:"),
    )

    assert found.site.name == "site"
    assert found.site.qrs.url == "https://sense.example.com:4242/qrs"
    assert found.note("configQRS.host names no host")
    assert found.note("cert.clientCert names no file yet")
    assert found.note("cert.clientCertCA names no file yet")


def test_relative_certificates_are_said_to_count_from_another_folder(tmp_path: Path) -> None:
    found = imported(tmp_path, ("/certs/client.pem", "./config/client.pem"))

    assert found.site.qrs.cert_file == tmp_path / "config/client.pem"
    assert "cert_file" in found.note("are relative")


def test_a_windows_path_is_taken_as_it_is(tmp_path: Path) -> None:
    found = imported(tmp_path, ("/certs/client.pem", r"C:\certs\new client.pem"))

    assert r"cert_file: 'C:\certs\new client.pem'" in found.text
    assert found.silent("are relative")


def test_an_address_without_a_name_gives_a_plain_name(tmp_path: Path) -> None:
    assert imported(tmp_path, ("sense.example.com", "10.11.12.13")).site.name == "site"


def test_a_certificate_butler_did_not_verify_is_verified_and_said(tmp_path: Path) -> None:
    found = imported(tmp_path, ("            true\n", "            false\n"))

    assert found.site.qrs.verify_host_name
    assert found.note("accepted any certificate")


def test_points_go_where_butler_writes_without_the_login(tmp_path: Path) -> None:
    found = imported(tmp_path, INFLUX)

    (target,) = found.settings.metrics.influxdb
    assert (target.name, target.url) == ("butler", "http://influx.example.com:8086")
    assert (target.version, target.database) == ("1", "butler")
    assert target.tags == {"butler_instance": "dev"}
    assert found.note("add user and password_file, or token_file")
    for secret in ("joe", "joes-secret"):
        assert secret not in found.text + " ".join(found.notes)


def test_a_bucket_of_influxdb_2_is_named_without_its_token(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        INFLUX,
        (
            "dbName: butler",
            "version: 2\n        v2Config: {org: corp, bucket: seats, token: tokens-secret}",
        ),
    )

    (target,) = found.settings.metrics.influxdb
    assert (target.version, target.org, target.bucket) == ("2", "corp", "seats")
    assert "tokens-secret" not in found.text + " ".join(found.notes)


def test_a_place_of_butler_that_is_none_is_said_and_left_out(tmp_path: Path) -> None:
    found = imported(tmp_path, INFLUX, ("influx.example.com", "<IP of the server>"))

    assert found.settings.metrics.influxdb == ()
    assert found.note("no sound target can be made of them")


def test_a_tag_that_is_ours_is_said_and_left_out(tmp_path: Path) -> None:
    found = imported(tmp_path, INFLUX, ("name: butler_instance", "name: site"))

    assert found.settings.metrics.influxdb[0].tags == {}
    assert found.note("the static tag site of InfluxDB")


SERVER_LICENSE = ("Monitor:\n            enable: false", "Monitor:\n            enable: true")
OTHERS = """\
    mqttConfig:
        enable: true
        brokerHost: mqtt.example.com
        brokerPort: 1884
        qlikSenseServerLicenseTopic: qlik/license
        qlikSenseServerLicenseExpireTopic: qlik/license_expire
    webhookNotification:
        enable: true
        qlikSenseServerLicenseMonitor:
            webhooks:
                - {description: one, webhookURL: 'https://a.example.com/in', httpMethod: GET}
        qlikSenseServerLicenseExpiryAlert:
            rateLimit: 300
            webhooks:
                - {webhookURL: 'https://b.example.com/in', httpMethod: PUT,
                   cert: {enable: true, rejectUnauthorized: false, certCA: /certs/ca.pem}}
                - {webhookURL: 'not an address', httpMethod: POST}
    cert:
"""
WEBHOOK = "webhook: {enable: true, sendRecurring: {enable: true}, sendAlert: {enable: true}}"
TOLD = (
    SERVER_LICENSE,
    ("mqtt: {enable: false}", f"mqtt: {{enable: true}}, {WEBHOOK}"),
    ("    cert:\n", OTHERS),
)


def test_whoever_butler_tells_of_the_license_is_told_by_us(tmp_path: Path) -> None:
    found = imported(tmp_path, *TOLD)

    mqtt, status, alert = found.settings.alerts.channels
    assert (mqtt.host, mqtt.broker_port) == ("mqtt.example.com", 1884)
    assert (mqtt.status_topic, mqtt.expire_topic) == ("qlik/license", "qlik/license_expire")
    assert (mqtt.threshold_days, mqtt.every) == (60, timedelta(hours=24))
    assert (status.address, status.method.value) == ("https://a.example.com/in", "get")
    assert (status.sends.value, alert.sends.value) == ("status", "alerts")
    assert (alert.address, alert.method.value) == ("https://b.example.com/in", "put")
    assert str(alert.ca_file) == "/certs/ca.pem"
    assert found.note("butler-mqtt, butler-status-1, butler-alerts-1")
    assert found.note("butler-alerts-1: Butler accepted any certificate")
    assert found.note("Not carried over: butler-alerts-2")


def test_whom_butler_does_not_tell_we_do_not_tell(tmp_path: Path) -> None:
    found = imported(tmp_path, ("    cert:\n", OTHERS), SERVER_LICENSE)

    assert found.settings.alerts.channels == ()
    assert found.note("alert 60 days ahead is alerts.rules.license_expiry here")


def test_a_key_passphrase_is_never_copied(tmp_path: Path) -> None:
    found = imported(
        tmp_path, ("    cert:\n", "    cert:\n        clientCertPassphrase: hunter2\n")
    )

    assert found.note("SEATKEEPER_KEY_PASSWORD")
    assert "hunter2" not in found.text + " ".join(found.notes)


def test_a_dollar_sign_of_butler_is_no_variable_of_ours(tmp_path: Path) -> None:
    found = imported(tmp_path, ("- License do not release", "- keep ${THIS}"))

    assert found.site.policy.never_release.tags[0].match == "keep ${THIS}"


def test_a_license_type_that_is_not_there_is_left_alone(tmp_path: Path) -> None:
    found = imported(tmp_path, ("                analyzer:\n", "                other:\n"))

    assert not found.site.policy.analyzer.enabled
    assert found.note("analyzer seats are left alone")


@pytest.mark.parametrize(
    "text",
    [
        "Butler:\n    logLevel: info\n",
        "Butler: {}\n",
        "Butler:\n  qlikSenseLicense:\n  cert: text\n",
    ],
)
def test_missing_blocks_do_not_fail_the_import(text: str) -> None:
    found = import_butler(
        Path("b.yaml"), text.encode(), agreement_reviewed_by=None, today=date(2026, 1, 1)
    )

    assert "mode: observe" in found.text
    assert any("licenseRelease" in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("sites: []\n", "this is no configuration of Butler"),
        ("Butler: text\n", "this is no configuration of Butler"),
        ("Butler:\n\tlogLevel: info\n", "replace the tab"),
        ("Butler:\n  cert: {clientCert: a, clientCert: b}\n", "stands twice"),
    ],
)
def test_what_is_no_configuration_of_butler_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        import_butler(Path("b.yaml"), text.encode(), agreement_reviewed_by=None, today=TODAY)


def test_faults_in_other_blocks_do_not_matter() -> None:
    text = BUTLER.replace("logLevel: info", "logLevel: !odd info\n    logLevel: debug")

    assert import_butler(Path("b.yaml"), text.encode(), agreement_reviewed_by=None, today=TODAY)


LEAVES = [i for i, line in enumerate(BUTLER.splitlines()) if ": " in line and "{" not in line]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 9999),
    st.text(st.characters(codec="utf-8"), max_size=9),
)


@settings(deadline=None)
@given(at=st.sampled_from(LEAVES), value=scalars)
def test_no_value_in_any_key_fails_the_import(at: int, value: object) -> None:
    lines = BUTLER.splitlines()
    written = "null" if value is None else f'"{_escaped(value)}"'
    lines[at] = lines[at].partition(": ")[0] + ": " + written

    found = import_butler(
        Path("b.yaml"), "\n".join(lines).encode(), agreement_reviewed_by="J", today=TODAY
    )

    with TemporaryDirectory() as folder:
        assert load_text(Path(folder), found.text).settings.sites


def _escaped(value: object) -> str:
    return "".join(f"\\U{ord(c):08x}" for c in str(value))
