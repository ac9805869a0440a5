"""The dry run of license rules: which rule would give which user which access."""

from __future__ import annotations

from typing import Any

from seatkeeper.simulator.answers import bad_request
from seatkeeper.simulator.entities import Shapes
from seatkeeper.simulator.entitlement import RULES, attributes_of, cached_rule
from seatkeeper.simulator.fields import user_fields
from seatkeeper.simulator.query import make_filter
from seatkeeper.simulator.rows import Document, User
from seatkeeper.simulator.site import Site


def audit(site: Site, shapes: Shapes, body: Document) -> Document:
    """Apply the license rules to a page of users without changing anything."""
    kind = str(body.get("resourceType", "")).lower().removeprefix("license.")
    resources = list(site.records.documents.get(kind, {}).values())
    users = _page(_users(site, body), body, "user")
    resources = _page(resources, body, "resource")
    every = bool(body.get("includeNonGrantingRules"))
    applied = [
        {"userID": user.id, "resourceID": resource["id"], "ruleID": rule["id"], "allowed": allowed}
        for resource in resources
        for rule in _rules(site, resource)
        for user in users
        if (allowed := _allows(site, rule, user)) or every
    ]
    used = {item["ruleID"] for item in applied}
    rules = site.records.documents.get(RULES, {})
    return {
        "users": {user.id: shapes.user_condensed(user) for user in users},
        "resources": {resource["id"]: resource for resource in resources},
        "rules": {key: rule for key, rule in rules.items() if key in used},
        "ruleApplication": applied,
        "schemaPath": "SystemRuleAudit",
    }


def _users(site: Site, body: Document) -> list[User]:
    text = str(body.get("userFilter") or "")
    users = site.records.users.values()
    if not text:
        return list(users)
    return make_filter(text, user_fields(site.records), site.switches).apply(users)


def _page(rows: list[Any], body: Document, name: str) -> list[Any]:
    skip, take = body.get(f"{name}Skip") or 0, body.get(f"{name}Take") or len(rows)
    if not isinstance(skip, int) or not isinstance(take, int) or skip < 0 or take < 0:
        raise bad_request()
    return rows[skip : skip + take]


def _rules(site: Site, resource: Document) -> list[Document]:
    wanted = f"{resource['schemaPath']}_{resource['id']}".lower()
    return [
        rule
        for rule in site.records.documents.get(RULES, {}).values()
        if rule["category"] == "License" and rule["resourceFilter"].lower() == wanted
    ]


def _allows(site: Site, rule: Document, user: User) -> bool:
    return not rule["disabled"] and cached_rule(rule["rule"])(attributes_of(site.records, user))
