"""Certificates are renewed while the daemon lives, or come late: both are taken up."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from qrs_pki import Pair, Pki
from qrs_rows import MakeClient
from qrs_stand_in import jsons, stand_in
from seatkeeper.errors import NeverSent, QrsError
from seatkeeper.qrs.reader import SiteReader


def put(pair: Pair, folder: Path, moment: int) -> dict[str, Path]:
    """Write a certificate and its key as an upgrade would, at that moment."""
    files = {"cert_file": folder / "client.pem", "key_file": folder / "client_key.pem"}
    for source, target in zip((pair.cert, pair.key), files.values(), strict=True):
        shutil.copyfile(source, target)
        os.utime(target, (moment, moment))
    return files


async def test_a_renewed_certificate_is_taken_up_without_a_restart(
    pki: Pki, a_client: MakeClient, tmp_path: Path
) -> None:
    files = put(pki.client_expired, tmp_path, 1_000)
    async with stand_in(pki) as site, a_client(site, **files) as client:
        site.on("/user/count", jsons({"value": 3}))
        with pytest.raises(QrsError):
            await SiteReader(client).count_users()

        put(pki.client, tmp_path, 2_000)
        await client.refresh()

        assert await SiteReader(client).count_users() == 3


async def test_a_renewed_certificate_that_is_no_good_leaves_the_old_one_in_use(
    pki: Pki, a_client: MakeClient, tmp_path: Path
) -> None:
    files = put(pki.client, tmp_path, 1_000)
    async with stand_in(pki) as site, a_client(site, **files) as client:
        site.on("/user/count", jsons({"value": 3}), jsons({"value": 4}))
        assert await SiteReader(client).count_users() == 3

        files["cert_file"].write_text("half a certificate")
        with pytest.raises(NeverSent, match="holds no PEM certificate"):
            await client.refresh()

        assert await SiteReader(client).count_users() == 4


async def test_a_certificate_that_was_missing_at_the_start_is_taken_up_when_it_comes(
    pki: Pki, a_client: MakeClient, tmp_path: Path
) -> None:
    files = {"cert_file": tmp_path / "client.pem", "key_file": tmp_path / "client_key.pem"}
    async with stand_in(pki) as site:
        site.on("/user/count", jsons({"value": 3}))
        client = a_client(site, **files)
        with pytest.raises(NeverSent, match="cannot be read"):
            await client.__aenter__()
        with pytest.raises(NeverSent, match="cannot be read"):
            await SiteReader(client).count_users()

        put(pki.client, tmp_path, 1_000)

        assert await SiteReader(client).count_users() == 3
        await client.__aexit__(None, None, None)
