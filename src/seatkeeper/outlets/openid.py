"""A provider of OpenID Connect: where people are sent to sign in, and what it vouches for.

Authorization code with PKCE, state and nonce; description and keys are read from the provider.
Nothing that the provider sends is believed before issuer, audience, times, nonce and signature
have been checked. No code, token or secret is in a message or a log.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from seatkeeper.errors import ProviderSilent, SignInError

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

ALGORITHMS = (
    *("ES256", "ES384", "ES512", "EdDSA"),
    *("PS256", "PS384", "PS512", "RS256", "RS384", "RS512"),
)
"""Signatures with a key that only the provider has: not `none`, and no shared secret."""

PATIENCE = 8.0
"""Seconds for everything that one page asks of the provider."""

FRESH = timedelta(hours=1)
"""So long the provider's description and keys are believed without another look."""

LEEWAY = 60
"""Seconds by which the clocks of provider and console may differ."""


@dataclass(frozen=True, slots=True)
class Client:
    """How the provider knows the console; without a secret it is a public client."""

    issuer: str
    client_id: str
    secret: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ("openid", "profile")
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Journey:
    """What one person's way to the provider and back is held together by; all of it is secret."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class _Described:
    about: Mapping[str, Any]
    keys: Any
    at: datetime


class OpenIdProvider:
    """One provider. Its description and keys are read when they are first needed."""

    def __init__(self, client: Client, now: Callable[[], datetime]) -> None:
        self._client, self._now = client, now
        self._known: _Described | None = None

    async def begin(self, back: str) -> tuple[str, Journey]:
        """Return where to send somebody and what to keep for their return; `back` is our address.

        Raises ProviderSilent.
        """
        journey = Journey(*(secrets.token_urlsafe(n) for n in (24, 24, 48)))
        async with _patiently(self._client.issuer), self._caller() as caller:
            described = await self._described(caller)
            url, _ = caller.create_authorization_url(
                described.about["authorization_endpoint"],
                state=journey.state,
                nonce=journey.nonce,
                code_verifier=journey.verifier,
                redirect_uri=back,
            )
        return str(url), journey

    async def finish(self, back: str, journey: Journey, code: str) -> Mapping[str, Any]:
        """Return what the provider vouches for, for the code that somebody came back with.

        Raises ProviderSilent, and SignInError when its word does not hold.
        """
        async with _patiently(self._client.issuer), self._caller() as caller:
            described = await self._described(caller)
            if _wants_post(described.about) and self._client.secret is not None:
                caller.token_endpoint_auth_method = "client_secret_post"  # noqa: S105 - a method
            token = await caller.fetch_token(
                described.about["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=journey.verifier,
                redirect_uri=back,
            )
            claims = await self._checked(caller, described, token, journey.nonce)
            return await _with_user_info(caller, described.about, claims)

    def _caller(self) -> AsyncOAuth2Client:
        # Loaded where somebody signs in this way, not by every command.
        from authlib.integrations.httpx_client import AsyncOAuth2Client  # noqa: PLC0415

        client = self._client
        return AsyncOAuth2Client(
            client_id=client.client_id,
            client_secret=client.secret,
            token_endpoint_auth_method="client_secret_basic" if client.secret else "none",
            scope=" ".join(client.scopes),
            code_challenge_method="S256",
            verify=ssl.create_default_context(cafile=client.ca_file),
            timeout=PATIENCE,
        )

    async def _described(self, caller: AsyncOAuth2Client, *, anew: bool = False) -> _Described:
        known = self._known
        if known is not None and not anew and self._now() - known.at < FRESH:
            return known
        issuer = self._client.issuer
        about = await _json(caller, f"{issuer}/.well-known/openid-configuration")
        if str(about.get("issuer", "")).rstrip("/") != issuer:
            raise ProviderSilent(f"what stands at {issuer} is the description of another provider")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            _require_safe(issuer, name, about.get(name))
        keys = await _json(caller, about["jwks_uri"])
        self._known = _Described(about, keys, self._now())
        return self._known

    async def _checked(
        self, caller: AsyncOAuth2Client, described: _Described, token: Any, nonce: str
    ) -> Mapping[str, Any]:
        from joserfc.errors import InvalidKeyIdError, JoseError  # noqa: PLC0415 - as in _caller

        expected = Expected(str(described.about["issuer"]), self._client.client_id, nonce)
        try:
            try:
                return claims_of(token, described.keys, expected, self._now())
            except InvalidKeyIdError:
                # The provider may have changed its keys since they were read.
                described = await self._described(caller, anew=True)
                return claims_of(token, described.keys, expected, self._now())
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise SignInError(
                f"the provider's word does not hold ({type(error).__name__}); sign in again, and if"
                " it stays so, compare client_id, issuer and the clocks of both sides"
            ) from None


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token has to say to be meant for us, now, by this provider."""

    issuer: str
    client_id: str
    nonce: str


