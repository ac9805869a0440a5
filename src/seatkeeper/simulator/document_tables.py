"""The small entities as collections: tags, definitions, rules, access groups and pools."""

from __future__ import annotations

from collections.abc import Collection as Sized
from typing import Any

from seatkeeper.simulator.answers import Rejection, bad_request
from seatkeeper.simulator.collection import Collection
from seatkeeper.simulator.entities import NO_GUID
from seatkeeper.simulator.entitlement import RULES, cached_rule
from seatkeeper.simulator.fields import DocumentRow, document_fields
from seatkeeper.simulator.moments import iso, parse_ms
from seatkeeper.simulator.rows import Document, make_guid
from seatkeeper.simulator.site import Site

_RULE: Document = {
    "category": "License",
    "subcategory": "",
    "type": "Custom",
    "name": "",
    "rule": "",
    "resourceFilter": "",
    "actions": 1,
    "ruleContext": 0,
    "disabled": False,
    "comment": "",
    "seedId": NO_GUID,
    "version": 0,
    "tags": [],
}
TEMPLATES: dict[str, tuple[str, Document]] = {
    "tag": ("Tag", {"name": ""}),
    "custompropertydefinition": (
        "CustomPropertyDefinition",
        {
            "name": "",
            "valueType": "Text",
            "choiceValues": [],
            "objectTypes": ["User"],
            "description": "",
        },
    ),
    RULES: ("SystemRule", _RULE),
    "professionalaccessgroup": ("License.ProfessionalAccessGroup", {"name": ""}),
    "analyzeraccessgroup": ("License.AnalyzerAccessGroup", {"name": ""}),
    "useraccessgroup": ("License.UserAccessGroup", {"name": ""}),
    "loginaccesstype": (
        "License.LoginAccessType",
        {
            "name": "",
            "assignedTokens": 0,
            "assignedAccessTypes": 0,
            "usedAccessTypes": 0,
            "remainingAccessTypes": 0,
        },
    ),
    "analyzertimeaccesstype": (
        "License.AnalyzerTimeAccessType",
        {
            "name": "",
            "usedMinutes": 0,
            "remainingMinutes": 0,
            "assignedMinutes": 0,
            "assignedUnits": 1,
        },
    ),
}
"""Schema path and default content of each kind, by its path segment in lower case."""

_CONDENSED = {
    "custompropertydefinition": ("name", "valueType", "choiceValues"),
    RULES: ("category", "type", "name", "rule", "resourceFilter", "actions", "disabled"),
}
_ENUMS = {"ruleContext": {"bothqliksenseandqmc": 0, "qliksenseonly": 1, "qmconly": 2}}


def new_document(kind: str, content: Document, key: str, at: int, by: str) -> Document:
    """Make a document of a kind from its template and some content of its own."""
    schema, template = TEMPLATES[kind]
    dates = {"createdDate": iso(at), "modifiedDate": iso(at), "modifiedByUserName": by}
    return {
        "id": key,
        **dates,
        **template,
        **content,
        "privileges": None,
        "schemaPath": schema,
    }


class DocumentTable(Collection):
    """The documents of one kind."""

    def __init__(self, site: Site, kind: str) -> None:
        super().__init__(site)
        self._kind = kind
        sample = new_document(kind, {}, NO_GUID, 0, "")
        self.fields = document_fields(sample, site.records, kind)

    def rows(self) -> Sized[DocumentRow]:
        """Give all documents."""
        return [DocumentRow(document) for document in self._documents().values()]

    def get(self, key: str) -> DocumentRow | None:
        """Find a document by id."""
        found = self._documents().get(key)
        return None if found is None else DocumentRow(found)

    def _documents(self) -> dict[str, Document]:
        return self.site.records.documents.get(self._kind, {})

    def full(self, row: DocumentRow) -> Document:
        """Give the document as it is."""
        return row.content

    def condensed(self, row: DocumentRow) -> Document:
        """Give the document as others refer to it."""
        names = _CONDENSED.get(self._kind, ("name",))
        return {"id": row.id} | {name: row.content[name] for name in names} | {"privileges": None}

    def create(self, body: Document, by: str) -> DocumentRow:
        """Add a document; it needs a name of its own."""
        return self.create_many([body], by)[0]

    def create_many(self, bodies: list[Document], by: str) -> list[DocumentRow]:
        """Add documents, all or none."""
        now = self.site.clock.now()
        documents = [
            new_document(self._kind, self._content(body), make_guid(self.site.rng), now, by)
            for body in bodies
        ]
        for document in documents:
            self.site.records.save_document(self._kind, document)
        self.site.keep()
        return [DocumentRow(document) for document in documents]

    def replace(self, row: DocumentRow, body: Document, by: str) -> DocumentRow:
        """Change a document to what the body says."""
        self.check_conflict(body, parse_ms(row.content["modifiedDate"]))
        created = parse_ms(row.content["createdDate"])
        document = new_document(self._kind, self._content(body), row.id, created, by)
        document["modifiedDate"] = iso(self.site.clock.now())
        self.site.records.save_document(self._kind, document)
        self.site.keep()
        return DocumentRow(document)

    def remove(self, key: str, by: str) -> str:  # noqa: ARG002 - no trace of who did it is kept
        """Remove a document."""
        self.site.records.drop_document(self._kind, self.find(key).id)
        self.site.keep()
        return "removed"

    def _content(self, body: Document) -> Document:
        _, template = TEMPLATES[self._kind]
        content = {
            name: _like(template[name], name, body[name]) for name in template if name in body
        }
        if not content.get("name"):
            raise bad_request()
        if self._kind == RULES and content.get("category", "License") == "License":
            _check_rule(content)
        return content


class CapacityTable(DocumentTable):
    """The pool of analyzer capacity, with its minutes counted at the moment of reading."""

    def full(self, row: DocumentRow) -> Document:
        """Give the pool with the minutes of the current month."""
        total = self.site.records.facts.capacity_minutes
        used = self.site.capacity_used(self.site.clock.now())
        minutes = {
            "usedMinutes": used,
            "remainingMinutes": max(0, total - used),
            "assignedMinutes": total,
        }
        return row.content | minutes

    def encoded(self, row: DocumentRow) -> bytes:
        """Write the pool anew each time: its minutes change by themselves."""
        self.forget(row.id)
        return super().encoded(row)


def _like(default: Any, name: str, value: Any) -> Any:
    """Take a sent value in the type of the default; numbers may come as text or enum name."""
    if isinstance(default, int) and not isinstance(default, bool) and isinstance(value, str):
        named = _ENUMS.get(name, {}).get(value.lower())
        if named is not None:
            return named
        if value.lstrip("-").isdecimal():
            return int(value)
        raise bad_request()
    if not isinstance(value, type(default)):
        raise bad_request()
    return value


def _check_rule(content: Document) -> None:
    try:
        cached_rule(content.get("rule", ""))
    except ValueError as error:
        raise Rejection(400, "The rule cannot be parsed") from error
