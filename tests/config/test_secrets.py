from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config_files import faults, load_text, never, policy, qrs, refusal, site, top
from seatkeeper.settings import Settings

SECRET = "correct-horse-battery"


def key_secret(settings: Settings) -> str | None:
    secret = settings.sites[0].qrs.key_secret
    return None if secret is None else secret.get_secret_value()


def test_a_secret_comes_from_the_environment(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, qrs("key_password: ${KEY_PASSWORD}"), {"KEY_PASSWORD": SECRET})

    assert key_secret(loaded.settings) == SECRET
    assert loaded.warnings == ()


def test_a_name_may_stand_inside_any_text(tmp_path: Path) -> None:
    env = {"DIRECTORY": "CORP", "DB": "db.example.com"}
    text = never(r"patterns: ['${DIRECTORY}\svc_*']") + "store: {url: 'postgresql://${DB}/seats'}\n"

    settings = load_text(tmp_path, text, env).settings

    assert settings.sites[0].policy.never_release.patterns[0].match == r"CORP\svc_*"
    assert settings.store.url.get_secret_value() == "postgresql://db.example.com/seats"


def test_two_dollar_signs_keep_the_text_as_it_is(tmp_path: Path) -> None:
    settings = load_text(tmp_path, never("tags: ['$${NAME}', 'US$', '$NAME']")).settings

    tags = settings.sites[0].policy.never_release.tags
    assert [tag.match for tag in tags] == ["${NAME}", "US$", "$NAME"]


def test_a_value_from_the_environment_is_not_looked_into_again(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, qrs("key_password: ${A}"), {"A": "${B}", "B": "no"})

    assert key_secret(loaded.settings) == "${B}"


def test_every_unset_variable_is_named_with_its_place(tmp_path: Path) -> None:
    said = faults(tmp_path, qrs("key_password: ${ONE}\nuser: 'X\\${TWO}'"))

    assert [(s.line, s.path) for s in said] == [
        (5, "sites[0].qrs.key_password"),
        (6, "sites[0].qrs.user"),
    ]
    assert "ONE is not set" in said[0].what
    assert "TWO is not set" in said[1].what


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(b"\xef\xbb\xbf" + SECRET.encode() + b"\r\n")
    (tmp_path / "password").chmod(0o600)

    loaded = load_text(tmp_path, qrs("key_password_file: password"))

    assert key_secret(loaded.settings) == SECRET
    assert loaded.warnings == ()


def test_a_secret_file_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(SECRET)
    (tmp_path / "password").chmod(0o644)

    [warning] = load_text(tmp_path, qrs("key_password_file: password")).warnings

    assert "password can be read by others (mode 0644)" in warning
    assert SECRET not in warning


@pytest.mark.parametrize(
    ("content", "what"), [(b"", "is empty"), (b"\n\n", "is empty"), (b"\xff\xfe", "not UTF-8")]
)
def test_a_secret_file_without_a_secret_is_a_fault(
    tmp_path: Path, content: bytes, what: str
) -> None:
    (tmp_path / "password").write_bytes(content)

    [said] = faults(tmp_path, qrs("key_password_file: password"))

    assert what in said.what


def test_a_password_given_twice_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(SECRET)

    [said] = faults(tmp_path, qrs("key_password_file: password\nkey_password: x"))

    assert said.path == "sites[0].qrs.key_password_file"
    assert "key_password is given as well" in said.what


def test_the_address_of_the_store_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"postgresql://seats:{SECRET}@db/seats\n")

    store = load_text(tmp_path, top("store: {url_file: url}")).settings.store

    assert store.url.get_secret_value() == f"postgresql://seats:{SECRET}@db/seats"
    assert store.shown == "postgresql://…@db/seats"


def test_a_relative_store_in_a_file_counts_from_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("sqlite:///seats.db")

    store = load_text(tmp_path, top("store: {url_file: url}")).settings.store

    assert store.url.get_secret_value() == f"sqlite:///{tmp_path}/seats.db"


def test_an_address_given_twice_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("sqlite:///seats.db")

    [said] = faults(tmp_path, top("store: {url: 'sqlite:///a.db', url_file: url}"))

    assert (said.path, said.what) == ("store.url", "url_file is given as well")


def test_settings_shown_by_accident_show_no_secret(tmp_path: Path) -> None:
    text = qrs(f"key_password: {SECRET}") + f"store: {{url: 'postgresql://u:{SECRET}@db/x'}}\n"

    settings = load_text(tmp_path, text).settings

    assert SECRET not in repr(settings)
    assert SECRET not in str(settings.model_dump())
    assert SECRET not in settings.model_dump_json()


BROKEN = {
    "a list where a password is wanted": qrs("key_password: [%s]"),
    "a key misspelled": qrs("key_pasword: %s"),
    "a password as a block": qrs("key_password: {word: %s}"),
    "a reference instead of a text": qrs("key_password: *%s"),
    "a tag instead of a text": qrs("key_password: !%s"),
    "an escape gone wrong": qrs('key_password: "\\q%s"'),
    "two colons": qrs("key_password: a: %s"),
    "a login in the address": top("").replace("//sense", "//me:%s@sense"),
    "a login in a broken address": top("").replace("//sense", "//me:%s@").replace("4242", "x"),
    "a store of another kind": top("store: {url: 'mysql://u:%s@db'}"),
    "a store without slashes": top("store: {url: 'sqlite:%s'}"),
    "a block where a text is wanted": site("policy: %s"),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_fault_beside_a_secret_does_not_show_it(tmp_path: Path, text: str) -> None:
    assert SECRET not in refusal(tmp_path, text.replace("%s", SECRET))


PLACES = [
    site("license_shared_with: ['${S}']"),
    site("schedule: {release: '${S}', timezone: '${S}'}"),
    policy("mode: '${S}'"),
    policy("analyzer: {enabled: '${S}', release_after: '${S}'}"),
    policy("pause: [{from: '${S}', to: '${S}'}]"),
    policy("limits: {max_share: '${S}', max_per_run: '${S}', grown: '${S}'}"),
    never("users: ['${S}']"),
    never(r"user_directories: ['a\${S}', '*${S}']"),
    never("inactive: '${S}'"),
    never("tags: [{match: x, expires: '${S}'}]"),
    qrs("user: '${S}'"),
    qrs("concurrency: '${S}'"),
    qrs("timeout: '${S}'"),
    qrs("key_password: '${S}'\nkey_password_file: '${S}'"),
    top("store: {url: 'mysql://${S}'}"),
    top("store: {url: '${S}'}"),
    top("console: {listen: '${S}'}"),
    top("log: {level: '${S}', format: '${S}'}"),
    top("").replace("sense.example.com", "${S}:x"),
    top("").replace("prod", "'a/${S}'"),
]


@settings(deadline=None)
@given(
    secret=st.text(
        st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]),
        min_size=8,
        max_size=40,
    ).filter(lambda s: len(set(s)) > 4),
    text=st.sampled_from(PLACES),
)
def test_no_fault_ever_shows_a_value_from_the_environment(secret: str, text: str) -> None:
    with TemporaryDirectory() as folder:
        said = refusal(Path(folder), text + "no_such_key: 1\n", {"S": secret})

    assert secret not in said.replace(folder, "")
