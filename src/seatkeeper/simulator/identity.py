"""Who asks: the xrfkey check, the header X-Qlik-User, and what the caller may see and change."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from urllib.parse import unquote

from seatkeeper.simulator.answers import forbidden
from seatkeeper.simulator.rows import REPOSITORY, User
from seatkeeper.simulator.site import Site

XSRF_TEXT = "XSRF prevention check failed. Possible XSRF discovered."
_XRFKEY = re.compile(r"^[0-9a-zA-Z]{16}$")


class Rights(enum.Enum):
    """What a caller may do."""

    ALL = "all"
    READ = "read"
    NONE = "none"


def check_xrfkey(params: Mapping[str, str], header: str | None, *, strict: bool) -> None:
    """Refuse a request whose xrfkey is missing, unequal, or not 16 letters and digits."""
    given = params.get("xrfkey")
    if given is None or header is None or given != header:
        raise forbidden(XSRF_TEXT)
    if strict and _XRFKEY.match(given) is None:
        raise forbidden(XSRF_TEXT)


def identify(site: Site, header: str | None) -> tuple[str, Rights]:
    """Find out who a request runs as, and with which rights.

    The certificate is trusted: the header decides alone. Unknown users, and a missing header, end
    as the switches say.
    """
    switches = site.switches
    if header is None:
        if switches.missing_identity == "403":
            raise forbidden()
        return REPOSITORY, Rights.ALL
    directory, user_id = parse_identity(header)
    user = site.records.user_by_key(directory, user_id) if user_id else None
    if user is not None:
        return user.label, rights_of(user)
    if switches.unknown_identity == "403":
        raise forbidden()
    if switches.unknown_identity == "system":
        return f"{directory}\\{user_id}", Rights.ALL
    return f"{directory}\\{user_id}", Rights.NONE


def parse_identity(header: str) -> tuple[str, str]:
    """Read `UserDirectory=DIR; UserId=id`; names in any case, values may be percent-encoded.

    What is missing comes back as an empty text.
    """
    found = {}
    for piece in header.split(";"):
        name, _, value = piece.partition("=")
        found[name.strip().lower()] = unquote(value.strip())
    return found.get("userdirectory", ""), found.get("userid", "")


def rights_of(user: User) -> Rights:
    """Give what a user may do: system accounts and root administrators all, auditors look."""
    if user.inactive or user.blocked:
        return Rights.NONE
    if user.delete_prohibited or "RootAdmin" in user.roles:
        return Rights.ALL
    return Rights.READ if "AuditAdmin" in user.roles else Rights.NONE
