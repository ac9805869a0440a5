"""How rows look as JSON: the full and condensed forms of users, seats and usage, and the counts.

Shapes only; the open points among them follow the switches of the site.
"""

from __future__ import annotations

from seatkeeper.simulator.moments import DAY, NEVER, iso
from seatkeeper.simulator.rows import (
    SCHEDULER,
    CapacityUse,
    Document,
    Seat,
    SeatType,
    User,
    related_guid,
)
from seatkeeper.simulator.site import Site

NO_GUID = "00000000-0000-0000-0000-000000000000"
NODE = "b6a1c1de-0000-4000-8000-0000000000aa"
HOST = "sense01"
_TITLES = {
    SeatType.PROFESSIONAL: "Professional",
    SeatType.ANALYZER: "Analyzer",
    SeatType.USER: "User",
}


def title(kind: SeatType) -> str:
    """Give the name of a type as it stands in schema paths."""
    return _TITLES[kind]


class Shapes:
    """Turns rows of one site into JSON values."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.stale_before: int | None = None
        """No seat shows a later use than this (a fault)."""

    # Users

    def user_condensed(self, user: User) -> Document:
        """Give the user as other entities refer to it."""
        return {
            "id": user.id,
            "userId": user.user_id,
            "userDirectory": user.directory,
            "userDirectoryConnectorName": user.directory,
            "name": user.name,
            "privileges": None,
        }

    def user_full(self, user: User) -> Document:
        """Give the user with everything that hangs on it."""
        created = iso(user.created)
        dates = {
            "createdDate": created,
            "modifiedDate": created,
            "modifiedByUserName": SCHEDULER,
        }
        tags = self._site.records.documents.get("tag", {})
        return {
            "id": user.id,
            "createdDate": created,
            "modifiedDate": created if user.modified == user.created else iso(user.modified),
            "modifiedByUserName": user.modified_by,
            "customProperties": self._properties(user, dates),
            "userId": user.user_id,
            "userDirectory": user.directory,
            "userDirectoryConnectorName": user.directory,
            "name": user.name,
            "roles": user.roles,
            "attributes": _attributes(user, dates),
            "inactive": user.inactive,
            "removedExternally": user.removed,
            "blacklisted": user.blocked,
            "deleteProhibited": user.delete_prohibited,
            "tags": [
                {"id": key, "name": tags[key]["name"], "privileges": None}
                for key in user.tags
                if key in tags
            ],
            "favorites": [],
            "privileges": None,
            "schemaPath": "User",
        }

    def _properties(self, user: User, dates: Document) -> list[Document]:
        definitions = self._site.records.documents.get("custompropertydefinition", {})
        return [
            {
                "id": related_guid(user.id, 100 + number),
                **dates,
                "value": value,
                "definition": property_condensed(definitions[key]),
                "schemaPath": "CustomPropertyValue",
            }
            for number, (key, value) in enumerate(user.properties)
            if key in definitions
        ]

    # Seats

    def last_used(self, seat: Seat) -> int:
        """Tell when a seat was used last, as far as the site shows it."""
        if self.stale_before is None:
            return seat.last_used
        return min(seat.last_used, self.stale_before)

    def activity(self, seat: Seat) -> int:
        """Tell the latest use that the usage rows show."""
        if self.stale_before is None:
            return seat.activity
        return min(seat.activity, self.stale_before)

    def seat_full(self, seat: Seat) -> Document:
        """Give the seat with its condensed holder."""
        switches = self._site.switches
        row: Document = {
            "id": seat.id,
            "createdDate": iso(seat.created),
            "modifiedDate": iso(seat.modified),
            "modifiedByUserName": seat.modified_by,
        }
        user = self._site.records.users.get(seat.user)
        if user is not None:
            row["user"] = self.user_condensed(user)
        elif switches.deleted_user != "absent":
            row["user"] = _stub(seat) if switches.deleted_user == "stub" else None
        last_used = self.last_used(seat)
        if last_used > NEVER or switches.never_date != "absent":
            row["lastUsed"] = iso(last_used) if last_used > NEVER else self._never()
        if switches.excess_field == "present" and seat.type is not SeatType.USER:
            row["excess"] = seat.excess
        row["quarantined"] = seat.quarantined
        row["quarantineEnd"] = iso(seat.quarantine_end)
        row["deletedUserId"] = seat.deleted_user
        row["deletedUserDirectory"] = seat.deleted_directory
        row["privileges"] = None
        row["schemaPath"] = f"License.{_TITLES[seat.type]}AccessType"
        return row

    def _never(self) -> str | None:
        forms = {"0001": "0001-01-01T00:00:00.000Z", "null": None}
        return forms.get(self._site.switches.never_date, iso(NEVER))

    # Usage

    def usage_full(self, seat: Seat) -> Document:
        """Give the latest use of a seat as a usage row."""
        user = self._site.records.users.get(seat.user)
        activity = self.activity(seat)
        kind = seat.type.value
        return {
            "id": usage_id(seat),
            "createdDate": iso(activity),
            "modifiedDate": iso(activity),
            "modifiedByUserName": user.label if user else "",
            "useStartTime": iso(activity),
            "latestActivity": iso(activity),
            "hostName": HOST,
            "serverNodeConfigurationId": NODE,
            "sessionID": related_guid(seat.id, 8),
            f"{kind}AccessType": {"id": seat.id, "privileges": None},
            "privileges": None,
            "schemaPath": f"License.{_TITLES[seat.type]}AccessUsage",
        }

    def capacity_usage_full(self, use: CapacityUse, pool: Document) -> Document:
        """Give a stay on the analyzer capacity as a usage row."""
        user = self._site.records.users.get(use.user)
        label = user.label if user else "NONE\\anonymous"
        return {
            "id": use.id,
            "createdDate": iso(use.start),
            "modifiedDate": iso(use.stop),
            "modifiedByUserName": label,
            "useStartTime": iso(use.start),
            "latestActivity": iso(use.stop),
            "useStopTime": iso(use.stop),
            "hostName": HOST,
            "serverNodeConfigurationId": NODE,
            "user": self.user_condensed(user) if user else self._anonymous(),
            "sessions": [
                {
                    "id": related_guid(use.id, 1),
                    "createdDate": iso(use.start),
                    "modifiedDate": iso(use.stop),
                    "modifiedByUserName": label,
                    "sessionID": related_guid(use.id, 2),
                    "latestActivity": iso(use.stop),
                    "serverNodeConfigurationId": NODE,
                    "schemaPath": "License.AnalyzerTimeAccessUsage.Session",
                }
            ],
            "analyzerTimeAccessType": {
                "id": pool["id"],
                "name": pool["name"],
                "privileges": None,
            },
            "privileges": None,
            "schemaPath": "License.AnalyzerTimeAccessUsage",
        }

    def _anonymous(self) -> Document | None:
        if self._site.switches.anonymous_usage == "null":
            return None
        return {
            "id": NO_GUID,
            "userId": "anonymous",
            "userDirectory": "NONE",
            "userDirectoryConnectorName": "NONE",
            "name": "anonymous",
            "privileges": None,
        }

    def usage_since(self) -> int:
        """Tell from when on usage rows are kept."""
        return self._site.clock.now() - self._site.switches.usage_days * DAY


def usage_id(seat: Seat) -> str:
    """Give the id of a seat's usage row."""
    return related_guid(seat.id, 7)


def _attributes(user: User, dates: Document) -> list[Document]:
    return [
        {
            "id": related_guid(user.id, number),
            **dates,
            "attributeType": kind,
            "attributeValue": value,
            "externalId": "",
            "schemaPath": "UserAttribute",
        }
        for number, (kind, value) in enumerate(user.attributes)
    ]


def property_condensed(definition: Document) -> Document:
    """Give a custom property's definition as a user refers to it."""
    return {
        "id": definition["id"],
        "name": definition["name"],
        "valueType": definition["valueType"],
        "choiceValues": definition["choiceValues"],
        "privileges": None,
    }


def _stub(seat: Seat) -> Document:
    return {
        "id": NO_GUID,
        "userId": seat.deleted_user,
        "userDirectory": seat.deleted_directory,
        "userDirectoryConnectorName": seat.deleted_directory,
        "name": "",
        "privileges": None,
    }
