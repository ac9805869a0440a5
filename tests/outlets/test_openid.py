"""What is believed of a provider of OpenID Connect, and what is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey, RSAKey

from openid_provider import BACK, CLIENT, SECRET, RunningProvider, a_provider
from seatkeeper.errors import ProviderSilent, SignInError
from seatkeeper.outlets.openid import Client, Expected, Journey, OpenIdProvider, claims_of

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
KEYS = KeySet([KEY]).as_dict(private=False)
EXPECTED = Expected("https://login.example.com", "seatkeeper", "a-nonce")
GOOD = {
    "iss": "https://login.example.com",
    "aud": "seatkeeper",
    "sub": "u-1",
    "nonce": "a-nonce",
    "iat": int(NOW.timestamp()),
    "exp": int((NOW + timedelta(minutes=5)).timestamp()),
}


def a_token(key: Any = KEY, algorithm: str = "RS256", **changes: object) -> dict[str, str]:
    """Sign the good claims, some of them changed or (None) left out."""
    claims = {k: v for k, v in {**GOOD, **changes}.items() if v is not None}
    header = {"alg": algorithm, "kid": "one"}
    return {"id_token": jwt.encode(header, claims, key, algorithms=[algorithm])}


def test_a_token_that_holds_is_believed() -> None:
    claims = claims_of(a_token(groups=["BI"]), KEYS, EXPECTED, NOW)

    assert (claims["sub"], claims["groups"]) == ("u-1", ["BI"])


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://login.example.org"},
        {"iss": None},
        {"aud": "another-console"},
        {"aud": None},
        {"aud": ["seatkeeper", "another-console"], "azp": "another-console"},
        {"nonce": "another-nonce"},
        {"nonce": None},
        {"sub": None},
        {"exp": int((NOW - timedelta(minutes=2)).timestamp())},
        {"exp": None},
        {"iat": int((NOW + timedelta(minutes=5)).timestamp())},
    ],
)
def test_a_token_for_another_purpose_or_time_is_not(changes: dict[str, object]) -> None:
    with pytest.raises(JoseError):
        claims_of(a_token(**changes), KEYS, EXPECTED, NOW)


def test_a_token_of_a_stranger_is_not() -> None:
    stranger = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})

    with pytest.raises(JoseError):
        claims_of(a_token(stranger), KEYS, EXPECTED, NOW)


def test_a_token_signed_with_what_everybody_knows_is_not() -> None:
    known = OctKey.import_key("seatkeeper-and-some-more-to-be-long", {"kid": "one"})

    with pytest.raises((JoseError, ValueError)):
        claims_of(a_token(known, "HS256"), KEYS, EXPECTED, NOW)


def test_a_token_without_a_signature_is_not() -> None:
    unsigned = a_token()["id_token"].split(".")
    unsigned[0], unsigned[2] = "eyJhbGciOiJub25lIiwia2lkIjoib25lIn0", ""

    with pytest.raises((JoseError, ValueError)):
        claims_of({"id_token": ".".join(unsigned)}, KEYS, EXPECTED, NOW)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProvider]:
    users = {"ada": {"sub": "u-1", "groups": ["BI"]}}
    with a_provider(tmp_path_factory.mktemp("provider"), users) as running:
        yield running


def a_client(there: RunningProvider, **changes: Any) -> OpenIdProvider:
    client = Client(there.issuer, CLIENT, SECRET, ("openid", "groups"), there.ca_file)
    return OpenIdProvider(replace(client, **changes), lambda: datetime.now(UTC))


async def code_of(there: RunningProvider, url: str) -> str:
    return (await there.visit(url, "ada")).params["code"]


async def test_the_whole_way_ends_with_claims(there: RunningProvider) -> None:
    provider = a_client(there)
    url, journey = await provider.begin(BACK)

    claims = await provider.finish(BACK, journey, await code_of(there, url))

    assert (claims["iss"], claims["sub"], claims["groups"]) == (there.issuer, "u-1", ["BI"])


@pytest.mark.parametrize("stolen", ["verifier", "nonce"])
async def test_a_stolen_code_is_worth_nothing_without_what_began_the_way(
    there: RunningProvider, stolen: str
) -> None:
    provider = a_client(there)
    url, journey = await provider.begin(BACK)
    other = replace(journey, **{stolen: "x" * 64})

    with pytest.raises(SignInError) as refused:
        await provider.finish(BACK, other, await code_of(there, url))

    assert not isinstance(refused.value, ProviderSilent)


async def test_keys_that_have_changed_are_read_anew(there: RunningProvider) -> None:
    provider = a_client(there)
    url, journey = await provider.begin(BACK)
    assert provider._known is not None
    provider._known = replace(provider._known, keys=KEYS)

    claims = await provider.finish(BACK, journey, await code_of(there, url))

    assert claims["sub"] == "u-1"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("https://127.0.0.1:9", "cannot be asked (ConnectError)"),
        ("https://localhost:{port}", "the description of another provider"),
        ("https://127.0.0.1:{port}/elsewhere", "cannot be asked (HTTPStatusError)"),
    ],
)
async def test_a_provider_that_is_not_there_or_is_another_is_told(
    there: RunningProvider, address: str, says: str
) -> None:
    port = there.issuer.rpartition(":")[2]

    with pytest.raises(ProviderSilent, match=says.replace("(", r"\(").replace(")", r"\)")):
        await a_client(there, issuer=address.format(port=port)).begin(BACK)


async def test_a_certificate_of_an_unknown_authority_is_not_believed(
    there: RunningProvider,
) -> None:
    with pytest.raises(ProviderSilent, match="ConnectError"):
        await a_client(there, ca_file=None).begin(BACK)


def test_no_secret_stands_in_what_is_shown_of_a_client() -> None:
    assert SECRET not in repr(Client("https://login.example.com", CLIENT, SECRET))


async def test_a_journey_is_another_each_time(there: RunningProvider) -> None:
    provider = a_client(there)
    (_, first), (_, second) = await provider.begin(BACK), await provider.begin(BACK)

    parts = [getattr(j, name) for j in (first, second) for name in Journey.__slots__]
    assert len(set(parts)) == 6
