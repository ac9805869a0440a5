"""Which fault strikes which request: counts matching requests and picks what goes wrong.

Only chooses; closing connections and waiting is done where the request is served.
"""

from __future__ import annotations

from dataclasses import dataclass

from seatkeeper.simulator.faults import WHOLE_SITE, Fault, FaultKind, Faults

_WRITES = frozenset({"DELETE", "POST", "PUT"})


@dataclass(slots=True)
class _Armed:
    fault: Fault
    seen: int = 0

    def strikes(self, method: str, path: str) -> bool:
        fault = self.fault
        if not fault.concerns(method, path):
            return False
        if fault.kind is FaultKind.LOST and not fault.method and method not in _WRITES:
            return False
        if fault.kind is FaultKind.IGNORE_DELETE and method != "DELETE":
            return False
        self.seen += 1
        if self.seen <= fault.after:
            return False
        number = self.seen - fault.after
        return number % fault.every == 0 and (not fault.first or number <= fault.first)


class Disturbance:
    """The faults of a running site with the count of requests that each has seen."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._armed = [_Armed(fault) for fault in faults.items if fault.kind not in WHOLE_SITE]

    def strike(self, method: str, path: str) -> dict[FaultKind, Fault]:
        """Say what goes wrong with this request; of each kind the fault named last counts."""
        if not self._armed:
            return {}
        struck: dict[FaultKind, Fault] = {}
        for armed in self._armed:
            if armed.strikes(method, path):
                fault = _usage_as_plain(armed.fault)
                struck[fault.kind] = fault
        return struck


def _usage_as_plain(fault: Fault) -> Fault:
    if fault.kind is not FaultKind.USAGE or fault.value == "empty":
        return fault
    if fault.value == "hang":
        return Fault(FaultKind.HANG, "before")
    return Fault(FaultKind.STATUS, fault.value)
