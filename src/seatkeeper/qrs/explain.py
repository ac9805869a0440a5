"""What a failed request means, to whom it happened and what to do about it, in plain words.

Messages name addresses and files, never the text of a request, because a text of the HTTP
library may hold more than people should read.
"""

from __future__ import annotations

import errno
import ssl
from datetime import datetime

import aiohttp

from seatkeeper.errors import ConfigError, Garbled, NeverSent, NoAnswer, QrsError
from seatkeeper.qrs.connection import Connection
from seatkeeper.qrs.faults import CertificateRefused, CertificateTrouble
from seatkeeper.qrs.tls import EXPORT_HINT

CONNECT_WITHIN = 10.0
"""Seconds for TCP and TLS together; less when `timeout` is less."""

PORT_HINT = "the port of QRS is 4242 as a rule"


class Dropped(Exception):
    """The connection broke after the request was handed to it; its cause is aiohttp's error.

    Not an error of aiohttp's tree, so that aiohttp does not send the request again.
    """


def explain(error: Exception, connection: Connection, now: datetime, *, answered: bool) -> QrsError:
    """Turn an error of the HTTP library into ours.

    `answered`: the site has answered this process before, so its certificates were accepted.
    """
    place = connection.place
    if isinstance(error, aiohttp.ClientConnectorError):
        return _no_connection(error, connection, now)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return NeverSent(
            f"no connection to {place} in time; is the address right, does a firewall let this "
            "machine reach that port, is the site overloaded?"
        )
    if isinstance(error, TimeoutError):
        seconds = connection.timeout.total_seconds()
        return NoAnswer(f"{place} did not answer in time (sites[].qrs.timeout is {seconds:g} s)")
    if isinstance(error, aiohttp.ClientPayloadError):
        return Garbled(f"the answer of {place} was cut off")
    if isinstance(error, aiohttp.ClientResponseError):
        return Garbled(f"{place} answered something that is not HTTP")
    return _dropped(error, connection, now, answered=answered)


def _no_connection(
    error: aiohttp.ClientConnectorError, connection: Connection, now: datetime
) -> QrsError:
    place = connection.place
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _server_certificate(error.certificate_error, connection)
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return _handshake(error.os_error, connection)
    if isinstance(error.os_error, ConnectionResetError):
        return _hung_up(connection, now)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        host = place.rpartition(":")[0]
        return NeverSent(f"the name {host} is unknown; check sites[].qrs.url and the DNS")
    if isinstance(error.os_error, ConnectionRefusedError):
        return NeverSent(
            f"nobody listens at {place}: is the Repository Service running, is the port right "
            f"({PORT_HINT}), and does the firewall let this machine through?"
        )
    reason = error.os_error.strerror or "no reason given"
    if error.os_error.errno is not None:
        reason = errno.errorcode.get(error.os_error.errno, reason)
    return NeverSent(f"no connection to {place} ({reason})")


_NAME_MISMATCH = {62, 64}
_EXPIRED = 10
_NOT_YET = 9


def _server_certificate(error: Exception, connection: Connection) -> QrsError:
    """Say why the site's certificate is not accepted; the codes are OpenSSL's."""
    place, ca_file = connection.place, connection.ca_file
    code = getattr(error, "verify_code", None)
    if code in _NAME_MISMATCH:
        host = place.rpartition(":")[0]
        return CertificateTrouble(
            f"the certificate of {place} is signed by the right authority but not made for the "
            f"name {host}. Use the name it was made for in sites[].qrs.url, or set "
            "verify_host_name: false in sites[].qrs; the authority is verified even then."
        )
    if code in (_EXPIRED, _NOT_YET):
        when = "has expired" if code == _EXPIRED else "is not valid yet"
        return CertificateTrouble(
            f"the certificate of {place} {when}; check the clocks, renew it on the site"
        )
    reason = getattr(error, "verify_message", None) or "it cannot be verified"
    return CertificateTrouble(
        f"the certificate of {place} is not signed by the authority in {ca_file} ({reason}); "
        "ca_file must be the root.pem exported from this very site"
    )


def _handshake(error: OSError, connection: Connection) -> QrsError:
    place = connection.place
    if alert := _certificate_alert(error):
        return CertificateTrouble(_refused(connection, alert))
    reason = str(getattr(error, "reason", "") or "").replace("_", " ").lower()
    if any(words in reason for words in ("wrong version", "record layer", "http request")):
        return CertificateTrouble(f"{place} does not speak TLS; {PORT_HINT}")
    return NeverSent(f"the TLS handshake with {place} failed ({reason or 'no reason given'})")


def _hung_up(connection: Connection, now: datetime) -> QrsError:
    """The other side ended the connection before the handshake was done: nothing was sent."""
    if wrong := _own_certificate(connection, now):
        return CertificateTrouble(wrong)
    return NeverSent(
        f"{connection.place} closed the connection during the TLS handshake. {_hint(connection)} "
        f"Or it is not the port of QRS: {PORT_HINT}."
    )


def _dropped(
    error: Exception, connection: Connection, now: datetime, *, answered: bool
) -> QrsError:
    """The connection broke after the request was handed over.

    With TLS 1.3 a refused client certificate looks like this too, because the server says so only
    after the handshake.
    """
    place = connection.place
    alert = _certificate_alert(error)
    if alert or not answered:
        if wrong := _own_certificate(connection, now):
            return CertificateRefused(wrong)
        if alert:
            return CertificateRefused(_refused(connection, alert))
        return NoAnswer(f"{place} closed the connection without an answer. {_hint(connection)}")
    return NoAnswer(f"{place} closed the connection without an answer")


_CERTIFICATE_ALERTS = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED", "HANDSHAKE_FAILURE")


def _certificate_alert(error: BaseException | None) -> str:
    """Return the words with which TLS called our certificate unwelcome, empty if it did not."""
    while error is not None:
        reason = str(getattr(error, "reason", "") or "").upper()
        if isinstance(error, ssl.SSLError) and "ALERT" in reason:
            known = any(words in reason for words in _CERTIFICATE_ALERTS)
            return reason.replace("_", " ").lower() if known else ""
        error = error.__cause__
    return ""


def _own_certificate(connection: Connection, now: datetime) -> str:
    """Say what is wrong with our own certificate, empty when nothing can be seen."""
    # 8 MiB that only trouble needs: a daemon that waits for months must stay small.
    from seatkeeper.qrs.certificates import describe  # noqa: PLC0415

    try:
        own = describe(connection.cert_file)
    except ConfigError as unreadable:
        return str(unreadable)
    if own.not_before <= now <= own.not_after:
        return ""
    return (
        f"our client certificate {connection.cert_file} is valid from {own.not_before:%F} to "
        f"{own.not_after:%F} only. {EXPORT_HINT}"
    )


def _refused(connection: Connection, reason: str) -> str:
    return (
        f"{connection.place} refused our client certificate {connection.cert_file} with the key "
        f"{connection.key_file} ({reason}); it must be exported from this very site. {EXPORT_HINT}"
    )


def _hint(connection: Connection) -> str:
    return (
        "A site that is starting up does so, and one that does not accept the client certificate "
        f"{connection.cert_file}: it must be exported from this very site."
    )
