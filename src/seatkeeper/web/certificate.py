"""The certificate that the console shows, taken up anew when it is renewed on disk."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Any

from seatkeeper import logs
from seatkeeper.errors import UsageError
from seatkeeper.settings.console import TlsSettings

LOOK_EVERY = 60.0
"""Seconds between two looks at the files."""


class Certificate:
    """A pair of files. What does not fit together is never shown: the one before stays."""

    def __init__(self, files: TlsSettings, every: float = LOOK_EVERY) -> None:
        """Raises UsageError when the files cannot be used."""
        self._files, self._every = files, every
        self._seen = self._stamp()
        if (fault := self._fault()) is not None:
            raise UsageError(
                f"console.tls: {files.cert_file} with {files.key_file} cannot be used ({fault});"
                " PEM is wanted, the certificate first, the chain behind it, its key without a"
                " password"
            )

    @property
    def options(self) -> dict[str, Any]:
        """What uvicorn wants to know."""
        files = self._files
        return {"ssl_certfile": str(files.cert_file), "ssl_keyfile": str(files.key_file)}

    async def keep(self, context: ssl.SSLContext, stop: asyncio.Event) -> None:
        """Look at the files until `stop`, and show to new connections what was renewed."""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._every)
            self._look(context)

    def _look(self, context: ssl.SSLContext) -> None:
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        # Tried apart first: half a renewal would leave the context with a pair that does not fit.
        if (fault := self._fault()) is not None:
            logs.logger().warning("certificate.kept", reason=fault)
            return
        context.load_cert_chain(self._files.cert_file, self._files.key_file)
        logs.logger().info("certificate.renewed")

    def _stamp(self) -> tuple[tuple[int, int], ...]:
        found = []
        for file in (self._files.cert_file, self._files.key_file):
            try:
                about = file.stat()
            except OSError:
                found.append((0, 0))
            else:
                found.append((about.st_mtime_ns, about.st_size))
        return tuple(found)

    def _fault(self) -> str | None:
        trial = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # The empty password keeps OpenSSL from asking for one at the terminal.
            trial.load_cert_chain(self._files.cert_file, self._files.key_file, password="")
        except ssl.SSLError as error:
            return (error.reason or "no PEM").replace("_", " ").lower()
        except OSError as error:
            return error.strerror or type(error).__name__
        return None
