"""`/`: whether today is a good day, and what waits."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from seatkeeper.web.frame import chosen_site, frame_of
from seatkeeper.web.reach import READS
from seatkeeper.web.render import page
from seatkeeper.web.views.overview import overview_of, title_of
from seatkeeper.web.who import desk_of

router = APIRouter()


@router.get("/", response_class=HTMLResponse)
async def overview(
    request: Request,
    visitor: READS,
    site: str | None = None,
) -> Response:
    """Show every site at a glance, or one of them closely; without a name all of them."""
    desk = desk_of(request)
    frame = await frame_of(request, visitor, "overview", chosen_site(desk, visitor, site or "all"))
    seen = await overview_of(desk, frame)
    return page(request, "overview.html", {"frame": frame, "seen": seen, "title_of": title_of})
