"""Which properties filters, sorting and tables know of each kind of row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from seatkeeper.simulator.entities import Shapes, usage_id
from seatkeeper.simulator.query import Field, Fields, Kind
from seatkeeper.simulator.records import Records
from seatkeeper.simulator.rows import CapacityUse, Document, Seat, SeatType, User

_NOBODY = User("", "", "", "", 0, 0)


def user_fields(records: Records) -> Fields:
    """Give the properties of users."""

    def names(user: User) -> list[str]:
        tags = records.documents.get("tag", {})
        return [tags[key]["name"] for key in user.tags if key in tags]

    def definitions(user: User) -> list[str]:
        known = records.documents.get("custompropertydefinition", {})
        return [known[key]["name"] for key, _ in user.properties if key in known]

    def by_id(key: str) -> Iterable[User]:
        found = records.users.get(key)
        return () if found is None else (found,)

    return {
        "id": Field(Kind.GUID, lambda user: user.id, index=by_id),
        "createddate": Field(Kind.DATE, lambda user: user.created),
        "modifieddate": Field(Kind.DATE, lambda user: user.modified),
        "modifiedbyusername": Field(Kind.TEXT, lambda user: user.modified_by),
        "userid": Field(Kind.TEXT, lambda user: user.user_id, index=records.users_by_login),
        "userdirectory": Field(Kind.TEXT, lambda user: user.directory),
        "userdirectoryconnectorname": Field(Kind.TEXT, lambda user: user.directory),
        "name": Field(Kind.TEXT, lambda user: user.name),
        "roles": Field(Kind.TEXT, lambda user: user.roles, many=True),
        "inactive": Field(Kind.BOOL, lambda user: user.inactive),
        "removedexternally": Field(Kind.BOOL, lambda user: user.removed),
        "blacklisted": Field(Kind.BOOL, lambda user: user.blocked),
        "deleteprohibited": Field(Kind.BOOL, lambda user: user.delete_prohibited),
        "tags.id": Field(Kind.GUID, lambda user: user.tags, many=True),
        "tags.name": Field(Kind.TEXT, names, many=True),
        "customproperties.value": Field(Kind.TEXT, _property_values, many=True),
        "customproperties.definition.name": Field(Kind.TEXT, definitions, many=True),
        "customproperties.definition.id": Field(
            Kind.GUID, lambda user: [key for key, _ in user.properties], many=True
        ),
        "attributes.attributetype": Field(
            Kind.TEXT, lambda user: [kind for kind, _ in user.attributes], many=True
        ),
        "attributes.attributevalue": Field(
            Kind.TEXT, lambda user: [value for _, value in user.attributes], many=True
        ),
        "@": Field(Kind.TEXT, _property_values, many=True),
    }


def _property_values(user: User) -> list[str]:
    return [value for _, value in user.properties]


def seat_fields(records: Records, shapes: Shapes, kind: SeatType) -> Fields:
    """Give the properties of the seats of one type, those of the holder behind `user.`."""
    rows = records.seats[kind]

    def by_id(key: str) -> Iterable[Seat]:
        found = rows.get(key)
        return () if found is None else (found,)

    def by_login(login: str) -> Iterable[Seat]:
        users = records.users_by_login(login)
        return (seat for user in users for seat in records.seats_held(kind, user.id))

    own: dict[str, Field] = {
        "id": Field(Kind.GUID, lambda seat: seat.id, index=by_id),
        "createddate": Field(Kind.DATE, lambda seat: seat.created),
        "modifieddate": Field(Kind.DATE, lambda seat: seat.modified),
        "modifiedbyusername": Field(Kind.TEXT, lambda seat: seat.modified_by),
        "lastused": Field(Kind.DATE, shapes.last_used),
        "excess": Field(Kind.BOOL, lambda seat: seat.excess),
        "quarantined": Field(Kind.BOOL, lambda seat: seat.quarantined),
        "quarantineend": Field(Kind.DATE, lambda seat: seat.quarantine_end),
        "deleteduserid": Field(Kind.TEXT, lambda seat: seat.deleted_user),
        "deleteduserdirectory": Field(Kind.TEXT, lambda seat: seat.deleted_directory),
    }
    holder = _of_holder(records)
    indexes: dict[str, Callable[[str], Iterable[Seat]]] = {
        "id": lambda key: records.seats_held(kind, key),
        "userid": by_login,
    }
    return own | {
        f"user.{name}": Field(field.kind, holder(field.read), field.many, indexes.get(name))
        for name, field in user_fields(records).items()
        if name != "@"
    }


def _of_holder(records: Records) -> Callable[[Callable[[User], Any]], Callable[[Any], Any]]:
    users = records.users

    def wrap(read: Callable[[User], Any]) -> Callable[[Any], Any]:
        return lambda row: read(users.get(row.user, _NOBODY))

    return wrap


def usage_fields(records: Records, shapes: Shapes, kind: SeatType) -> Fields:
    """Give the properties of the usage rows of one seat type."""
    return {
        "id": Field(Kind.GUID, usage_id),
        "createddate": Field(Kind.DATE, shapes.activity),
        "modifieddate": Field(Kind.DATE, shapes.activity),
        "usestarttime": Field(Kind.DATE, shapes.activity),
        "latestactivity": Field(Kind.DATE, shapes.activity),
        "sessionid": Field(Kind.TEXT, lambda seat: seat.id),
        f"{kind}accesstype.id": Field(
            Kind.GUID,
            lambda seat: seat.id,
            index=lambda key: [records.seats[kind][key]] if key in records.seats[kind] else [],
        ),
    }


def capacity_usage_fields(records: Records) -> Fields:
    """Give the properties of stays on the analyzer capacity."""

    def started(use: CapacityUse) -> int:
        return use.start

    def stopped(use: CapacityUse) -> int:
        return use.stop

    holder = _of_holder(records)
    return {
        "id": Field(Kind.GUID, lambda use: use.id),
        "createddate": Field(Kind.DATE, started),
        "modifieddate": Field(Kind.DATE, stopped),
        "usestarttime": Field(Kind.DATE, started),
        "latestactivity": Field(Kind.DATE, stopped),
        "usestoptime": Field(Kind.DATE, stopped),
    } | {
        f"user.{name}": Field(field.kind, holder(field.read), field.many)
        for name, field in user_fields(records).items()
        if name != "@"
    }


def document_fields(sample: Document, records: Records, kind: str) -> Fields:
    """Give the properties of documents that look like a sample."""

    def by_id(key: str) -> Iterable[Any]:
        found = records.documents.get(kind, {}).get(key)
        return () if found is None else (DocumentRow(found),)

    fields: dict[str, Field] = {"id": Field(Kind.GUID, lambda row: row.id, index=by_id)}
    for name, value in sample.items():
        found = _document_field(name, value)
        if found is not None and name != "id":
            fields[name.lower()] = found
    return fields


_ENUMS = {
    "ruleContext": {"bothqliksenseandqmc": 0, "qliksenseonly": 1, "qmconly": 2},
}


def _document_field(name: str, value: Any) -> Field | None:
    from seatkeeper.simulator.moments import parse_ms  # noqa: PLC0415

    if name.endswith("Date"):
        return Field(Kind.DATE, lambda row: parse_ms(row.content[name]))
    if isinstance(value, bool):
        return Field(Kind.BOOL, lambda row: row.content.get(name, False))
    if isinstance(value, (int, float)):
        return Field(Kind.NUMBER, lambda row: row.content.get(name, 0), names=_ENUMS.get(name))
    if isinstance(value, str):
        return Field(Kind.TEXT, lambda row: row.content.get(name, ""))
    return None


class DocumentRow:
    """A document as a row: something with an id."""

    __slots__ = ("content", "id")

    def __init__(self, content: Document) -> None:
        self.id: str = content["id"]
        self.content = content
