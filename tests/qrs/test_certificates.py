"""What `check` learns from certificate files."""

from __future__ import annotations

from pathlib import Path

import pytest

from qrs_pki import KEY_PASSWORD, NOW, Pki
from seatkeeper.errors import ConfigError
from seatkeeper.qrs.certificates import describe, key_matches


def test_a_certificate_is_described(pki: Pki) -> None:
    info = describe(pki.server.cert)

    assert info.subject == "CN=server"
    assert info.issuer == "CN=site-CA"
    assert info.names == ("localhost", "127.0.0.1")
    assert (info.not_after - NOW).days in (364, 365)
    assert not info.is_authority


def test_an_authority_is_told_from_a_client(pki: Pki) -> None:
    assert describe(pki.site.root).is_authority
    assert not describe(pki.client.cert).is_authority


def test_an_expired_certificate_has_ended(pki: Pki) -> None:
    assert describe(pki.client_expired.cert).not_after < NOW


def test_a_key_is_matched_with_its_certificate(pki: Pki) -> None:
    assert key_matches(pki.client.cert, pki.client.key)
    assert not key_matches(pki.client.cert, pki.server.key)


def test_a_locked_key_is_matched_with_its_password(pki: Pki) -> None:
    locked = pki.client_locked

    assert key_matches(locked.cert, locked.key, KEY_PASSWORD)


@pytest.mark.parametrize("password", [None, "wrong"])
def test_a_locked_key_without_its_password_is_an_error(pki: Pki, password: str | None) -> None:
    locked = pki.client_locked

    with pytest.raises(ConfigError, match="password is wrong or missing"):
        key_matches(locked.cert, locked.key, password)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.pem"

    with pytest.raises(ConfigError, match=str(path)):
        describe(path)


def test_a_file_without_certificate_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wrong.pem"
    path.write_text("no certificate")

    with pytest.raises(ConfigError, match=f"{path} holds no certificate"):
        describe(path)
