"""The flow is tested in simulated time: every async test here runs on a leaping clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from fakes import VirtualLoop


def pytest_asyncio_loop_factories(
    config: Any,  # noqa: ARG001 - the hook's signature
    item: Any,  # noqa: ARG001 - as above
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Give every test of this folder a loop of simulated time."""
    return {"simulated": VirtualLoop}
