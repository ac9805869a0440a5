"""From the JSON of QRS to our values, on both sides of every question the contract leaves open."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from qrs_rows import NEVER, a_guid, a_seat_row, a_user_id, a_user_ref, a_user_row, without
from seatkeeper.core.model import (
    Allocation,
    Capacity,
    LicenseType,
    Overview,
    Pool,
    ServerLicense,
    User,
)
from seatkeeper.errors import Garbled
from seatkeeper.qrs import translate, wire
from seatkeeper.qrs.body import Whole
from seatkeeper.qrs.reading import seats_sink, users_sink

PRO = LicenseType.PROFESSIONAL


def seats(*rows: Any) -> list[Allocation]:
    sink = seats_sink(PRO)
    sink.feed(json.dumps(rows).encode())
    return sink.close(framed=True)


def seat(**changes: Any) -> Allocation:
    return seats(a_seat_row(1, **changes))[0]


def users(*rows: Any, attribute: str = "") -> dict[str, User]:
    sink = users_sink(attribute)
    sink.feed(json.dumps(rows).encode())
    return sink.close(framed=True)


def user(**changes: Any) -> User:
    return users(a_user_row(1, **changes))[a_user_id(1)]


def overview(body: Any) -> Overview:
    sink = Whole("overview", wire.OVERVIEW, translate.overview)
    sink.feed(json.dumps(body).encode())
    return sink.close(framed=True)


def license_of(body: Any) -> ServerLicense | None:
    sink = Whole("license", wire.LICENSE, translate.server_license)
    sink.feed(json.dumps(body).encode())
    return sink.close(framed=True)


def count(body: bytes) -> int:
    sink = Whole("count", wire.COUNT, translate.count)
    sink.feed(body)
    return sink.close(framed=True)


def test_a_seat_carries_what_the_row_says() -> None:
    assert seat() == Allocation(
        id=a_guid(1),
        license_type=PRO,
        user_id=a_user_id(1),
        holder="EXAMPLE\\user1",
        created=datetime(2025, 3, 4, 7, 15, 22, 10_000, tzinfo=UTC),
        last_used=datetime(2026, 2, 2, 9, 41, 10, 296_000, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        NEVER,
        "1753-01-01T00:00:00Z",
        "0001-01-01T00:00:00.000Z",
        "0001-01-01T00:00:00+02:00",
        "1899-12-31T23:59:59.999Z",
    ],
)
def test_every_form_of_never_is_none(text: str | None) -> None:
    row = seat(lastUsed=text)

    assert row.last_used is None
    assert row.doubt == ""


def test_an_absent_date_is_never_too() -> None:
    [row] = seats(without(a_seat_row(1), "lastUsed", "createdDate", "quarantineEnd"))

    assert (row.last_used, row.created, row.quarantine_end) == (None, None, None)
    assert row.doubt == ""


@pytest.mark.parametrize(
    ("text", "micro"),
    [
        ("2026-02-02T09:41:10Z", 0),
        ("2026-02-02T09:41:10.3Z", 300_000),
        ("2026-02-02T09:41:10.29Z", 290_000),
        ("2026-02-02T09:41:10.296Z", 296_000),
        ("2026-02-02T09:41:10.2961Z", 296_100),
        ("2026-02-02T09:41:10.29612Z", 296_120),
        ("2026-02-02T09:41:10.296123Z", 296_123),
        ("2026-02-02T09:41:10.2961234Z", 296_123),
        ("2026-02-02T09:41:10.296z", 296_000),
        ("2026-02-02t09:41:10z", 0),
        (" 2026-02-02T09:41:10Z ", 0),
        ("2026-02-02T09:41:10+00:00", 0),
        ("2026-02-02T11:41:10.5+02:00", 500_000),
        ("2026-02-02T11:41:10+0200", 0),
        ("2026-02-02T04:41:10-05:00", 0),
    ],
)
def test_every_form_of_a_date_is_read(text: str, micro: int) -> None:
    row = seat(lastUsed=text)

    assert row.last_used == datetime(2026, 2, 2, 9, 41, 10, micro, tzinfo=UTC)
    assert row.last_used.tzinfo is UTC
    assert row.doubt == ""


@pytest.mark.parametrize("name", ["lastUsed", "createdDate", "quarantineEnd"])
@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2026-13-45T00:00:00Z",
        "2026-02-02T09:41:10",
        "2026-02-02",
        "02/02/2026 09:41",
        "9999-12-31T23:59:59-05:00",
    ],
)
def test_a_date_that_cannot_be_understood_is_a_doubt(name: str, text: str) -> None:
    row = seat(**{name: text})

    assert name in row.doubt
    assert text in row.doubt


@pytest.mark.parametrize(
    "stub",
    [
        None,
        {},
        {"id": None},
        {"id": ""},
        {"id": wire.NO_GUID, "userId": "", "userDirectory": ""},
    ],
)
def test_every_form_of_a_deleted_user_is_recognised(stub: Any) -> None:
    row = seat(user=stub)

    assert row.deleted_user
    assert row.user_id is None
    assert row.holder == ""
    assert not row.is_live


def test_an_absent_user_is_a_deleted_user() -> None:
    [row] = seats(without(a_seat_row(1), "user"))

    assert row.deleted_user


@pytest.mark.parametrize("ref", [None, a_user_ref(1)])
def test_a_filled_deleted_user_id_wins_and_names_the_holder(ref: Any) -> None:
    row = seat(user=ref, deletedUserId="gone.user", deletedUserDirectory="EXAMPLE")

    assert row.deleted_user
    assert row.user_id is None
    assert row.holder == "EXAMPLE\\gone.user"


def test_missing_marks_of_a_seat_are_tolerated() -> None:
    [row] = seats(
        without(a_seat_row(1), "excess", "quarantined", "deletedUserId", "deletedUserDirectory")
    )

    assert row.excess is False
    assert row.quarantined is None
    assert not row.deleted_user


def test_null_marks_of_a_seat_are_tolerated() -> None:
    row = seat(excess=None, quarantined=None, deletedUserId=None, deletedUserDirectory=None)

    assert row.excess is False
    assert row.quarantined is None
    assert not row.deleted_user


def test_ids_compare_equal_whatever_their_case() -> None:
    row = seat(id=a_guid(1).upper(), user=a_user_ref(1, id=a_user_id(1).upper()))
    found = users(a_user_row(1, id=a_user_id(1).upper()))

    assert row.id == a_guid(1)
    assert row.user_id in found


@pytest.mark.parametrize(
    "row",
    [
        without(a_seat_row(1), "id"),
        a_seat_row(1, id=7),
        a_seat_row(1, id=""),
        a_seat_row(1, user="anna"),
        a_seat_row(1, user=a_user_ref(1, id="anna")),
        a_seat_row(1, quarantined="maybe"),
        a_seat_row(1, lastUsed=20260202),
        [],
        None,
        "row",
    ],
)
def test_a_seat_of_the_wrong_shape_is_never_dropped(row: Any) -> None:
    with pytest.raises(Garbled, match=r"professional seats: .*(\$\[1\]|row 1)"):
        seats(a_seat_row(2), row)


def test_ids_that_differ_in_case_alone_are_duplicates() -> None:
    with pytest.raises(Garbled, match="twice"):
        seats(a_seat_row(10), a_seat_row(10, id=a_guid(10).upper()))


def test_a_user_carries_what_the_row_says() -> None:
    row = a_user_row(
        1,
        inactive=True,
        removedExternally=True,
        blacklisted=True,
        deleteProhibited=True,
        roles=["RootAdmin"],
        tags=[{"id": a_guid(1), "name": "keepLicense", "privileges": None}],
        customProperties=[
            {"value": "Finance", "definition": {"name": "Department", "choiceValues": ["a"]}},
            {"value": "Sales", "definition": {"name": "Department"}},
        ],
        attributes=[
            {"attributeType": "Email", "attributeValue": "a@example.com"},
            {"attributeType": "group", "attributeValue": "sales"},
            {"attributeType": "GROUP", "attributeValue": "bi-admins"},
        ],
    )

    assert users(row)[a_user_id(1)] == User(
        id=a_user_id(1),
        directory="EXAMPLE",
        user_id="user1",
        name="User 1",
        inactive=True,
        removed_externally=True,
        blocked=True,
        delete_prohibited=True,
        roles=("RootAdmin",),
        tags=("keepLicense",),
        properties=(("Department", "Finance"), ("Department", "Sales")),
        groups=("sales", "bi-admins"),
    )


def test_of_the_attributes_of_a_user_only_the_one_asked_for_is_kept() -> None:
    row = a_user_row(
        1,
        attributes=[
            {"attributeType": "Email", "attributeValue": "a@example.com"},
            {"attributeType": "DEPARTMENT", "attributeValue": "Sales"},
            {"attributeType": "department", "attributeValue": ""},
            {"attributeType": None, "attributeValue": "HR"},
        ],
    )

    asked = users(row, attribute="Department")[a_user_id(1)].attributes
    assert asked == (("DEPARTMENT", "Sales"),)
    assert users(row)[a_user_id(1)].attributes is None


NOT_SAID = ("inactive", "removedExternally", "blacklisted", "deleteProhibited", "roles", "tags")


@pytest.mark.parametrize("form", ["absent", "null"])
def test_what_is_not_said_of_a_user_stays_unknown(form: str) -> None:
    names = (*NOT_SAID, "customProperties", "attributes", "name")
    row = a_user_row(1)
    row = without(row, *names) if form == "absent" else {**row, **dict.fromkeys(names)}

    found = users(row)[a_user_id(1)]

    assert found == User(id=a_user_id(1), directory="EXAMPLE", user_id="user1")


def test_an_empty_list_is_not_the_same_as_an_unknown_one() -> None:
    found = user()

    assert (found.roles, found.tags, found.properties, found.groups) == ((), (), (), ())


@pytest.mark.parametrize(
    "row",
    [
        without(a_user_row(1), "userId"),
        without(a_user_row(1), "userDirectory"),
        a_user_row(1, id=None),
        a_user_row(1, inactive="no"),
        a_user_row(1, tags=["keepLicense"]),
        a_user_row(1, tags=[{"id": a_guid(1)}]),
        a_user_row(1, customProperties=[{"value": "x"}]),
        a_user_row(1, roles="RootAdmin"),
    ],
)
def test_a_user_of_the_wrong_shape_is_never_dropped(row: Any) -> None:
    with pytest.raises(Garbled, match=r"users: .*\$\[1\]"):
        users(a_user_row(2), row)


def test_a_user_listed_twice_is_an_error() -> None:
    with pytest.raises(Garbled, match=r"users: row 1: .* twice"):
        users(a_user_row(1), a_user_row(1))


def test_texts_that_users_share_are_kept_once() -> None:
    many = list(
        users(*(a_user_row(n, tags=[{"name": "x" * 20}], roles=["A"]) for n in range(3))).values()
    )

    assert many[0].directory is many[2].directory
    assert many[0].tags is many[2].tags
    assert many[0].roles is many[2].roles


DETAILS = {"enabled": True, "total": 120, "allocated": 88, "used": 61, "quarantined": 2}


def test_an_overview_is_taken_as_given() -> None:
    found = overview(
        {
            "totalTokens": 0,
            "tokensEnabled": True,
            "professionalAccess": {**DETAILS, "excess": 1, "available": 29},
            "analyzerAccess": {**DETAILS, "excess": 0, "available": 30},
            "analyzerTimeAccess": {
                "enabled": True,
                "allocatedMinutes": 20000,
                "usedMinutes": 3120.5,
                "unavailableMinutes": 0,
            },
            "schemaPath": "AccessTypeOverview",
        }
    )

    assert found.pool(PRO) == Pool(PRO, True, 120, 88, 29, 61, 2, 1)
    assert found.capacity == Capacity(True, 20000, 3120, 0)
    assert found.tokens_enabled


def test_an_older_overview_lacks_excess_and_capacity() -> None:
    found = overview(
        {
            "professionalAccess": {**DETAILS, "available": 30},
            "analyzerAccess": None,
        }
    )

    assert found.pool(PRO) == Pool(PRO, True, 120, 88, 30, 61, 2, None)
    assert found.pool(LicenseType.ANALYZER) is None
    assert found.capacity is None
    assert not found.tokens_enabled


@pytest.mark.parametrize("name", ["enabled", "total", "allocated"])
def test_an_overview_without_its_counts_is_garbled(name: str) -> None:
    with pytest.raises(Garbled, match=name):
        overview({"professionalAccess": without({**DETAILS, "available": 1}, name)})


KEY = {"id": a_guid(1), "serial": "0000 1111 2222 3333", "key": "eyJ0.e30.c2ln", "lef": ""}
LONG_FORM = (
    "isBlackListed: False\nLicense Number: 0000 1111 2222 3333\n"
    "Valid From: 0001-01-01  12:00:00 AM\nValid To: 2027-06-30  12:00:00 AM\n"
    "Allotment professional:120;\nAllotment analyzer:400;\nAllotment analyzer_time:20000;\n"
)


@pytest.mark.parametrize(
    "details",
    [
        LONG_FORM,
        LONG_FORM.replace("\n", "\r\n"),
        LONG_FORM.replace("\n", "\n   \t"),
        LONG_FORM.replace("  12:00:00 AM", ""),
        LONG_FORM.replace("  12", " 12"),
        LONG_FORM.lower(),
        LONG_FORM.upper(),
        LONG_FORM.replace(": ", ":"),
        LONG_FORM.replace(";\n", "; "),
    ],
)
def test_every_form_of_the_key_details_is_read(details: str) -> None:
    found = license_of({**KEY, "keyDetails": details})

    assert found is not None
    assert found.number == "0000111122223333"
    assert found.valid_to == date(2027, 6, 30)
    assert [(n.lower(), c) for n, c in found.allotments] == [
        ("professional", 120),
        ("analyzer", 400),
        ("analyzer_time", 20000),
    ]
    assert found.signed


@pytest.mark.parametrize(
    "details",
    [
        None,
        "",
        "Valid From: 2020-01-01",
        "Valid To: 0001-01-01  12:00:00 AM",
        "Valid To: 2027-13-01",
        "Valid To: 6/30/2027",
        "Invalid To: 2027-01-01",
    ],
)
def test_an_end_that_is_not_told_is_none(details: str | None) -> None:
    found = license_of({**KEY, "keyDetails": details})

    assert found is not None
    assert found.valid_to is None
    assert found.number == "0000111122223333"


def test_a_serial_license_is_not_signed() -> None:
    found = license_of({**KEY, "key": "", "keyDetails": "", "isExpired": True})

    assert found == ServerLicense(number="0000111122223333", signed=False, expired=True)


def test_only_the_id_of_a_license_is_needed() -> None:
    assert license_of({"id": a_guid(1)}) == ServerLicense(number=None, signed=False)


def test_no_license_is_none() -> None:
    assert license_of(None) is None


@pytest.mark.parametrize("body", [{}, [], "null", 7])
def test_a_license_of_the_wrong_shape_is_garbled(body: Any) -> None:
    with pytest.raises(Garbled, match="license"):
        license_of(body)


@pytest.mark.parametrize("body", [b'{"value": 42}', b"42", b' {"value":42,"x":1} \r\n'])
def test_counts_are_read_in_both_forms(body: bytes) -> None:
    assert count(body) == 42


@pytest.mark.parametrize("body", [b'{"value": -1}', b'"42"', b"true", b"{}", b"[]", b"null"])
def test_what_is_no_count_is_garbled(body: bytes) -> None:
    with pytest.raises(Garbled, match="count"):
        count(body)


def test_a_small_answer_of_enormous_size_is_refused() -> None:
    sink = Whole("count", wire.COUNT, translate.count)

    with pytest.raises(Garbled, match="more than"):
        sink.feed(b" " * 5_000_000)
