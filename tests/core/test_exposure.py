"""Where the console may answer, and what it says where it may not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seatkeeper.core.exposure import Exposure, comes_from, is_loopback

SAFE = Exposure("0.0.0.0:8484", tls=True, proxy=True, sign_in=True, https=True)


@pytest.mark.parametrize("listen", ["127.0.0.1:8484", "[::1]:8484", "localhost:1", "127.9.9.9:1"])
def test_on_this_machine_everything_goes(listen: str) -> None:
    bare = Exposure(listen, tls=False, proxy=False, sign_in=False, https=False)

    assert bare.refusal() is None


@pytest.mark.parametrize("listen", ["0.0.0.0:8484", "[::]:8484", "10.1.2.3:443", "seats:8484"])
@pytest.mark.parametrize(("tls", "proxy"), [(True, False), (False, True), (True, True)])
def test_beyond_it_tls_or_a_proxy_and_a_sign_in_are_enough(
    listen: str, *, tls: bool, proxy: bool
) -> None:
    assert replace(SAFE, listen=listen, tls=tls, proxy=proxy).refusal() is None


@pytest.mark.parametrize(
    ("lacking", "cures"),
    [
        (
            {"tls": False, "proxy": False},
            ("without TLS", "console.tls", "console.proxy.trusted", "127.0.0.1"),
        ),
        ({"tls": False, "https": False}, ("console.public_url", "https://seats.example.com")),
        (
            {"sign_in": False},
            ("nobody could sign in", "seatkeeper accounts add", "console.oidc", "user_header"),
        ),
    ],
)
def test_what_is_lacking_is_said_with_every_cure(
    lacking: dict[str, bool], cures: tuple[str, ...]
) -> None:
    refusal = replace(SAFE, **lacking).refusal() or ""

    assert "0.0.0.0:8484 reaches beyond this machine" in refusal
    assert [cure for cure in cures if cure not in refusal] == []


@pytest.mark.parametrize(
    ("peer", "inside"),
    [
        ("10.0.0.5", True),
        ("10.0.0.6", False),
        ("::ffff:10.0.0.5", True),
        ("fe80::1%eth0", True),
        ("2001:db8::1", False),
        ("unix", False),
        ("", False),
    ],
)
def test_a_connection_comes_from_a_named_network_or_not(peer: str, *, inside: bool) -> None:
    assert comes_from(peer, ("10.0.0.5", "fe80::/64")) is inside


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "localhost.example.com", "example"])  # noqa: S104
def test_a_name_that_only_looks_local_is_not(host: str) -> None:
    assert not is_loopback(host)
