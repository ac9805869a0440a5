"""HTTPS over a real socket: the certificate, its renewal, and what browsers are told."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import structlog

from console_world import PASSWORD, a_console, word_of
from e2e_processes import wait_until
from qrs_pki import Authority, Pair
from seatkeeper.errors import UsageError
from seatkeeper.settings.console import TlsSettings
from seatkeeper.web.certificate import Certificate
from seatkeeper.web.server import bind, serve


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "company")


def files(folder: Path, pair: Pair) -> TlsSettings:
    """Put a pair where the console looks for it."""
    shutil.copy(pair.cert, folder / "console.pem")
    shutil.copy(pair.key, folder / "console.key")
    return TlsSettings(cert_file=folder / "console.pem", key_file=folder / "console.key")


@asynccontextmanager
async def served(folder: Path, pair: Pair) -> AsyncIterator[int]:
    """Serve a console over TLS, which looks at its files all the time; gives the port."""
    stop = asyncio.Event()
    certificate = Certificate(files(folder, pair), every=0.01)
    async with a_console(folder, secure=True) as world:
        await world.with_account()
        with bind("127.0.0.1:0") as listener:
            port = listener.getsockname()[1]
            task = asyncio.create_task(serve(world.app, listener, stop, certificate=certificate))
            try:
                yield port
            finally:
                stop.set()
                await task


def serial(port: int, authority: Authority) -> str:
    """Ask which certificate is shown now, which must be the authority's."""
    trust = ssl.create_default_context(cafile=authority.root)
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        return str((secured.getpeercert() or {})["serialNumber"])


async def test_people_sign_in_over_https_and_the_cookie_is_bound_to_it(
    tmp_path: Path, authority: Authority
) -> None:
    trust = ssl.create_default_context(cafile=authority.root)
    async with (
        served(tmp_path, authority.issue("seats", hosts=("localhost",))) as port,
        httpx.AsyncClient(verify=trust, base_url=f"https://localhost:{port}") as browser,
    ):
        form = await browser.get("/sign-in")
        typed = {"name": "Ingrid Berg", "password": PASSWORD, "word": word_of(form)}
        opened = await browser.post("/sign-in", data=typed)
        page = await browser.get("/")

        assert form.headers["strict-transport-security"] == "max-age=31536000"
        assert opened.status_code == 303
        assert any(
            c.startswith("__Host-seatkeeper=") for c in opened.headers.get_list("set-cookie")
        )
        assert (page.status_code, "Ingrid Berg" in page.text) == (200, True)


async def test_a_renewed_certificate_is_shown_without_a_restart(
    tmp_path: Path, authority: Authority
) -> None:
    first = authority.issue("first", hosts=("localhost",))
    second = authority.issue("second", hosts=("localhost",))
    async with served(tmp_path, first) as port:
        before = await asyncio.to_thread(serial, port, authority)
        files(tmp_path, second)

        def renewed() -> bool:
            return serial(port, authority) != before

        await asyncio.to_thread(wait_until, renewed, "the second certificate")


async def test_half_a_renewal_is_not_shown(tmp_path: Path, authority: Authority) -> None:
    first = authority.issue("first", hosts=("localhost",))
    second = authority.issue("second", hosts=("localhost",))
    with structlog.testing.capture_logs() as logged:
        async with served(tmp_path, first) as port:
            before = await asyncio.to_thread(serial, port, authority)
            shutil.copy(second.cert, tmp_path / "console.pem")

            def kept() -> bool:
                return any(entry["event"] == "certificate.kept" for entry in logged)

            await asyncio.to_thread(wait_until, kept, "a look at the files")
            after = await asyncio.to_thread(serial, port, authority)

    assert after == before


@pytest.mark.parametrize("spoil", ["missing", "empty", "foreign key", "locked key"])
def test_files_that_cannot_be_used_are_refused_with_a_cure(
    tmp_path: Path, authority: Authority, spoil: str
) -> None:
    pair = authority.issue("seats", password="a password" if spoil == "locked key" else None)
    tls = files(tmp_path, pair)
    if spoil == "missing":
        tls.key_file.unlink()
    elif spoil == "empty":
        tls.cert_file.write_text("")
    elif spoil == "foreign key":
        shutil.copy(authority.issue("other").key, tls.key_file)

    with pytest.raises(UsageError, match=r"console\.tls: .*cannot be used .*PEM is wanted"):
        Certificate(tls)
