"""A person asks the engine for a run, or for seats back; only what was taken can be asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from flow_world import JANE, World, a_world
from seatkeeper.core.record import Actor
from seatkeeper.core.request import Request, RequestKind, RequestState, WhatToUndo
from seatkeeper.errors import UsageError
from seatkeeper.flow.ask import Asked, ask_run, ask_undo
from seatkeeper.flow.returnable import seats_to_give_back


@dataclass
class Queue:
    """Where requests are put."""

    put: list[Request] = field(default_factory=list)

    async def ask(
        self, kind: RequestKind, site: str, payload: Mapping[str, Any], actor: Actor, now: datetime
    ) -> Request:
        number = len(self.put) + 1
        self.put.append(Request(number, kind, site, payload, actor, now, RequestState.QUEUED))
        return self.put[-1]


async def applied(seats: int = 3) -> tuple[World, str]:
    world = a_world(seats)
    stored = await world.plan()
    await world.apply(stored)
    return world, stored.plan.plan_id


async def asked(world: World, what: WhatToUndo, site: str | None = None) -> list[Request]:
    """Ask as Jane."""
    plans = world.process().records.plans
    return await ask_undo(what, plans, Queue(), Asked(JANE, world.clock.now()), site)


async def test_a_run_is_asked_for_in_the_name_of_who_asks() -> None:
    world = a_world()

    request = await ask_run("prod", Queue(), Asked(JANE, world.clock.now()))

    assert (request.kind, request.site, request.actor) == (RequestKind.RUN, "prod", JANE)


async def test_every_seat_of_a_plan_is_asked_back_by_one_request() -> None:
    world, plan_id = await applied()

    (request,) = await asked(world, WhatToUndo(plan=plan_id, reason="a mistake"))

    assert request.payload == {"plan": plan_id, "reason": "a mistake"}
    assert (request.site, request.actor) == ("prod", JANE)


async def test_one_seat_is_asked_back_with_whose_it_was() -> None:
    world, plan_id = await applied()
    (seat, *_) = await world.process().records.plans.released(plan_id=plan_id)

    (request,) = await asked(world, WhatToUndo(plan=plan_id, seat=seat.allocation_id))

    assert request.payload == {
        "plan": plan_id,
        "seat": seat.allocation_id,
        "user": seat.user,
    }


async def test_one_seat_is_one_seat_and_one_person_of_a_plan_only_theirs() -> None:
    world, plan_id = await applied()
    plans = world.process().records.plans
    (seat, *_) = await plans.released(plan_id=plan_id)

    of_seat = await seats_to_give_back(plans, WhatToUndo(plan=plan_id, seat=seat.allocation_id))
    of_both = await seats_to_give_back(plans, WhatToUndo(plan=plan_id, user=seat.user.upper()))
    of_plan = await seats_to_give_back(plans, WhatToUndo(plan=plan_id))

    assert of_seat == of_both == {"prod": [seat]}
    assert len(of_plan["prod"]) == 3


@pytest.mark.parametrize(
    ("what", "site", "said"),
    [
        (WhatToUndo(user=r"EXAMPLE\nobody"), None, r"no seat of EXAMPLE\\nobody that"),
        (WhatToUndo(user=r"EXAMPLE\u0"), "test", r"no seat of EXAMPLE\\u0 on test"),
        (WhatToUndo(plan="p", seat="s"), None, "no seat of seat s of plan p"),
    ],
)
async def test_what_was_not_taken_cannot_be_asked_back(
    what: WhatToUndo, site: str | None, said: str
) -> None:
    world, _ = await applied()

    with pytest.raises(UsageError, match=said):
        await asked(world, what, site)
