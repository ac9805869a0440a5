"""A receiver that speaks the documented write API of InfluxDB 3, and can be told to fail.

`POST /api/v3/write_lp?db=…&precision=…`: 204, or 400 with the lines at fault while the others are
kept (`accept_partial` is on by default).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Written:
    """One request as it came."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    lines: list[str]


@dataclass
class Receiver:
    """What it took, and how it answers; `answer` is given to everybody, whatever they write."""

    requests: list[Written] = field(default_factory=list)
    kept: dict[str, None] = field(default_factory=dict)
    refuses: str = ""
    largest: int = 10_000_000
    answer: tuple[int, str, dict[str, str]] | None = None

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one write."""
        body = await request.read()  # aiohttp unpacks gzip by itself
        lines = body.decode().split("\n")
        self.requests.append(
            Written(request.path, dict(request.query), dict(request.headers), lines)
        )
        if self.answer is not None:
            status, text, headers = self.answer
            return web.Response(status=status, text=text, headers=headers)
        if len(body) > self.largest:
            return web.json_response({"error": "request entity too large"}, status=413)
        bad = [n for n, line in enumerate(lines, 1) if self.refuses and self.refuses in line]
        self.kept |= dict.fromkeys(line for n, line in enumerate(lines, 1) if n not in bad)
        if not bad:
            return web.Response(status=204)
        told = [
            {
                "original_line": lines[n - 1],
                "line_number": n,
                "error_message": "invalid column type for column 'total', expected "
                "iox::column_type::field::integer, got iox::column_type::field::float",
            }
            for n in bad
        ]
        error = {"error": "partial write of line protocol occurred", "data": told}
        return web.json_response(error, status=400)


@contextlib.asynccontextmanager
async def a_receiver(receiver: Receiver) -> AsyncIterator[str]:
    """Serve it on a free port; gives its address."""
    app = web.Application(client_max_size=100_000_000)
    app.router.add_route("POST", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
