"""Real receivers of messages for tests, on free loopback ports: HTTP, SMTP, MQTT, Alertmanager."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import subprocess
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

PATIENCE = 60.0
"""Seconds after which something that was waited for is not coming."""


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def until(holds: Callable[[], Any]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - receivers know no event of it
            await asyncio.sleep(0.02)


@dataclass
class Heard:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class HttpReceiver:
    """Takes requests; `answers` are given first, one each, then 200. `hang`: never answers."""

    port: int = field(default_factory=free_port)
    heard: list[Heard] = field(default_factory=list)
    answers: list[web.Response] = field(default_factory=list)
    hang: bool = False
    tls: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/in"

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.heard.append(
            Heard(request.method, request.path, dict(request.query), dict(request.headers), body)
        )
        if self.hang:
            await asyncio.sleep(PATIENCE)
        return self.answers.pop(0) if self.answers else web.Response(text="fine")

    @contextlib.asynccontextmanager
    async def up(self) -> AsyncIterator[HttpReceiver]:
        """Listen until the block ends."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._take)
        runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port, ssl_context=self.tls).start()
        try:
            yield self
        finally:
            await runner.cleanup()


@dataclass
class MailServer:
    """A real SMTP server; with `tls` it wants STARTTLS before a letter."""

    port: int = field(default_factory=free_port)
    letters: list[EmailMessage] = field(default_factory=list)
    refuses: bool = False
    tls: ssl.SSLContext | None = None

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take a letter."""
        if self.refuses:
            return "451 the mailbox is locked for a while"
        content = envelope.content
        assert isinstance(content, bytes)
        letter = message_from_bytes(content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        return "250 taken"

    @property
    def subjects(self) -> list[str]:
        """The titles of the letters, in their order."""
        return [str(letter["Subject"]) for letter in self.letters]

    @contextlib.asynccontextmanager
    async def up(self) -> AsyncIterator[MailServer]:
        """Listen until the block ends."""
        options: dict[str, Any] = {"enable_SMTPUTF8": True, "hostname": "127.0.0.1"}
        if self.tls:
            options |= {"tls_context": self.tls, "require_starttls": True}
        server = await asyncio.get_running_loop().create_server(
            lambda: SMTP(self, **options), "127.0.0.1", self.port
        )
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


@contextlib.asynccontextmanager
async def running(words: list[str], port: int) -> AsyncIterator[None]:
    """Run a server until the block ends; it answers on that port."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(words, stdout=said, stderr=said)  # noqa: ASYNC220 - at once
        try:
            async with asyncio.timeout(PATIENCE):
                while not await _answers(port):
                    assert process.poll() is None, _all_of(said)
                    await asyncio.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(30)


def _all_of(file: Any) -> str:
    file.seek(0)
    return str(file.read())


def _call(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    loop.call_soon_threadsafe(event.set)


@dataclass
class Mosquitto:
    """A real MQTT broker, with or without a login."""

    folder: Path
    user: str = ""
    password: str = ""
    tls: tuple[Path, Path] | None = None
    port: int = field(default_factory=free_port)

    @contextlib.asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """Listen until the block ends."""
        lines = [f"listener {self.port} 127.0.0.1", "persistence false"]
        if self.tls:
            lines += [f"certfile {self.tls[0]}", f"keyfile {self.tls[1]}"]
        if self.user:
            logins = self.folder / "logins"
            logins.touch()
            subprocess.run(  # noqa: ASYNC221 - done at once
                ["mosquitto_passwd", "-b", logins, self.user, self.password], check=True
            )
            lines += ["allow_anonymous false", f"password_file {logins}"]
        else:
            lines.append("allow_anonymous true")
        lines.append("user root")
        config = self.folder / "mosquitto.conf"
        config.write_text("\n".join(lines) + "\n")
        async with running(["mosquitto", "-c", str(config)], self.port):
            yield

    @contextlib.asynccontextmanager
    async def listener(self) -> AsyncIterator[list[tuple[str, str]]]:
        """Listen to every topic; yields the list that fills with topic and payload."""
        heard: list[tuple[str, str]] = []
        subscribed = asyncio.Event()
        loop = asyncio.get_running_loop()
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.on_message = lambda _c, _d, m: heard.append((m.topic, m.payload.decode()))
        client.on_subscribe = lambda *_: _call(loop, subscribed)
        if self.user:
            client.username_pw_set(self.user, self.password)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        client.subscribe("#", qos=1)
        try:
            async with asyncio.timeout(PATIENCE):
                await subscribed.wait()
            yield heard
        finally:
            client.disconnect()
            client.loop_stop()


@dataclass
class RealAlertmanager:
    """A real Alertmanager that notifies nobody."""

    folder: Path
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """Listen until the block ends."""
        config = self.folder / "alertmanager.yml"
        config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        words = [
            "prometheus-alertmanager",
            f"--config.file={config}",
            f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]
        async with running(words, self.port):
            yield

    async def alerts(self) -> list[Any]:
        """Return the alerts that are active there."""

        def ask() -> list[Any]:
            with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=PATIENCE) as answer:
                found = json.load(answer)
                assert isinstance(found, list)
                return found

        return await asyncio.to_thread(ask)
