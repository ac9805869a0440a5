"""The API is what its description says: asked whatever that allows, and much that it does not.

Schemathesis makes the requests in process; half of them name things that are really there.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from limits import RateLimitItem
from schemathesis import GenerationMode
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api_world import COST, Seeded, seeded
from console_world import World, a_console
from seatkeeper.core.roles import Role
from seatkeeper.web.api import PREFIX, api_router
from seatkeeper.web.api.description import describe
from seatkeeper.web.api.events import Streams
from seatkeeper.web.limiting import Limiter
from seatkeeper.web.sealed import Purpose, Seal

REQUESTS = 40
"""Made of each address in each way; all of it together takes well below a minute."""

DESCRIBED = {
    f"{method.upper()} {path}": one
    for path, methods in describe(api_router().routes)["paths"].items()
    for method, one in methods.items()
}


def can_be_wrong(described: dict[str, Any]) -> bool:
    """Whether something can be sent that the description forbids; any text is good in a path."""
    parameters = described.get("parameters", ())
    bounds = {"minimum", "maximum", "minLength", "maxLength"}
    in_path = [p["schema"] for p in parameters if p["in"] == "path"]
    elsewhere = [p for p in parameters if p["in"] != "path"]
    return bool(elsewhere) or "requestBody" in described or any(bounds & set(s) for s in in_path)


LEGAL = {
    "site", "type", "view", "department", "idle_days", "sort", "descending", "cursor", "limit",
    "ref", "status", "plan_id", "list", "kind", "state", "request_id", "run_id", "seq", "rule",
    "silence_id", "month", "by", "person", "since", "until",
}  # fmt: skip
"""What addresses hold; `ref` and `person` are sealed, `by` is who acted on Seatkeeper."""


class Unlimited(Limiter):
    """Lets everything pass: more is asked here than anybody may."""

    def pass_or_refuse(self, limit: RateLimitItem, who: str) -> None:
        """Let it pass."""


@dataclass(frozen=True)
class Served:
    """A filled console in process, what it describes, and how to sign in."""

    schema: BaseSchema
    bare: BaseSchema
    """The same without a word of signing in: it is done for every request."""
    real: dict[str, str]
    headers: dict[str, str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A console with something of everything, and a token that may do everything."""
    folder = tmp_path_factory.mktemp("schema")
    with asyncio.Runner() as runner:
        console = a_console(folder, COST)
        world: World = runner.run(console.__aenter__())
        try:
            world.app.state.limiter = Unlimited()
            world.app.state.streams = Streams(longest=0)
            held = runner.run(seeded(world))
            program = runner.run(world.with_token(Role.ADMIN))
            headers = {"Authorization": program.headers["authorization"]}
            where = f"{PREFIX}/openapi.json"
            schema = schemathesis.openapi.from_asgi(where, world.app, headers=headers)
            told = describe(world.app.routes)
            bare = schemathesis.openapi.from_dict(told | {"security": []})
            bare.app = world.app
            yield Served(schema, bare, real(held), headers)
        finally:
            runner.run(console.__aexit__(None, None, None))


def real(held: Seeded) -> dict[str, str]:
    """Return names of things that are there."""
    return {
        "site": held.site,
        "ref": Seal(b"a secret of the store").close(held.person, Purpose.PERSON, held.site),
        "plan_id": held.waiting.plan_id,
        "request_id": str(held.request_id),
        "silence_id": str(held.silence_id),
        "run_id": held.run_id,
        "seq": "1",
    }


def asked(served: Served, name: str, mode: GenerationMode) -> Counter[int]:
    """Ask one address many times, hold each answer to the description, count the statuses."""
    allowed = mode is GenerationMode.POSITIVE
    method, _, path = name.partition(" ")
    one, seen = (served.schema if allowed else served.bare)[path][method], Counter[int]()
    cases = st.tuples(one.as_strategy(generation_mode=mode), st.booleans())

    @settings(
        max_examples=REQUESTS,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(cases)
    def ask(drawn: tuple[Any, bool]) -> None:
        case, on_what_is_there = drawn
        if allowed and on_what_is_there and case.path_parameters:
            case.path_parameters = {key: served.real[key] for key in case.path_parameters}
        answer = case.call(headers=served.headers)
        seen[answer.status_code] += 1
        # A cursor or a key that nobody gave is of the right form, and refused.
        case.validate_response(
            answer, headers=served.headers, excluded_checks=[positive_data_acceptance]
        )

    ask()
    return seen


@pytest.mark.parametrize("name", sorted(DESCRIBED))
def test_what_the_description_allows_is_answered_as_it_says(served: Served, name: str) -> None:
    seen = asked(served, name, GenerationMode.POSITIVE)

    assert seen
    assert not [code for code in seen if code >= 500]


@pytest.mark.parametrize("name", sorted(n for n, one in DESCRIBED.items() if can_be_wrong(one)))
def test_what_the_description_forbids_is_refused_and_breaks_nothing(
    served: Served, name: str
) -> None:
    seen = asked(served, name, GenerationMode.NEGATIVE)

    assert seen
    assert not [code for code in seen if code >= 500]


def test_addresses_hold_no_name_of_anybody() -> None:
    found = describe(api_router().routes)["paths"]
    held = {
        parameter["name"]
        for methods in found.values()
        for one in methods.values()
        for parameter in one.get("parameters", ())
        if parameter["in"] in ("path", "query")
    }

    assert held == LEGAL
    assert all(re.fullmatch(r"/api/v1(/[a-z-]+|/{[a-z_]+})+", path) for path in found)
