"""The door to the database: plans, the ledger, history, control, leases; every query has a name."""

from __future__ import annotations

from seatkeeper.core.request import Request, RequestKind, RequestState
from seatkeeper.store.answers import Answer, Claim, Claimed
from seatkeeper.store.chain import Head
from seatkeeper.store.checks import ChainState, LedgerCheck
from seatkeeper.store.cycles import CycleState
from seatkeeper.store.held import Held
from seatkeeper.store.history import LastReading
from seatkeeper.store.jobs import Holder, JobState
from seatkeeper.store.leases import Leases
from seatkeeper.store.ledger import Ledger
from seatkeeper.store.listed import PlanQuery, RequestQuery, RunQuery
from seatkeeper.store.opening import Store, StoreFacts, open_store
from seatkeeper.store.owner import Owner
from seatkeeper.store.searching import LedgerPage, LedgerQuery
from seatkeeper.store.verify import Verified

__all__ = [
    "Answer",
    "ChainState",
    "Claim",
    "Claimed",
    "CycleState",
    "Head",
    "Held",
    "Holder",
    "JobState",
    "LastReading",
    "Leases",
    "Ledger",
    "LedgerCheck",
    "LedgerPage",
    "LedgerQuery",
    "Owner",
    "PlanQuery",
    "Request",
    "RequestKind",
    "RequestQuery",
    "RequestState",
    "RunQuery",
    "Store",
    "StoreFacts",
    "Verified",
    "open_store",
]
