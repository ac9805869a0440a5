"""What the site says about its license: the entity, the key's text in every form, the counts."""

from __future__ import annotations

from seatkeeper.simulator.moments import DAY, iso, to_datetime
from seatkeeper.simulator.rows import REPOSITORY, Document, SeatType
from seatkeeper.simulator.site import Site

_SIGNED_KEY = "eyJhbGciOiJSUzUxMiJ9.e30.c2ltdWxhdGVk"
_OVERVIEW = "AccessTypeOverview"


def license_entity(site: Site) -> Document | None:
    """Give the license, or None when none is installed."""
    facts, switches = site.records.facts, site.switches
    if switches.license_kind == "none":
        return None
    serial = switches.license_kind == "serial"
    expired = site.expired()
    refreshed = iso(site.clock.now() // DAY * DAY)
    entity: Document = {
        "id": facts.license_id,
        "createdDate": iso(facts.licensed_since),
        "modifiedDate": refreshed,
        "modifiedByUserName": REPOSITORY,
        "lef": f"{facts.serial}\nPRODUCTLEVEL;50;;\n" if serial else "",
        "serial": facts.serial,
        "check": "12345" if serial else "",
        "key": "" if serial else _SIGNED_KEY,
        "keyDetails": "" if serial else key_details(site),
        "name": facts.name,
        "organization": facts.name,
        "product": 2,
        "numberOfCores": -1,
        "isExpired": expired,
        "expiredReason": "The license has expired" if expired else "",
        "isBlacklisted": switches.license_kind == "blacklisted",
        "isInvalid": False,
        "isSubscription": not serial,
        "isCloudServices": False,
        "isElastic": False,
        "updated": refreshed,
        "privileges": None,
        "schemaPath": "License",
    }
    if switches.key_details == "absent":
        del entity["keyDetails"]
    return entity


def key_details(site: Site) -> str:
    """Write the key's text in the form that the switch `key_details` names."""
    facts, form = site.records.facts, site.switches.key_details
    if form == "empty":
        return ""
    end = site.clock.now() - 10 * DAY if site.switches.license_kind == "expired" else facts.valid_to
    blacklisted = site.switches.license_kind == "blacklisted"
    lines = [
        f"isBlackListed: {blacklisted}",
        f"License Number: {facts.serial}",
        f"Valid From: {_date(None, form)}",
        f"Valid To: {_date(end, form)}",
    ]
    if form == "perpetual":
        del lines[-1]
    lines += [f"Allotment {name}:{number};" for name, number in _allotments(site)]
    if form == "indented":
        lines = [f"   {line}" for line in lines]
    ending = "\r\n" if form == "crlf" else "\n"
    return "".join(line + ending for line in lines)


def _date(moment: int | None, form: str) -> str:
    if moment is None:
        year, month, day = 1, 1, 1
    else:
        date = to_datetime(moment)
        year, month, day = date.year, date.month, date.day
    if form == "local":
        return f"{month}/{day}/{year:04} 12:00:00 AM"
    text = f"{year:04}-{month:02}-{day:02}"
    if form == "date_only":
        return text
    return text + (" " if form == "one_blank" else "  ") + "12:00:00 AM"


def _allotments(site: Site) -> list[tuple[str, int]]:
    totals, minutes = site.records.totals, site.records.facts.capacity_minutes
    found = [
        ("professional", totals[SeatType.PROFESSIONAL]),
        ("analyzer", totals[SeatType.ANALYZER]),
    ]
    return [*found, ("analyzer_time", minutes)] if minutes else found


def overview(site: Site) -> Document:
    """Count all access types, in the way that the switches name."""
    facts = site.records.facts
    answer: Document = {
        **_tokens(site),
        "tokensEnabled": facts.tokens > 0,
        "userAccess": {
            "enabled": facts.tokens > 0,
            "tokenCost": 1,
            "allocatedTokens": site.records.live(SeatType.USER),
            "usedTokens": _used(site, SeatType.USER),
            "quarantinedTokens": len(site.records.quarantined[SeatType.USER]),
            "schemaPath": f"{_OVERVIEW}.UserAccessDetails",
        },
        "loginAccess": {
            "enabled": facts.tokens > 0,
            "tokenCost": 0.1,
            **_login_tokens(site),
            "schemaPath": f"{_OVERVIEW}.LoginAccessDetails",
        },
        "professionalAccess": _seats(site, SeatType.PROFESSIONAL),
        "analyzerAccess": _seats(site, SeatType.ANALYZER),
        "schemaPath": _OVERVIEW,
    }
    if site.switches.overview_fields == "full":
        answer["analyzerTimeAccess"] = {
            "enabled": facts.capacity_minutes > 0,
            "allocatedMinutes": facts.capacity_minutes,
            "usedMinutes": site.capacity_used(site.clock.now()),
            "unavailableMinutes": 0,
            "schemaPath": f"{_OVERVIEW}.AnalyzerTimeAccessDetails",
        }
    return answer


def _seats(site: Site, kind: SeatType) -> Document:
    records, switches = site.records, site.switches
    total, live = records.totals[kind], records.live(kind)
    quarantined = len(records.quarantined[kind])
    allocated = {
        "live": live,
        "all_rows": live + quarantined,
        "within_license": min(live, total),
    }[switches.allocated_counts]
    taken = (
        allocated if switches.available_counts == "total_minus_allocated" else live + quarantined
    )
    details: Document = {
        "enabled": total > 0,
        "total": total,
        "allocated": allocated,
        "used": _used(site, kind),
        "quarantined": quarantined if switches.quarantined_counts == "rows" else 0,
        "excess": max(0, live - total) if switches.excess_counts == "over_total" else 0,
        "available": max(0, total - taken),
        "schemaPath": f"{_OVERVIEW}.Details",
    }
    if switches.overview_fields == "old":
        del details["excess"]
    return details


def _used(site: Site, kind: SeatType) -> int:
    if site.switches.used_counts == "zero":
        return 0
    since = site.clock.now() - 28 * DAY if site.switches.used_counts == "28d" else 0
    return sum(
        seat.last_used >= since and not seat.quarantined
        for seat in site.records.seats[kind].values()
    )


def _login_tokens(site: Site) -> Document:
    groups = site.records.documents.get("loginaccesstype", {}).values()
    return {
        "allocatedTokens": sum(group["assignedTokens"] for group in groups),
        "usedTokens": sum(group["usedAccessTypes"] for group in groups) / 10,
        "unavailableTokens": 0,
    }


def _tokens(site: Site) -> Document:
    total = site.records.facts.tokens
    held = len(site.records.seats[SeatType.USER]) + _login_tokens(site)["allocatedTokens"]
    return {"totalTokens": total, "availableTokens": max(0, total - held)}


def old_overview(site: Site) -> Document:
    """Count tokens as the call did that the overview replaced."""
    return {
        **_tokens(site),
        "loginAccessType": {"tokenCost": 0.1, **_login_tokens(site)},
        "userAccessType": {
            "tokenCost": 1.0,
            "allocatedTokens": site.records.live(SeatType.USER),
            "usedTokens": _used(site, SeatType.USER),
            "quarantinedTokens": len(site.records.quarantined[SeatType.USER]),
        },
    }
