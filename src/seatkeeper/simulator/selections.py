"""Selections: the way the QMC acts on many rows at once. They live as long as the process."""

from __future__ import annotations

from collections.abc import Mapping

from seatkeeper.simulator.answers import (
    NO_CONTENT,
    Answer,
    bad_request,
    json_answer,
    not_found,
    rows_answer,
)
from seatkeeper.simulator.collection import Collection, read_object
from seatkeeper.simulator.rows import Document, make_guid
from seatkeeper.simulator.site import Site
from seatkeeper.simulator.verbs import Call, matching


class Selections:
    """All selections of a site, and the calls below /qrs/selection."""

    def __init__(self, site: Site, collections: Mapping[str, Collection]) -> None:
        self._site = site
        self._collections = collections
        self._selections: dict[str, Document] = {}

    def answer(self, call: Call) -> Answer:
        """Answer a request whose path begins with `selection`."""
        rest = call.segments[1:]
        if call.method == "POST" and (not rest or "/".join(rest) in self._collections):
            return self._create(call, "/".join(rest))
        if not rest or rest[0] not in self._selections:
            raise not_found()
        selection = self._selections[rest[0]]
        if len(rest) == 1:
            return self._one(call, rest[0], selection)
        return self._act(call, selection, rest[1:])

    def _one(self, call: Call, key: str, selection: Document) -> Answer:
        if call.method == "GET":
            return json_answer(selection)
        if call.method == "DELETE":
            del self._selections[key]
            return Answer(NO_CONTENT, outcome="removed")
        raise not_found()

    def _create(self, call: Call, name: str) -> Answer:
        if name:
            collection = self._collections[name]
            items = [(schema_of(name), row.id) for row in matching(collection, call)]
        else:
            items = _items(read_object(call.body))
        selection: Document = {
            "id": make_guid(self._site.rng),
            "privileges": None,
            "items": [
                {
                    "id": make_guid(self._site.rng),
                    "type": kind,
                    "objectID": key,
                    "objectName": None,
                    "schemaPath": "SelectionItem",
                }
                for kind, key in items
            ],
            "schemaPath": "Selection",
        }
        self._selections[selection["id"]] = selection
        return json_answer(selection, status=201, outcome="created")

    def _keys(self, selection: Document, name: str) -> list[str]:
        wanted = schema_of(name).lower()
        return [item["objectID"] for item in selection["items"] if item["type"].lower() == wanted]

    def _act(self, call: Call, selection: Document, path: list[str]) -> Answer:
        if path[0] == "user" and len(path) > 1 and call.method == "POST":
            return self._allocate(call, selection, "/".join(path[1:]))
        if path == ["user", "synthetic"]:
            return self._change_users(call, selection)
        word = path[-1] if path[-1] in {"full", "count"} else ""
        name = "/".join(path[:-1] if word else path)
        collection = self._collections.get(name)
        if collection is None:
            raise not_found()
        keys = self._keys(selection, name)
        if call.method == "GET":
            return self._read(collection, keys, word)
        if call.method != "DELETE" or word:
            raise not_found()
        call.must_act()
        outcomes = {collection.remove(key.lower(), call.by) for key in keys}
        return Answer(NO_CONTENT, outcome=",".join(sorted(outcomes)))

    @staticmethod
    def _read(collection: Collection, keys: list[str], word: str) -> Answer:
        rows = [row for key in keys if (row := collection.get(key.lower())) is not None]
        if word == "count":
            return json_answer({"value": len(rows)})
        if word == "full":
            return rows_answer([collection.encoded(row) for row in rows])
        return json_answer([collection.condensed(row) for row in rows])

    def _allocate(self, call: Call, selection: Document, name: str) -> Answer:
        collection = self._collections.get(name)
        if collection is None or not name.startswith("license/"):
            raise not_found()
        call.must_act()
        template = read_object(call.body) if call.body.strip() else {}
        bodies = [template | {"user": {"id": key}} for key in self._keys(selection, "user")]
        rows = collection.create_many(bodies, call.by)
        answer = rows_answer([collection.encoded(row) for row in rows])
        answer.status, answer.outcome = 201, "created"
        return answer

    def _change_users(self, call: Call, selection: Document) -> Answer:
        """Change chosen properties of all selected users, as the QMC's form for many does."""
        if call.method != "PUT":
            raise not_found()
        call.must_act()
        users = self._collections["user"]
        properties = read_object(call.body).get("properties")
        if not isinstance(properties, list):
            raise bad_request()
        changes = {
            str(item.get("name")): item.get("value")
            for item in properties
            if isinstance(item, dict) and item.get("valueIsModified")
        }
        for key in self._keys(selection, "user"):
            row = users.find(key)
            body = users.full(row) | changes | {"id": row.id}
            body["roles"] = list(body["roles"])
            users.replace(row, body, call.by)
        return Answer(NO_CONTENT, outcome="changed")


def schema_of(name: str) -> str:
    """Give the type that selection items carry for a collection's path."""
    tail = name.removeprefix("license/")
    known = {
        "user": "User",
        "tag": "Tag",
        "systemrule": "SystemRule",
        "custompropertydefinition": "CustomPropertyDefinition",
    }
    return known.get(tail, f"License.{tail}")


def _items(body: Document) -> list[tuple[str, str]]:
    items = body.get("items")
    if not isinstance(items, list):
        raise bad_request()
    found = []
    for item in items:
        kind = item.get("type") if isinstance(item, dict) else None
        key = item.get("objectID") if isinstance(item, dict) else None
        if not isinstance(kind, str) or not isinstance(key, str):
            raise bad_request()
        found.append((kind, key))
    return found
