"""The rules of the wire, over real mutual TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from seatkeeper.simulator.moments import SECOND, to_ms
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.serve import Simulator
from seatkeeper.simulator.switches import Switches
from simulator.world import ANALYZER, SERVICE, XRFKEY, QrsClient, client_context, client_for

XSRF = "XSRF prevention check failed. Possible XSRF discovered."


@pytest_asyncio.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    async with Simulator(SimOptions(tmp_path / "site", users=40)) as made:
        yield made


@pytest_asyncio.fixture
async def client(simulator: Simulator) -> AsyncIterator[QrsClient]:
    async with client_for(simulator) as made:
        yield made


async def raw(
    client: QrsClient, target: str, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """Send a request line exactly as written."""
    sent = {"X-Qlik-Xrfkey": XRFKEY, "X-Qlik-User": SERVICE} if headers is None else headers
    address = URL(client.root + target, encoded=True)
    async with client.session.get(address, headers=sent) as response:
        return response.status, await response.text()


@pytest.mark.parametrize(
    ("parameter", "header", "status"),
    [
        (XRFKEY, XRFKEY, 200),
        (XRFKEY, "Zk3vQ9aB7mN1xT5d", 403),
        (XRFKEY, None, 403),
        (None, XRFKEY, 403),
        ("short", "short", 403),
        ("Zk3vQ9aB7mN1xT5-", "Zk3vQ9aB7mN1xT5-", 403),
    ],
)
async def test_the_xrfkey_must_come_twice(
    client: QrsClient, parameter: str | None, header: str | None, status: int
) -> None:
    headers = {"X-Qlik-User": SERVICE} | ({"X-Qlik-Xrfkey": header} if header else {})

    answer = await raw(
        client, f"/qrs/about?xrfkey={parameter}" if parameter else "/qrs/about", headers
    )

    assert answer[0] == status
    assert status == 200 or answer[1] == XSRF


async def test_names_of_headers_parameters_and_paths_ignore_case(client: QrsClient) -> None:
    headers = {"x-qlik-XRFKEY": XRFKEY, "x-qlik-user": "userdirectory=internal;USERID=SA_API"}

    status, _ = await raw(client, f"/QRS/License/AccessTypeOverview?XrfKey={XRFKEY}", headers)

    assert status == 200


async def test_an_unescaped_hash_cuts_off_the_xrfkey(client: QrsClient) -> None:
    assert await raw(client, "/qrs/user?filter=name%20eq%20'a") == (403, XSRF)


async def test_an_unescaped_ampersand_is_a_missing_value(client: QrsClient) -> None:
    target = f"/qrs/user?filter=name%20eq%20'R&D'&xrfkey={XRFKEY}"

    assert await raw(client, target) == (400, "Missing parameter value(s)")


@pytest.mark.parametrize("quoted", ["'sa_api'", "%27sa_api%27"])
async def test_quotes_may_be_encoded_or_not(client: QrsClient, quoted: str) -> None:
    target = f"/qrs/user/count?filter=userId%20eq%20{quoted}&xrfkey={XRFKEY}"

    assert await raw(client, target) == (200, '{"value": 1}')


async def test_special_characters_survive_encoding(client: QrsClient) -> None:
    _, made = await client.ask(
        "POST", "/qrs/user", {"userDirectory": "X", "userId": "x", "name": "A+B & C# 100% Ü"}
    )
    text = quote("name eq 'A+B & C# 100% Ü'", safe="")

    status, found = await raw(client, f"/qrs/user?filter={text}&xrfkey={XRFKEY}")

    assert status == 200
    assert made["id"] in found


async def asked_as(client: QrsClient, user: str | None) -> tuple[int, Any]:
    headers = {"X-Qlik-Xrfkey": XRFKEY} | ({"X-Qlik-User": user} if user else {})
    return await raw(client, f"/qrs/user/count?xrfkey={XRFKEY}", headers)


async def test_who_asks_decides_what_is_seen(simulator: Simulator, client: QrsClient) -> None:
    users = simulator.site.records.users.values()
    plain = next(user for user in users if user.habit == "daily" and not user.roles)
    plain.inactive = plain.blocked = False
    admin = next(
        user for user in users if user.roles == ("RootAdmin",) and user.directory != "INTERNAL"
    )
    everybody = (200, f'{{"value": {len(users)}}}')

    def header(directory: str, login: str) -> str:
        return f"UserDirectory={quote(directory)}; UserId={quote(login)}"

    assert await asked_as(client, SERVICE) == everybody
    assert await asked_as(client, None) == everybody
    assert await asked_as(client, header(admin.directory, admin.user_id)) == everybody
    assert await asked_as(client, header(plain.directory, plain.user_id)) == (200, '{"value": 0}')
    assert await asked_as(client, header("NOWHERE", "nobody")) == (403, "Forbidden")
    assert await asked_as(client, "nonsense") == (403, "Forbidden")


async def test_somebody_without_rights_changes_nothing(
    simulator: Simulator, client: QrsClient
) -> None:
    [seat, *_] = simulator.site.records.seats[ANALYZER]
    users = simulator.site.records.users.values()
    plain = next(user for user in users if not user.roles and user.directory == "EXAMPLE")
    headers = {
        "X-Qlik-Xrfkey": XRFKEY,
        "X-Qlik-User": f"UserDirectory={plain.directory}; UserId={plain.user_id}",
    }
    path = f"{client.root}/qrs/license/analyzeraccesstype/{seat}?xrfkey={XRFKEY}"

    async with client.session.delete(path, headers=headers) as response:
        assert response.status == 403
    async with client.session.get(path, headers=headers) as response:
        assert response.status == 404
    assert seat in simulator.site.records.seats[ANALYZER]


async def test_without_the_client_certificate_there_is_no_connection(
    simulator: Simulator,
) -> None:
    context = ssl.create_default_context(cafile=str(simulator.certificates.ca))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get(f"{simulator.url}/about?xrfkey={XRFKEY}")
    assert len(simulator.requests) == 0


async def test_a_certificate_of_another_site_is_refused(
    simulator: Simulator, tmp_path: Path
) -> None:
    async with Simulator(SimOptions(tmp_path / "other", users=1)) as other:
        context = ssl.create_default_context(cafile=str(simulator.certificates.ca))
        context.load_cert_chain(other.certificates.cert, other.certificates.key)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
            with pytest.raises(aiohttp.ClientError):
                await session.get(f"{simulator.url}/about?xrfkey={XRFKEY}")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_server_is_verified_by_name(
    simulator: Simulator, host: str, version: ssl.TLSVersion
) -> None:
    context = client_context(simulator.certificates)
    context.minimum_version = context.maximum_version = version
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    headers = {"X-Qlik-Xrfkey": XRFKEY}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        address = f"https://{host}:{simulator.port}/qrs/about?xrfkey={XRFKEY}"
        async with session.get(address, headers=headers) as response:
            assert response.status == 200


async def test_answers_carry_type_and_date(simulator: Simulator, client: QrsClient) -> None:
    headers = {"X-Qlik-Xrfkey": XRFKEY}
    async with client.session.get(
        f"{client.root}/qrs/user/full?xrfkey={XRFKEY}", headers=headers
    ) as response:
        date = to_ms(parsedate_to_datetime(response.headers["Date"]))

    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert abs(date - simulator.site.clock.now()) < 5 * SECOND


async def test_a_delete_answers_without_a_body(simulator: Simulator, client: QrsClient) -> None:
    key = next(
        seat.id for seat in simulator.site.records.seats[ANALYZER].values() if not seat.quarantined
    )

    assert await client.ask("DELETE", f"/qrs/license/analyzeraccesstype/{key}") == (204, "")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("text", "Not Found"),
        ("empty", ""),
        ("json", {"error": "Not Found"}),
        ("html", "<html><body><h1>404</h1></body></html>"),
    ],
)
async def test_errors_are_dressed_as_the_switch_says(
    simulator: Simulator, client: QrsClient, form: str, expected: Any
) -> None:
    simulator.set_switches(Switches.parse([f"error_bodies={form}"]))

    assert await client.ask("GET", "/qrs/app/full") == (404, expected)


async def test_a_long_line_is_refused(simulator: Simulator, client: QrsClient) -> None:
    text = " or ".join(["userId eq 'somebody'"] * 900)

    assert (await client.ask("GET", "/qrs/user", filter=text))[0] == 414
    simulator.set_switches(Switches.parse(["url_limit=0"]))
    assert await client.ask("GET", "/qrs/user", filter=text) == (200, [])


async def test_everything_else_is_not_found(client: QrsClient) -> None:
    assert (await client.ask("GET", "/other/about"))[0] == 404
    assert (await client.ask("GET", "/sim/requests"))[0] == 404
    assert (await client.ask("PATCH", "/qrs/user"))[0] == 404


async def test_the_log_shows_who_asked_for_what(simulator: Simulator, client: QrsClient) -> None:
    await client.ask("GET", "/qrs/User/count", filter="inactive eq true")
    await client.ask("DELETE", "/qrs/license/analyzeraccesstype/unknown")

    first, second = simulator.requests

    assert (first.method, first.path, first.status) == ("GET", "/qrs/user/count", 200)
    assert (first.user, second.status) == (SERVICE, 404)
    assert "inactive" in first.query
    assert simulator.requests.count(method="delete") == 1
    assert simulator.requests.count(path_contains="AccessType") == 1
    simulator.requests.clear()
    assert simulator.requests.count() == 0


async def test_a_large_list_arrives_whole(client: QrsClient) -> None:
    status, users = await client.ask("GET", "/qrs/user/full")
    many = [{"userDirectory": "BULK", "userId": f"user{number}"} for number in range(3000)]
    await client.ask("POST", "/qrs/user/many", many)

    status, more = await client.ask("GET", "/qrs/user/full")

    assert status == 200
    assert len(more) == len(users) + 3000


async def test_a_selection_may_be_large(client: QrsClient) -> None:
    item = {"type": "User", "objectID": "aa000000-0000-4000-8000-000000000001"}

    status, selection = await client.ask("POST", "/qrs/selection", {"items": [item] * 20_000})

    assert (status, len(selection["items"])) == (201, 20_000)


async def test_many_ask_at_once(client: QrsClient) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(client.ask("GET", "/qrs/about")) for _ in range(200)]

    assert {task.result()[0] for task in tasks} == {200}
