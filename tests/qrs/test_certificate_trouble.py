"""Connections that cannot be made say why, with whose file, and what to do; never a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from qrs_pki import KEY_PASSWORD, Pki
from qrs_rows import MakeClient
from qrs_stand_in import drop, jsons, nobody_listens, says_why, stand_in
from seatkeeper.errors import NeverSent, NoAnswer, QrsError
from seatkeeper.qrs.client import QrsClient
from seatkeeper.qrs.faults import CertificateTrouble
from seatkeeper.qrs.reader import SiteReader


async def count(client: QrsClient) -> int:
    async with client:
        return await SiteReader(client).count_users()


async def test_a_key_with_its_password_works(pki: Pki, a_client: MakeClient) -> None:
    async with stand_in(pki) as site:
        site.on("/user/count", jsons({"value": 3}))
        locked = pki.client_locked
        client = a_client(
            site, cert_file=locked.cert, key_file=locked.key, key_password=KEY_PASSWORD
        )

        assert await count(client) == 3


@pytest.mark.parametrize("tls", ["1.2", "any"])
async def test_a_client_certificate_of_another_site_is_named(
    pki: Pki, a_client: MakeClient, tls: str
) -> None:
    async with stand_in(pki, tls=tls) as site:
        foreign = pki.client_foreign
        client = a_client(site, cert_file=foreign.cert, key_file=foreign.key)

        with pytest.raises(QrsError) as caught:
            await count(client)

    assert str(foreign.cert) in str(caught.value)
    assert "exported from this very site" in str(caught.value)


@pytest.mark.parametrize("tls", ["1.2", "any"])
async def test_an_expired_client_certificate_is_named_with_its_dates(
    pki: Pki, a_client: MakeClient, tls: str
) -> None:
    async with stand_in(pki, tls=tls) as site:
        expired = pki.client_expired

        with pytest.raises(QrsError, match=r"is valid from .* to .* only") as caught:
            await count(a_client(site, cert_file=expired.cert, key_file=expired.key))

    assert str(expired.cert) in str(caught.value)
    assert "tried" not in str(caught.value)


@pytest.mark.parametrize("tls", ["1.2", "any"])
async def test_the_reason_that_a_site_gives_is_told(
    pki: Pki, a_client: MakeClient, tls: str
) -> None:
    foreign = pki.client_foreign
    with says_why(pki, tls=tls) as url:
        client = a_client(url, cert_file=foreign.cert, key_file=foreign.key)

        with pytest.raises(QrsError, match=r"refused our client certificate|closed") as caught:
            await count(client)

    assert str(foreign.cert) in str(caught.value)


async def test_a_server_of_another_authority_is_refused_once(
    pki: Pki, a_client: MakeClient
) -> None:
    async with stand_in(pki) as site:
        client = a_client(site, ca_file=pki.foreign.root)

        with pytest.raises(CertificateTrouble, match="not signed by the authority in") as caught:
            await count(client)

        assert site.asked == []
    assert str(pki.foreign.root) in str(caught.value)


@pytest.mark.parametrize("verify_host_name", [True, False])
async def test_the_authority_is_verified_whatever_the_host_name_check(
    pki: Pki, a_client: MakeClient, verify_host_name: bool
) -> None:
    foreign = pki.foreign.issue("server", hosts=("localhost",))
    async with stand_in(pki, foreign) as site:
        with pytest.raises(CertificateTrouble, match="not signed by the authority"):
            await count(a_client(site, verify_host_name=verify_host_name))


async def test_a_certificate_for_another_name_tells_the_cure(
    pki: Pki, a_client: MakeClient
) -> None:
    async with stand_in(pki, pki.server_other_name) as site:
        site.on("/user/count", jsons({"value": 3}))

        with pytest.raises(CertificateTrouble, match="verify_host_name: false in sites"):
            await count(a_client(site))

        assert await count(a_client(site, verify_host_name=False)) == 3


async def test_an_expired_server_certificate_is_told(pki: Pki, a_client: MakeClient) -> None:
    async with stand_in(pki, pki.server_expired) as site:
        with pytest.raises(CertificateTrouble, match="has expired"):
            await count(a_client(site))


async def test_a_port_without_tls_is_told(pki: Pki, a_client: MakeClient) -> None:
    async with stand_in(pki, tls="none") as site:
        with pytest.raises(NeverSent, match="TLS"):
            await count(a_client(site))


async def test_nobody_listening_is_told(a_client: MakeClient) -> None:
    async with nobody_listens() as url:
        with pytest.raises(NeverSent, match="nobody listens at localhost:") as caught:
            await count(a_client(url))

    assert "tried 3 times" in str(caught.value)


async def test_an_unknown_name_is_told(a_client: MakeClient) -> None:
    with pytest.raises(NeverSent, match=r"the name no-such-host\.invalid is unknown"):
        await count(a_client("https://no-such-host.invalid:4242/qrs"))


async def test_a_drop_before_any_answer_hints_at_the_certificate(
    pki: Pki, a_client: MakeClient
) -> None:
    async with stand_in(pki) as site:
        site.on("/user/count", drop())
        with pytest.raises(NoAnswer, match="does not accept the client certificate"):
            await count(a_client(site))


MISSING = ("ca_file", "cert_file", "key_file")


@pytest.mark.parametrize("name", MISSING)
async def test_a_missing_file_is_named(a_client: MakeClient, tmp_path: Path, name: str) -> None:
    with pytest.raises(NeverSent, match=rf"the {name} .*nowhere\.pem cannot be read"):
        await count(a_client("https://localhost:1/qrs", **{name: tmp_path / "nowhere.pem"}))


@pytest.mark.parametrize("name", MISSING)
async def test_a_file_that_is_no_pem_is_named(
    a_client: MakeClient, tmp_path: Path, name: str
) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("this is no certificate")

    with pytest.raises(NeverSent, match=str(wrong)):
        await count(a_client("https://localhost:1/qrs", **{name: wrong}))


async def test_a_key_of_another_certificate_is_named(pki: Pki, a_client: MakeClient) -> None:
    with pytest.raises(NeverSent, match="does not belong to the cert_file"):
        await count(a_client("https://localhost:1/qrs", key_file=pki.client_expired.key))


@pytest.mark.parametrize(
    ("password", "words"), [(None, "is missing"), ("hunter2-secret", "is wrong")]
)
async def test_a_locked_key_is_told_without_the_password(
    pki: Pki, a_client: MakeClient, password: str | None, words: str
) -> None:
    locked = pki.client_locked
    client = a_client(
        "https://localhost:1/qrs",
        cert_file=locked.cert,
        key_file=locked.key,
        key_password=password,
    )

    with pytest.raises(NeverSent, match=f"key_password {words}") as caught:
        await count(client)

    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(client.connection)
