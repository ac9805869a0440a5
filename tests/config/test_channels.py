from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from config_files import faults, load_text, refusal, top
from seatkeeper.core.channel import ButlerSends, ChannelKind
from seatkeeper.settings import ChannelSettings

SECRET = "correct-horse-battery-staple"


def channels(*entries: str) -> str:
    """Put channels into the file, from line 6 on."""
    return top("alerts:\n  channels:\n" + "\n".join(f"    - {{{entry}}}" for entry in entries))


def loaded(folder: Path, *entries: str) -> tuple[ChannelSettings, ...]:
    return load_text(folder, channels(*entries), {"S": SECRET}).settings.alerts.channels


def test_without_channels_nobody_is_told(tmp_path: Path) -> None:
    assert load_text(tmp_path, top("")).settings.alerts.channels == ()


def test_every_kind_of_channel_has_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("mailtos://me:word@mail.example.com?to=you@example.com\n")

    mail, hook, manager, mqtt, old = loaded(
        tmp_path,
        "name: mail, kind: apprise, url_file: mail",
        "name: hook, kind: webhook, url: 'https://example.com/in?x=1', secret: '${S}'",
        "name: am, kind: alertmanager, url: 'http://127.0.0.1:9093', user: me, password: '${S}'",
        "name: mqtt, kind: butler_mqtt, host: mqtt.example.com, tls: true, sends: alerts",
        "name: old, kind: butler_webhook, url: 'http://example.com/old', method: GET, site: PROD",
    )

    assert mail.address == "mailtos://me:word@mail.example.com?to=you@example.com"
    assert (hook.signing_secret, manager.password_secret) == (SECRET, SECRET)
    assert manager.hold == timedelta(hours=1)
    assert mqtt.status_topic == "qliksense/qliksense_server_license"
    assert mqtt.expire_topic == "qliksense/qliksense_server_license_expire"
    assert mqtt.sends is ButlerSends.ALERTS
    assert old.method.value == "get"
    assert [c.kind for c in (mail, hook, manager, mqtt, old)] == list(ChannelKind)


BROKEN = {
    "two of one name": (
        ("name: a, kind: apprise, url: 'x://y'", "name: A, kind: apprise, url: 'x://y'"),
        "alerts.channels[1].name",
        "alerts.channels[0] has this name already",
        "a name of its own",
    ),
    "a name for no command line": (
        ("name: 'my mail', kind: apprise, url: 'x://y'",),
        "alerts.channels[0].name",
        "letters, digits",
        "such as main",
    ),
    "a kind misspelled": (
        ("name: a, kind: aprise, url: 'x://y'",),
        "alerts.channels[0].kind",
        "the kind is one of apprise, webhook",
        "did you mean apprise?",
    ),
    "a key of another kind": (
        ("name: a, kind: apprise, url: 'x://y', topic: a, method: get",),
        "alerts.channels[0].method",
        "kind apprise has no such key",
        "it has url, url_file",
    ),
    "nowhere to send": (
        ("name: a, kind: apprise",),
        "alerts.channels[0].url",
        "does not say where to send",
        "add url",
    ),
    "no Apprise URL": (
        ("name: a, kind: apprise, url: 'you@example.com'",),
        "alerts.channels[0].url",
        "no Apprise URL",
        "mailtos://",
    ),
    "a webhook without a secret": (
        ("name: a, kind: webhook, url: 'https://example.com/in'",),
        "alerts.channels[0].secret_file",
        "a webhook of ours is signed",
        "add secret_file",
    ),
    "a secret that can be guessed": (
        ("name: a, kind: webhook, url: 'https://example.com/in', secret: qlik",),
        "alerts.channels[0].secret",
        "less than 16 characters",
        "openssl rand",
    ),
    "a login in an address": (
        ("name: a, kind: alertmanager, url: 'https://me:word@example.com'",),
        "alerts.channels[0].url",
        "without user, password",
        "https://host.example.com",
    ),
    "another scheme": (
        ("name: a, kind: butler_webhook, url: 'ftp://example.com/in'",),
        "alerts.channels[0].url",
        "begins with https",
        "https://host.example.com",
    ),
    "no broker": (
        ("name: a, kind: butler_mqtt",),
        "alerts.channels[0].host",
        "the broker is not named",
        "add host",
    ),
    "a password without a user": (
        ("name: a, kind: butler_mqtt, host: b, password: xyz",),
        "alerts.channels[0].user",
        "a password without a user",
        "add user",
    ),
    "a topic for listeners": (
        ("name: a, kind: butler_mqtt, host: b, status_topic: 'qlik/#'",),
        "alerts.channels[0].status_topic",
        "one topic",
        "qliksense/",
    ),
    "a site nobody knows": (
        ("name: a, kind: butler_mqtt, host: b, site: test",),
        "alerts.channels[0].site",
        "no site of this file has this name",
        "prod",
    ),
}


@pytest.mark.parametrize(("entries", "path", "what", "cure"), BROKEN.values(), ids=BROKEN)
def test_a_channel_that_cannot_work_is_a_fault_with_its_cure(
    tmp_path: Path, entries: tuple[str, ...], path: str, what: str, cure: str
) -> None:
    said = faults(tmp_path, channels(*entries))

    [fault] = [s for s in said if s.path == path]
    assert what in fault.what
    assert cure in fault.cure


def test_a_secret_given_twice_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "s").write_text(SECRET)

    [fault] = faults(
        tmp_path,
        channels(f"name: a, kind: webhook, url: 'https://x.y', secret: {SECRET}, secret_file: s"),
    )

    assert (fault.path, fault.what) == (
        "alerts.channels[0].secret_file",
        "secret_file: s — secret is given as well",
    )


def test_neither_faults_nor_settings_show_a_secret(tmp_path: Path) -> None:
    said = refusal(
        tmp_path,
        channels(
            f"name: a, kind: apprise, url: '{SECRET}'",
            f"name: b, kind: webhook, url: 'ftp://{SECRET}/', secret: {SECRET}, host: x",
        ),
    )
    channel = ChannelSettings(
        name="a", kind=ChannelKind.APPRISE, url=f"slack://{SECRET}", timeout="9s"
    )  # type: ignore[arg-type]

    assert SECRET not in said
    assert SECRET not in repr(channel) + channel.model_dump_json()


def test_a_password_in_a_file_open_to_others_is_a_warning(tmp_path: Path) -> None:
    text = channels("name: a, kind: butler_mqtt, host: b, user: me, password: xyz")
    (tmp_path / "seatkeeper.yaml").touch(mode=0o644)

    [warning] = load_text(tmp_path, text).warnings

    assert "this file holds a password" in warning
