"""Rows as QRS writes them, for tests of the door to Qlik."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seatkeeper.qrs.client import Connection, QrsClient

MakeConnection = Callable[..., Connection]
MakeClient = Callable[..., QrsClient]

NEVER = "1753-01-01T00:00:00.000Z"


def a_guid(number: int, kind: str = "0d0f6a52") -> str:
    return f"{kind}-8c0b-4f0d-9f4e-{number:012x}"


def a_user_id(number: int) -> str:
    return a_guid(number, "7b9c7d0c")


def a_user_row(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": a_user_id(number),
        "createdDate": "2023-11-20T10:00:00.000Z",
        "customProperties": [],
        "userId": f"user{number}",
        "userDirectory": "EXAMPLE",
        "name": f"User {number}",
        "roles": [],
        "attributes": [],
        "inactive": False,
        "removedExternally": False,
        "blacklisted": False,
        "deleteProhibited": False,
        "tags": [],
        "privileges": None,
        "schemaPath": "User",
        **changes,
    }


def a_user_ref(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": a_user_id(number),
        "userId": f"user{number}",
        "userDirectory": "EXAMPLE",
        "name": f"User {number}",
        "privileges": None,
        **changes,
    }


def a_seat_row(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": a_guid(number),
        "createdDate": "2025-03-04T07:15:22.010Z",
        "user": a_user_ref(number),
        "lastUsed": "2026-02-02T09:41:10.296Z",
        "excess": False,
        "quarantined": False,
        "quarantineEnd": NEVER,
        "deletedUserId": "",
        "deletedUserDirectory": "",
        "privileges": None,
        "schemaPath": "License.AnalyzerAccessType",
        **changes,
    }


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
