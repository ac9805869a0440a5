"""`/cost`: what seats cost, what of it lies idle, what releases save, and who pays."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from seatkeeper.core.roles import Permission
from seatkeeper.web.frame import chosen_site, frame_of
from seatkeeper.web.reach import READS
from seatkeeper.web.render import page
from seatkeeper.web.views.cost import cost_view
from seatkeeper.web.views.pools import capacity_of
from seatkeeper.web.who import desk_of

router = APIRouter()


@router.get("/cost", response_class=HTMLResponse)
async def cost(
    request: Request,
    visitor: READS,
    site: str | None = None,
) -> Response:
    """Show the money of a site, or of all that the visitor may see."""
    desk = desk_of(request)
    frame = await frame_of(request, visitor, "cost", chosen_site(desk, visitor, site))
    about = frame.about
    summaries = frame.summaries
    since = (frame.now - timedelta(days=60)).date()
    capacity = [
        (name, view, await desk.store.past.capacity_days(name, since))
        for name in about
        if name in summaries and (view := capacity_of(summaries[name], frame.now)) is not None
    ]
    everything = visitor.identity.may(Permission.READ)
    money = await cost_view(desk, about, summaries, everything=everything)
    values = {"frame": frame, "view": money, "capacity": capacity}
    return page(request, "cost.html", values)
