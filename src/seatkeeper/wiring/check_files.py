"""What `check` finds in the three certificate files of a site, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from seatkeeper.core.findings import Area, Finding, failed, ok, warning
from seatkeeper.errors import ConfigError
from seatkeeper.qrs.certificates import CertificateInfo, describe, key_matches
from seatkeeper.settings import QrsSettings

WARN_AHEAD = timedelta(days=30)

_EXPORT = (
    "export the certificates in the QMC (Certificates, PEM format, include secret key) and check "
    "the paths in sites[].qrs"
)


def certificate_findings(qrs: QrsSettings, now: datetime) -> Iterator[Finding]:
    """Look at the authority, the client certificate and its key."""
    yield from _dates(qrs.ca_file, "the site's authority", now)
    yield from _dates(qrs.cert_file, "the client certificate", now)
    yield from _key(qrs)
    if not qrs.verify_host_name:
        yield warning(
            Area.CERTIFICATES,
            "the host name in the site's certificate is not checked (verify_host_name: false); "
            "whoever holds any certificate of this authority could pose as the site",
            "write the name the certificate was made for in sites[].qrs.url and take "
            "verify_host_name out",
        )


def _dates(path: Path, what: str, now: datetime) -> Iterator[Finding]:
    info = _read(path)
    if isinstance(info, str):
        yield failed(Area.CERTIFICATES, f"{what}: {info}", _EXPORT)
    else:
        yield _judged(info, f"{what} {path}", now)


def _read(path: Path) -> CertificateInfo | str:
    """Return what a certificate holds, or why it cannot be read."""
    try:
        return describe(path)
    except ConfigError as error:
        return str(error)


def _judged(info: CertificateInfo, what: str, now: datetime) -> Finding:
    if now > info.not_after:
        text = f"{what} expired on {info.not_after:%Y-%m-%d}"
        return failed(Area.CERTIFICATES, text, _EXPORT)
    if now < info.not_before:
        text = f"{what} is valid from {info.not_before:%Y-%m-%d} only"
        return failed(Area.CERTIFICATES, text, "check this machine's clock, or wait")
    days = (info.not_after - now) // timedelta(days=1)
    text = f"{what}: valid for {days} days, until {info.not_after:%Y-%m-%d}"
    if info.not_after - now <= WARN_AHEAD:
        return warning(Area.CERTIFICATES, text, f"in time, {_EXPORT}")
    return ok(Area.CERTIFICATES, text)


def _key(qrs: QrsSettings) -> Iterator[Finding]:
    password = qrs.key_secret.get_secret_value() if qrs.key_secret else None
    try:
        fits = key_matches(qrs.cert_file, qrs.key_file, password)
    except ConfigError as error:
        if str(error) != _read(qrs.cert_file):  # that was said already
            yield failed(Area.CERTIFICATES, f"the private key: {error}", _EXPORT)
        return
    if fits:
        yield ok(Area.CERTIFICATES, f"the private key {qrs.key_file} belongs to the certificate")
    else:
        yield failed(
            Area.CERTIFICATES,
            f"the private key {qrs.key_file} does not belong to {qrs.cert_file}",
            "use the two files of one export",
        )
