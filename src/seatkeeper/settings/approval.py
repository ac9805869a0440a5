"""`approval`: what it takes for a person to approve a plan."""

from __future__ import annotations

from pydantic import Field

from seatkeeper.settings.part import Part
from seatkeeper.settings.values import YesNo


class ApprovalSettings(Part):
    """What it takes for a person to approve a plan."""

    four_eyes: YesNo = Field(
        default=False,
        description="Whether somebody else has to approve a plan than who asked for it or left"
        " seats out of it; a plan made on schedule was asked for by nobody; mode `auto` asks no"
        " person; default false.",
    )
