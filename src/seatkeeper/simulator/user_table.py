"""The users as a collection: read, added, changed and deleted as QRS does it."""

from __future__ import annotations

from collections.abc import Collection as Sized
from typing import Any

from seatkeeper.simulator.answers import bad_request, conflict
from seatkeeper.simulator.collection import Collection
from seatkeeper.simulator.entities import Shapes
from seatkeeper.simulator.fields import user_fields
from seatkeeper.simulator.rows import Document, User, make_guid
from seatkeeper.simulator.site import Site


class UserTable(Collection):
    """All users of the site."""

    schema = "User"

    def __init__(self, site: Site, shapes: Shapes) -> None:
        super().__init__(site)
        self.fields = user_fields(site.records)
        self._shapes = shapes

    def rows(self) -> Sized[User]:
        """Give all users."""
        return self.site.records.users.values()

    def get(self, key: str) -> User | None:
        """Find a user by id."""
        return self.site.records.users.get(key)

    def full(self, row: User) -> Document:
        """Give the user with tags, properties and attributes."""
        return self._shapes.user_full(row)

    def condensed(self, row: User) -> Document:
        """Give the user as other entities refer to it."""
        return self._shapes.user_condensed(row)

    def create(self, body: Document, by: str) -> User:
        """Add a user; directory and id must be new together."""
        user = self._checked(body, by)
        self.site.records.save_user(user)
        self.site.keep()
        return user

    def create_many(self, bodies: list[Document], by: str) -> list[User]:
        """Add users, all or none."""
        users = [self._checked(body, by) for body in bodies]
        if len({user.key for user in users}) < len(users):
            raise conflict()
        for user in users:
            self.site.records.save_user(user)
        self.site.keep()
        return users

    def _checked(self, body: Document, by: str) -> User:
        directory, user_id = _text(body, "userDirectory"), _text(body, "userId")
        if not directory or not user_id:
            raise bad_request()
        if self.site.records.user_by_key(directory, user_id) is not None:
            raise conflict()
        now = self.site.clock.now()
        user = User(make_guid(self.site.rng), user_id, directory, "", now, now, by)
        self._fill(user, body)
        return user

    def replace(self, row: User, body: Document, by: str) -> User:
        """Change a user to what the body says; what is left out goes back to its default."""
        self.check_conflict(body, row.modified)
        if str(body.get("id", "")).lower() != row.id:
            raise bad_request()
        self._fill(row, body)
        row.modified, row.modified_by = self.site.clock.now(), by
        self.site.records.save_user(row)
        self.site.keep()
        return row

    def remove(self, key: str, by: str) -> str:  # noqa: ARG002 - the site signs for it
        """Delete a user; seats follow the lifecycle."""
        self.site.delete_user(self.find(key))
        return "removed"

    def _fill(self, user: User, body: Document) -> None:
        roles, attributes = _texts(body.get("roles")), self._attributes(body)
        properties, tags = self._properties(body), self._tags(body)
        user.name = _text(body, "name") or user.user_id
        user.roles, user.attributes = roles, attributes
        user.properties, user.tags = properties, tags
        user.removed = _flag(body, "removedExternally")
        was_blocked, user.blocked = user.blocked, _flag(body, "blacklisted")
        user.inactive = _flag(body, "inactive")
        if user.blocked and not was_blocked and self.site.switches.blocked_coupling == "inactive":
            user.inactive = True

    @staticmethod
    def _attributes(body: Document) -> tuple[tuple[str, str], ...]:
        return tuple(
            (_text(item, "attributeType"), _text(item, "attributeValue"))
            for item in _items(body, "attributes")
        )

    def _properties(self, body: Document) -> tuple[tuple[str, str], ...]:
        return tuple(
            (self._reference(item.get("definition"), "custompropertydefinition"), value)
            for item in _items(body, "customProperties")
            if (value := _text(item, "value"))
        )

    def _tags(self, body: Document) -> tuple[str, ...]:
        return tuple(self._reference(item, "tag") for item in _items(body, "tags"))

    def _reference(self, value: Any, kind: str) -> str:
        """Find what an entity refers to, by id or by name; unknown is a 400."""
        known = self.site.records.documents.get(kind, {})
        if not isinstance(value, dict):
            raise bad_request()
        key = str(value.get("id", "")).lower()
        if key in known:
            return key
        name = str(value.get("name", "")).casefold()
        for document in known.values():
            if document["name"].casefold() == name:
                return str(document["id"])
        raise bad_request()


def _text(body: Document, name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise bad_request()
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise bad_request()
    return tuple(value)


def _items(body: Document, name: str) -> list[Document]:
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise bad_request()
    return value


def _flag(body: Document, name: str) -> bool:
    value = body.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise bad_request()
    return value
