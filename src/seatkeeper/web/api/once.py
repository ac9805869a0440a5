"""`Idempotency-Key`: a write that a program repeats is done once and answered alike for a day.

What is refused leaves its key free, for nothing was done. What broke off in the middle is never
done again under its key: nobody knows how far it came.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from seatkeeper.core.roles import Identity
from seatkeeper.errors import NotAllowed, PlanStale, UsageError
from seatkeeper.store import Answer, Claim, Claimed
from seatkeeper.web.refusals import Refusal
from seatkeeper.web.who import Visitor, desk_of

_REFUSED = (Refusal, NotAllowed, PlanStale, UsageError)
"""After these nothing was done."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a write came to; it names no user of Qlik, for it is kept for a day."""

    shown: BaseModel
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class KeyBusy(Refusal):
    """The first request with this key goes on."""

    status = 409
    title = "The first request with this key goes on"


class KeyBrokenOff(Refusal):
    """The first request with this key broke off."""

    status = 409
    title = "Nobody knows what became of the first request with this key"


class KeyUsed(Refusal):
    """The key belongs to another request."""

    status = 422
    title = "The key was used for another request"


class Once:
    """What a write goes through; without a key it is simply done."""

    def __init__(
        self,
        request: Request,
        idempotency_key: Annotated[
            str | None,
            Header(
                min_length=1,
                max_length=200,
                pattern=r"^[!-~]+$",
                description="A text of your own, new for each write. Sent again within 24 hours, "
                "it gets the first answer and nothing is done.",
            ),
        ] = None,
    ) -> None:
        self._request = request
        self._key = idempotency_key

    async def do(self, visitor: Visitor, work: Callable[[], Awaitable[Done]]) -> Response:
        """Do the work, or answer as the first time; raises KeyBusy, KeyBrokenOff or KeyUsed."""
        if self._key is None:
            return _response(_answer(await work()))
        answers, name = desk_of(self._request).store.answers, _name(visitor.identity, self._key)
        claimed = await answers.claim(name, await self._fingerprint(), desk_of(self._request).now())
        if claimed.claim is not Claim.OURS:
            return _again(claimed)
        try:
            answer = _answer(await work())
        except _REFUSED:
            await answers.release(name)
            raise
        except BaseException:
            await answers.break_off(name)
            raise
        await answers.keep(name, answer)
        return _response(answer)

    async def _fingerprint(self) -> str:
        asked = f"{self._request.method} {self._request.url.path}?{self._request.url.query}\n"
        return hashlib.sha256(asked.encode() + await self._request.body()).hexdigest()


OnceOnly = Annotated[Once, Depends()]


def _name(who: Identity, key: str) -> str:
    """Return what a key is kept under: everybody has keys of their own."""
    return hashlib.sha256(f"{who.via.value}\n{who.name}\n{key}".encode()).hexdigest()


def _answer(done: Done) -> Answer:
    return Answer(done.status, done.headers, done.shown.model_dump_json().encode("utf-8"))


def _response(answer: Answer) -> Response:
    headers = dict(answer.headers)
    return Response(answer.body, answer.status, headers, media_type="application/json")


def _again(claimed: Claimed) -> Response:
    if claimed.claim is Claim.DONE:
        response = _response(claimed.answer)
        response.headers["Idempotency-Replayed"] = "true"
        return response
    if claimed.claim is Claim.OTHER:
        raise KeyUsed("choose a new key for each write; a key is known for 24 hours")
    if claimed.claim is Claim.RUNNING:
        raise KeyBusy("wait a moment and send it again with the same key")
    raise KeyBrokenOff("look at the plan, its requests or the ledger; then use a new key")
