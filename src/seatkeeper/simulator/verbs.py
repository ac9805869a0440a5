"""The verbs that every list of QRS answers: list, full, count, one, add, change, remove, table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from seatkeeper.simulator.answers import (
    Answer,
    bad_request,
    count_answer,
    encode,
    forbidden,
    json_answer,
    not_found,
    rows_answer,
)
from seatkeeper.simulator.collection import Collection, read_object, read_objects
from seatkeeper.simulator.query import Row, make_filter, sort_by, sort_rows
from seatkeeper.simulator.rows import Document
from seatkeeper.simulator.switches import Switches

_PRIVILEGES = ["create", "read", "update", "delete"]


@dataclass(slots=True)
class Call:
    """One request, read as far as QRS reads it before it looks at the resource."""

    method: str
    segments: list[str]
    """Path below /qrs in lower case."""
    params: dict[str, str] = field(default_factory=dict)
    """Parameters by their name in lower case."""
    body: bytes = b""
    by: str = ""
    """Who asks, as modifiedByUserName shows it."""
    sees: bool = True
    acts: bool = True
    """Whether the caller's rights let them see anything, and change anything."""

    def must_act(self) -> None:
        """Refuse a change by somebody without the right."""
        if not self.acts:
            raise forbidden()


def answer_list(collection: Collection, call: Call, rest: list[str]) -> Answer:
    """Answer a request for a collection; `rest` is what follows its name in the path."""
    if len(rest) > 1:
        raise not_found()
    word = rest[0] if rest else ""
    if call.method == "GET":
        return _get(collection, call, word)
    if call.method == "POST" and word == "table":
        return _table(collection, call)
    call.must_act()
    if call.method == "POST" and word in {"", "many"}:
        return _create(collection, call, many=word == "many")
    if call.method == "PUT" and word:
        row = collection.replace(collection.find(word), read_object(call.body), call.by)
        return Answer(200, collection.encoded(row), outcome="changed")
    if call.method == "DELETE" and word:
        outcome = collection.remove(word, call.by)
        return Answer(int(collection.site.switches.delete_status), outcome=outcome)
    raise not_found()


def _get(collection: Collection, call: Call, word: str) -> Answer:
    if word == "count":
        return count_answer(len(matching(collection, call)))
    if word == "full":
        return _rows(collection, call, matching(collection, call, paged=True), full=True)
    if word == "":
        return _rows(collection, call, matching(collection, call, paged=True), full=False)
    row = collection.find(word)
    if not call.sees:
        raise not_found()
    if _wants_privileges(collection, call):
        return json_answer(_with_privileges(collection.full(row), call))
    return Answer(200, collection.encoded(row))


def _rows(collection: Collection, call: Call, rows: list[Row], *, full: bool) -> Answer:
    if _wants_privileges(collection, call):
        shape = collection.full if full else collection.condensed
        return rows_answer([encode(_with_privileges(shape(row), call)) for row in rows])
    if full:
        return rows_answer([collection.encoded(row) for row in rows])
    return rows_answer([encode(collection.condensed(row)) for row in rows])


def _wants_privileges(collection: Collection, call: Call) -> bool:
    asked = call.params.get("privileges", "").lower() == "true"
    return asked or collection.site.switches.privileges_always == "yes"


def _with_privileges(row: Document, call: Call) -> Document:
    return row | {"privileges": _PRIVILEGES if call.acts else ["read"]}


def matching(collection: Collection, call: Call, *, paged: bool = False) -> list[Row]:
    """Give the rows that a request's filter lets through, sorted as it asks."""
    if not call.sees:
        return []
    switches = collection.site.switches
    text = call.params.get("filter", "").strip()
    if text:
        rows = make_filter(text, collection.fields, switches).apply(collection.rows())
    else:
        rows = list(collection.rows())
    order = call.params.get("orderby", "")
    if order:
        rows = sort_rows(rows, order, collection.fields, switches)
    return _paged(rows, call, switches) if paged else rows


def _paged(rows: list[Row], call: Call, switches: Switches) -> list[Row]:
    if switches.get_paging == "ignore" or not call.params.keys() & {"skip", "take"}:
        return rows
    if switches.get_paging == "refuse":
        raise bad_request()
    return _page(rows, call, switches)


def _page(rows: list[Row], call: Call, switches: Switches) -> list[Row]:
    skip = _number(call, "skip", 0)
    take = _number(call, "take", len(rows))
    if switches.table_max_take:
        take = min(take, switches.table_max_take)
    return rows[skip : skip + take]


def _number(call: Call, name: str, default: int) -> int:
    text = call.params.get(name, "")
    if not text:
        return default
    if not text.isdecimal():
        raise bad_request()
    return int(text)


def _create(collection: Collection, call: Call, *, many: bool) -> Answer:
    if many:
        rows = collection.create_many(read_objects(call.body), call.by)
        answer = rows_answer([collection.encoded(row) for row in rows])
        answer.status, answer.outcome = 201, "created"
        return answer
    row = collection.create(read_object(call.body), call.by)
    return Answer(201, collection.encoded(row), outcome="created")


# Tables


def _table(collection: Collection, call: Call) -> Answer:
    columns = _columns(read_object(call.body))
    switches = collection.site.switches
    rows = matching(collection, call)
    sort_column = call.params.get("sortcolumn", "")
    if sort_column:
        descending = call.params.get("orderascending", "true").lower() == "false"
        path = _definition_of(sort_column, columns)
        rows = sort_by(rows, path, collection.fields, descending=descending)
    page = _page(rows, call, switches)
    table = {
        "id": "00000000-0000-0000-0000-000000000000",
        "columnNames": [str(column["name"]) for column in columns],
        "rows": [_cells(collection.full(row), columns) for row in page],
        "schemaPath": "Table",
    }
    return json_answer(table, status=int(switches.table_status))


def _columns(body: Document) -> list[Document]:
    columns = body.get("columns")
    if not isinstance(columns, list) or not columns:
        raise bad_request()
    for column in columns:
        name = column.get("name") if isinstance(column, dict) else None
        if not isinstance(name, str) or not name or " " in name:
            raise bad_request()
        if column.get("columnType") not in {"Property", "Function", "List"}:
            raise bad_request()
    return columns


def _definition_of(sort_column: str, columns: list[Document]) -> str:
    for column in columns:
        if column["name"].lower() == sort_column.lower():
            return str(column.get("definition") or column["name"])
    raise bad_request()


def _cells(row: Document, columns: list[Document]) -> list[Any]:
    return [_cell(row, column) for column in columns]


def _cell(row: Document, column: Document) -> Any:
    if column["columnType"] == "Function":
        return None
    if column["columnType"] == "List":
        return _list_cell(row, column)
    value: Any = row
    for step in str(column.get("definition") or column["name"]).split("."):
        value = _step(value, step)
    return value


def _step(value: Any, step: str) -> Any:
    if not isinstance(value, dict):
        return None
    if step in value:
        return value[step]
    return next((value[name] for name in value if name.lower() == step.lower()), None)


def _list_cell(row: Document, column: Document) -> Document:
    items = _step(row, column["name"])
    inner = column.get("list")
    columns = _columns({"columns": inner})
    return {
        "columnNames": [str(one["name"]) for one in columns],
        "rows": [_cells(item, columns) for item in items or ()],
    }
