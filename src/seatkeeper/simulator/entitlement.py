"""Who is entitled to what: license rules over users, and who is locked out of a short license."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from seatkeeper.simulator.records import Records
from seatkeeper.simulator.rows import Document, Seat, User
from seatkeeper.simulator.rules import Attributes, Rule, compile_rule

RULES = "systemrule"


@lru_cache(maxsize=512)
def cached_rule(text: str) -> Rule:
    """Compile a rule once; one that cannot be read is a ValueError."""
    return compile_rule(text)


def entitled(records: Records, user: User, resource: str) -> bool:
    """Say whether a license rule grants a user a resource such as `professionalaccessgroup`."""
    return any(
        cached_rule(rule["rule"])(attributes_of(records, user))
        for rule in license_rules(records, resource)
    )


def license_rules(records: Records, resource: str) -> list[Document]:
    """List the license rules in force for one kind of resource, named in lower case."""
    start = f"license.{resource}_"
    return [
        rule
        for rule in records.documents.get(RULES, {}).values()
        if rule["category"] == "License"
        and not rule["disabled"]
        and rule["resourceFilter"].lower().startswith(start)
    ]


def attributes_of(records: Records, user: User) -> Attributes:
    """Give the attributes of a user as the rule language sees them."""

    def values(name: str) -> Sequence[str]:
        if name.startswith("@"):
            return [
                value
                for definition, value in user.properties
                if _property_name(records, definition) == name[1:]
            ]
        plain = {
            "userid": (user.user_id,),
            "userdirectory": (user.directory,),
            "name": (user.name,),
            "roles": user.roles,
            "tags": (),
        }
        if name in plain:
            return plain[name]
        return [value for kind, value in user.attributes if kind.lower() == name]

    return values


def _property_name(records: Records, definition: str) -> str:
    found = records.documents.get("custompropertydefinition", {}).get(definition, {})
    return str(found.get("name", "")).lower()


def overflowing(seats: Iterable[Seat], number: int, choice: str) -> set[str]:
    """Choose the live rows that are locked out when the license is `number` seats short."""
    live = [seat for seat in seats if not seat.quarantined]
    if choice == "least_used":
        live.sort(key=lambda seat: (seat.last_used, seat.id))
    else:
        live.sort(key=lambda seat: (seat.created, seat.id), reverse=choice == "newest")
    return {seat.id for seat in live[:number]}
