"""Steps that follow a reading: one that fails is told and keeps the others going."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from seatkeeper.errors import SeatkeeperError, said_of
from seatkeeper.logs import logger

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Trouble:
    """A step that failed, and why."""

    step: str
    error: str

    @property
    def words(self) -> str:
        """The failure in a sentence."""
        return f"{self.step} failed: {self.error}"


@dataclass(slots=True)
class Steps:
    """The steps of one cycle, and what failed so far."""

    site: str
    run_id: str
    troubles: list[Trouble] = field(default_factory=list)

    async def attempt(self, step: str, do: Callable[[], Awaitable[Done]]) -> Done | None:
        """Do a step; None when it fails, which is logged and remembered."""
        try:
            return await do()
        except Exception as error:  # noqa: BLE001 - a mistake in one step must not stop the others
            self._failed(Trouble(step, said_of(error)), error)
            return None

    def _failed(self, trouble: Trouble, error: Exception) -> None:
        self.troubles.append(trouble)
        fault = None if isinstance(error, SeatkeeperError) else error
        log = logger(site=self.site, run_id=self.run_id, step=trouble.step)
        log.error("cycle.step_failed", error=trouble.error, exc_info=fault)
