"""As whom and with what headers Seatkeeper comes."""

from __future__ import annotations

import pytest

from qrs_rows import MakeClient, MakeConnection, a_guid
from qrs_stand_in import StandIn, jsons, nothing
from seatkeeper.core.model import LicenseType
from seatkeeper.qrs.hands import Granter, Releaser
from seatkeeper.qrs.reader import SiteReader


@pytest.mark.parametrize(
    ("user", "header"),
    [
        ("INTERNAL\\sa_api", "UserDirectory=INTERNAL; UserId=sa_api"),
        ("EXAMPLE\\anna.berg", "UserDirectory=EXAMPLE; UserId=anna.berg"),
        ("ÖST\\Åsa Öberg", "UserDirectory=%C3%96ST; UserId=%C3%85sa%20%C3%96berg"),
        ("A;B\\c=d;UserId=root", "UserDirectory=A%3BB; UserId=c%3Dd%3BUserId%3Droot"),
        ("EXAMPLE\\a\\b%41", "UserDirectory=EXAMPLE; UserId=a%5Cb%2541"),
        ("EXAMPLE\\x\r\nX-Evil: 1", "UserDirectory=EXAMPLE; UserId=x%0D%0AX-Evil%3A%201"),
    ],
)
async def test_the_user_is_told_percent_encoded_on_every_request(
    site: StandIn, a_client: MakeClient, user: str, header: str
) -> None:
    site.on("/user/count", jsons({"value": 1}))
    site.on(f"/license/analyzeraccesstype/{a_guid(1)}", nothing(204))
    site.on("/license/analyzeraccesstype", jsons({"id": a_guid(2)}, 201))

    async with a_client(site, user=user) as client:
        await SiteReader(client).count_users()
        await Releaser(client).release(LicenseType.ANALYZER, a_guid(1))
        await Granter(client).grant(LicenseType.ANALYZER, a_guid(3))

    assert [a.headers["x-qlik-user"] for a in site.asked] == [header] * 3
    assert all("x-evil" not in a.headers for a in site.asked)


async def test_cookies_of_the_site_are_not_kept(site: StandIn, a_client: MakeClient) -> None:
    site.on("/user/count", jsons({"value": 1}, Set_Cookie="X-Qlik-Session=abc; Path=/"))

    async with a_client(site) as client:
        for _ in range(2):
            await SiteReader(client).count_users()

    assert all("cookie" not in a.headers for a in site.asked)


async def test_a_proxy_of_the_environment_is_not_used(
    site: StandIn, a_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    site.on("/user/count", jsons({"value": 1}))

    async with a_client(site) as client:
        assert await SiteReader(client).count_users() == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://sense:4242/qrs",
        "sense:4242/qrs",
        "https:///qrs",
        "https://sense:4242/qrs?x=1",
        "https://sense:4242/qrs#top",
        "https://sense:99999/qrs",
        "https://sense:port/qrs",
        "https://anna:hunter2@sense:4242/qrs",
    ],
)
def test_an_address_that_cannot_be_right_is_refused(a_connection: MakeConnection, url: str) -> None:
    with pytest.raises(ValueError, match="is not an address") as caught:
        a_connection(url)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("user", ["sa_api", "\\sa_api", "INTERNAL\\", ""])
def test_a_user_without_directory_or_id_is_refused(a_connection: MakeConnection, user: str) -> None:
    with pytest.raises(ValueError, match="is not written as"):
        a_connection("https://sense:4242/qrs", user=user)


def test_a_connection_without_requests_in_flight_is_refused(a_connection: MakeConnection) -> None:
    with pytest.raises(ValueError, match="above zero"):
        a_connection("https://sense:4242/qrs", concurrency=0)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://sense:4242/qrs/", "https://sense:4242/qrs"),
        ("https://Sense.Example.com/vp/qrs", "https://sense.example.com/vp/qrs"),
        ("https://bücher.example:4242/qrs", "https://xn--bcher-kva.example:4242/qrs"),
        ("https://[::1]:4242/qrs", "https://[::1]:4242/qrs"),
    ],
)
def test_the_address_is_written_in_ascii_without_a_slash_at_its_end(
    a_connection: MakeConnection, url: str, base: str
) -> None:
    assert a_connection(url).base == base
