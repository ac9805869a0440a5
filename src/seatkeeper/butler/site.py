"""`Butler.configQRS` and `Butler.cert`: how the site is reached."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import unquote

from pydantic import ValidationError

from seatkeeper.butler.reading import Block, Note, is_placeholder
from seatkeeper.settings import QrsSettings

HOST_UNKNOWN = "sense.example.com"
BUTLERS_USER = "INTERNAL\\sa_repository"

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ADDRESS = re.compile(r"[0-9.]+")
_IDENTITY = re.compile(
    r"\s*UserDirectory\s*=\s*(?P<directory>[^;]+?)\s*;\s*UserId\s*=\s*(?P<user>[^;]+?)\s*;?\s*",
    re.IGNORECASE,
)
_FILES = (
    ("ca_file", "clientCertCA"),
    ("cert_file", "clientCert"),
    ("key_file", "clientCertKey"),
)


def site_name(butler: Block) -> str:
    """Return a name for the site: the first word of its host, `site` for a bare address."""
    host = butler.below("configQRS").text("host")
    if not _HOST.fullmatch(host) or _ADDRESS.fullmatch(host):
        return "site"
    return host.partition(".")[0]


def qrs_of(butler: Block, note: Note) -> dict[str, Any]:
    """Return our `qrs` block."""
    return {
        "url": _url(butler.below("configQRS"), note),
        **_certificates(butler.below("cert"), note),
        "user": _user(butler.below("configQRS"), note),
    }


def _url(qrs: Block, note: Note) -> str:
    host, port = qrs.text("host"), qrs.text("port") or "4242"
    if not _HOST.fullmatch(host):
        note(
            f"configQRS.host names no host; put yours in place of {HOST_UNKNOWN} in"
            " sites[0].qrs.url."
        )
        host = HOST_UNKNOWN
    if not port.isdecimal() or not 0 < int(port) <= 65535:
        note("configQRS.port is no port; 4242 was taken.")
        port = "4242"
    if qrs.flag("useSSL") is False:
        note("configQRS.useSSL is false; Seatkeeper reaches the Repository Service by https only.")
    if qrs.flag("rejectUnauthorized") is not True:
        note(
            "configQRS.rejectUnauthorized is not true: Butler accepted any certificate. Seatkeeper"
            " verifies it against ca_file, and the host in url must be the name in it"
            " (`seatkeeper check` tells)."
        )
    return f"https://{host}:{port}/qrs"


def _certificates(cert: Block, note: Note) -> dict[str, str]:
    files: dict[str, str] = {}
    relative: list[str] = []
    for ours, theirs in _FILES:
        path = cert.text(theirs)
        if not path or is_placeholder(path) or not path.isprintable():
            note(
                f"cert.{theirs} names no file yet; put the path in sites[0].qrs.{ours}"
                " (`seatkeeper check` looks for it)."
            )
        elif not (PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()):
            relative.append(ours)
        if path and path.isprintable():
            files[ours] = path
    if relative:
        note(
            f"The paths of {', '.join(relative)} are relative: in Seatkeeper they count from the"
            " folder of its configuration file."
        )
    if cert.text("clientCertPassphrase"):
        note(
            "cert.clientCertPassphrase was not copied: put it in the environment variable"
            " SEATKEEPER_KEY_PASSWORD and add key_password: '${SEATKEEPER_KEY_PASSWORD}' to"
            " sites[0].qrs."
        )
    return files


def _user(qrs: Block, note: Note) -> str:
    headers = qrs.below("headers")
    values = [h.text("value") for h in headers.blocks("static") if _is_identity(h.text("name"))]
    said = values[0] if values else headers.text("X-Qlik-User")
    found = _IDENTITY.fullmatch(said)
    user = f"{unquote(found['directory'])}\\{unquote(found['user'])}" if found else ""
    try:
        QrsSettings.model_validate({"url": f"https://{HOST_UNKNOWN}:4242/qrs", "user": user})
    except ValidationError:
        note(
            f"configQRS has no X-Qlik-User header that can be read; {BUTLERS_USER}, as whom Butler"
            " works, was taken. A user of its own with fewer rights is better."
        )
        return BUTLERS_USER
    if user.casefold() != BUTLERS_USER.casefold():
        note(
            f"Butler sends its license requests as {BUTLERS_USER} whatever configQRS says;"
            f" Seatkeeper works as {user}, the user in configQRS. Give that user the rights it"
            " needs (`seatkeeper check` tells)."
        )
    return user


def _is_identity(name: str) -> bool:
    return name.lower() == "x-qlik-user"
