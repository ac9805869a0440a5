"""Which path leads to what: the whole QRS of the site behind one synchronous call.

Nothing here waits, so every request is carried out whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from seatkeeper.simulator.access_audit import audit
from seatkeeper.simulator.answers import TEXT_TYPE, Answer, json_answer, not_found
from seatkeeper.simulator.collection import Collection, read_object
from seatkeeper.simulator.document_tables import TEMPLATES, CapacityTable, DocumentTable
from seatkeeper.simulator.entities import Shapes
from seatkeeper.simulator.licensing import license_entity, old_overview, overview
from seatkeeper.simulator.moments import iso
from seatkeeper.simulator.records import CAPACITY, PERSON
from seatkeeper.simulator.rows import Document, SeatType
from seatkeeper.simulator.seat_tables import (
    CapacityUsageTable,
    EmptyTable,
    SeatTable,
    UsageTable,
)
from seatkeeper.simulator.selections import Selections
from seatkeeper.simulator.site import Site
from seatkeeper.simulator.user_table import UserTable
from seatkeeper.simulator.verbs import Call, answer_list

_Handler: TypeAlias = Callable[[Call], Answer]
_ENUMS = {
    "RuleContextEnum": {
        "values": ["0: BothQlikSenseAndQMC", "1: QlikSenseOnly", "2: QMCOnly"],
        "usages": ["SystemRule.RuleContext"],
    }
}
_PLAIN_DOCUMENTS = {"tag", "custompropertydefinition", "systemrule"}


class Resources:
    """Every resource of one site by its path."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.shapes = Shapes(site)
        self.collections = _collections(site, self.shapes)
        selections = Selections(site, self.collections)
        self._selections = selections.answer
        self._singles: dict[tuple[str, str], _Handler] = {
            ("GET", "license"): lambda _call: json_answer(license_entity(site)),
            ("GET", "license/accesstypeoverview"): lambda _call: json_answer(overview(site)),
            ("GET", "license/accesstypeinfo"): lambda _call: json_answer(old_overview(site)),
            ("POST", "systemrule/license/audit"): self._audit,
            ("GET", "about"): self._about,
            ("GET", "about/api/description"): self._description,
            ("GET", "about/api/enums"): lambda _call: json_answer(_ENUMS),
            ("GET", "ssl/ping"): self._ping,
        }
        site.records.watchers.append(self._changed)

    def answer(self, call: Call) -> Answer:
        """Carry out a request; refusals are raised as Rejection."""
        self.site.settle()
        segments = call.segments
        single = self._singles.get((call.method, "/".join(segments)))
        if single is not None:
            return single(call)
        if segments[:1] == ["selection"]:
            return self._selections(call)
        if call.method == "GET" and segments[:2] == ["user", "sync"]:
            return Answer(200, b"null")  # the sync itself runs later, and finds nothing new
        own = 2 if segments[:1] == ["license"] else 1
        collection = self.collections.get("/".join(segments[:own]))
        if collection is None:
            raise not_found()
        return answer_list(collection, call, segments[own:])

    def warm(self) -> None:
        """Write the JSON of all users and seats ahead of the first request."""
        for name in ("user", "license/professionalaccesstype", "license/analyzeraccesstype"):
            collection = self.collections[name]
            for row in collection.rows():
                collection.encoded(row)

    def forget_all(self) -> None:
        """Drop all kept JSON, because switches or faults changed its shape."""
        for collection in self.collections.values():
            collection.forget_all()

    def set_usage_empty(self, *, empty: bool) -> None:
        """Let the usage lists be empty (a fault)."""
        for collection in self.collections.values():
            if isinstance(collection, (UsageTable, CapacityUsageTable)):
                collection.empty = empty

    def _changed(self, kind: str, key: str) -> None:
        if kind == PERSON:
            self._user_changed(key)
        elif kind == CAPACITY:
            self.collections["license/analyzertimeaccessusage"].forget(key)
        elif kind in _SEAT_KINDS:
            self.collections[f"license/{kind}accesstype"].forget(key)
            self.collections[f"license/{kind}accessusage"].forget(key)
        elif kind in TEMPLATES:
            self.collections[_path(kind)].forget(key)
            if kind in _PLAIN_DOCUMENTS:
                self.collections["user"].forget_all()

    def _user_changed(self, key: str) -> None:
        self.collections["user"].forget(key)
        for kind in SeatType:
            for seat in self.site.records.seats_held(kind, key):
                self.collections[f"license/{kind}accesstype"].forget(seat.id)

    # Single resources

    def _audit(self, call: Call) -> Answer:
        call.must_act()
        return json_answer(audit(self.site, self.shapes, read_object(call.body)))

    def _about(self, _call: Call) -> Answer:
        about: Document = {
            "buildVersion": "31.66.0.0",
            "buildDate": "11/4/2025 09:12:05 AM",
            "databaseProvider": "Devart.Data.PostgreSql",
            "nodeType": 1,
            "sharedPersistence": True,
            "requiresBootstrap": False,
            "singleNodeOnly": False,
            "schemaPath": "About",
        }
        if self.site.switches.about_simulator == "yes":
            clock = self.site.clock
            about |= {"simulator": True, "simulatedNow": iso(clock.now())}
            about["simulatedSpeed"] = clock.speed
        return json_answer(about)

    def _description(self, call: Call) -> Answer:
        lines = [f"{method} /qrs/{path}" for method, path in self._singles]
        for path in self.collections:
            lines += [
                f"GET /qrs/{path}?filter={{filter}}&orderby={{orderby}}&privileges={{privileges}}",
                f"GET /qrs/{path}/full?filter={{filter}}&orderby={{orderby}}",
                f"GET /qrs/{path}/count?filter={{filter}}",
                f"GET /qrs/{path}/{{id}}",
                f"POST /qrs/{path}/table?filter={{filter}}&skip={{skip}}&take={{take}}",
                f"DELETE /qrs/{path}/{{id}}",
            ]
        method = call.params.get("method", "").upper()
        return json_answer([line for line in lines if line.startswith(method)])

    def _ping(self, _call: Call) -> Answer:
        if self.site.switches.ping_body == "text":
            return Answer(200, b"Ping successful", content_type=TEXT_TYPE)
        return json_answer({"value": "Ping successful"})


_SEAT_KINDS = frozenset(kind.value for kind in SeatType)


def _path(kind: str) -> str:
    return kind if kind in _PLAIN_DOCUMENTS else f"license/{kind}"


def _collections(site: Site, shapes: Shapes) -> Mapping[str, Collection]:
    found: dict[str, Collection] = {"user": UserTable(site, shapes)}
    for kind in SeatType:
        found[f"license/{kind}accesstype"] = SeatTable(site, shapes, kind)
        found[f"license/{kind}accessusage"] = UsageTable(site, shapes, kind)
    for name in TEMPLATES:
        found[_path(name)] = DocumentTable(site, name)
    found["license/analyzertimeaccesstype"] = CapacityTable(site, "analyzertimeaccesstype")
    found["license/analyzertimeaccessusage"] = CapacityUsageTable(site, shapes)
    found["license/loginaccessusage"] = EmptyTable(site)
    return found
