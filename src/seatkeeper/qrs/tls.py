"""The TLS side of a connection: our certificate, and only the site's own authority trusted."""

from __future__ import annotations

import ssl
from pathlib import Path

from seatkeeper.errors import NeverSent
from seatkeeper.qrs.connection import Connection

EXPORT_HINT = (
    "Export the certificates in the QMC (Certificates, PEM format, include secret key) and check "
    "the paths in sites[].qrs."
)


def tls_context(connection: Connection) -> ssl.SSLContext:
    """Load the three files; raises NeverSent that names the file at fault and the cure.

    The authorities of the operating system are not trusted: a site signs for itself
    (QRS contract 1.1).
    """
    for name in ("ca_file", "cert_file", "key_file"):
        _readable(name, getattr(connection, name))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = connection.verify_host_name
    _load_authority(context, connection)
    _load_own_certificate(context, connection)
    return context


def written_at(connection: Connection) -> tuple[float, ...]:
    """Return when each of the three files was last written; 0 for one that is not there."""
    files = (connection.ca_file, connection.cert_file, connection.key_file)
    return tuple(path.stat().st_mtime if path.exists() else 0.0 for path in files)


def _readable(name: str, path: Path) -> None:
    try:
        path.read_bytes()
    except OSError as error:
        reason = error.strerror or "unreadable"
        raise NeverSent(f"the {name} {path} cannot be read: {reason}. {EXPORT_HINT}") from error


def _load_authority(context: ssl.SSLContext, connection: Connection) -> None:
    path = connection.ca_file
    try:
        context.load_verify_locations(cafile=path)
    except (ssl.SSLError, ValueError) as error:
        raise NeverSent(f"the ca_file {path} holds no PEM certificate. {EXPORT_HINT}") from error
    if not context.get_ca_certs():
        raise NeverSent(
            f"the ca_file {path} holds no certificate of an authority; it must be the site's "
            f"root.pem. {EXPORT_HINT}"
        )


def _load_own_certificate(context: ssl.SSLContext, connection: Connection) -> None:
    password = connection.key_password or ""
    try:
        # A function, even for no password: OpenSSL would otherwise ask on the terminal.
        context.load_cert_chain(
            connection.cert_file, connection.key_file, password=lambda: password
        )
    except (ssl.SSLError, ValueError) as error:
        raise NeverSent(_why_not_loaded(error, connection)) from error


def _why_not_loaded(error: Exception, connection: Connection) -> str:
    cert, key = connection.cert_file, connection.key_file
    if "KEY_VALUES_MISMATCH" in str(error):
        return f"the key_file {key} does not belong to the cert_file {cert}. {EXPORT_HINT}"
    if b"ENCRYPTED" in key.read_bytes():
        what = "is wrong" if connection.key_password else "is missing"
        return f"the key_file {key} has a password, and sites[].qrs.key_password {what}."
    if b"-----BEGIN CERTIFICATE-----" not in cert.read_bytes():
        return f"the cert_file {cert} holds no PEM certificate. {EXPORT_HINT}"
    return f"the cert_file {cert} and the key_file {key} cannot be used. {EXPORT_HINT}"
