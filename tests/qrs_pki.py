"""Certificates for tests of the door to Qlik: a site's authority, and all that can go wrong."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KEY_PASSWORD = "correct horse battery staple"
NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as files."""

    cert: Path
    key: Path


class Authority:
    """A certificate authority that writes PEM files into a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name}-CA")])
        certificate = (
            _builder(self._subject, self._subject, self._key.public_key(), days=3650)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.root = folder / f"{name}-root.pem"
        self.root.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(
        self,
        name: str,
        *,
        hosts: tuple[str, ...] = (),
        days: int = 365,
        password: str | None = None,
    ) -> Pair:
        """Sign a certificate; negative `days` make one that has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(subject, self._subject, key.public_key(), days=days)
        if hosts:
            names = x509.SubjectAlternativeName([_host(h) for h in hosts])
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        pair = Pair(
            self.folder / f"{self.name}-{name}.pem", self.folder / f"{self.name}-{name}_key.pem"
        )
        pair.cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pair.key.write_bytes(_key_pem(key, password))
        pair.key.chmod(0o600)
        return pair


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, days: int
) -> x509.CertificateBuilder:
    end = NOW + timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(NOW, end) - timedelta(days=2))
        .not_valid_after(end)
    )


def _key_pem(key: ec.EllipticCurvePrivateKey, password: str | None) -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password.encode())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


@dataclass(frozen=True)
class Pki:
    """Everything a site has, and the wrong things beside it."""

    site: Authority
    foreign: Authority
    server: Pair
    server_other_name: Pair
    server_expired: Pair
    client: Pair
    client_expired: Pair
    client_foreign: Pair
    client_locked: Pair


def make_pki(folder: Path) -> Pki:
    """Make the lot."""
    site, foreign = Authority(folder, "site"), Authority(folder, "foreign")
    return Pki(
        site=site,
        foreign=foreign,
        server=site.issue("server", hosts=("localhost", "127.0.0.1")),
        server_other_name=site.issue("short", hosts=("sense01",)),
        server_expired=site.issue("old-server", hosts=("localhost",), days=-1),
        client=site.issue("client"),
        client_expired=site.issue("old-client", days=-1),
        client_foreign=foreign.issue("client"),
        client_locked=site.issue("locked", password=KEY_PASSWORD),
    )
