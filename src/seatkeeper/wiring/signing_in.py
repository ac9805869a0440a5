"""The provider of OpenID Connect that the configuration describes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from seatkeeper.outlets.openid import Client, OpenIdProvider
from seatkeeper.settings.console import ConsoleSettings


def provider_of(console: ConsoleSettings, now: Callable[[], datetime]) -> OpenIdProvider | None:
    """Return the provider, None where none is described."""
    oidc = console.oidc
    if oidc is None:
        return None
    client = Client(oidc.issuer, oidc.client_id, oidc.secret, oidc.scopes, oidc.ca_file)
    return OpenIdProvider(client, now)
