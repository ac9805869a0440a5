"""`/cost`: what seats cost, what of it lies idle, what releases save, and who pays."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from seatkeeper.core.roles import Permission
from seatkeeper.web.frame import chosen_site, frame_of
from seatkeeper.web.render import page
from seatkeeper.web.views.cost import cost_view
from seatkeeper.web.views.pools import capacity_of
from seatkeeper.web.who import Visitor, desk_of, needs

router = APIRouter()


@router.get("/cost", response_class=HTMLResponse)
async def cost(
    request: Request,
    visitor: Annotated[Visitor, Depends(needs(Permission.READ))],
    site: str | None = None,
) -> Response:
    """Show the money of a site, or of all that the visitor may see."""
    desk = desk_of(request)
    frame = await frame_of(request, visitor, "cost", chosen_site(desk, visitor, site))
    about = frame.sites if frame.site is None else (frame.site,)
    summaries = await desk.store.summaries.all()
    since = (frame.now - timedelta(days=60)).date()
    capacity = [
        (name, view, await desk.store.past.capacity_days(name, since))
        for name in about
        if name in summaries
        and (view := capacity_of(summaries[name].capacity, frame.now)) is not None
    ]
    everything = visitor.identity.may(Permission.READ)
    money = await cost_view(desk, about, everything=everything)
    values = {"frame": frame, "view": money, "capacity": capacity}
    return page(request, "cost.html", values)
