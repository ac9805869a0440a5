"""What people ask of the engine through console and commands: a run, seats given back, a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from seatkeeper.core.record import Actor


class RequestKind(StrEnum):
    """What can be asked for."""

    UNDO = "undo"
    RUN = "run"
    CHECK = "check"


class RequestState(StrEnum):
    """The life of a request."""

    QUEUED = "queued"
    TAKEN = "taken"
    DONE = "done"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will become of it."""
        return self in (RequestState.DONE, RequestState.FAILED)


@dataclass(frozen=True, slots=True)
class Request:
    """One request: what, for which site, by whom, and what became of it (`result`)."""

    id: int
    kind: RequestKind
    site: str
    payload: Mapping[str, Any]
    actor: Actor
    asked_at: datetime
    state: RequestState
    taken_at: datetime | None = None
    ended_at: datetime | None = None
    result: Mapping[str, Any] | None = None


class WhatToUndo(msgspec.Struct, frozen=True, kw_only=True):
    r"""Which seats are given back: those of a plan, of a person (`DIR\id`), or of both; or one.

    `seat` is the allocation id of one release of the plan.
    """

    plan: str | None = None
    user: str | None = None
    seat: str | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse what names nothing; raises ValueError, which msgspec turns into its own."""
        if self.plan is None and self.user is None:
            raise ValueError("a plan or a user is named")
        if self.seat is not None and self.plan is None:
            raise ValueError("a seat is named together with its plan")

    @property
    def words(self) -> str:
        """What is meant, for people."""
        if self.seat is not None:
            return f"seat {self.seat} of plan {self.plan}"
        if self.plan is not None and self.user is not None:
            return f"{self.user} in plan {self.plan}"
        return self.plan or self.user or ""
