"""What every part of the API shares: pages with cursors, tags of answers, faults as problem+json.

Cursors are sealed: they hold where a list goes on, which may be the name of a person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from seatkeeper.web.limiting import API, Limiter
from seatkeeper.web.refusals import Refusal

Item = TypeVar("Item")

MOST = 200
"""Items of a page."""


class Shape(BaseModel):
    """Something the API sends or takes; what it does not know is refused."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)


class Problem(BaseModel):
    """A fault (RFC 9457): what happened, and what to do about it."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["You may not do this"])
    status: int = Field(examples=[403])
    detail: str = Field(examples=["your role does not permit “decide” on site prod"])


class Page(Shape, Generic[Item]):
    """A part of a list; `next` is the cursor of the part after it, null at the end."""

    items: list[Item]
    next: str | None = None


def _problem(description: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {"description": description, "content": content}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: _problem("Nobody is signed in, or the token is not good."),
    403: _problem("The role does not permit it, or the form is not of this session."),
    404: _problem("There is no such thing, or not for this role."),
    422: _problem("The request cannot be understood."),
    429: _problem("More requests than the limit allows; see Retry-After."),
    503: _problem("The store cannot be used."),
}
"""What every route may answer."""

CONFLICT: dict[int | str, dict[str, Any]] = {
    409: _problem("It is not possible now: a limit, the mode, or somebody was first."),
    412: _problem("It is not what If-Match says any more."),
}
"""What routes that change something may answer as well."""

Limit = Annotated[int, Query(ge=1, le=MOST, description="Items of a page.")]
Cursor = Annotated[
    str, Query(max_length=4000, description="Where the list goes on: `next` of the page before.")
]


class BadCursor(Refusal):
    """A cursor that this console never gave."""

    status = 422
    title = "The cursor is not known"

    def __init__(self) -> None:
        super().__init__("begin at the first page: leave the cursor out")


def sealed(request: Request, place: Mapping[str, Any]) -> str:
    """Return a cursor."""
    text = msgspec.json.encode(dict(place)).decode("utf-8")
    closed: str = request.app.state.seal.close(text)
    return closed


def opened(request: Request, cursor: str) -> dict[str, Any]:
    """Return the place a cursor names, nothing for the first page; raises BadCursor."""
    if not cursor:
        return {}
    text = request.app.state.seal.open(cursor)
    try:
        place = msgspec.json.decode(text) if text else None
    except msgspec.DecodeError:
        place = None
    if not isinstance(place, dict):
        raise BadCursor
    return place


class TaggedRoute(APIRoute):
    """A route that counts who asks, tags what it gives, and says when nothing is new."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handler = super().get_route_handler()

        async def tagged(request: Request) -> Response:
            limiter: Limiter = request.app.state.limiter
            limiter.pass_or_refuse(API, _who(request))
            answer = await handler(request)
            if request.method in ("GET", "HEAD") and answer.status_code == 200:
                _tag(request, answer)
            return answer

        return tagged


def _who(request: Request) -> str:
    """Return what requests are counted by: the secret they bring, else the address."""
    secret = request.headers.get("authorization") or request.headers.get("cookie")
    if secret:
        return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
    return request.client.host if request.client else "unknown"


def _tag(request: Request, answer: Response) -> None:
    body = getattr(answer, "body", None)
    if not isinstance(body, bytes):
        return
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    answer.headers["ETag"] = tag
    answer.headers["Cache-Control"] = "private, no-cache"
    if tag in request.headers.get("if-none-match", ""):
        answer.status_code = 304
        answer.body = b""
        answer.headers["Content-Length"] = "0"
        del answer.headers["Content-Type"]
