"""From the JSON of QRS to our values: "never" becomes None, doubt is said, ids compare equal.

A row that cannot be what it should be raises ValueError; `body.Rows` adds which one it was.
"""

from __future__ import annotations

from datetime import datetime

from seatkeeper.core.model import (
    Allocation,
    Capacity,
    LicenseType,
    Overview,
    Pool,
    ServerLicense,
    TokenAccess,
    Tokens,
    User,
)
from seatkeeper.qrs import license_text, wire
from seatkeeper.qrs.dates import moment

GUID_LENGTH = 36


def server_license(body: wire.LicenseBody | None) -> ServerLicense | None:
    """Make our license; None when the site has none."""
    if body is None:
        return None
    details = body.key_details or ""
    return ServerLicense(
        number=license_text.license_number(details, body.serial or ""),
        signed=bool(body.key or details.strip()),
        expired=body.is_expired,
        blacklisted=body.is_blacklisted,
        invalid=body.is_invalid,
        valid_to=license_text.valid_to(details),
        allotments=license_text.allotments(details),
    )


def overview(body: wire.OverviewBody) -> Overview:
    """Make our overview; a type the site does not report has no pool."""
    details = {
        LicenseType.PROFESSIONAL: body.professional_access,
        LicenseType.ANALYZER: body.analyzer_access,
    }
    minutes = body.analyzer_time_access
    return Overview(
        pools=tuple(_pool(t, d) for t, d in details.items() if d is not None),
        capacity=None if minutes is None else _capacity(minutes),
        tokens_enabled=bool(body.tokens_enabled),
        tokens=_tokens(body) if body.tokens_enabled else None,
    )


def _tokens(body: wire.OverviewBody) -> Tokens:
    return Tokens(
        total=body.total_tokens or 0.0,
        available=body.available_tokens or 0.0,
        user=_token_access(body.user_access),
        login=_token_access(body.login_access),
    )


def _token_access(details: wire.TokenDetails | None) -> TokenAccess | None:
    if details is None:
        return None
    return TokenAccess(
        enabled=details.enabled,
        cost=details.token_cost,
        allocated=details.allocated_tokens,
        used=details.used_tokens,
        quarantined=details.quarantined_tokens,
        unavailable=details.unavailable_tokens,
    )


def _pool(license_type: LicenseType, details: wire.Details) -> Pool:
    return Pool(
        license_type=license_type,
        enabled=details.enabled,
        total=details.total,
        allocated=details.allocated,
        available=details.available,
        used=details.used,
        quarantined=details.quarantined,
        excess=details.excess,
    )


def _capacity(minutes: wire.Minutes) -> Capacity:
    return Capacity(
        enabled=minutes.enabled,
        allocated_minutes=round(minutes.allocated_minutes),
        used_minutes=round(minutes.used_minutes),
        unavailable_minutes=round(minutes.unavailable_minutes),
    )


def count(body: int | wire.CountBody) -> int:
    """Return the number, wrapped or bare."""
    return body if isinstance(body, int) else body.value


def guid(text: str) -> str:
    """Return an id in the one form in which ids are compared."""
    return text if text.islower() else text.lower()


class Shared:
    """Texts that thousands of rows have in common are kept once: half the memory of a site."""

    def __init__(self, attribute: str = "") -> None:
        """Begin with nothing; thrown away with the reading.

        `attribute`: name (letter case aside) of the one user attribute to keep, empty for none.
        """
        self.attribute = attribute.casefold()
        self._texts: dict[str, str] = {}
        self._lists: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._pairs: dict[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]] = {}

    def text(self, value: str) -> str:
        """Keep a text once."""
        return self._texts.setdefault(value, value)

    def texts(self, values: list[str] | None) -> tuple[str, ...] | None:
        """Keep a list of texts once; None stays "not said"."""
        if values is None:
            return None
        if not values:
            return ()
        key = tuple(values)
        known = self._lists.get(key)
        if known is None:
            known = self._lists[key] = tuple([self.text(v) for v in values])
        return known

    def pairs(self, values: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Keep a list of name and value once."""
        key = tuple(values)
        known = self._pairs.get(key)
        if known is None:
            shared = tuple([(self.text(name), self.text(value)) for name, value in values])
            known = self._pairs[key] = shared
        return known


def user(row: wire.UserRow, shared: Shared) -> User:
    """Make our user; what QRS did not say stays None."""
    return User(
        id=guid(row.id),
        directory=shared.text(row.user_directory),
        user_id=row.user_id,
        name=row.name or "",
        inactive=row.inactive,
        removed_externally=row.removed_externally,
        blocked=row.blacklisted,
        delete_prohibited=row.delete_prohibited,
        roles=shared.texts(row.roles),
        tags=shared.texts(None if row.tags is None else [t.name for t in row.tags]),
        properties=_properties(row.custom_properties, shared),
        groups=shared.texts(_groups(row.attributes)),
        attributes=_attributes(row.attributes, shared),
    )


def _properties(
    values: list[wire.PropertyValue] | None, shared: Shared
) -> tuple[tuple[str, str], ...] | None:
    if values is None:
        return None
    if not values:
        return ()
    return shared.pairs([(v.definition.name, v.value or "") for v in values])


def _groups(attributes: list[wire.Attribute] | None) -> list[str] | None:
    """Values of the attribute `group`, whose name each site spells its own way (contract 6.2)."""
    if attributes is None:
        return None
    return [
        a.attribute_value
        for a in attributes
        if a.attribute_value and (a.attribute_type or "").casefold() == "group"
    ]


def _attributes(
    attributes: list[wire.Attribute] | None, shared: Shared
) -> tuple[tuple[str, str], ...] | None:
    """Values of the one attribute asked for; its name differs in case by site (contract 6.2)."""
    if attributes is None or not shared.attribute:
        return None
    kept = [
        (a.attribute_type, a.attribute_value)
        for a in attributes
        if a.attribute_type
        and a.attribute_value
        and a.attribute_type.casefold() == shared.attribute
    ]
    return shared.pairs(kept) if kept else ()


def seat(row: wire.SeatRow, license_type: LicenseType) -> Allocation:
    """Make our seat; a date that cannot be read becomes a doubt."""
    doubts: list[str] = []
    created = _date("createdDate", row.created_date, doubts)
    last_used = _date("lastUsed", row.last_used, doubts)
    quarantine_end = _date("quarantineEnd", row.quarantine_end, doubts)
    gone = wire.label(row.deleted_user_directory, row.deleted_user_id)
    user_id = None if gone else user_id_of(row.user)
    return Allocation(
        id=guid(row.id),
        license_type=license_type,
        user_id=user_id,
        holder=gone or ("" if row.user is None else row.user.label),
        created=created,
        last_used=last_used,
        quarantined=row.quarantined,
        quarantine_end=quarantine_end,
        excess=bool(row.excess),
        deleted_user=user_id is None,
        doubt="; ".join(doubts),
    )


def user_id_of(holder: wire.UserRef | None) -> str | None:
    """Return the id of the user a row names; None for a deleted user, absent, null or a stub."""
    if holder is None or not holder.id or holder.id == wire.NO_GUID:
        return None
    if len(holder.id) != GUID_LENGTH:
        raise ValueError(f"the user id {holder.id[:50]!r} is not a GUID")
    return guid(holder.id)


def _date(name: str, text: str | None, doubts: list[str]) -> datetime | None:
    try:
        return moment(text)
    except (ValueError, OverflowError):
        doubts.append(f"{name} {text!r:.50} is no date")
        return None
