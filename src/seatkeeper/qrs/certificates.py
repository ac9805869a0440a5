"""What the certificate files hold, for `check` and for messages about refused connections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from seatkeeper.errors import ConfigError


@dataclass(frozen=True, slots=True)
class CertificateInfo:
    """The first certificate of a PEM file; times are aware UTC."""

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    names: tuple[str, ...] = ()
    is_authority: bool = False


def describe(path: Path) -> CertificateInfo:
    """Read a certificate; raises ConfigError that names the file when it holds none."""
    certificate = _certificate(path)
    return CertificateInfo(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        names=_names(certificate),
        is_authority=_is_authority(certificate),
    )


def key_matches(cert_file: Path, key_file: Path, password: str | None = None) -> bool:
    """Whether the key belongs to the certificate; raises ConfigError for an unusable file."""
    secret = password.encode() if password else None
    try:
        key = serialization.load_pem_private_key(_bytes(key_file), secret)
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"{key_file} is no private key in PEM format, or its password is wrong or missing"
        ) from error
    raw = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(*raw) == (
        _certificate(cert_file).public_key().public_bytes(*raw)
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(_bytes(path))
    except ValueError as error:
        raise ConfigError(f"{path} holds no certificate in PEM format") from error


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(str(name.value) for name in extension.value)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, ValueError):
        return False
    return constraints.value.ca
