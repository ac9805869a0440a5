"""The pages of the console, one module each; what they show is decided elsewhere."""

from __future__ import annotations

from fastapi import APIRouter

from seatkeeper.web.pages import (
    account,
    alerts,
    cost,
    ledger,
    oidc,
    overview,
    plans,
    settings,
    signing_in,
    users,
)


def routers() -> tuple[APIRouter, ...]:
    """Return the routes of every page."""
    return (
        signing_in.router,
        oidc.router,
        overview.router,
        users.router,
        plans.router,
        ledger.router,
        alerts.router,
        cost.router,
        settings.router,
        account.router,
    )