def claims_of(
    token: Mapping[str, Any], keys: Any, expected: Expected, now: datetime
) -> Mapping[str, Any]:
    """Return the claims of an ID token whose signature, issuer, audience, times and nonce hold.

    Raises errors of joserfc, or KeyError, TypeError and ValueError for what is no token at all.
    """
    from authlib.oidc.core import CodeIDToken  # noqa: PLC0415 - as in _caller
    from joserfc import jwt  # noqa: PLC0415
    from joserfc.jwk import KeySet  # noqa: PLC0415

    read = jwt.decode(token["id_token"], KeySet.import_key_set(keys), algorithms=list(ALGORITHMS))
    options: Any = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
        "sub": {"essential": True},
        "exp": {"essential": True},
    }
    params = {
        "nonce": expected.nonce,
        "client_id": expected.client_id,
        "access_token": token.get("access_token"),
    }
    claims = CodeIDToken(read.claims, read.header, options, params)
    claims.validate(now=int(now.timestamp()), leeway=LEEWAY)
    return dict(claims)


async def _with_user_info(
    caller: AsyncOAuth2Client, about: Mapping[str, Any], claims: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Add what the provider tells at its own address only; the token's word goes first."""
    address = about.get("userinfo_endpoint")
    if not address:
        return claims
    _require_safe(str(about["issuer"]), "userinfo_endpoint", address)
    answer = await caller.get(address)
    if answer.status_code != 200 or "json" not in answer.headers.get("content-type", ""):
        return claims
    more = answer.json()
    if not isinstance(more, dict) or more.get("sub") != claims["sub"]:
        raise SignInError("the provider tells of two different people; nobody was signed in")
    return {**more, **claims}


async def _json(caller: AsyncOAuth2Client, address: str) -> dict[str, Any]:
    answer = await caller.request("GET", address, withhold_token=True)
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise ProviderSilent(f"what stands at {address} is no description of a provider")
    return found


def _require_safe(issuer: str, name: str, address: object) -> None:
    """Raise ProviderSilent for an address without TLS, unless the provider is on this machine."""
    scheme = urlsplit(address).scheme if isinstance(address, str) else ""
    if scheme != "https" and not (scheme == "http" and urlsplit(issuer).scheme == "http"):
        raise ProviderSilent(f"the description at {issuer} has no {name} with https")


def _wants_post(about: Mapping[str, Any]) -> bool:
    methods = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return "client_secret_basic" not in methods and "client_secret_post" in methods


@contextlib.asynccontextmanager
async def _patiently(issuer: str) -> AsyncIterator[None]:
    """Bound the time that a provider has, and turn every way to fail into an error of ours."""
    from authlib.integrations.base_client import OAuthError  # noqa: PLC0415 - as in _caller
    from httpx2 import HTTPError, InvalidURL  # noqa: PLC0415

    try:
        async with asyncio.timeout(PATIENCE):
            yield
    except TimeoutError:
        raise ProviderSilent(
            f"the provider at {issuer} did not answer within {PATIENCE:.0f} seconds"
        ) from None
    except OAuthError as error:
        # Its description is the provider's text and may hold anything.
        said = str(error.error or "an error")[:60]
        raise SignInError(f"the provider refused ({said}); sign in again") from None
    except (HTTPError, InvalidURL, json.JSONDecodeError, OSError) as error:
        kind = type(error).__name__
        raise ProviderSilent(f"the provider at {issuer} cannot be asked ({kind})") from None
