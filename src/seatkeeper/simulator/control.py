"""The control door of a simulated site: what tests of real processes do to it while it serves.

Open only when the options say so, on the same port and with the same certificate as QRS.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from seatkeeper.simulator.answers import Answer, bad_request, json_answer, not_found
from seatkeeper.simulator.collection import read_object
from seatkeeper.simulator.faults import Faults
from seatkeeper.simulator.moments import DAY, iso, parse_ms
from seatkeeper.simulator.requestlog import RequestLog
from seatkeeper.simulator.rows import Document, SeatType
from seatkeeper.simulator.site import Site
from seatkeeper.simulator.switches import Switches
from seatkeeper.simulator.verbs import Call

_FLAGS = {
    "inactive": "inactive",
    "removedExternally": "removed",
    "blacklisted": "blocked",
    "deleteProhibited": "delete_prohibited",
}

DOOR = {
    "GET /sim/requests": "The requests that came in, with what became of each; DELETE clears them.",
    "GET /sim/clock": "The site's `now`, its `speed`, and how far it is ahead of the machine's.",
    "POST /sim/clock": "`to` a date or `days` on: people live until then; `speed`: 0 stands still.",
    "POST /sim/advance": "`to` or `days`; `keep_clock`: what was becomes older, the clock stands.",
    "POST /sim/license": "`valid_to`: the license ends with that day.",
    "POST /sim/excess": "`type` and `total`: so many seats are granted from now on.",
    "POST /sim/faults": "`faults`: a list in place of those that strike now.",
    "POST /sim/switches": "`switches`: a list of NAME=VALUE.",
    "POST /sim/touch": "`allocation_id`, `at`, `usage_only`: a seat is used.",
    "POST /sim/login": "`user`, `at`: somebody opens the hub; `result` says how it went.",
    "POST /sim/user": "`user` with flags, `tags`, or `delete`.",
}


class Served(Protocol):
    """What the door needs of the running simulator."""

    site: Site
    requests: RequestLog

    def set_faults(self, faults: Faults) -> None:
        """Let other things go wrong from now on."""

    def set_switches(self, switches: Switches) -> None:
        """Let the site show other behaviours from now on."""

    def advance(self, to: int) -> None:
        """Move the site's clock to a moment and let people live until then."""

    def let_pass(self, ms: int) -> None:
        """Let time pass for the people while the clock stands."""

    def qrs(self, call: Call) -> Answer:
        """Carry out a QRS request without HTTP."""
        ...


class ControlDoor:
    """Answers the calls below /sim."""

    def __init__(self, simulator: Served) -> None:
        self._simulator = simulator
        self._posts: dict[str, Callable[[Document], Any]] = {
            "faults": self._faults,
            "switches": self._switches,
            "advance": self._advance,
            "clock": self._clock,
            "license": self._license,
            "touch": self._touch,
            "login": self._login,
            "user": self._user,
            "excess": self._excess,
        }

    def answer(self, method: str, segments: list[str], body: bytes) -> Answer:
        """Answer one call; what cannot be meant is a 400 that says why."""
        name = "/".join(segments)
        if (method, name) == ("GET", "requests"):
            return json_answer(self._simulator.requests.as_json())
        if (method, name) == ("DELETE", "requests"):
            self._simulator.requests.clear()
            return Answer(204)
        if (method, name) == ("GET", "clock"):
            return json_answer(self._shown())
        if method != "POST" or name not in self._posts:
            raise not_found()
        try:
            return json_answer(self._posts[name](read_object(body)))
        except (KeyError, TypeError, ValueError) as error:
            raise bad_request(f"{name}: {error}") from error

    def _faults(self, body: Document) -> Document:
        self._simulator.set_faults(Faults.parse(body["faults"]))
        return {"faults": body["faults"]}

    def _switches(self, body: Document) -> Document:
        self._simulator.set_switches(self._simulator.site.switches.altered(body["switches"]))
        return {"switches": body["switches"]}

    def _advance(self, body: Document) -> Document:
        site = self._simulator.site
        passed = int(float(body.get("days", 0)) * DAY)
        if passed < 0:
            raise ValueError("days: time passes forward only")
        if body.get("keep_clock") is True:
            self._simulator.let_pass(passed)
        else:
            to = parse_ms(body["to"]) if "to" in body else site.clock.now() + passed
            self._simulator.advance(to)
        return {"now": iso(site.clock.now())}

    def _clock(self, body: Document) -> Document:
        """Move the clock forward to a moment or by days, and let it go at another speed."""
        clock = self._simulator.site.clock
        if not body.keys() & {"to", "days", "speed"}:
            raise ValueError("say to, days or speed")
        if "speed" in body:
            clock.run(float(body["speed"]))
        if "to" in body or "days" in body:
            now = clock.now()
            to = parse_ms(body["to"]) if "to" in body else now + int(float(body["days"]) * DAY)
            if to < now:
                raise ValueError("time passes forward only")
            self._simulator.advance(to)
        return self._shown()

    def _shown(self) -> Document:
        clock = self._simulator.site.clock
        return {"now": iso(clock.now()), "speed": clock.speed, "ahead_ms": clock.offset}

    def _license(self, body: Document) -> Document:
        site = self._simulator.site
        site.renew_license(parse_ms(body["valid_to"]))
        return {"validTo": iso(site.records.facts.valid_to), "expired": site.expired()}

    def _touch(self, body: Document) -> Document:
        site = self._simulator.site
        at = parse_ms(body["at"]) if "at" in body else site.clock.now()
        seat = site.records.find_seat(str(body["allocation_id"]))
        site.use(seat, at, usage_only=bool(body.get("usage_only", False)))
        return {"id": seat.id, "lastUsed": iso(seat.last_used), "activity": iso(seat.activity)}

    def _login(self, body: Document) -> Document:
        site = self._simulator.site
        at = parse_ms(body["at"]) if "at" in body else None
        return {"result": site.login(self._simulator.site.records.find_user(str(body["user"])), at)}

    def _user(self, body: Document) -> Document:
        site, user = self._simulator.site, self._simulator.site.records.find_user(str(body["user"]))
        if body.get("delete") is True:
            site.delete_user(user)
            return {"id": user.id, "deleted": True}
        for name, attribute in _FLAGS.items():
            if name in body:
                setattr(user, attribute, bool(body[name]))
        if "tags" in body:
            user.tags = tuple(self._tag(name) for name in body["tags"])
        user.modified = site.clock.now()
        site.records.save_user(user)
        site.keep()
        return {"id": user.id}

    def _tag(self, name: str) -> str:
        site = self._simulator.site
        for key, tag in site.records.documents["tag"].items():
            if tag["name"].casefold() == name.casefold():
                return key
        made = self._simulator.qrs(Call("POST", ["tag"], body=b'{"name": "%s"}' % name.encode()))
        return str(read_object(made.body)["id"])

    def _excess(self, body: Document) -> Document:
        kind = SeatType(body["type"])
        self._simulator.site.set_total(kind, int(body["total"]))
        return {"excess": len(self._simulator.site.records.locked_out[kind])}
