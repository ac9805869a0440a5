"""Mail through Apprise to a real SMTP server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from messages import a_message
from qrs_pki import Authority
from receivers import MailServer, free_port
from seatkeeper.errors import NotTold
from seatkeeper.outlets.hiding import without_secrets
from seatkeeper.outlets.notify import Notifier

LONG = timedelta(seconds=20)


def mail(port: int, timeout: timedelta = LONG) -> Notifier:
    more = "from=seats@example.com&to=qlik@example.com&format=text"
    return Notifier(f"mailto://127.0.0.1:{port}?{more}", timeout)


async def test_a_mail_says_what_the_message_says() -> None:
    message = a_message(title="3 of 100 <seats> left ä prod", text="Zwölf & <b>three</b>\nline 2")
    async with MailServer().up() as server:
        said = await mail(server.port).tell(message, "k")

    [letter] = server.letters
    content = letter.get_content() if not letter.is_multipart() else str(letter)
    assert "took it" in said
    assert str(letter["Subject"]) == message.title
    assert "qlik@example.com" in str(letter["To"])
    assert "Zwölf & <b>three</b>\nline 2" in content.replace("\r\n", "\n")
    assert message.runbook in content


async def test_mail_goes_over_starttls_and_the_certificate_is_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path, "internal")
    pair = authority.issue("mail", hosts=("127.0.0.1", "localhost"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair.cert, pair.key)
    async with MailServer(tls=tls).up() as server:
        more = "from=seats@example.com&to=qlik@example.com"
        secure = Notifier(f"mailtos://localhost:{server.port}?{more}", LONG)
        with pytest.raises(NotTold, match="did not take it"):
            await secure.tell(a_message(), "k")
        assert server.letters == []

        monkeypatch.setenv("SSL_CERT_FILE", str(authority.root))
        await secure.tell(a_message(), "k")

    assert len(server.letters) == 1


async def test_a_mail_server_that_refuses_makes_the_message_wait() -> None:
    async with MailServer(refuses=True).up() as server:
        with pytest.raises(NotTold, match="did not take it"):
            await mail(server.port).tell(a_message(), "k")


async def test_a_mail_server_that_is_not_there_makes_the_message_wait() -> None:
    with pytest.raises(NotTold, match="did not take it"):
        await mail(free_port()).tell(a_message(), "k")


@pytest.fixture
async def silent() -> AsyncIterator[int]:
    """Take connections and never say a word."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", port := free_port())
    yield port
    server.close()
    await server.wait_closed()


async def test_a_service_that_hangs_is_ended_with_its_process(silent: int) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    hanging = mail(silent, timedelta(seconds=-8))  # the start is allowed ten seconds beside it
    with pytest.raises(NotTold, match=r"did not answer within 2 s|did not take it"):
        await hanging.tell(a_message(), "k")
    ticking.cancel()

    assert ticks > 10


async def test_a_url_is_understood_without_sending_anything() -> None:
    assert await mail(1).service() == "E-Mail"
    with pytest.raises(NotTold, match="knows no such URL"):
        await Notifier("nothing://x", LONG).service()


def test_no_part_of_a_url_is_told_but_the_name_of_a_host() -> None:
    url = "mailtos://anna:p%40ssword@mail.example.com/path?to=qlik@example.com&key=abcdef"
    said = "mail.example.com refused anna with p@ssword (abcdef)"

    assert without_secrets(said, url) == "mail.example.com refused … with … (…)"
    assert without_secrets("T1JJ3T3L2 failed", "slack://T1JJ3T3L2/A1BRTD4JD") == "… failed"
    assert without_secrets("no xy for ab in taxy", "mailto://ab:xy@localhost") == (
        "no … for … in taxy"
    )
