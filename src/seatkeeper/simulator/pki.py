"""Certificates of the simulated site, as the QMC would export them, and its TLS context.

Made once for a state directory and used again afterwards; keys are readable by their owner only.
The certificate authority's own key is thrown away: nobody can make further clients.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_YEARS = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where the files stand: what a client needs, and what the server itself uses."""

    ca: Path
    cert: Path
    key: Path
    server_cert: Path
    server_key: Path

    @classmethod
    def inside(cls, directory: Path) -> Certificates:
        """Name the files in a state directory."""
        names = ("root.pem", "client.pem", "client_key.pem", "server.pem", "server_key.pem")
        return cls(*(directory / name for name in names))

    def complete(self) -> bool:
        """Say whether all files are there."""
        return all(
            path.is_file()
            for path in (self.ca, self.cert, self.key, self.server_cert, self.server_key)
        )


def ensure_certificates(directory: Path, host: str) -> Certificates:
    """Use the certificates of a state directory, or make them when one is missing."""
    certificates = Certificates.inside(directory)
    if not certificates.complete():
        _make(certificates, host)
    return certificates


def server_context(certificates: Certificates) -> ssl.SSLContext:
    """Build the server's TLS context: TLS 1.2 at least, a client certificate of the site needed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificates.server_cert, certificates.server_key)
    context.load_verify_locations(certificates.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@dataclass(frozen=True, slots=True)
class _Issuer:
    name: x509.Name
    key: ec.EllipticCurvePrivateKey


def _make(certificates: Certificates, host: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = _Issuer(_name(f"{socket.gethostname()}-CA"), key)
    root = _builder(issuer.name, issuer, key, path_length=0).sign(key, hashes.SHA256())
    _write(certificates.ca, root.public_bytes(serialization.Encoding.PEM), 0o644)
    server = x509.SubjectAlternativeName(_alternative_names(host))
    _issue(
        issuer, socket.gethostname(), server, (certificates.server_cert, certificates.server_key)
    )
    _issue(issuer, "QlikClient", None, (certificates.cert, certificates.key))


def _issue(
    issuer: _Issuer,
    common_name: str,
    names: x509.SubjectAlternativeName | None,
    paths: tuple[Path, Path],
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    usage = ExtendedKeyUsageOID.SERVER_AUTH if names else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = _builder(_name(common_name), issuer, key, path_length=None)
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if names:
        builder = builder.add_extension(names, critical=False)
    certificate = builder.sign(issuer.key, hashes.SHA256())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(paths[1], pem, 0o600)
    _write(paths[0], certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _builder(
    subject: x509.Name,
    issuer: _Issuer,
    key: ec.EllipticCurvePrivateKey,
    *,
    path_length: int | None,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    authority = path_length is not None
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _YEARS)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=path_length), critical=True)
        .add_extension(_key_usage(authority=authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()),
            critical=False,
        )
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _alternative_names(host: str) -> list[x509.GeneralName]:
    names = dict.fromkeys(["localhost", socket.gethostname()])
    addresses = dict.fromkeys(["127.0.0.1", "::1"])
    try:
        addresses[str(ipaddress.ip_address(host))] = None
    except ValueError:
        names[host] = None
    known: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    return known + [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]


def _write(path: Path, content: bytes, mode: int) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
